"""How much of a solve is done, and what its stages are called."""

import pytest

from facesolve.take.solve_steps import STEPS, part_done, seconds_left, words_of


def test_a_stage_that_nobody_knows_has_no_part_and_known_ones_add_up():
    assert part_done("later", 3, 4) is None
    assert part_done("track", 1, 2) == pytest.approx(0.05 + 0.15)
    assert part_done("look for a mistake", 1, 2) == pytest.approx(1.0)
    assert sum(step.share for step in STEPS) == pytest.approx(1.0)


def test_the_time_left_is_told_once_it_is_no_guess():
    assert seconds_left(part_done("align the start pose", 0, 1), 5.0) is None
    assert seconds_left(None, 5.0) is None
    assert seconds_left(0.25, 10.0) == pytest.approx(30.0)


def test_an_animator_reads_no_jargon():
    assert words_of("bundle the keyframes") == "Agreeing on the key frames"
    assert words_of("extract") == "Extract"
