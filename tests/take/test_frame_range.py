"""Ranges of frames and vertices as users write them."""

from __future__ import annotations

import pytest

from facesolve.take import TakeError
from facesolve.take.frame_range import parse_frame_list, parse_frames, parse_region, parse_scene_frames


@pytest.mark.parametrize(
    ("text", "frames"),
    [("0-39", (0, 39)), ("7", (7, 7)), ("-5-10", (-5, 10)), ("-5--2", (-5, -2)), (" 1 - 2 ", (1, 2))],
)
def test_frames_include_both_ends(text: str, frames: tuple[int, int]) -> None:
    assert parse_frames(text) == frames
    assert parse_frames("{}-{}".format(*frames)) == frames


@pytest.mark.parametrize("text", ["", "a-b", "1:5", "5-", "3-1", "1.5-2", "1-2-3"])
def test_bad_frames_are_refused(text: str) -> None:
    with pytest.raises(TakeError, match="frames: "):
        parse_frames(text)


def test_frames_of_a_scene_may_lie_between_whole_ones() -> None:
    assert parse_scene_frames("1001.5-1040") == (1001.5, 1040.0)
    assert parse_scene_frames("-3--1.25") == (-3.0, -1.25)
    for text in ("", "1.-2", "x", "2.5-2"):
        with pytest.raises(TakeError, match="frames: "):
            parse_scene_frames(text)


def test_a_list_of_frames_and_ranges() -> None:
    assert parse_frame_list("12,13, 20-22; -1") == {12, 13, 20, 21, 22, -1}
    assert parse_frame_list(" , ") == frozenset()


@pytest.mark.parametrize("part", ["5-x", "9-7", "1.5", "0-2000000000"])
def test_bad_lists_quote_the_part(part: str) -> None:
    with pytest.raises(TakeError, match="excluded frames: .*" + part):
        parse_frame_list("3, " + part, "excluded frames")


def test_regions_leave_out_the_last_vertex() -> None:
    assert parse_region(" 0:6706 ") == (0, 6706)


@pytest.mark.parametrize("text", ["", "3", "a:b", "5:5", "7:3", "-1:4", "1:\u00b2"])
def test_bad_regions_are_refused(text: str) -> None:
    with pytest.raises(TakeError, match="region: "):
        parse_region(text)
