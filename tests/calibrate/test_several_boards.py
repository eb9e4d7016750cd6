"""Boards with backs and boards moved on their own, photographed; distances that were measured."""

import json
import os
import shutil
from dataclasses import replace

import cv2
import numpy as np
import pytest

from facesolve.calibrate.board import parse_board, two_sided
from facesolve.calibrate.calibrate import Request, calibrate
from facesolve.calibrate.measured_distance import rescaled
from facesolve.calibrate.session import Session
from facesolve.calibrate.wall import coverage_page
from facesolve.cli import main
from facesolve.jobs.requests import CalibrateRequest
from facesolve.jobs.watch_session import watch_session
from facesolve.runtime.progress import Silent
from facesolve.take import Camera

from .boards_seen import Faults, arc_of_cameras, centers, photograph, rigid, waved_boards
from .photographs import TABLE, photograph_board

FRONT, BACK, LOOSE = "charuco:5x4:40:30:6X6_250", "charuco:5x4:40:30:6X6_250:10", "charuco:4x5:32:24:6X6_250:20"
SIZE = (420, 320)


def stage():
    """Two cameras in front, 25 degrees apart, and one behind what they look at."""
    cameras = []
    for name, azimuth in (("left", -12.0), ("right", 13.0), ("behind", 170.0)):
        turn = rigid([0, np.radians(azimuth), 0], np.zeros(3))[:3, :3].T
        matrix = np.array([[620.0, 0, SIZE[0] / 2], [0, 620, SIZE[1] / 2], [0, 0, 1]])
        cameras.append(Camera(name, *SIZE, matrix, turn, np.array([0, 0, 75.0])))
    return cameras


def write_session(folder, views=6):
    """A board with a back, whose back is printed 1.5 mm off, and another board that all sides see, moved on its own."""
    board = two_sided(parse_board(FRONT), parse_board(BACK), 0.6)
    loose, random = parse_board(LOOSE), np.random.default_rng(1)
    behind = rigid([0, np.pi, 0], np.zeros(3)) @ rigid(np.zeros(3), [0.15, 0, 0])
    front_middle, back_middle, loose_middle = (
        rigid(np.zeros(3), -parse_board(text).corners.mean(0)) for text in (FRONT, BACK, LOOSE)
    )
    half = rigid(np.zeros(3), [0, 0, 0.3])
    for view in range(views):
        tilt = random.uniform(-0.45, 0.45, 3)
        pose = rigid(tilt, random.uniform((-8, -1.5, -1.5), (-5, 1.5, 1.5)))
        other = rigid(random.uniform(-0.4, 0.4, 3), random.uniform((10, -1.5, -1.5), (13, 1.5, 1.5)))
        for camera in stage():
            ahead = camera.rotation[2, 2] > 0
            seen = pose @ np.linalg.inv(half) @ front_middle if ahead else pose @ half @ behind @ back_middle
            image = photograph_board(board.front if ahead else board.back, camera, seen)
            if ahead:
                second = photograph_board(loose, camera, other @ loose_middle)
                image = np.where(second != TABLE, second, image)
            (folder / camera.name).mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(folder / camera.name / f"{view}.png"), image)


@pytest.fixture(scope="module")
def photographs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("boards") / "session"
    write_session(folder)
    return folder


def test_boards_with_backs_and_loose_boards_calibrate_a_stage_from_photographs(photographs, tmp_path, capsys):
    command = ["calibrate", str(photographs), "--board", FRONT, "--back", BACK, "--thickness", "6"]
    command += ["--more-boards", LOOSE, "--lens", "none", "--no-pictures", "--json", "--out", str(tmp_path / "out")]
    assert main(command) == 0
    report = json.loads(capsys.readouterr().out)
    assert {"0", "0 board 2", "5 board 2"} <= set(report["boards"])
    truth = {camera.name: camera for camera in stage()}
    place = {name: -camera.rotation.T @ camera.translation for name, camera in truth.items()}
    assert len(report["pairs"]) == 3
    for pair in report["pairs"]:
        a, b = pair["cameras"]
        apart = 10 * np.linalg.norm(place[a] - place[b])
        assert pair["mm"] == pytest.approx(apart, abs=max(2 * pair["mm_deviation"], 0.002 * apart)), (a, b)
        turn = np.degrees(np.arccos(truth[a].rotation[2] @ truth[b].rotation[2]))
        assert pair["degrees"] == pytest.approx(turn, abs=max(2 * pair["degrees_deviation"], 0.2)), (a, b)
    command[command.index(LOOSE)] = "charuco:4x5:32:24:6X6_250:19"
    assert main(command) == 2
    assert "two of them have markers of the same numbers" in capsys.readouterr().err


