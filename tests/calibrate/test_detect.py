"""Detection: boards of every kind, dark and bright, in bad light, on computed photographs and on real ones."""

import cv2
import numpy as np
import pytest
import torch

from facesolve.calibrate.board import ASYMMETRIC, parse_board
from facesolve.calibrate.detect import detect, detect_session, read_gray
from facesolve.calibrate.dots import dot_bias
from facesolve.calibrate.images import find_images
from facesolve.calibrate.lens import parameters_of
from facesolve.calibrate.markers import check_markers
from facesolve.calibrate.sightings import Rig, Sighting
from facesolve.geometry.camera import CameraModel
from facesolve.runtime.progress import Silent
from facesolve.take import Camera, FootageError, TakeError

from . import photographs
from .boards_seen import rigid
from .photographs import photograph_board

CAMERA = Camera(
    "c",
    640,
    480,
    np.array([[900.0, 0, 330], [0, 905, 235], [0, 0, 1]]),
    np.eye(3),
    np.array([0, 0, 70.0]),
    np.zeros(0),
)


def projected(points):
    model = CameraModel.from_cameras([CAMERA], dtype=torch.float64)
    return model.project(torch.as_tensor(points))[0][0].numpy()


def errors(board, pose, detection, dot):
    """Distances in pixels to the true centers, the labels turned as fits best; perspective's bias removed."""
    found = []
    for symmetry in board.symmetries:
        turned = pose @ symmetry.motion
        true = projected(board.points[detection.ids] @ turned[:3, :3].T + turned[:3, 3])
        to_camera = rigid(np.zeros(3), CAMERA.translation) @ turned
        rig = Rig(parameters_of(CAMERA.intrinsics, CAMERA.distortion)[None], np.eye(4)[None], to_camera[None])
        sighting = Sighting(0, 0, board.points[detection.ids], detection.pixels)
        bias = dot_bias(sighting, rig, dot) if dot else 0
        found.append(np.linalg.norm(detection.pixels - bias - true, axis=1))
    return min(found, key=np.sum)


@pytest.mark.parametrize(
    ("text", "tilt", "bright", "noise", "shade"),
    [
        ("circles:10x10:20", (0.5, 0.6, 0.2), False, 0, 0.0),
        ("circles:10x10:20", (0.0, 0.0, 0.0), True, 3, 0.0),
        ("circles:7x5:40", (0.7, -0.7, 2.0), False, 6, 0.7),
        ("acircles:4x11:20", (0.4, 0.5, 1.6), True, 3, 0.0),
        ("acircles:4x10:20", (0.4, 0.5, 0.2), False, 3, 0.0),
        ("acircles:3x6:30", (0.7, 0.3, 1.6), False, 0, 0.0),
        ("chessboard:9x6:25", (0.5, 0.6, 0.2), False, 3, 0.5),
        ("charuco:5x7:40:20:6X6_250", (0.5, 0.4, 0.2), False, 3, 0.0),
    ],
)
def test_board_is_found_whole_and_exactly(text, tilt, bright, noise, shade):
    board = parse_board(text)
    pose = rigid(np.array(tilt), np.zeros(3)) @ rigid(np.zeros(3), -board.corners.mean(0))
    dot = (
        0.0
        if not text.startswith(("circles", "acircles"))
        else board.spacing * (0.9 if board.kind == ASYMMETRIC else 0.6)
    )
    image = photograph_board(board, CAMERA, pose, dot, bright, noise, shade)
    detection = detect(image, board, "c", "1")
    assert detection is not None
    assert sorted(detection.ids) == list(range(len(board.points)))
    wrong = errors(board, pose, detection, dot)
    assert wrong.mean() < (0.06 if dot else 0.12)
    assert wrong.max() < (0.2 if dot else 0.5)


