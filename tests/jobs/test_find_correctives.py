"""Correctives as a job: files beside the solution, errors with and without them, and what is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from facesolve.cli import main
from facesolve.correctives.apply import applied
from facesolve.geometry.pose import Pose
from facesolve.take import Solution, TakeError, read_correctives, read_solution, read_take, write_solution, write_take
from tests.baseline.filmed import on_disk
from tests.correctives.off_rig import SPACING, deformed, error, scene


def solved(folder: Path, off_rig: bool) -> Path:
    """A take on disk and the true poses as its solution, of the best quality that so small images carry."""
    filmed = scene(off_rig)
    take = on_disk(filmed, folder)
    write_take(take, folder / "take")
    count, names = take.frame_count, tuple(take.rig.control_names)
    solution = Solution(
        frames=take.frames,
        scene_times=take.scene_times,
        fps=take.fps,
        control_names=names,
        controls=filmed.truth.controls.numpy(),
        head=filmed.truth.head.numpy(),
        control_std=np.zeros((count, len(names))),
        head_std=np.zeros((count, 6)),
        camera_names=tuple(camera.name for camera in take.cameras),
        residual=np.full((count, 3), 0.5),
        provenance={"take": "../take", "settings": {"quality": "standard"}},
    )
    write_solution(solution, folder / "solution")
    return folder / "solution"


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A solution of the head with the bump, with correctives."""
    folder = solved(tmp_path_factory.mktemp("bump"), off_rig=True)
    options = ["--shapes", "2", "--spacing", str(SPACING), "--progress", "quiet", "--device", "cpu"]
    assert main(["correctives", str(folder), *options]) == 0
    return folder


def test_correctives_lower_the_error_of_all_frames(out: Path) -> None:
    solution, correctives = read_solution(out), read_correctives(out)
    take, corrected = applied(read_take(out.parent / "take"), solution, correctives)
    where = deformed(scene(True).problem.take.rig)

    def miss(rig: object, of: Solution) -> float:
        return error(rig, Pose(torch.from_numpy(of.controls), torch.from_numpy(of.head)), where)  # type: ignore[arg-type]

    before, after = miss(read_take(out.parent / "take").rig, solution), miss(take.rig, corrected)
    assert after < 0.45 * before
    np.testing.assert_array_equal(corrected.controls[:, : -len(correctives.names)], solution.controls)
    np.testing.assert_array_equal(corrected.head, solution.head)
    assert np.abs(correctives.activations).max(0).tolist() == pytest.approx([1.0] * len(correctives.names))


def test_they_say_where_they_come_from(out: Path) -> None:
    record = read_correctives(out).provenance
    assert record["search"] == {"shapes": 2, "spacing": SPACING, "largest": 5.0, "gain": 0.02}
    assert record["take"] == "../take"
    assert record["mean_residual"]["after"] > 0
    assert len(record["mean_deviation"]) == len(read_correctives(out).names)


def test_evaluate_measures_with_them(out: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    solution, truth = read_solution(out), tmp_path / "truth.npz"
    np.savez(truth, weights=solution.controls, names=np.array(solution.control_names), head=solution.head)
    means = []
    for more in ([], ["--correctives"]):
        assert main(["evaluate", str(out), "--truth", str(truth), "--json", *more]) == 0
        means.append(json.loads(capsys.readouterr().out)["regions"]["face"]["mean"])
    assert means[0] < 1e-6
    assert means[1] > 0.01


def test_correctives_of_an_older_solution_are_refused(out: Path, tmp_path: Path) -> None:
    solution = read_solution(out)
    other = replace(solution, controls=solution.controls + 0.01)
    with pytest.raises(TakeError, match="another solution"):
        applied(read_take(out.parent / "take"), other, read_correctives(out))


def test_where_the_rig_explains_the_footage_old_correctives_go(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = solved(tmp_path, off_rig=False)
    (folder / "correctives.json").write_text("{}")
    options = ["--shapes", "1", "--spacing", str(SPACING), "--progress", "jsonl", "--device", "cpu"]
    assert main(["correctives", str(folder), *options, "--overwrite"]) == 0
    assert not (folder / "correctives.json").exists()
    assert "no correctives: the rig explains" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["{out}", "--shapes", "0"], "at least one shape"),
        (["{out}", "--overwrite", "--mask", "{out}/nothing.npy"], "nothing.npy"),
        (["{out}/none"], "no solution.json"),
    ],
)
def test_bad_input_is_one_sentence(
    arguments: list[str], sentence: str, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    filled = [argument.format(out=out) for argument in arguments]
    assert main(["correctives", *filled, "--progress", "quiet"]) == 2
    printed = capsys.readouterr().err.strip()
    assert sentence in printed
    assert len(printed.splitlines()) == 1
