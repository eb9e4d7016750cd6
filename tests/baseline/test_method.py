"""Schedules: when which learning rate holds, and settings that make no sense."""

from dataclasses import replace

import pytest

from facesolve.baseline.method import COMBINED, FREE, PRESETS, FirstOrder
from facesolve.take import SolveError

TUNED = PRESETS["tuned"]


def test_texture_waits_then_grows_then_decays_with_the_rest() -> None:
    method = replace(TUNED, texture_start=0.2, texture_ramp=0.4)
    assert method.texture_rate(0.19) == 0
    assert method.texture_rate(0.4) == pytest.approx(0.5 * method.rate(0.4))
    assert method.texture_rate(0.9) == pytest.approx(method.rate(0.9))
    assert TUNED.texture_rate(0.0) == 1


def test_shapes_wait_in_combined_mode_alone() -> None:
    late = replace(TUNED, shapes_start=0.5)
    assert replace(late, mode=COMBINED).shapes_rate(0.4) == 0
    assert replace(late, mode=COMBINED).shapes_rate(0.6) == pytest.approx(TUNED.rate(0.6))
    assert replace(late, mode=FREE).shapes_rate(0.0) == 1


@pytest.mark.parametrize(
    "wrong",
    [{"mode": "both"}, {"texture_start": 1.0}, {"shapes_start": -0.1}, {"texture_ramp": -1.0}, {"shape_count": -1}],
)
def test_nonsense_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(SolveError, match=r"expected|must"):
        replace(TUNED, **wrong)


def test_published_rates_are_kept() -> None:
    assert PRESETS["thesis"] == FirstOrder(
        1e-3, 1e-5, 1e-5, 1e-3, decay=0.005, level=0, shapes=1e-3, shapes_start=0.5, laplacian=0.077
    )
