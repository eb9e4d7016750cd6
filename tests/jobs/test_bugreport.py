"""One zip for a developer: all that a failure needs, no image of the actor unless it is wanted."""

from __future__ import annotations

import json
import zipfile
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from facesolve.cli import main
from facesolve.take import write_solution, write_take
from tests.review.filmed import Filmed, make


@pytest.fixture(scope="module")
def solved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A take in ``take``, its solution in ``out`` with what else lies there after a solve."""
    folder = tmp_path_factory.mktemp("bug")
    (folder / "footage").mkdir()
    filmed: Filmed = make(folder / "footage")
    write_take(filmed.take, folder / "take")
    write_solution(replace(filmed.solution, provenance={"take": "../take"}), folder / "out")
    for name in ("texture.1001.png", "worst.jpg", "live.jpg", "report.html", "solve.log"):
        (folder / "out" / name).write_bytes(b"\x89 picture")
    return folder


def test_a_solution_goes_with_its_take_and_without_pictures(solved: Path, tmp_path: Path) -> None:
    assert main(["bugreport", str(solved / "out"), "--out", str(tmp_path / "bug.zip")]) == 0
    with zipfile.ZipFile(tmp_path / "bug.zip") as archive:
        assert archive.namelist() == [
            *("doctor.json", "solution/solution.json", "solution/solution.npz", "solution/solve.log"),
            *("take/take.json", "take/take.npz"),
        ]
        assert archive.read("take/take.json") == (solved / "take" / "take.json").read_bytes()
        assert json.loads(archive.read("doctor.json"))["findings"]


def test_images_are_of_the_start_frame_and_one_that_is_lacking_says_why(solved: Path, tmp_path: Path) -> None:
    image = solved / "footage" / "front.0.png"
    whole = image.read_bytes()
    image.unlink()
    try:
        assert main(["bugreport", str(solved / "take"), "--images", "--out", str(tmp_path / "bug.zip")]) == 0
    finally:
        image.write_bytes(whole)
    with zipfile.ZipFile(tmp_path / "bug.zip") as archive:
        names = [name for name in archive.namelist() if name.startswith("images/")]
        assert names == ["images/front.txt", "images/left.png", "images/right.png"]
        assert b"frame 0" in archive.read("images/front.txt")
        picture = cv2.imdecode(np.frombuffer(archive.read("images/left.png"), np.uint8), cv2.IMREAD_COLOR)
    assert picture.shape == (120, 160, 3)


def test_a_damaged_solution_is_packed_as_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "solution.json").write_text("{ damaged")
    assert main(["bugreport", str(tmp_path / "out"), "--out", str(tmp_path / "bug.zip")]) == 0
    with zipfile.ZipFile(tmp_path / "bug.zip") as archive:
        assert archive.read("solution/solution.json") == b"{ damaged"
    assert main(["bugreport", str(tmp_path / "none"), "--out", str(tmp_path / "other.zip")]) == 2
    assert "holds neither a take nor a solution" in capsys.readouterr().err
