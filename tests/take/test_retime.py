"""Frames that are shown at several scene times: their order, their files, what is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from facesolve.take import Footage, Take, TakeError, read_take, write_take
from facesolve.take.frame_range import part_of_take
from facesolve.take.retime import Shown, timeline
from tests.take import rigs


def test_times_rise_whatever_the_order_of_the_frames() -> None:
    shown = Shown(np.array([3, 4, 5]), np.array([9.0, 2.0, 1.0]), np.array([3.0, 8.5]), np.array([4, 3]))
    times, rows = timeline(shown)
    assert times.tolist() == [1.0, 2.0, 3.0, 8.5, 9.0]
    assert rows.tolist() == [2, 1, 1, 0, 0]


@pytest.fixture
def take() -> Take:
    """Three frames, of which the second is held for two more scene frames."""
    camera, frames = rigs.camera(), np.array([3, 4, 5])
    return Take(
        "held",
        rigs.rig(),
        (camera,),
        (Footage(camera.name, "/f/x_{frame}.png"),),
        frames,
        24.0,
        scene_times=np.array([1.0, 2.0, 5.0]),
        repeat_times=np.array([3.0, 4.0]),
        repeat_frames=np.array([4, 4]),
    )


def test_files_and_ranges_keep_what_is_repeated(take: Take, tmp_path: Path) -> None:
    write_take(take, tmp_path)
    again = read_take(tmp_path)
    assert again.repeat_times.tolist() == [3.0, 4.0]
    assert timeline(again)[1].tolist() == [0, 1, 1, 1, 2]
    assert timeline(part_of_take(take, 4, 5))[0].tolist() == [2.0, 3.0, 4.0, 5.0]
    assert not len(part_of_take(take, 5, 5).repeat_times)


def test_a_repeated_frame_must_be_one_of_the_take(take: Take) -> None:
    with pytest.raises(TakeError, match="frame 9 is repeated"):
        replace(take, repeat_frames=np.array([4, 9]))
    with pytest.raises(TakeError, match="needs one finite scene time"):
        replace(take, repeat_times=np.array([3.0]))
