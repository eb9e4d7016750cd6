"""Boards: points, symmetries, and what is refused."""

import numpy as np
import pytest

from facesolve.calibrate.board import parse_board
from facesolve.take import TakeError


def test_points_are_in_centimeters_row_after_row():
    board = parse_board("circles:3x2:20")
    assert board.points.tolist() == [[0, 0, 0], [2, 0, 0], [4, 0, 0], [0, 2, 0], [2, 2, 0], [4, 2, 0]]
    assert parse_board("circles:3x2:20:12").diameter == pytest.approx(1.2)


def test_asymmetric_rows_are_shifted_by_half_a_step():
    board = parse_board("acircles:3x3:10")
    assert board.points[:, 0].tolist() == [0, 2, 4, 1, 3, 5, 0, 2, 4]
    assert board.points[:, 1].tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]


def test_charuco_has_the_corners_between_its_squares():
    board = parse_board("charuco:5x7:40:20:DICT_6X6_250")
    assert len(board.points) == 4 * 6
    assert board.points[0].tolist() == [4, 4, 0]
    assert board.dictionary == "6X6_250"


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("circles:10x10:20", 4),
        ("circles:9x10:20", 2),
        ("chessboard:9x6:25", 2),
        ("acircles:4x11:20", 1),
        ("acircles:4x10:20", 2),
        ("charuco:6x6:40:20:6X6_250", 1),
    ],
)
def test_symmetries_map_the_board_onto_itself(text, count):
    board = parse_board(text)
    assert len(board.symmetries) == count
    assert np.array_equal(board.symmetries[0].motion, np.eye(4))
    for symmetry in board.symmetries:
        moved = board.points @ symmetry.motion[:3, :3].T + symmetry.motion[:3, 3]
        np.testing.assert_allclose(moved, board.points[symmetry.order], atol=1e-9)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("dots:3x3:20", "is not a board"),
        ("circles:3:20", "is not a board"),
        ("circles:3x3", "is not a board"),
        ("chessboard:3x3:20:4", "is not a board"),
        ("charuco:5x7:40:20", "is not a board"),
        ("circles:1x3:20", "2 to 200"),
        ("acircles:4x2:20", "3 to 200"),
        ("circles:3x3:nan", "not a length"),
        ("circles:3x3:-2", "not a length"),
        ("circles:3x3:20:20", "dots touch"),
        ("charuco:5x7:20:40:6X6_250", "not smaller"),
    ],
)
def test_what_is_not_a_board_is_one_sentence(text, says):
    with pytest.raises(TakeError, match=says):
        parse_board(text)
