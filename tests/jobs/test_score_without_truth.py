"""The score that needs no truth: small where cameras agree, large where one of them is not where it is said to be."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from facesolve.cli import main
from facesolve.take import Solution, StartPose, Take, write_solution, write_take
from tests import synthetic, textured

FRAMES = 3


def solved(take: Take, pose: synthetic.Pose) -> Solution:
    """The truth as a solution."""
    count, controls = take.frame_count, len(take.rig.controls)
    return Solution(
        frames=take.frames,
        scene_times=take.scene_times,
        fps=take.fps,
        control_names=tuple(take.rig.control_names),
        controls=pose.controls.numpy(),
        head=pose.head.numpy(),
        control_std=np.full((count, controls), 0.01),
        head_std=np.full((count, 6), 0.01),
        camera_names=tuple(camera.name for camera in take.cameras),
        residual=np.zeros((count, len(take.cameras))),
        provenance={"take": "../take"},
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A take, one whose second camera is turned by a degree, and the truth as a solution."""
    folder = tmp_path_factory.mktemp("score")
    (folder / "take").mkdir()
    take, pose = textured.make_take(folder / "take", textured.rig(), frames=FRAMES), synthetic.performance(FRAMES)
    textured.film(take, pose)
    take = replace(take, start=StartPose(0, pose.controls[0].numpy(), pose.head[0].numpy()))
    write_take(take, folder / "take")
    angle = np.radians(1.0)
    turn = np.array([[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]])
    first, second, *rest = take.cameras
    turned = replace(second, rotation=turn @ second.rotation, translation=turn @ second.translation)
    write_take(replace(take, cameras=(first, turned, *rest)), folder / "turned")
    write_solution(solved(take, pose), folder / "solution")
    return folder


def score(folder: Path, take: str, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    options = ["--without-truth", "--most-frames", str(FRAMES), "--device", "cpu", "--progress", "quiet", "--json"]
    assert main(["evaluate", str(folder / "solution"), "--take", str(folder / take), *options]) == 0
    record: dict[str, Any] = json.loads(capsys.readouterr().out)
    return record


def test_a_camera_that_is_elsewhere_is_badly_predicted(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sound, turned = score(folder, "take", capsys), score(folder, "turned", capsys)
    right, wrong = (record["cameras"]["front"] for record in (sound, turned))  # the others see it from both sides
    assert right["predicted"]["off_mm"] < 0.5 * wrong["predicted"]["off_mm"]
    assert right["predicted"]["correlation"] > wrong["predicted"]["correlation"] + 0.1
    assert sound["predicted_correlation"] > turned["predicted_correlation"] + 0.1
    assert right["moved_mm"] < 2.0
    assert sound["halves_mm"] is None  # three cameras have no halves


def test_two_cameras_are_too_few(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    two = synthetic.make_take(textured.rig(), frames=FRAMES)
    write_take(replace(two, cameras=two.cameras[:2], footage=two.footage[:2]), folder / "two")
    assert main(["evaluate", str(folder / "solution"), "--take", str(folder / "two"), "--without-truth"]) == 2
    assert "needs at least three" in capsys.readouterr().err


def test_a_truth_or_none_must_be_chosen(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", str(folder / "solution")]) == 2
    assert "either --truth FILE or --without-truth" in capsys.readouterr().err
