"""``facesolve compare``: two folders in, numbers and pictures out; a take that is gone is said to be gone."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from facesolve.cli import main
from facesolve.take import Solution, write_solution, write_take
from tests import synthetic
from tests.review.filmed import solved


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Takes ``take_a`` and ``take_b``, and solutions ``a`` and ``b`` of them; b's jaw is 0.1 higher."""
    take = synthetic.make_take(synthetic.head_rig(), frames=3)
    truth = solved(take, synthetic.performance(3))
    jaw = np.eye(5)[truth.control_names.index("jaw")]
    for name, solution in (("a", truth), ("b", replace(truth, controls=truth.controls + 0.1 * jaw))):
        write_take(take, tmp_path / f"take_{name}")
        write_solution(of_take(solution, f"../take_{name}"), tmp_path / name)
    return tmp_path


def of_take(solution: Solution, take: str) -> Solution:
    return replace(solution, provenance={**solution.provenance, "take": take})


def test_numbers_and_pictures_are_written(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["compare", str(folder / "a"), str(folder / "b"), "--out", str(folder / "new"), "--region", "0:50"]
    assert main(command) == 0
    assert "jaw" in capsys.readouterr().out
    assert sorted(file.name for file in (folder / "new").iterdir()) == ["compare.csv", "curves.png", "heads.png"]


def test_json_is_all_that_is_printed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", str(folder / "a"), str(folder / "b"), "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["controls"]["jaw"]["mean_absolute"] == pytest.approx(0.1)
    assert record["notes"] == []
    assert sorted(file.name for file in folder.iterdir()) == ["a", "b", "take_a", "take_b"]


@pytest.mark.parametrize("gone", ["a", "b"])
def test_the_other_take_serves_when_one_is_gone(folder: Path, capsys: pytest.CaptureFixture[str], gone: str) -> None:
    shutil.rmtree(folder / f"take_{gone}")
    assert main(["compare", str(folder / "a"), str(folder / "b"), "--json"]) == 0
    (note,) = json.loads(capsys.readouterr().out)["notes"]
    assert note.startswith(f"The take of {gone.upper()} was not found")


def test_mistakes_are_one_sentence(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pair = [str(folder / "a"), str(folder / "b")]
    shutil.rmtree(folder / "take_a")
    shutil.rmtree(folder / "take_b")
    for arguments, sentence in (
        (pair, "its take is not at"),
        ([pair[0], str(folder / "c")], "no solution.json"),
        ([*pair, "--region", "9:3"], "not a vertex range"),
    ):
        assert main(["compare", *arguments]) == 2
        assert sentence in capsys.readouterr().err
