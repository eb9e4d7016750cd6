"""Boards that are not what they were meant to be: the views find it, and cameras do not pay for it."""

import numpy as np
import pytest

from facesolve.calibrate.board import parse_board
from facesolve.calibrate.board_shape import shape_modes
from tests.bench.stage_sessions import Trouble, trial


@pytest.mark.parametrize(
    ("text", "count"),
    [("charuco:8x5:30:20:5X5_250", 5), ("chessboard:9x6:20", 5), ("circles:7x7:20", 1)],
)
def test_shapes_leave_the_middle_and_tilt_and_size_of_a_board_alone(text, count):
    """Where a board may have been turned between two views, only shapes that do not show it can be told."""
    board = parse_board(text)
    modes = shape_modes(board)
    assert modes.shape == (len(board.points), 3, count)
    flat = board.points - board.points.mean(0)
    for mode in np.moveaxis(modes, 2, 0):
        np.testing.assert_allclose(mode.mean(0), 0, atol=1e-12)
        np.testing.assert_allclose(flat[:, :2].T @ mode[:, 2], 0, atol=1e-9)
    for symmetry in board.symmetries:
        np.testing.assert_allclose(np.einsum("ij,njs->nis", symmetry.motion[:3, :3], modes), modes[symmetry.order],
                                   atol=1e-12)  # fmt: skip


def test_a_board_that_is_bent_and_stretched_bends_no_camera():
    """Taken for flat, these views turn the cameras by 2 degrees against each other (``tests.bench.stage_sessions``)."""
    found = trial(Trouble(lens="k1", spread=0.1, lean=(0.4, -0.25), bow=0.3, stretch=0.002), 1)
    for name in ("angles", "distances", "centers", "head"):
        errors, stated = getattr(found.errors, name).T
        assert (np.abs(errors) <= 2 * stated).mean() >= 0.9, name
    assert np.abs(found.errors.angles[:, 0]).max() < 0.3
    (shape,) = found.calibration.shapes
    assert shape.bulge == pytest.approx(0.3, abs=0.03)
    assert shape.stretch == pytest.approx(0.2, abs=0.02)
    assert any("it is not flat but bulges by 0.3" in warning for warning in found.warnings)
    assert any("% wider than it should be" in warning for warning in found.warnings)
