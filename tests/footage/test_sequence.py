"""Patterns as studios type them become the take's one form; what is on disk, and what is missing, is named."""

from pathlib import Path

import pytest

from facesolve.footage.sequence import canonical_pattern, frames_on_disk, named_frames
from facesolve.take import Footage, TakeError


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("shot.####.exr", "shot.{frame:04d}.exr"),
        ("shot.#####.exr", "shot.{frame:05d}.exr"),
        ("shot.@@@@.exr", "shot.{frame:04d}.exr"),
        ("shot.%04d.exr", "shot.{frame:04d}.exr"),
        ("shot.%d.exr", "shot.{frame}.exr"),
        ("shot.#.exr", "shot.{frame}.exr"),
        ("shot.$F4.exr", "shot.{frame:04d}.exr"),
        ("shot.{frame:04d}.exr", "shot.{frame:04d}.exr"),
        ("{camera}/{camera}_####_left.jpg", "{camera}/{camera}_{frame:04d}_left.jpg"),
        ("C:\\shows\\a#1\\cam2####.tif", "C:\\shows\\a#1\\cam2{frame:04d}.tif"),
        ("/shows/x@y/%s/take 3 (b).####.png", "/shows/x@y/%s/take 3 (b).{frame:04d}.png"),
        ("{camera}.mov", "{camera}.mov"),
        ("take#3@night.MP4", "take#3@night.MP4"),
        ("{camera}#1.seq", "{camera}#1.seq"),
        ("still.png", "still.png"),
    ],
)
def test_every_way_to_write_the_frame_number_is_stored_in_one_form(typed: str, stored: str) -> None:
    assert canonical_pattern(typed) == stored
    assert canonical_pattern(stored) == stored


@pytest.mark.parametrize("typed", ["shot.####.exr", "shot.@@@@.exr", "shot.%04d.exr", "shot.$F4.exr"])
def test_the_stored_form_names_the_same_files(typed: str) -> None:
    footage = Footage("left", canonical_pattern(typed))
    assert footage.kind == "sequence"
    assert footage.image_path(7) == "shot.0007.exr"
    assert footage.image_path(12345) == "shot.12345.exr"


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("skin.<UDIM>.exr", "'<UDIM>' in 'skin.<UDIM>.exr' numbers the tiles of a texture"),
        ("skin.%(UDIM)d.exr", "numbers the tiles"),
        ("shot#2.####.exr", "does not say which number is the frame; write the frame number as ####"),
        ("shot.%04d.%04d.exr", "does not say which number"),
        ("shot.1001-1240####.exr", "holds a range of frames; give it as --frames"),
    ],
)
def test_what_is_no_frame_pattern_is_refused_in_one_sentence(typed: str, says: str) -> None:
    with pytest.raises(TakeError) as caught:
        canonical_pattern(typed)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_frames_on_disk_are_the_ones_that_the_pattern_names(tmp_path: Path) -> None:
    folder = tmp_path / "b[1] @x #2"
    folder.mkdir()
    for name in ("-002", "0001", "0002", "9999", "10000"):
        (folder / f"shot.{name}.exr").touch()
    for stray in ("shot.00005.exr", "shot.0007.exr.tmp", "shot.0008.png", "other.0003.exr", "shot.left.exr"):
        (folder / stray).touch()
    pattern = (folder / "shot.{frame:04d}.exr").as_posix()
    assert frames_on_disk(pattern) == [-2, 1, 2, 9999, 10000]
    assert frames_on_disk((folder / "absent.{frame}.exr").as_posix()) == []
    assert frames_on_disk((tmp_path / "nowhere" / "shot.{frame}.exr").as_posix()) == []


def test_frames_are_named_as_ranges() -> None:
    assert named_frames([7]) == "frame 7"
    assert named_frames([1004, 1002, 1003, 1010, 1002]) == "frames 1002-1004,1010"
