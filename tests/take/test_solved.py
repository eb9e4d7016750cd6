"""What tells one solve from another, and where a solution's take is."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from facesolve.take import Footage, TakeError, write_solution, write_take
from facesolve.take.names import CHECKPOINT, SOLUTION
from facesolve.take.solved import find_take_folder, fingerprint, is_solved

from . import rigs


def test_a_solve_is_told_apart_by_its_quality_settings_frames_and_take(tmp_path: Path) -> None:
    take = rigs.take(tmp_path)
    write_take(take, tmp_path)
    others = [
        *(replace(take, settings=replace(take.settings, quality=quality)) for quality in ("draft", "standard")),
        replace(take, settings=replace(take.settings, smoothness=2.0)),
        replace(take, settings=replace(take.settings, pins=())),
        rigs.take(
            tmp_path, frames=take.frames + 10, start=None, settings=replace(take.settings, pins=(), head_pins=())
        ),
    ]
    known = [fingerprint(take, tmp_path), *(fingerprint(other, tmp_path) for other in others)]
    assert len(set(known)) == len(known)
    assert fingerprint(take, tmp_path) == known[0]
    write_take(replace(take, name="another"), tmp_path)
    assert fingerprint(take, tmp_path) != known[0]


def test_footage_of_the_same_names_counts_by_its_files(tmp_path: Path) -> None:
    take = rigs.take(tmp_path)
    folder = tmp_path / "take"
    pattern = (tmp_path / "left.{frame:04d}.png").as_posix()
    footage = tuple(replace(one, path=pattern, offset=0, images=(), bayer=None) for one in take.footage)
    take = replace(take, footage=footage)
    write_take(take, folder)
    image = Path(Footage.image_path(footage[0], int(take.frames[1])))
    known = [fingerprint(take, folder)]
    image.write_bytes(b"one")
    os.utime(image, (1e9, 1e9))
    known.append(fingerprint(take, folder))
    os.utime(image, (1e9, 1e9 + 5))
    known.append(fingerprint(take, folder))
    image.write_bytes(b"longer")
    os.utime(image, (1e9, 1e9 + 5))
    known.append(fingerprint(take, folder))
    assert len(set(known)) == 4
    (tmp_path / "left.9999.png").write_bytes(b"of no frame")
    assert fingerprint(take, folder) == known[-1]


def test_a_take_is_found_where_its_solution_says_or_the_user_does(tmp_path: Path) -> None:
    write_take(rigs.take(tmp_path), tmp_path / "take")
    solution = rigs.solution(provenance={"take": "../take"})
    assert find_take_folder(solution, tmp_path / "out") == tmp_path / "take"
    assert find_take_folder(solution, tmp_path / "out", tmp_path / "elsewhere") == tmp_path / "elsewhere"
    with pytest.raises(TakeError, match=r"its take is not at '.*' any more; give the take's folder with --take"):
        find_take_folder(solution, tmp_path / "out" / "deeper")
    with pytest.raises(TakeError, match="does not record its take"):
        find_take_folder(rigs.solution(provenance={}), tmp_path / "out")


def test_a_folder_is_solved_when_it_holds_a_whole_solution_of_the_same(tmp_path: Path) -> None:
    assert not is_solved(tmp_path, "a")
    write_solution(rigs.solution(provenance={"fingerprint": "a"}), tmp_path)
    assert is_solved(tmp_path, "a")
    assert not is_solved(tmp_path, "b")
    (tmp_path / CHECKPOINT).touch()
    assert not is_solved(tmp_path, "a")
    (tmp_path / CHECKPOINT).unlink()
    (tmp_path / SOLUTION).write_text("no JSON", encoding="utf-8")
    assert not is_solved(tmp_path, "a")