def test_several_boards_are_watched_while_they_are_photographed(photographs, tmp_path):
    """Three photographs are taken in half a second: one board stands still in them, the loose one is moved."""
    session, looks, shown = tmp_path / "session", iter(range(9)), []
    shutil.copytree(photographs, session)
    image = cv2.imread(str(session / "left" / "3.png"), 0)

    def wait(_):
        look = next(looks)
        for step in range(3) if look == 0 else ():
            moved = image.copy()
            moved[:, SIZE[0] // 2 :] = np.roll(image[:, SIZE[0] // 2 :], -4 * step, 1)
            path = session / "left" / f"a{step}.png"
            cv2.imwrite(str(path), moved)
            os.utime(path, (1000 + 0.2 * step,) * 2)
        if look == 3:
            raise KeyboardInterrupt

    request = CalibrateRequest(
        str(session), FRONT, back=BACK, thickness=6.0, more_boards=(LOOSE,), lens=("none",), pictures=False
    )
    found, _ = watch_session(request, tmp_path / "out", shown.append, wait=wait)
    state = shown[-1]
    assert [len(one.detections) for one in state.looked if one.refused] == [2, 2, 2]
    assert {one.image.view: one.refused for one in state.looked if one.refused} == dict.fromkeys(
        ("a0", "a1", "a2"), "the board moves in left"
    )
    assert found.views == tuple(sorted(f"{view}{board}" for view in range(6) for board in ("", " board 2")))
    assert state.calibration is not None
    assert coverage_page(state).count("left: 12 boards in 9 images") == 2


def test_a_loose_board_links_cameras_that_share_no_other():
    board, loose = parse_board(FRONT), parse_board(LOOSE)
    cameras = arc_of_cameras(3, distortion=np.zeros(0))
    first = photograph(board, cameras, waved_boards(board, 8), Faults(noise=0.05))
    second = photograph(loose, cameras, waved_boards(loose, 8, seed=5), Faults(noise=0.05), seed=2)
    detections = [d for d in first.detections if d.camera != "cam2"]
    detections += [replace(d, board=1) for d in second.detections if d.camera != "cam0"]
    order = {camera.name: index for index, camera in enumerate(cameras)}
    detections.sort(key=lambda d: order[d.camera])
    found = calibrate(Session(board, first.sizes, tuple(detections), more=(loose,)), Request(), Silent())
    true = centers(cameras)
    for a, b in ((0, 1), (1, 2), (0, 2)):
        apart = np.linalg.norm(found.cameras[a].center - found.cameras[b].center)
        assert apart == pytest.approx(np.linalg.norm(true[a] - true[b]), rel=3e-3)
    # with several distances measured, their mean decides, and one that contradicts the others is named
    names = [lens.camera.name for lens in found.cameras]
    lengths = [(names[a], names[b], 1.004 * np.linalg.norm(true[a] - true[b])) for a, b in ((0, 1), (1, 2), (0, 2))]
    session, (_,) = rescaled(found.session, found, lengths)
    assert session.board.spacing / board.spacing == pytest.approx(1.004, abs=2e-3)
    assert session.more[0].spacing / loose.spacing == pytest.approx(1.004, abs=2e-3)
    lengths[1] = (*lengths[1][:2], lengths[1][2] + 2.5)
    _, (_, *wrong) = rescaled(found.session, found, lengths)
    assert any(f.subject == "cameras 'cam1' and 'cam2'" and "Measure it again" in str(f) for f in wrong)
