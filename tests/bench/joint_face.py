"""A face moved by joints alone, from a scene to its solution and back into the scene.

    python -m tests.bench.joint_face OUT [--frames 12] [--length 24] [--quality standard]

The demo's head without a single blendShape: jaw, eyes, neck and lids turn, lips, brows, cheeks and nose are carried by
joints that move, each with limits. The scene of the stand-in for Maya is exported, filmed and solved, and the solution
is keyed. Prints how far the exported rig is from the scene at random poses, the solution from what was filmed, and the
keyed scene from the solution.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

import facesolve
from facesolve.demo.film import Stage
from facesolve.demo.head import build_head, build_rig
from facesolve.demo.jointed import EYES, TURNS, build_jointed_rig, jointed_curves
from facesolve.demo.sculpt import EYE_CENTER
from facesolve.demo.skin import paint
from facesolve.geometry.rig import RigModel
from facesolve.jobs.demo_take import film_take
from facesolve.take import Control, Pin, Rig, Take, write_take
from facesolve.take.rig_evaluation import RigEvaluator
from facesolve.take.rig_logic import CHANNEL, CONTROL, Port, Response
from facesolve.take.skeleton import RIG_SPACE, Channel, Joint, Skin
from tests.bench.jointed import errors
from tests.bench.jointed_scene import TIMES, apart, open_joints, read_rig, save_and_open_again

from maya import cmds  # isort: skip
from facesolve_maya.apply import ApplyRequest, apply_solution  # isort: skip
from facesolve_maya.scene.findings import Report  # isort: skip
from facesolve_maya.scene.geometry import shape_points  # isort: skip


@dataclass(frozen=True)
class _Part:
    """A joint of the face: its name, the joint above it, the shape of the demo's head whose region it carries, the
    channels that move and how far, in degrees or centimeters."""

    name: str
    above: str
    region: str
    channels: tuple[tuple[str, float, float], ...]


_LIFT = (("translateX", -0.5, 0.5), ("translateY", -0.6, 0.6), ("translateZ", -0.5, 0.5))
PARTS = (
    _Part("lid_L", "neck", "eyeBlink_L", (("rotateX", 0.0, 25.0),)),
    _Part("lid_R", "neck", "eyeBlink_R", (("rotateX", 0.0, 25.0),)),
    _Part("corner_L", "neck", "mouthSmile_L", _LIFT),
    _Part("corner_R", "neck", "mouthSmile_R", _LIFT),
    _Part("lip_upper", "neck", "mouthUpperUp", _LIFT[1:]),
    _Part("lip_lower", "jaw", "mouthLowerDown", _LIFT[1:]),
    _Part("brow", "neck", "browInnerUp", _LIFT[1:2]),
    _Part("brow_L", "neck", "browOuterUp_L", _LIFT[1:2]),
    _Part("brow_R", "neck", "browOuterUp_R", _LIFT[1:2]),
    _Part("cheek_L", "neck", "eyeSquint_L", _LIFT[1:2]),
    _Part("cheek_R", "neck", "eyeSquint_R", _LIFT[1:2]),
    _Part("sneer_L", "neck", "noseSneer_L", _LIFT[1:2]),
    _Part("sneer_R", "neck", "noseSneer_R", _LIFT[1:2]),
)


def build_joint_face() -> Rig:
    """The rig in the contract's form; a control is a joint's channel, without what it is at rest."""
    head = build_head()
    plain, jointed = build_rig(head), build_jointed_rig(head)
    assert jointed.skin is not None
    deltas = {target.name: target.shapes[-1] for target in plain.targets}
    names = [joint.name for joint in jointed.joints]
    at = {name: -matrix[:3, 3] for name, matrix in zip(names, jointed.skin.inverse_bind, strict=False)}
    influences, weights = jointed.skin.padded()
    base = np.zeros((plain.vertex_count, 5))
    np.add.at(base, (np.arange(plain.vertex_count)[:, None], influences), weights)
    joints, shares = list(jointed.joints), []
    for part in PARTS:
        shape = deltas[part.region]
        share = np.zeros(plain.vertex_count)
        share[shape.vertices] = np.linalg.norm(shape.deltas, axis=1)
        share /= share.max()
        place = np.average(plain.neutral, axis=0, weights=share)
        if part.name.startswith("lid"):  # it turns about the eyeball's center
            place = EYE_CENTER * (-1.0 if part.name.endswith("R") else 1.0, 1.0, 1.0)
        joints.append(Joint(part.name, names.index(part.above), place - at[part.above]))
        at[part.name] = place
        shares.append(share)
    carried = np.stack(shares, 1)
    carried /= np.maximum(carried.sum(axis=1, keepdims=True), 1.0)
    weights = np.concatenate([base[:, :4] * (1 - carried.sum(axis=1, keepdims=True)), carried, base[:, 4:]], 1)
    weights[:, -1] += 1 - weights.sum(axis=1)
    bind = np.tile(np.eye(4), (len(joints) + 1, 1, 1))
    for index, joint in enumerate(joints):
        bind[index, :3, 3] = -at[joint.name]
    moves = [(names.index(turn.joint), turn.control, turn.attribute, turn.minimum, turn.maximum) for turn in TURNS]
    for number, part in enumerate(PARTS, len(names)):
        moves += [(number, f"{part.name}_{channel}", channel, low, high) for channel, low, high in part.channels]
    return replace(
        plain,
        targets=(),
        combinations=(),
        drivers=(),
        controls=tuple(Control(name, low, high) for _, name, _, low, high in moves),
        joints=tuple(joints),
        channels=tuple(Channel(joint, attribute) for joint, _, attribute, _, _ in moves),
        responses=tuple(Response.linear(Port(CHANNEL, k), Port(CONTROL, k), 1.0) for k in range(len(moves))),
        skin=Skin.from_dense((*range(len(joints)), RIG_SPACE), bind, weights),
        photometric_weight=jointed.photometric_weight,
    )


def curves_of(rig: Rig, frames: int) -> np.ndarray:
    """(frames, K) what the controls do: turns as in the jointed head's performance, waves for all others."""
    turns = [turn.control for turn in TURNS]
    plain = build_jointed_rig(build_head())
    known = jointed_curves(plain.control_names, frames)[:, [plain.control_names.index(name) for name in turns]]
    time, (low, high) = np.linspace(0, 1, frames)[:, None], rig.bounds[len(turns) :].T
    place = np.arange(len(low))
    waves = np.sin(2 * np.pi * (0.7 + 0.05 * place) * time + 1.7 * place)
    lids = np.array([control.name.startswith("lid") for control in rig.controls[len(turns) :]])
    waves = np.where(lids, 0.15 + 0.1 * waves, 0.5 + 0.35 * waves)  # eyes stay open
    return np.concatenate([known, low + (high - low) * waves], 1)


