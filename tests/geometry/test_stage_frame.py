"""Cameras stand upright in the stage's frame, however the board stood; lengths are checked against a measured one."""

import json

import numpy as np
import pytest

from facesolve.cli import main
from facesolve.geometry.camera import look_along
from facesolve.geometry.camera_files import read_cameras, read_stage, write_cameras
from facesolve.geometry.stage_frame import StageFrame, check_distance, staged
from facesolve.take import TakeError
from facesolve.take.calibration import CalibratedCamera

K = np.array([[1850.0, 0, 955.0], [0, 1848.0, 548.0], [0, 0, 1]])
# the columns are the board's axes (x right, y down, z away from who looks at its face) in a stage whose y is up
BOARDS = {
    "wall": np.diag((1.0, -1.0, -1.0)),
    "floor": np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]]),
}
BOARD_AT = np.array([3.0, 120.0, -8.0])


def stage(roll: float = 0.0) -> list[CalibratedCamera]:
    """Upright cameras around a head at (0, 150, 0), y up; roll: radians, of all cameras about their axes."""
    cameras = []
    for index, angle in enumerate(np.radians((-35, 5, 40))):
        center = 90.0 * np.array([np.sin(angle), 0.1, np.cos(angle)])
        turn = look_along(-center, np.array([0.0, 1, 0]))
        c, s = np.cos(roll), np.sin(roll)
        turn = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]) @ turn
        place = -turn @ (center + np.array([0, 150, 0]))
        cameras.append(CalibratedCamera(f"cam{index}", K, turn, place, np.zeros(0), 1920, 1080))
    return cameras


def in_the_boards_axes(cameras, board: np.ndarray) -> list[CalibratedCamera]:
    """As a calibration gives them; board: (3, 3), its axes as columns in the stage."""
    return [
        CalibratedCamera(
            c.name, c.intrinsics, c.rotation @ board, c.translation + c.rotation @ BOARD_AT, c.distortion, 1920, 1080
        )
        for c in cameras
    ]


def test_the_boards_of_this_test_are_right_handed_and_where_they_say():
    for board in BOARDS.values():
        np.testing.assert_allclose(board @ board.T, np.eye(3))
        assert np.linalg.det(board) == pytest.approx(1)
    np.testing.assert_array_equal(-BOARDS["wall"][:, 1], (0, 1, 0))  # it stood upright: its y is down
    np.testing.assert_array_equal(-BOARDS["floor"][:, 2], (0, 1, 0))  # it lay face up: its z goes into the floor


@pytest.mark.parametrize("board", BOARDS)
@pytest.mark.parametrize("told", [True, False])
def test_the_stage_is_found_again(board, told):
    expected = stage()
    found, up = staged(
        in_the_boards_axes(expected, BOARDS[board]), StageFrame(board if told else "auto", "y", tuple(BOARD_AT))
    )
    assert up == "y"
    for camera, true in zip(found, expected, strict=True):
        np.testing.assert_allclose(camera.rotation, true.rotation, atol=1e-12)
        np.testing.assert_allclose(camera.translation, true.translation, atol=1e-9)


def test_z_may_point_up():
    found, up = staged(in_the_boards_axes(stage(), BOARDS["wall"]), StageFrame("wall", "z"))
    assert up == "z"
    for camera, true in zip(found, stage(), strict=True):
        np.testing.assert_allclose(camera.rotation[:, 2], true.rotation[:, 1], atol=1e-12)  # up, as the camera sees it
        np.testing.assert_allclose(camera.rotation[:, 0], true.rotation[:, 0], atol=1e-12)
        assert np.linalg.det(camera.rotation) == pytest.approx(1)


def test_up_may_be_the_cameras_own_for_reconstructions():
    tumbled = np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))[0]
    tumbled *= np.linalg.det(tumbled)
    found, _ = staged(in_the_boards_axes(stage(), tumbled), StageFrame("cameras"))
    for camera, true in zip(found, stage(), strict=True):
        tilt = np.degrees(np.arccos(camera.rotation[:, 1] @ true.rotation[:, 1]))
        assert tilt < 5  # they look down a little, all from one side
        assert -camera.rotation[1, 1] > 0.98


