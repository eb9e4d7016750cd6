"""``ict_rom``'s head on joints: does what leaves the stand-in for Maya, and what is keyed there, fit the scene?

    python -m tests.bench.jointed_ict DATA/ict_rom [--poses 50]

The jaw's shape gives way to a joint with a jaw-shaped skin, the eyeballs turn on joints, a neck fades into shoulders.
As in ``jointed_scene``: jaw times pucker through arithmetic nodes, one weight behind an expression, a deformer set with
half of the vertices. Prints how far the exported rig is from the scene at random poses, and how far the scene is from a
solution that was keyed.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from facesolve.take import Control, Driver, Footage, Rig, Shape, Solution, Take, Target
from facesolve.take.rig_evaluation import RigEvaluator
from facesolve.take.skeleton import RIG_SPACE, Joint, Skin
from tests.bench.jointed_scene import PRODUCT, TIMES, apart, open_scene_of, read_rig, save_and_open_again
from tests.take import rigs

from maya import cmds  # isort: skip
from facesolve_maya.apply import ApplyRequest, apply_solution  # isort: skip
from facesolve_maya.scene.findings import Report  # isort: skip
from facesolve_maya.scene.geometry import shape_points  # isort: skip

JAW_SHAPE, PRODUCT_SHAPE, UNREADABLE = "jawOpen", "mouthShrugLower", "mouthLowerDown_L"
HINGE = np.array([0.0, -1.0, 0.0])  # about which the jaw turns
NECK = np.array([0.0, -13.0, -2.0])  # about which the head nods on the shoulders
NECK_BASE, NECK_TOP = -18.5, -12.0
FRAMES = np.arange(1, 9)


def ict_on_joints(folder: Path) -> Rig:
    """The rig of ``folder``'s arrays with the joints of ``jointed_scene``."""
    given = np.load(folder / "rig.npz")
    deltas = {str(name): delta.astype(float) for name, delta in zip(given["names"], given["deltas"], strict=True)}
    neutral = given["neutral"].astype(float)
    counts, faces = given["face_counts"], given["faces"]
    piece = _pieces(len(neutral), counts, faces)
    eyes = [_eye(piece, neutral, side) for side in (1, -1)]
    jaw = np.linalg.norm(deltas.pop(JAW_SHAPE), axis=1)
    jaw /= jaw.max()
    height = np.clip((neutral[:, 1] - NECK_BASE) / (NECK_TOP - NECK_BASE), 0.0, 1.0)
    weights = np.zeros((len(neutral), 5))
    weights[:, 0], weights[:, 1], weights[:, 4] = height * (1 - jaw), height * jaw, 1 - height
    for place, eye in enumerate(eyes):
        weights[eye] = np.eye(5)[2 + place]
        for delta in deltas.values():
            delta[eye] = 0.0
    deltas[PRODUCT] = deltas.pop(PRODUCT_SHAPE)
    targets = tuple(
        Target(name, (Shape(1.0, moved.astype(np.int32), delta[moved]),))
        for name, delta in deltas.items()
        for moved in [np.flatnonzero(np.abs(delta).max(axis=1) > 1e-6)]
    )
    places = [NECK, HINGE, *(neutral[eye].mean(axis=0) for eye in eyes)]
    joints = tuple(
        Joint(name, RIG_SPACE if not number else 0, place if not number else place - NECK)
        for number, (name, place) in enumerate(zip(("neck", "jaw", "eye_L", "eye_R"), places, strict=True))
    )
    bind = np.tile(np.eye(4), (5, 1, 1))
    bind[:4, :3, 3] = -np.stack(places)
    return Rig(
        neutral=neutral,
        face_counts=counts,
        face_vertices=faces,
        targets=targets,
        controls=tuple(Control(target.name) for target in targets),
        drivers=tuple(Driver.identity(number, number) for number in range(len(targets))),
        joints=joints,
        skin=Skin.from_dense((0, 1, 2, 3, RIG_SPACE), bind, weights),
    )


def _pieces(count: int, counts: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """(V,) which piece of the mesh a vertex is in."""
    ends = np.cumsum(counts)
    following = np.arange(len(faces)) + 1
    following[ends - 1] = ends - counts
    edges = coo_matrix((np.ones(len(faces)), (faces, faces[following])), shape=(count, count))
    return connected_components(edges, directed=False)[1]


def _eye(piece: np.ndarray, points: np.ndarray, side: int) -> np.ndarray:
    """Vertices of the small pieces at the height of the eyes: an eyeball and its cornea."""
    count = np.bincount(piece)
    middle = np.stack([np.bincount(piece, axis) for axis in points.T], axis=1) / count[:, None]
    chosen = (middle[:, 0] * side > 2) & (middle[:, 1] > 2) & (count < 2000)
    return np.flatnonzero(chosen[piece])


def keyed_apart(rig: Rig, folder: Path) -> np.ndarray:
    """(F, V) cm between a solution that moves everything and the scene that it was keyed in."""
    footage = (Footage("cam0", (folder / "cam0.{frame}.png").as_posix()),)
    take = Take("ict", rig, (rigs.camera(),), footage, FRAMES, 24.0, scene_times=FRAMES.astype(float))
    low, high = rig.bounds.T
    waves = np.sin(np.arange(len(FRAMES))[:, None] + np.arange(len(low)))
    controls = low + (high - low) * (0.5 + 0.45 * waves)
    heads = np.tile(np.eye(4), (len(FRAMES), 1, 1))
    heads[:, :3, 3] = np.arange(len(FRAMES))[:, None] * (1.0, -0.5, 0.25)
    solution = Solution(
        frames=FRAMES,
        scene_times=take.scene_times,
        fps=24.0,
        control_names=tuple(rig.control_names),
        controls=controls,
        head=heads,
        control_std=np.zeros_like(controls),
        head_std=np.zeros((len(FRAMES), 6)),
        camera_names=("cam0",),
        residual=np.zeros((len(FRAMES), 1)),
        provenance={"facesolve": "0.1.0", "take": "../take"},
    )
    print(apply_solution(ApplyRequest(take, solution, head="root")))
    save_and_open_again(folder)
    solved = RigEvaluator(rig).vertices(controls)
    found = []
    for row, time in enumerate(take.scene_times):
        cmds.currentTime(float(time))
        found.append(np.linalg.norm(shape_points("headShape") - solved[row] - heads[row, :3, 3], axis=1))
    return np.stack(found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("ict_rom", type=Path)
    parser.add_argument("--poses", type=int, default=50)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        open_scene_of(ict_on_joints(given.ict_rom), Path(folder), UNREADABLE)
        report = Report()
        rig, controls = read_rig(("head",), "root", TIMES, report)
        print("\n".join(str(finding) for finding in report.findings))
        print(f"{rig.vertex_count} vertices, {len(rig.targets)} targets, {len(rig.controls)} controls", end=", ")
        print(f"{len(rig.joints)} joints, left as they are: {controls.locked}", flush=True)
        off = apart(rig, given.poses)
        print(f"exported  worst {off.max():.1e} cm, mean {off.mean():.1e} cm over {given.poses} poses", flush=True)
        cmds.setAttr("root.rotate", 0, 0, 0)
        off = keyed_apart(rig, Path(folder))
        print(f"keyed     worst {off.max():.1e} cm, mean {off.mean():.1e} cm over {len(FRAMES)} frames")


if __name__ == "__main__":
    main()
