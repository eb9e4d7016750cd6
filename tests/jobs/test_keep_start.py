"""What becomes of a found start pose: takes and files that are never overwritten unasked, a picture, the command."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from facesolve.cli import main
from facesolve.jobs.keep_start import write_picture_of_start, write_start
from facesolve.jobs.pack import read_start
from facesolve.start.found import FoundStart
from facesolve.take import StartPose, Take, TakeError, read_take, write_take
from tests.start.filmed import expression, film, lenses, placed

HEAD = placed((0, 5, 0), (1, 0, 0))


@pytest.fixture
def take(tmp_path: Path) -> Take:
    return film(tmp_path, HEAD, among=lenses()[:2]).take


@pytest.fixture
def found(take: Take, monkeypatch: pytest.MonkeyPatch) -> FoundStart:
    """What the command is made to find."""
    start = StartPose(7, expression(jawOpen=0.25), HEAD)
    known = FoundStart(start, "search", 0.97, 0.9, 0.5, ("the actor's outline was used in every camera",))
    monkeypatch.setattr("facesolve.start.find.find_start", lambda *_: known)
    return known


def run(*arguments: Any) -> int:
    return main(["align", *map(str, arguments), "--progress", "quiet"])


def test_only_says_and_draws_by_default(take: Take, found: FoundStart, tmp_path: Path, capsys: Any) -> None:
    write_take(take, tmp_path / "take")
    assert run(tmp_path / "take") == 0
    said = capsys.readouterr().out
    assert "confidence 97%" in said
    assert "correlate by 0.90 there; at the next best pose 0.50" in said
    assert "The take is unchanged" in said
    assert read_take(tmp_path / "take").start is None
    assert (tmp_path / "take" / "start.png").is_file()


def test_writes_the_start_into_the_take(take: Take, found: FoundStart, tmp_path: Path, capsys: Any) -> None:
    write_take(take, tmp_path / "take")
    assert run(tmp_path / "take", "--write") == 0
    start = read_take(tmp_path / "take").start
    assert start is not None
    assert np.array_equal(start.controls, found.start.controls)
    assert "facesolve solve" in capsys.readouterr().out
    assert run(tmp_path / "take", "--write") == 2
    assert "has a start pose at frame 7; give --overwrite" in capsys.readouterr().err
    assert run(tmp_path / "take", "--write", "--overwrite") == 0


def test_writes_a_new_take_and_leaves_the_old_one(take: Take, found: FoundStart, tmp_path: Path, capsys: Any) -> None:
    old = replace(take, start=StartPose(7, expression(), np.eye(4)))
    write_take(old, tmp_path / "take")
    before = (tmp_path / "take" / "take.npz").read_bytes()
    assert run(tmp_path / "take", "--out", tmp_path / "new") == 0
    assert (tmp_path / "take" / "take.npz").read_bytes() == before
    new = read_take(tmp_path / "new")
    assert new.start is not None
    assert np.array_equal(new.start.head, HEAD)
    assert Path(new.footage[0].image_path(7)).is_file()
    assert run(tmp_path / "take", "--out", tmp_path / "new") == 2
    assert "exists already" in capsys.readouterr().err


def test_writes_a_file_that_pack_reads(take: Take, found: FoundStart, tmp_path: Path, capsys: Any) -> None:
    take = replace(take, scene_times=np.array([1001.0]))
    write_take(take, tmp_path / "take")
    file = tmp_path / "start.json"
    assert run(tmp_path / "take", "--out", file, "--picture", tmp_path / "look.png", "--json") == 0
    start, scene_frame = read_start(file, take.rig, 7)
    assert scene_frame == 1001
    assert np.allclose(start.controls, found.start.controls)
    assert np.allclose(start.head, HEAD)
    record = json.loads(capsys.readouterr().out)
    assert (record["how"], record["sure"], record["weights"]["jawOpen"]) == ("search", True, 0.25)
    assert (tmp_path / "look.png").is_file()
    assert run(tmp_path / "take", "--out", file) == 2


def test_a_file_cannot_hold_a_start_at_a_later_frame(take: Take, tmp_path: Path) -> None:
    longer = replace(take, frames=np.array([7, 8]), scene_times=np.array([7.0, 8.0]))
    with pytest.raises(TakeError, match="it is at frame 8"):
        write_start(longer, StartPose(8, expression(), HEAD), tmp_path / "start.json")
    assert not (tmp_path / "start.json").exists()


def test_a_start_file_asks_for_the_first_frame_and_its_place_is_looked_at_before(
    take: Take, tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    longer = replace(take, frames=np.array([7, 8]), scene_times=np.array([7.0, 8.0]))
    write_take(longer, tmp_path / "take")
    asked: list[int | None] = []

    def find(*given: Any) -> FoundStart:
        asked.append(given[4])
        return FoundStart(StartPose(7, expression(), HEAD), "search", 0.97, 0.9, 0.5, ())

    monkeypatch.setattr("facesolve.start.find.find_start", find)
    assert run(tmp_path / "take", "--out", tmp_path / "start.json", "--frame", 8) == 2
    assert "it is at frame 8" in capsys.readouterr().err
    assert run(tmp_path / "take", "--out", tmp_path / "take" / "take.json" / "start.json") == 2
    assert "is a file, not a folder" in capsys.readouterr().err
    assert asked == []
    assert run(tmp_path / "take", "--out", tmp_path / "start.json") == 0
    assert run(tmp_path / "take") == 0
    assert asked == [7, None]


def test_the_picture_shows_footage_and_mesh_of_every_camera(take: Take, tmp_path: Path) -> None:
    write_picture_of_start(take, StartPose(7, expression(), HEAD), tmp_path / "start.png")
    picture = cv2.imread(str(tmp_path / "start.png")).astype(int)
    height, width = picture.shape[:2]
    assert height == 250
    for camera in range(2):
        edges = [(2 * camera + part) * width // 4 for part in range(2)]
        plain, drawn = (picture[60:-60, edge + 40 : edge + 160] for edge in edges)
        assert np.abs(plain - drawn).max(2).mean() > 5