@pytest.mark.parametrize(
    ("text", "told", "margin"),  # outermost squares of a chessboard may be narrow
    [
        ("circles:7x5:40", ("circles:6x5:40", "circles:7x4:40", "circles:4x3:40"), 1.0),
        ("acircles:4x11:20", ("acircles:4x9:20", "acircles:3x11:20"), 0.5),
        ("chessboard:9x6:25", ("chessboard:8x6:25",), 0.5),
        ("chessboard:7x5:25", ("chessboard:5x5:25", "chessboard:4x3:25"), 1.0),
    ],
)
def test_part_of_a_larger_board_is_not_the_board(text, told, margin, monkeypatch):
    """Which part it is would differ from image to image."""
    monkeypatch.setattr(photographs, "MARGIN", margin)
    board = parse_board(text)
    pose = rigid(np.array((0.4, -0.3, 0.2)), np.zeros(3)) @ rigid(np.zeros(3), -board.corners.mean(0))
    image = photograph_board(board, CAMERA, pose, 0.6 * board.spacing, noise=2)
    assert detect(image, board, "c", "1") is not None
    for smaller in told:
        assert detect(image, parse_board(smaller), "c", "1") is None, smaller


def test_a_wrong_grid_is_not_the_board_and_other_ways_are_tried(monkeypatch):
    """OpenCV's sectors return wrong grids of the right size now and then, in some draws."""
    board = parse_board("chessboard:9x6:25")
    pose = rigid(np.array((0.4, -0.3, 0.2)), np.zeros(3)) @ rigid(np.zeros(3), -board.corners.mean(0))
    image = photograph_board(board, CAMERA, pose, noise=2)
    right = detect(image, board, "c", "1")
    found = cv2.findChessboardCornersSB(image, (9, 6))[1]
    for wrong in (found[::2].repeat(2, axis=0), np.roll(found, 1, axis=0), found.reshape(9, 6, 1, 2).swapaxes(0, 1)):
        monkeypatch.setattr(cv2, "findChessboardCornersSB", lambda *_, grid=wrong, **__: (True, grid.reshape(-1, 1, 2)))
        again = detect(image, board, "c", "1")
        turned = again.pixels[::-1] if np.abs(again.pixels - right.pixels).max() > 50 else again.pixels
        assert np.abs(turned - right.pixels).max() < 0.05
        monkeypatch.setattr(cv2, "findChessboardCorners", lambda *_, **__: (False, None))
        assert detect(image, board, "c", "1") is None
        monkeypatch.undo()


def test_what_opencv_drew_before_changes_nothing():
    board = parse_board("circles:7x5:40")
    pose = rigid(np.array((0.7, -0.7, 2.0)), np.zeros(3)) @ rigid(np.zeros(3), -board.corners.mean(0))
    image = photograph_board(board, CAMERA, pose, 2.4, noise=6)
    found = []
    for state in (1, 5):
        cv2.setRNGSeed(state)
        found.append(detect(image, board, "c", "1").pixels)
    np.testing.assert_array_equal(*found)


@pytest.mark.parametrize("inverted", [True, False])
def test_board_of_markers_printed_light_on_dark_or_counted_from_elsewhere(inverted):
    board = parse_board("charuco:4x5:54:40:5X5_100:20")
    pose = rigid(np.array((0.4, -0.3, 0.2)), np.zeros(3)) @ rigid(np.zeros(3), -board.corners.mean(0))
    image = photograph_board(board, CAMERA, pose)
    detection = detect(255 - image if inverted else image, board, "c", "1")
    assert len(detection.ids) == 12
    assert errors(board, pose, detection, 0).max() < 0.15
    assert detect(image, parse_board("charuco:4x5:54:40:5X5_100"), "c", "1") is None