def exported(built: Rig, folder: Path, poses: int) -> Rig:
    """The rig as the scene's export has it, with the built one's weights and UVs; says how far it is from the scene."""
    open_joints(built, folder)
    for channel, control in zip(built.channels, built.controls, strict=True):
        joint, (what, axis) = built.joints[channel.joint], (channel.attribute[:-1], channel.attribute[-1])
        word = {"translate": "Trans", "rotate": "Rot"}[what]
        rest = float(cmds.getAttr(f"{joint.name}.{channel.attribute}"))
        for end, value in (("min", control.minimum), ("max", control.maximum)):
            cmds.setAttr(f"{joint.name}.{end}{word}{axis}Limit", rest + value)
            cmds.setAttr(f"{joint.name}.{end}{word}{axis}LimitEnable", True)
    report = Report()
    rig, controls = read_rig(("head",), "root", TIMES, report)
    print("\n".join(str(finding) for finding in report.findings))
    print(f"{len(rig.targets)} targets, {len(rig.controls)} controls, {len(rig.joints)} joints, {controls.locked}")
    off = apart(rig, poses)
    print(f"exported  worst {off.max():.1e} cm, mean {off.mean():.1e} cm over {poses} poses", flush=True)
    return replace(
        rig, uvs=built.uvs, face_uvs=built.face_uvs, meshes=built.meshes, photometric_weight=built.photometric_weight
    )


def filmed(built: Rig, rig: Rig, folder: Path, frames: int, length: int) -> Take:
    """The take of the exported rig, with the gaze pinned in the first frame."""
    head, columns = build_head(), []
    by_plug = {f"{built.joints[c.joint].name}.{c.attribute}": k for k, c in enumerate(built.channels)}
    for control in rig.controls:
        columns.append(by_plug[control.plug])
    curves = curves_of(built, length)[:frames, columns] + rig.default_controls
    model = RigModel(rig)
    take = film_take(Stage.of(model, paint(head, model)), folder, frames, curves=curves)
    assert take.start is not None
    start = take.start.controls.copy()
    pins = []
    for k, control in enumerate(rig.controls):
        if control.plug.partition(".")[0] in EYES:
            pins.append(Pin(int(take.frames[0]), control.name, float(curves[0, k])))
            start[k] = curves[0, k]
    settings = replace(take.settings, pins=tuple(pins))
    return replace(take, settings=settings, start=replace(take.start, controls=start))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--frames", type=int, default=12)
    parser.add_argument("--length", type=int, default=24)
    parser.add_argument("--poses", type=int, default=20)
    parser.add_argument("--quality", default="standard")
    given = parser.parse_args()
    built = build_joint_face()
    with tempfile.TemporaryDirectory() as folder:
        rig = exported(built, Path(folder), given.poses)
        cmds.setAttr("root.rotate", 0, 0, 0)
        take = filmed(built, rig, given.out, given.frames, given.length)
        take = replace(
            take, settings=replace(take.settings, quality=given.quality), scene_times=take.frames.astype(float)
        )
        write_take(take, given.out)
        begun = time.process_time()
        solution = facesolve.solve(take, device="cpu")
        print(f"solved in {time.process_time() - begun:.0f} seconds of CPU")
        for name, values in errors(rig, take, solution, given.out).items():
            print(f"{name:10} mean {values.mean():.3f} worst {values.max():.3f}  {np.round(values, 2).tolist()}")
        print(apply_solution(ApplyRequest(take, solution, head="root")))
        save_and_open_again(Path(folder))
        print(f"keyed     worst {keyed_apart(take, solution).max():.1e} cm over {given.frames} frames")


def keyed_apart(take: Take, solution: facesolve.Solution) -> np.ndarray:
    """(F, V) cm between a solution and the scene that it was keyed in."""
    solved, found = RigEvaluator(take.rig).vertices(solution.controls), []
    for row, moment in enumerate(solution.scene_times):
        cmds.currentTime(float(moment))
        placed = solved[row] @ solution.head[row, :3, :3].T + solution.head[row, :3, 3]
        found.append(np.linalg.norm(shape_points("headShape") - placed, axis=1))
    return np.stack(found)


if __name__ == "__main__":
    main()
