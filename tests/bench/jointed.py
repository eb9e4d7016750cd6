"""How exactly a head on joints is solved: the demo's with jaw, eyes and neck turning below a skin, filmed and solved.

    python -m tests.bench.jointed OUT --frames 12 --length 24 --quality standard
    python -m tests.bench.jointed OUT --dna          the rig is written as MetaHuman DNA and read back before the solve

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
from facesolve.geometry.rig_files import read_rig
from facesolve.jobs.demo_take import TRUTH, film_take
from facesolve.render.texture_files import write_texture
from facesolve.take import Pin, Rig, Solution, Take, write_take
from facesolve.take.rig_evaluation import RigEvaluator
from tests.geometry.dna import DemoHead, dna_bytes

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


def as_dna(take: Take, folder: Path) -> Take:
    """The take with its rig as a DNA says it: raw controls from 0 to 1, one for either direction of a turn."""
    head, path = DemoHead(), folder / "head.dna"
    path.write_bytes(dna_bytes(head.written))
    rig = read_rig(path, print)
    columns = [head.names.index(name) for name in rig.control_names]
    assert take.start is not None
    start = head.raw(take.start.controls[None])[0, columns]
    pins = []
    for pin in take.settings.pins:
        values = np.zeros((1, len(take.rig.controls)))
        values[0, take.rig.control_names.index(pin.control)] = pin.value
        raw = dict(zip(head.names, head.raw(values)[0].tolist(), strict=True))
        pins += [Pin(pin.frame, name, raw[name]) for name in rig.control_names if name.startswith(pin.control)]
    rig = replace(rig, photometric_weight=take.rig.photometric_weight, rigid_weight=take.rig.rigid_weight)
    settings = replace(take.settings, pins=tuple(pins))
    return replace(take, rig=rig, start=replace(take.start, controls=start), settings=settings)


def errors(rig: Rig, take: Take, solution: Solution, folder: Path) -> dict[str, np.ndarray]:
    """For each frame: degrees that jaw, eyes and neck are off in the world, and the eyes against each other, and
    millimeters of the face's skin.

    rig: the one that was filmed; the take's has joints of the same names.
    """
    truth = np.load(folder / TRUTH)
    found: dict[str, np.ndarray] = {}
    heads = solution.head, truth["head"]
    poses = solution.controls, truth["weights"]
    evaluators = RigEvaluator(take.rig), RigEvaluator(rig)
    names = [joint.name for joint in rig.joints]
    turned = []
    for evaluator, head, controls in zip(evaluators, heads, poses, strict=True):
        place = [joint.name for joint in evaluator.rig.joints]
        joints = evaluator.joint_matrices(controls)[:, [place.index(name) for name in names]]
        turned.append(head[:, None] @ joints)
    for index, joint in enumerate(rig.joints):
        found[joint.name] = _degrees_apart(*(each[:, index, :3, :3] for each in turned))
    left, right = (names.index(eye) for eye in EYES)
    found["vergence"] = _degrees_apart(
        *(np.einsum("fij,fik->fjk", each[:, left, :3, :3], each[:, right, :3, :3]) for each in turned)
    )
    places = [
        np.einsum("fij,fvj->fvi", head[:, :3, :3], evaluator.vertices(controls)) + head[:, None, :3, 3]
        for evaluator, head, controls in zip(evaluators, heads, poses, strict=True)
    ]
    skin = np.arange(rig.vertex_count) < rig.meshes[0].vertex_count
    face = skin & (rig.neutral[:, 1] > FACE_ABOVE) & (rig.photometric_weight > 0)
    found["face mm"] = 10 * np.linalg.norm(places[0] - places[1], axis=2)[:, face].mean(axis=1)
    return found


def _degrees_apart(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """(F,) between rotations (F, 3, 3)."""
    cosine = (np.einsum("fij,fij->f", first, second) - 1) / 2
    return np.degrees(np.arccos(np.clip(cosine, -1, 1)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--frames", type=int, default=12)
    parser.add_argument("--length", type=int, default=24)
    parser.add_argument("--quality", default="standard")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--free-gaze", action="store_true")
    parser.add_argument("--texture", action="store_true")
    parser.add_argument("--dna", action="store_true")
    parser.add_argument("--matte-eyes", action="store_true", help="without the highlights, which stay as eyes turn")
    given = parser.parse_args()
    if given.matte_eyes:
        GLOSS["eye"] = (0.0, 1.0)
    take = film(given.out, given.frames, given.length, not given.free_gaze, given.texture)
    take = replace(take, settings=replace(take.settings, quality=given.quality))
    rig = take.rig
    if given.dna:
        take = as_dna(take, given.out)
    write_take(take, given.out)
    begun, wall = time.process_time(), time.perf_counter()
    solution = facesolve.solve(take, device=given.device)
    print(f"{time.perf_counter() - wall:.0f} seconds, {time.process_time() - begun:.0f} of CPU")
    for name, values in errors(rig, take, solution, given.out).items():
        print(f"{name:8} mean {values.mean():.3f} worst {values.max():.3f}  {np.round(values, 2).tolist()}")


if __name__ == "__main__":
    main()
