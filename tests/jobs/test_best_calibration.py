"""The calibration that a take's footage agrees with best, on a computed stage and on a recorded one."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from facesolve.cli import main
from facesolve.geometry.camera_files import as_calibrated, read_cameras, write_cameras
from facesolve.take import Camera
from tests.calibrate.boards_seen import rigid

from .test_pack import Job

SIZE = (320, 240)


def two_cameras() -> list[Camera]:
    matrix = np.array([[400.0, 0, 160], [0, 400, 120], [0, 0, 1]])
    turns = [rigid(np.array((0, y, 0)), np.zeros(3))[:3, :3] for y in (0.15, -0.15)]
    return [Camera(n, *SIZE, matrix, R, np.array([0, 0, 60.0])) for n, R in zip("ab", turns, strict=True)]


@pytest.fixture
def job(tmp_path: Path) -> Job:
    """Two cameras before a speckled step: a wall, and half of another one 8 cm in front of it."""
    job = Job(tmp_path)
    speckle = cv2.resize(np.random.default_rng(0).integers(20, 236, (48, 64)).astype(np.uint8), (640, 480))
    for camera in two_cameras():
        image = np.zeros(SIZE[::-1], np.uint8)
        for depth, columns in ((0.0, slice(0, 640)), (-8.0, slice(320, 640))):
            part = np.zeros_like(speckle)
            part[:, columns] = speckle[:, columns]
            on_wall = np.array([[0.1, 0, -32], [0, 0.1, -24], [0, 0, depth], [0, 0, 1.0]])[:, [0, 1, 2]]
            matrix = np.concatenate([camera.rotation, camera.translation[:, None]], 1)
            seen = cv2.warpPerspective(part, camera.intrinsics @ matrix @ on_wall, SIZE, flags=cv2.INTER_AREA)
            image = np.where(seen > 0, seen, image)
        for frame in (3, 4):
            (tmp_path / camera.name).mkdir(exist_ok=True)
            cv2.imwrite(str(tmp_path / camera.name / f"{camera.name}_{frame:04d}.png"), image)
    job.pack_files()
    cameras = two_cameras()
    write_cameras([as_calibrated(camera) for camera in cameras], tmp_path / "right.json", "json")
    turned = rigid(np.array((0.008, 0.0, 0.004)), np.zeros(3))[:3, :3] @ cameras[1].rotation
    off = [cameras[0], replace(cameras[1], rotation=turned)]
    write_cameras([as_calibrated(camera) for camera in off], tmp_path / "off.json", "json")
    return job


def test_the_calibration_that_footage_agrees_with_is_packed(job, capsys):
    def pack(first: str, other: str) -> str:
        files = [f"--{name}={job.folder / file}" for name, file in (("rig", "rig.npz"), ("cameras", first))]
        footage = f"--footage={job.folder}/{{camera}}/{{camera}}_####.png"
        more = [f"--other-cameras={job.folder / other}", "--frames=3-4", "--fps=30", "--overwrite"]
        code = main(["pack", *files, footage, *more, f"--out={job.folder / 'take'}"])
        said = capsys.readouterr()
        return " ".join((said.out + said.err).split()) if code == 0 else f"error {said.err}"

    assert "right.json' is taken." in pack("off.json", "right.json")
    cameras = read_cameras(job.folder / "right.json")
    assert "No calibration is clearly better than the first" in pack("right.json", "off.json")
    take = json.loads((job.folder / "take" / "take.json").read_text(encoding="utf-8"))
    assert [camera["name"] for camera in take["cameras"]] == ["a", "b"]
    write_cameras(cameras[::-1], job.folder / "turned round.json", "json")
    assert "turned round.json' is taken." in pack("off.json", "turned round.json"), "by their names, in any order"
    write_cameras(cameras[:1], job.folder / "one.json", "json")
    assert "has the cameras a, '" in pack("right.json", "one.json")
    for image in (job.folder / "b").glob("*.png"):
        cv2.imwrite(str(image), np.full(SIZE[::-1], 90, np.uint8))
    said = pack("off.json", "right.json")
    assert "warning: only 0 points are seen alike by two cameras" in said
    assert "pixels from where" not in said, "no figure where there is none"
