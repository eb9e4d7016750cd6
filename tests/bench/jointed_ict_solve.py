"""``ict_rom``'s head on joints: exported from the stand-in for Maya, filmed, solved, keyed and read back there.

    python -m tests.bench.jointed_ict_solve DATA/ict_rom OUT --frames 8 --quality standard

Scene and rig are those of ``jointed_ict``; skin and irises are painted here, the shapes follow the recorded performance
of ``ict_rom``. The gaze is pinned in the first frame. Errors are over the front of the face.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

import facesolve
from facesolve.demo.film import Stage
from facesolve.demo.jointed import EYES
from facesolve.demo.noise import ValueNoise
from facesolve.demo.skin import FRECKLE, SKIN
from facesolve.geometry.rig import RigModel
from facesolve.jobs.demo_take import TRUTH, film_take
from facesolve.render.interpolate import interpolate
from facesolve.render.rasterize_torch import rasterize
from facesolve.take import Pin, Rig, Take, write_take
from tests.bench.joint_face import keyed_apart
from tests.bench.jointed import errors
from tests.bench.jointed_ict import UNREADABLE, ict_on_joints
from tests.bench.jointed_scene import TIMES, apart, open_scene_of, read_rig, save_and_open_again

from maya import cmds  # isort: skip
from facesolve_maya.apply import ApplyRequest, apply_solution  # isort: skip
from facesolve_maya.scene.findings import Report  # isort: skip

FACE = 6706  # vertices of the front of the face come first
SIZE = 2048  # texels
FIRST = 12  # frame from which the performance is played
IRIS, PUPIL = 24.0, 9.0  # degrees from where an eye looks
LOOK = {"rotateX": (9.0, 0.7), "rotateY": (14.0, 1.1)}  # degrees, and turns over the whole length


def with_uvs(rig: Rig, folder: Path, on_eye: np.ndarray) -> Rig:
    """The rig with its UVs in one tile: skin in the lower half, eyes, which lie over it, in the upper one."""
    given = np.load(folder / "rig.npz")
    uvs, corners = given["uv"].astype(float) / 2, given["face_uvs"].astype(np.int32)
    upper = on_eye[given["faces"]]
    return replace(
        rig,
        uvs=np.concatenate([uvs, uvs + np.array([0.0, 0.5])]).astype(np.float32),
        face_uvs=np.where(upper, corners + len(uvs), corners).astype(np.int32),
    )


def painted(rig: Rig, eyes: list[np.ndarray]) -> np.ndarray:
    """Albedo (SIZE, SIZE, 3): mottled skin with freckles, and eyes by the angle from straight ahead."""
    model, uvs = RigModel(rig), torch.as_tensor(rig.uvs)
    assert model.triangle_uvs is not None
    clip = torch.stack([2 * uvs[:, 0] - 1, 1 - 2 * uvs[:, 1], torch.zeros(len(uvs)), torch.ones(len(uvs))], 1)
    triangle, weights, _ = rasterize(clip[None], model.triangle_uvs, (SIZE, SIZE))
    attributes = np.zeros((rig.vertex_count, 4), np.float32)
    attributes[:, :3] = rig.neutral
    for eye in eyes:
        attributes[eye, :3] -= rig.neutral[eye].mean(axis=0)
        attributes[eye, 3] = 1.0
    values = interpolate(torch.from_numpy(attributes)[None], triangle, weights, model.triangles)[0]
    covered = triangle[0] >= 0
    points, on_eye = values[covered][:, :3], values[covered][:, 3:] > 0.5
    image = torch.tensor(SKIN).repeat(SIZE, SIZE, 1)
    image[covered] = torch.where(on_eye, _eye(points), _skin(points)).clamp(0.004, 1.0)
    return image.numpy()


def _skin(points: Tensor) -> Tensor:
    noise = ValueNoise(1)
    tone = 0.10 * noise.layers(points, 0.35, 3) + 0.09 * noise.layers(points, 3.0, 2, 0.8)
    freckles = ((noise(points, 2.6, 4) + 0.35 * noise(points, 6.1, 5) - 0.62) / 0.23).clamp(0, 1)[:, None]
    color = torch.tensor(SKIN) * (1 + tone)[:, None]
    return color + 0.6 * freckles * (torch.tensor(FRECKLE) - color)


def _eye(points: Tensor) -> Tensor:
    toward = torch.nn.functional.normalize(points, dim=1)
    angle = torch.rad2deg(torch.acos(toward[:, 2].clamp(-1, 1)))[:, None]
    streaks = ValueNoise(2)(toward * torch.tensor([1.0, 1.0, 0.2]), 9.0)[:, None]
    white = torch.tensor([0.72, 0.68, 0.64]) * (1 + 0.06 * ValueNoise(3)(toward, 5.0)[:, None])
    iris = torch.tensor([0.10, 0.17, 0.20]) * (1 + 0.5 * streaks)
    inside, dark = ((limit - angle + 0.75).clamp(0, 1.5) / 1.5 for limit in (IRIS, PUPIL))
    color = white + inside * (iris - white)
    return color + dark * (0.01 - color)


def curves_of(rig: Rig, folder: Path, length: int) -> np.ndarray:
    """(length, K) what the controls do: the recorded shapes, and smooth turns of jaw, eyes and neck."""
    truth = np.load(folder / "truth.npz")
    recorded = dict(zip(map(str, truth["names"]), truth["weights"].T, strict=True))
    moments, low, high = FIRST + np.arange(length), *rig.bounds.T
    turn = np.linspace(0, 2 * np.pi, length)
    curves = np.tile(rig.default_controls, (length, 1))
    for k, control in enumerate(rig.controls):
        node, _, attribute = control.plug.partition(".")
        if node in EYES:
            size, speed = LOOK[attribute]
            curves[:, k] = size * np.sin(speed * turn + k)
        elif node in ("jaw", "neck"):
            share = 0.5 - 0.4 * np.cos(turn) if low[k] == 0 else 0.5 + 0.2 * np.sin(turn + k)
            curves[:, k] = low[k] + share * (high[k] - low[k])
        elif node == "face_CTL":
            curves[:, k] = low[k] + (0.3 + 0.2 * np.sin(turn + k)) * (high[k] - low[k])
        elif attribute in recorded:
            open_eyes = 0.4 if attribute.startswith("eyeBlink") else 1.0
            curves[:, k] = open_eyes * recorded[attribute][moments]
    return np.clip(curves, low, high)


def filmed(rig: Rig, folder: Path, out: Path, frames: int, length: int, eyes: list[np.ndarray]) -> Take:
    """The take of the exported rig: the first frames of a performance, with the gaze pinned in the first of them."""
    curves = curves_of(rig, folder, length)
    take = film_take(Stage.of(RigModel(rig), painted(rig, eyes)), out, length, curves=curves)
    truth = dict(np.load(out / TRUTH))
    np.savez(out / TRUTH, **{**truth, "weights": truth["weights"][:frames], "head": truth["head"][:frames]})
    take = replace(take, frames=take.frames[:frames], scene_times=take.frames[:frames].astype(float))
    assert take.start is not None
    start, pins = take.start.controls.copy(), []
    for k, control in enumerate(rig.controls):
        if control.plug.partition(".")[0] in EYES:
            pins.append(Pin(int(take.frames[0]), control.name, float(curves[0, k])))
            start[k] = curves[0, k]
    settings = replace(take.settings, pins=tuple(pins))
    start_pose = replace(take.start, controls=start)
    return replace(take, settings=settings, start=start_pose)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("ict_rom", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--frames", type=int, default=8)
    parser.add_argument("--length", type=int, default=20)
    parser.add_argument("--quality", default="standard")
    parser.add_argument("--only-film", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scene:
        built = ict_on_joints(given.ict_rom)
        open_scene_of(built, Path(scene), UNREADABLE)
        rig, _ = read_rig(("head",), "root", TIMES, Report())
        print(f"exported  worst {apart(rig, 5).max():.1e} cm over 5 poses", flush=True)
        cmds.setAttr("root.rotate", 0, 0, 0)
        assert built.skin is not None
        influences, weights = built.skin.padded()
        eyes = [np.flatnonzero((influences[:, 0] == 2 + side) & (weights[:, 0] == 1)) for side in range(2)]
        on_eye = np.zeros(rig.vertex_count, bool)
        on_eye[np.concatenate(eyes)] = True
        take = filmed(with_uvs(rig, given.ict_rom, on_eye), given.ict_rom, given.out, given.frames, given.length, eyes)
        take = replace(take, settings=replace(take.settings, quality=given.quality))
        write_take(take, given.out)
        if given.only_film:
            return
        begun = time.process_time()
        solution = facesolve.solve(take, device="cpu")
        print(f"solved in {time.process_time() - begun:.0f} seconds of CPU")
        face = (np.arange(rig.vertex_count) < FACE).astype(np.float32)
        for name, values in errors(replace(take.rig, photometric_weight=face), take, solution, given.out).items():
            print(f"{name:10} mean {values.mean():.3f} worst {values.max():.3f}  {np.round(values, 2).tolist()}")
        print(apply_solution(ApplyRequest(take, solution, head="root")))
        save_and_open_again(Path(scene))
        print(f"keyed     worst {keyed_apart(take, solution).max():.1e} cm over {given.frames} frames")


if __name__ == "__main__":
    main()
