"""The demo's take and its run from end to end, with the truth in the place of the solve."""

from __future__ import annotations

import sys
import types
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from facesolve.cli import main
from facesolve.demo.film import BACKGROUND, develop
from facesolve.demo.noise import ValueNoise
from facesolve.demo.performance import ACTIONS, cameras, control_curves, disturbed, head_transforms
from facesolve.evaluate import evaluate
from facesolve.evaluate.evaluation import read_truth
from facesolve.footage import srgb_to_linear
from facesolve.jobs.demo_take import TRUTH, film_take, make_take
from facesolve.review.inspection import inspect_take
from facesolve.runtime.progress import Progress
from facesolve.take import Solution, Take, TakeError, read_take, write_solution
from tests.demo_stage import stage

FRAMES = 2


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo")
    film_take(stage(), folder / "take", FRAMES)
    return folder


def true_solution(take: Take, truth_path: Path) -> Solution:
    truth = read_truth(truth_path)
    count, controls = truth.weights.shape
    return Solution(
        frames=take.frames,
        scene_times=take.scene_times,
        fps=take.fps,
        control_names=truth.names,
        controls=truth.weights,
        head=truth.head,
        control_std=np.full((count, controls), 0.01),
        head_std=np.full((count, 6), 0.001),
        camera_names=tuple(camera.name for camera in take.cameras),
        residual=np.full((count, len(take.cameras)), 0.05),
        provenance={"take": "../take"},
    )


def stored(take: Take, camera: int, index: int) -> np.ndarray:
    path = take.footage[camera].image_path(int(take.frames[index]))
    return cv2.imread(path)[..., ::-1]


def test_take_is_sound(folder: Path) -> None:
    take = read_take(folder / "take")
    assert inspect_take(take).findings == ()
    assert take.frame_count == FRAMES
    assert Path(take.footage[0].path).is_relative_to(folder / "take")
    truth = read_truth(folder / "take" / TRUTH)
    assert evaluate(true_solution(take, folder / "take" / TRUTH), take, truth).regions[0].world_max == 0


def test_start_pose_is_a_little_off(folder: Path) -> None:
    take = read_take(folder / "take")
    assert take.start is not None
    truth = read_truth(folder / "take" / TRUTH)
    start = replace(
        true_solution(take, folder / "take" / TRUTH),
        controls=np.tile(take.start.controls, (FRAMES, 1)),
        head=np.tile(take.start.head, (FRAMES, 1, 1)),
    )
    result = evaluate(start, take, truth)
    assert 0.5 < result.regions[0].frame_world_mean[0] < 4.0
    assert 0.5 < result.head_rotation[0] < 2.0


def test_footage_shows_the_truth(folder: Path) -> None:
    """A fresh render of the true pose differs from the stored image by noise only; of a wrong pose by much more."""
    take, truth = read_take(folder / "take"), read_truth(folder / "take" / TRUTH)
    light = srgb_to_linear(stored(take, 1, 1).astype(np.float32) / 255)
    right = stage().render(truth.weights[1], truth.head[1], take.cameras[1]).numpy()
    wrong = stage().render(truth.weights[0], truth.head[1], take.cameras[1]).numpy()
    assert np.abs(light - np.clip(right, 0, 1)).mean() < 0.006
    assert np.abs(light - wrong).max() > 0.2


def test_noise_has_the_stated_strength() -> None:
    gray = torch.full((200, 200, 3), 0.25)
    image = srgb_to_linear(develop(gray, np.random.default_rng(0)).astype(np.float32) / 255)
    assert image.mean() == pytest.approx(0.25, abs=0.002)
    assert image.std() == pytest.approx(np.sqrt(0.0025**2 + 0.012**2 * 0.25), rel=0.1)


def test_head_fills_the_frame_before_a_plain_background() -> None:
    controls = np.zeros(stage().model.control_count)
    for camera in cameras():
        image = stage().render(controls, np.eye(4), camera).numpy()
        background = np.abs(image - BACKGROUND).max(axis=2) < 1e-6
        assert 0.3 < background.mean() < 0.7
        assert background[:2].all()
        assert background[:, :2].all()


def test_curves_are_smooth_and_within_range() -> None:
    names = [action[0] for action in ACTIONS]
    curves = control_curves(names, 48)
    assert curves.min() >= 0
    assert curves.max() <= 1
    assert (np.ptp(curves, axis=0) > 0.2).all()
    assert np.abs(np.diff(curves, axis=0)).max() < 0.25
    head = head_transforms(48)
    np.testing.assert_allclose(
        head[:, :3, :3] @ head[:, :3, :3].transpose(0, 2, 1), np.tile(np.eye(3), (48, 1, 1)), atol=1e-12
    )
    np.testing.assert_allclose(np.linalg.det(disturbed(head[0])), 1.0)


def test_value_noise_repeats_and_is_smooth() -> None:
    points = torch.rand(500, 3) * 20
    first = ValueNoise(5)(points, 1.5, 2)
    torch.testing.assert_close(first, ValueNoise(5)(points, 1.5, 2))
    assert first.abs().max() <= 1
    assert (ValueNoise(5)(points + 1e-3, 1.5, 2) - first).abs().max() < 0.02
    assert (ValueNoise(6)(points, 1.5, 2) - first).abs().max() > 0.3


def test_too_few_frames_are_refused(tmp_path: Path) -> None:
    with pytest.raises(TakeError, match="give at least 2"):
        make_take(tmp_path / "take", 1)


@pytest.fixture
def solved_by_truth(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    calls: list[dict[str, Any]] = []

    def solve_take_folder(take_folder: Path, out: Path, *, progress: Progress, **options: Any) -> Solution:
        calls.append(options)
        solution = true_solution(read_take(take_folder), take_folder / TRUTH)
        write_solution(solution, out)
        return solution

    module = types.ModuleType("facesolve.jobs.solve_folder")
    module.solve_take_folder = solve_take_folder  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "facesolve.jobs.solve_folder", module)
    return calls


def test_demo_films_the_same_on_every_run_writes_its_pictures_and_prints_the_table(
    folder: Path, tmp_path: Path, solved_by_truth: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    footage = tmp_path / "demo" / "take" / "footage"
    (footage / "front").mkdir(parents=True)
    for name in ("front_0040.png", "front_mask.png"):
        (footage / "front" / name).write_bytes(b"")
    where = ["--out", str(tmp_path / "demo"), "--overwrite"]
    assert main(["demo", *where, "--length", str(FRAMES), "--device", "cpu", "--progress", "quiet"]) == 0
    assert len(list((footage / "front").iterdir())) == FRAMES + 1  # and what is not the demo's
    assert (footage / "front" / "front_mask.png").exists()
    first, again = read_take(folder / "take"), read_take(tmp_path / "demo" / "take")
    for index in range(FRAMES):
        assert np.array_equal(stored(again, 0, index), stored(first, 0, index))  # of a head that was built again
    assert solved_by_truth[0]["device"] == "cpu"
    assert "face (" in capsys.readouterr().out
    for name in ("curves", "overlay_front", "overlay_left", "overlay_right"):
        picture = cv2.imread(str(tmp_path / "demo" / f"{name}.png"))
        assert picture.shape[1] > 1000
        assert picture.std() > 10
    assert (
        main(["evaluate", str(tmp_path / "demo" / "solution"), "--truth", str(tmp_path / "demo" / "take" / TRUTH)]) == 0
    )
