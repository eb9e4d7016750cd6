"""Boards: points, symmetries, and what is refused."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from facesolve.calibrate.board import parse_board, two_sided
from facesolve.calibrate.calibrate import Request, calibrate
from facesolve.calibrate.detect import detect
from facesolve.calibrate.session import Detection, Session
from facesolve.calibrate.single import LensRequest
from facesolve.geometry.camera import CameraModel
from facesolve.runtime.progress import Silent
from facesolve.take import Camera, TakeError

from .boards_seen import arc_of_cameras, rigid
from .photographs import photograph_board


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


def test_a_board_of_two_sides_links_cameras_that_look_at_each_other():
    """Two cameras see the front, two the back; no view is seen by a camera of each side but through the board."""
    back = parse_board("charuco:7x5:30:20:6X6_250:30")
    board = two_sided(parse_board("charuco:5x7:40:25:6X6_250"), back, 0.6)
    count = len(board.front.points)
    cameras = arc_of_cameras(2, distortion=np.zeros(0))
    turn = np.diag((-1.0, 1.0, -1.0))  # about the vertical axis
    cameras += [replace(c, name=f"back{i}", rotation=c.rotation @ turn) for i, c in enumerate(cameras)]
    middle = board.front.corners.mean(0) + np.array((0, 0, 0.3))
    random, detections = np.random.default_rng(0), []
    model = CameraModel.from_cameras(cameras, dtype=torch.float64)
    for view in range(12):
        pose = rigid(random.uniform(-0.5, 0.5, 3), random.uniform(-4, 4, 3)) @ rigid(np.zeros(3), -middle)
        pixels = model.project(torch.as_tensor(board.points @ pose[:3, :3].T + pose[:3, 3])).pixels.numpy()
        for index, camera in enumerate(cameras):
            ids = np.arange(count) if index < 2 else np.arange(count, len(board.points))
            noisy = pixels[index, ids] + random.normal(0, 0.05, (len(ids), 2))
            detections.append(Detection(camera.name, f"{view:02d}", ids, noisy))
    session = Session(board, {c.name: (c.width, c.height) for c in cameras}, tuple(detections))
    found = calibrate(session, Request(LensRequest("none")), Silent())
    true = [-c.rotation.T @ c.translation for c in cameras]
    for a, b in ((0, 1), (0, 2), (1, 3), (2, 3)):
        apart = np.linalg.norm(found.cameras[a].center - found.cameras[b].center)
        assert apart == pytest.approx(np.linalg.norm(true[a] - true[b]), abs=0.1)
        turned = found.cameras[a].camera.rotation @ found.cameras[b].camera.rotation.T
        np.testing.assert_allclose(turned, cameras[a].rotation @ cameras[b].rotation.T, atol=2e-3)


def test_the_side_that_is_seen_is_found():
    back = parse_board("charuco:7x5:30:20:6X6_250:30")
    board = two_sided(parse_board("charuco:5x7:40:25:6X6_250"), back, 0.6)
    matrix = np.array([[700.0, 0, 240], [0, 700, 180], [0, 0, 1]])
    camera = Camera("c", 480, 360, matrix, np.eye(3), np.array([0, 0, 60.0]))
    pose = rigid(np.array((0.2, 0.3, 0)), np.zeros(3)) @ rigid(np.zeros(3), -back.corners.mean(0))
    image = photograph_board(back, camera, pose)
    found = detect(image, board, "c", "1")
    assert sorted(found.ids) == list(range(len(board.front.points), len(board.points)))
    with pytest.raises(TakeError, match="markers of the same numbers"):
        two_sided(board.front, parse_board("charuco:7x5:30:20:6X6_250:3"), 0.6)
    with pytest.raises(TakeError, match="sides of the board: all of them must have markers"):
        two_sided(board.front, parse_board("chessboard:7x5:30"), 0.6)
    with pytest.raises(TakeError, match="300 mm is none that a board has"):
        two_sided(board.front, back, 30.0)
