"""Requests of ``facesolve serve`` and names of pictures: written and read back."""

from pathlib import Path

import pytest

from facesolve.take import TakeError
from facesolve.take.frame_pictures import EDGES, FramePicture, picture_path, shown_in
from facesolve.take.requests import Draw, Solve, read_request, request_line


def test_a_request_is_read_as_it_was_written():
    head = ((1.0, 0.0, 0.0, 0.5), (0.0, 1.0, 0.0, 0.0), (0.0, 0.0, 1.0, 0.0), (0.0, 0.0, 0.0, 1.0))
    for request in (Draw(1012), Solve("größe", ((3, "jaw", 0.25),), ((3, head),)), Solve("out")):
        assert read_request(request_line(request)) == request


@pytest.mark.parametrize(
    "line",
    [
        "",
        "[]",
        '{"request": "draw"}',
        '{"request": "later"}',
        '{"request": "draw", "frame": "x"}',
        '{"request": "solve", "out": "a", "pins": [[1]], "head_pins": []}',
        '{"request": "solve", "out": "a", "pins": [], "head_pins": [[1, [[1]]]]}',
    ],
)
def test_other_lines_are_refused(line):
    with pytest.raises(TakeError, match="malformed"):
        read_request(line)


def test_the_name_of_a_picture_says_what_it_shows():
    picture = FramePicture(3, -12, EDGES)
    path = picture_path(Path("solution"), picture)
    assert path.as_posix() == "solution/pictures/camera3.-12.edges.jpg"
    assert shown_in(path) == picture
    assert shown_in(Path("camera3.12.other.jpg")) is None