def test_as_is_turns_nothing_and_says_nothing_of_up():
    cameras = in_the_boards_axes(stage(), BOARDS["wall"])
    found, up = staged(cameras, StageFrame("as-is"))
    assert up is None
    np.testing.assert_array_equal(found[0].rotation, cameras[0].rotation)


def test_cameras_that_contradict_each_other_are_asked_about():
    upside_down = [stage()[0], stage(np.pi)[1]]
    with pytest.raises(TakeError, match="contradict each other about which way is up; say how the board stood"):
        staged(upside_down, StageFrame("auto"))
    assert staged(upside_down, StageFrame("wall"))[1] == "y"


def test_a_measured_length_is_compared():
    cameras = stage()
    apart = float(np.linalg.norm(90 * np.array([np.sin(np.radians(40)) + np.sin(np.radians(35)), 0, 0])))
    apart = np.hypot(apart, 90 * (np.cos(np.radians(40)) - np.cos(np.radians(35))))
    assert check_distance(cameras, "cam0", "cam2", apart * 1.001).severity == "note"
    finding = check_distance(cameras, "cam0", "cam2", apart / 1.02)
    assert finding.severity == "warning"
    assert "+2.00 % of the" in finding.sentence
    with pytest.raises(TakeError, match="no camera 'left'; there are cam0, cam1, cam2"):
        check_distance(cameras, "left", "cam2", 3)


def test_the_convention_is_written_into_the_file(tmp_path, capsys):
    write_cameras(in_the_boards_axes(stage(), BOARDS["floor"]), tmp_path / "board.yml", "yml")
    words = ["--stands", "floor", "--offset", "3,120,-8", "--check", "cam0,cam2=109.6", "--out"]
    assert main(["convert-cameras", str(tmp_path / "board.yml"), *words, str(tmp_path / "stage.json")]) == 0
    assert "% of the 109.6 cm measured" in capsys.readouterr().out
    world = json.loads((tmp_path / "stage.json").read_text())["world"]
    assert (world["up"], world["unit"]) == ("y", "cm")
    found, up = read_stage(tmp_path / "stage.json")
    assert up == "y"
    np.testing.assert_allclose(found[1].rotation, stage()[1].rotation, atol=1e-9)
    assert main(["convert-cameras", str(tmp_path / "stage.json"), "--out", str(tmp_path / "again.json")]) == 0
    assert read_stage(tmp_path / "again.json")[1] == "y"
    assert main(["convert-cameras", str(tmp_path / "stage.json"), "--offset", "3,4", "--out", "x.json"]) == 2
    assert "offset: '3,4' is not X,Y,Z in centimeters" in capsys.readouterr().err


def test_opentrackio_is_written_with_z_up(tmp_path):
    write_cameras(stage(), tmp_path / "c.json", "opentrackio", up="y")
    found, up = read_stage(tmp_path / "c.json")
    assert up == "z"
    heights = [(-c.rotation.T @ c.translation)[2] for c in found]
    np.testing.assert_allclose(heights, 159, atol=1e-6)


def test_a_camera_named_world_is_refused(tmp_path):
    one = stage()[0]
    with pytest.raises(TakeError, match="a camera cannot be named 'world'"):
        write_cameras(
            [CalibratedCamera("world", K, one.rotation, one.translation, np.zeros(0))], tmp_path / "c", "json"
        )
    write_cameras(stage(), tmp_path / "c.json", "json", up="y")
    text = (tmp_path / "c.json").read_text()
    assert '"up": "y"' in text
    (tmp_path / "c.json").write_text(text.replace('"up": "y"', '"up": "sideways"'))
    with pytest.raises(TakeError, match="up"):
        read_cameras(tmp_path / "c.json")
