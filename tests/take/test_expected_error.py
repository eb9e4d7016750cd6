"""How far a surface is expected to be off, on a rig whose controls move known distances."""

from dataclasses import replace

import numpy as np
import pytest

from facesolve.take import TakeError
from facesolve.take.expected_error import expected_errors

from .rigs import rig, solution


def test_the_expected_error_is_the_reach_of_the_controls_times_their_deviation():
    plain = rig(combinations=(), targets=rig().targets[:2])
    std = np.array([[0.0, 0.0], [0.1, 0.0], [0.0, 0.1], [0.1, 0.1]])
    found = expected_errors(solution(4, control_std=std), plain)
    # jaw moves vertex 3 by sqrt(3) cm over a range of 10; of five vertices that move it is one
    jaw = 10 * 0.1 * np.sqrt(3.0 / 5) / 10
    assert found[0] == 0
    assert found[2] == pytest.approx(jaw)
    assert found[3] == pytest.approx(np.hypot(found[1], found[2]))


def test_a_solution_of_another_rig_is_refused():
    with pytest.raises(TakeError, match="not the take's"):
        expected_errors(replace(solution(), control_names=("smile", "other")), rig())
