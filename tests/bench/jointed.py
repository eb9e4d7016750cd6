"""How exactly a head on joints is solved: the demo's with jaw, eyes and neck turning below a skin, filmed and solved.

    python -m tests.bench.jointed OUT --frames 12 --length 24 --quality standard

The colors of an eyeball do not tell where it looked, only how it turned from frame to frame: the gaze is pinned at the
first frame, as an animator pins it, or with ``--free-gaze`` left to priors.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

import facesolve
from facesolve.demo.film import GLOSS, Stage
from facesolve.demo.head import build_head
from facesolve.demo.jointed import EYES, TURNS, build_jointed_rig, jointed_curves
from facesolve.demo.performance import AIM
from facesolve.demo.skin import paint
from facesolve.geometry.rig import RigModel
from facesolve.jobs.demo_take import TRUTH, film_take
from facesolve.render.texture_files import write_texture
from facesolve.take import Pin, Solution, Take, write_take
from facesolve.take.rig_evaluation import RigEvaluator

FACE_ABOVE = AIM[1] - 10.0  # cm: what lies below is neck and shoulders, of which little is in the picture


def film(folder: Path, frames: int, length: int, pinned: bool = True, textured: bool = False) -> Take:
    """The first ``frames`` of a performance of ``length``, with the gaze pinned at the first of them.

    textured: the take has the rig's albedo, which tells where eyes look.
    """
    head = build_head()
    rig = build_jointed_rig(head)
    model = RigModel(rig)
    curves = jointed_curves(rig.control_names, length)[:frames]
    stage = Stage.of(model, paint(head, model))
    take = film_take(stage, folder, frames, curves=curves)
    if textured:
        take = replace(take, texture=write_texture(stage.texture, folder)[0].as_posix())
    if not pinned:
        return take
    gaze = [turn.control for turn in TURNS if turn.joint in EYES]
    values = {name: float(curves[0, rig.control_names.index(name)]) for name in gaze}
    assert take.start is not None
    controls = [values.get(name, value) for name, value in zip(rig.control_names, take.start.controls, strict=True)]
    pins = tuple(Pin(int(take.frames[0]), name, value) for name, value in values.items())
    settings = replace(take.settings, pins=pins)
    return replace(take, settings=settings, start=replace(take.start, controls=np.array(controls)))


def errors(take: Take, solution: Solution, folder: Path) -> dict[str, np.ndarray]:
    """For each frame: degrees that jaw, eyes and neck are off in the world, and millimeters of the face's skin."""
    truth = np.load(folder / TRUTH)
    evaluator, rig = RigEvaluator(take.rig), take.rig
    found: dict[str, np.ndarray] = {}
    heads = solution.head, truth["head"]
    poses = solution.controls, truth["weights"]
    turned = [head[:, None] @ evaluator.joint_matrices(controls) for head, controls in zip(heads, poses, strict=True)]
    for index, joint in enumerate(rig.joints):
        apart = np.einsum("fij,fik->fjk", *(each[:, index, :3, :3] for each in turned))
        cosine = (np.trace(apart, axis1=1, axis2=2) - 1) / 2
        found[joint.name] = np.degrees(np.arccos(np.clip(cosine, -1, 1)))
    places = [
        np.einsum("fij,fvj->fvi", head[:, :3, :3], evaluator.vertices(controls)) + head[:, None, :3, 3]
        for head, controls in zip(heads, poses, strict=True)
    ]
    skin = np.arange(rig.vertex_count) < rig.meshes[0].vertex_count
    face = skin & (rig.neutral[:, 1] > FACE_ABOVE) & (rig.photometric_weight > 0)
    found["face mm"] = 10 * np.linalg.norm(places[0] - places[1], axis=2)[:, face].mean(axis=1)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--frames", type=int, default=12)
    parser.add_argument("--length", type=int, default=24)
    parser.add_argument("--quality", default="standard")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--free-gaze", action="store_true")
    parser.add_argument("--texture", action="store_true")
    parser.add_argument("--matte-eyes", action="store_true", help="without the highlights, which stay as eyes turn")
    given = parser.parse_args()
    if given.matte_eyes:
        GLOSS["eye"] = (0.0, 1.0)
    take = film(given.out, given.frames, given.length, not given.free_gaze, given.texture)
    take = replace(take, settings=replace(take.settings, quality=given.quality))
    write_take(take, given.out)
    begun, wall = time.process_time(), time.perf_counter()
    solution = facesolve.solve(take, device=given.device)
    print(f"{time.perf_counter() - wall:.0f} seconds, {time.process_time() - begun:.0f} of CPU")
    for name, values in errors(take, solution, given.out).items():
        print(f"{name:8} mean {values.mean():.3f} worst {values.max():.3f}  {np.round(values, 2).tolist()}")


if __name__ == "__main__":
    main()