@pytest.mark.parametrize(("border", "upwards", "turn"), [(2, True, 2), (1, False, 0)])
def test_aprilgrid_as_kalibr_and_others_draw_it(border, upwards, turn):
    """Kalibr: two bits of border, tags counted from the bottom left, small squares between the tags."""
    board = parse_board("aprilgrid:5x4:50:15")
    picture = np.full((4 * 65 + 15, 5 * 65 + 15), 255, np.uint8)
    dictionary = cv2.aruco.getPredefinedDictionary(cv2.aruco.DICT_APRILTAG_36h11)
    for tag in range(20):
        row, column = 3 - tag // 5 if upwards else tag // 5, tag % 5
        drawn = np.rot90(cv2.aruco.generateImageMarker(dictionary, tag, 50, borderBits=border), turn)
        picture[15 + row * 65 :, 15 + column * 65 :][:50, :50] = drawn
    for row in range(5):
        for column in range(6):
            picture[row * 65 :, column * 65 :][:15, :15] = 0
    frame = np.array([(20, 10), (600, 30), (560, 460), (60, 420)], np.float32)
    corners = np.array([(0, 0), (340, 0), (340, 275), (0, 275)], np.float32)
    matrix = cv2.getPerspectiveTransform(corners, frame)
    image = cv2.warpPerspective(picture, matrix, (640, 480), flags=cv2.INTER_AREA, borderValue=200)
    detection = detect(image, board, "c", "1")
    assert len(detection.ids) == 80
    true = cv2.perspectiveTransform(board.points[None, detection.ids, :2] * 10 + 15, matrix)[0]
    assert np.abs(detection.pixels - true).max() < 1.0


def test_perspective_moves_the_middle_of_large_dots():
    """Without the correction the same detection is many times worse: this is what the diameter is asked for."""
    board = parse_board("circles:7x5:40")
    pose = rigid(np.array((0.7, -0.7, 2.0)), np.zeros(3)) @ rigid(np.zeros(3), -board.corners.mean(0))
    detection = detect(photograph_board(board, CAMERA, pose, 2.4), board, "c", "1")
    assert detection is not None
    assert errors(board, pose, detection, 0.0).mean() > 4 * errors(board, pose, detection, 2.4).mean()


def test_image_without_the_board_gives_nothing():
    board = parse_board("circles:10x10:20")
    noise = np.random.default_rng(0).integers(0, 255, (240, 320)).astype(np.uint8)
    assert detect(noise, board, "c", "1") is None
    assert detect(np.full((240, 320), 90, np.uint8), parse_board("chessboard:9x6:25"), "c", "1") is None


def test_deep_images_are_stretched(tmp_path):
    gray = np.tile(np.linspace(100, 900, 300).astype(np.uint16), (200, 1))
    cv2.imwrite(str(tmp_path / "deep.png"), gray)
    read = read_gray(tmp_path / "deep.png")
    assert (read.dtype, read.min()) == (np.uint8, 0)
    assert read.max() >= 254


def test_session_errors_name_camera_and_file(tmp_path):
    for name, size in (("a1", (60, 80)), ("a2", (60, 81))):
        cv2.imwrite(str(tmp_path / f"{name}.png"), np.zeros(size, np.uint8))
    board = parse_board("chessboard:9x6:25")
    with pytest.raises(FootageError, match=r"a2\.png' is 81x60 pixels, other images of camera 'a' are 80x60"):
        detect_session(find_images(str(tmp_path / "a{view}.png")), [board], Silent())
    with pytest.raises(TakeError, match=r"camera 'a': the board was not found in its image;"):
        detect_session(find_images(str(tmp_path / "a{view}.png"))[:1], [board], Silent())
    (tmp_path / "b1.png").write_bytes(b"\x89PNG")
    with pytest.raises(FootageError, match=r"b1\.png"):
        detect_session(find_images(str(tmp_path / "b{view}.png")), [board], Silent())


def test_unknown_and_too_small_dictionaries_are_refused():
    with pytest.raises(TakeError, match="no marker dictionary '9X9_1'"):
        check_markers(parse_board("charuco:5x7:40:20:9X9_1"))
    with pytest.raises(TakeError, match="need 200 markers, 4X4_50 has 50"):
        check_markers(parse_board("charuco:20x20:40:20:4X4_50"))


def test_real_charuco_photograph(facesolve_data):
    path = facesolve_data / "calibration" / "charuco" / "choriginal.jpg"
    session = detect_session(find_images(str(path)), [parse_board("charuco:5x7:40:20:6X6_250")], Silent())
    assert sorted(session.detections[0].ids) == list(range(24))
