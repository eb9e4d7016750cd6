"""What a take and a solution say of themselves at a prompt."""

from pathlib import Path

import numpy as np
import pytest

from facesolve.take import Settings
from facesolve.take.in_words import stretches_in_words
from tests.take.rigs import solution, take


def test_a_take_is_one_informative_paragraph(tmp_path: Path):
    assert repr(take(tmp_path)) == (
        "<Take 'shot': 4 frames, 1001 to 1005 at 23.976 fps, 2 cameras (cam0 640x480, cam1 640x480), a rig of 5 "
        "vertices and 2 controls, start pose at frame 1002; settings: quality final, sparsity 0.25, 2 controls set, "
        "1 pin set, 1 head pin set>"
    )


def test_a_take_without_a_start_says_so_and_default_settings_are_default(tmp_path: Path):
    plain = repr(take(tmp_path, start=None, settings=Settings()))
    assert "no start pose; settings: default>" in plain


def test_a_solution_is_one_informative_paragraph():
    provenance = {"take_name": "shot", "device": "A GPU", "seconds": {"track": 1.25, "refine": 2.5}}
    assert repr(solution(provenance=provenance, control_std=np.array([[0.02, 0.004]] * 3))) == (
        "<Solution of take 'shot': 3 frames, 10 to 12 at 30 fps, 2 controls, 1 camera; median standard deviation "
        "0.012; mean residual 0.1; least certain: smile ±0.02, mistaken for jaw, jaw ±0.004, mistaken for smile; "
        "solved on A GPU in 3.8 s>"
    )


def test_a_solution_says_what_it_does_not_know():
    blind = repr(
        solution(1, residual=np.full((1, 1), np.nan), control_std=np.full((1, 2), np.nan), confused=(), provenance={})
    )
    assert blind == "<Solution: frame 10 at 30 fps, 2 controls, 1 camera; no camera saw the head>"


@pytest.mark.parametrize(
    ("frames", "words"),
    [
        ([7], "frame 7"),
        ([7, 8, 9], "frames 7 to 9"),
        ([7, 9], "frames 7 and 9"),
        ([1, 2, 5, 8, 9], "frames 1 to 2, 5 and 8 to 9"),
        ([1, 3, 5, 7, 9, 10], "frames 1, 3, 5, and 2 more stretches"),
    ],
)
def test_frames_are_named_by_the_stretches_they_form(frames: list, words: str) -> None:
    assert stretches_in_words(frames) == words
