"""Timecode of frame numbers."""

import pytest

from facesolve.take.timecode import timecode


@pytest.mark.parametrize(
    ("frame", "fps", "expected"),
    [
        (0, 24.0, "00:00:00:00"),
        (1001, 24.0, "00:00:41:17"),
        (1001, 23.976, "00:00:41:17"),
        (119, 120.0, "00:00:00:119"),
        (30 * 3661 + 7, 29.97, "01:01:01:07"),
        (1, 0.4, "00:00:01:00"),
        (-25, 24.0, "-00:00:01:01"),
    ],
)
def test_counts_in_whole_frames(frame: int, fps: float, expected: str) -> None:
    assert timecode(frame, fps) == expected
