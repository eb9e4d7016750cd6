"""The files that the guides' commands speak of, made small: a filmed head of 642 vertices, 3 frames of 160x120."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np

from facesolve.cli import main as facesolve
from facesolve.take import Rig, read_solution, write_solution
from facesolve.take.calibration import CalibratedCamera, write_calibrated_cameras
from tests import synthetic, textured

FRAMES = 3
PATTERN = "footage/{camera}/{camera}_{frame:04d}.png"


def make_workspace(folder: Path) -> None:
    """Writes rig.npz, calibration.json, start.json, truth.npz, footage, ``my_take`` and solutions of it.

    ``my_solution`` is solved in draft quality, ``other_solution`` has other controls.
    """
    rig = textured.rig()
    take = synthetic.make_take(rig, frames=FRAMES)
    footage = tuple(
        replace(source, path=str(folder / PATTERN.replace("{camera}", source.camera))) for source in take.footage
    )
    for source in footage:
        Path(source.path).parent.mkdir(parents=True)
    take, pose = replace(take, footage=footage), synthetic.performance(FRAMES)
    textured.film(take, pose)
    _write_rig(folder / "rig.npz", rig)
    cameras = [
        CalibratedCamera(c.name, c.intrinsics, c.rotation, c.translation, c.distortion, c.width, c.height)
        for c in take.cameras
    ]
    write_calibrated_cameras(cameras, folder / "calibration.json")
    controls, head = pose.controls.numpy(), pose.head.numpy()
    start = dict(zip(rig.control_names, np.clip(controls[0], 0, 1).tolist(), strict=True))
    (folder / "start.json").write_text(json.dumps({"frame": 0, "weights": start, "head": head[0].tolist()}))
    np.savez(folder / "truth.npz", weights=controls, names=np.array(rig.control_names), head=head)
    files = ["--rig", "rig.npz", "--cameras", "calibration.json", "--start", "start.json", "--footage", PATTERN]
    pack = ["pack", *(text if text.startswith("--") else str(folder / text) for text in files)]
    assert facesolve([*pack, "--frames", f"0-{FRAMES - 1}", "--fps", "30", "--out", str(folder / "my_take")]) == 0
    solve = ["solve", str(folder / "my_take"), "--out", str(folder / "my_solution"), "--quality", "draft"]
    assert facesolve([*solve, "--device", "cpu", "--no-report"]) == 0
    solution = read_solution(folder / "my_solution")
    other = np.clip(solution.controls + 0.05, 0, 1)
    write_solution(replace(solution, controls=other), folder / "other_solution")


def _write_rig(path: Path, rig: Rig) -> None:
    deltas = np.zeros((len(rig.targets), rig.vertex_count, 3), np.float32)
    for index, target in enumerate(rig.targets):
        deltas[index, target.shapes[0].vertices] = target.shapes[0].deltas
    np.savez(
        path,
        neutral=rig.neutral,
        deltas=deltas,
        names=np.array(rig.control_names),
        face_counts=rig.face_counts,
        faces=rig.face_vertices,
        uv=rig.uvs,
        face_uvs=rig.face_uvs,
    )
