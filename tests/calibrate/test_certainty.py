"""What a calibration says of itself (its lens, how sure it is, which view would help), against truth and OpenCV."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from facesolve.calibrate.adjust import adjust
from facesolve.calibrate.board import parse_board
from facesolve.calibrate.calibrate import Request, calibrate
from facesolve.calibrate.geometry import find_weaknesses
from facesolve.calibrate.held_out import held_out
from facesolve.calibrate.lens import free_basis
from facesolve.calibrate.next_view import next_view
from facesolve.calibrate.prior import lens_prior
from facesolve.calibrate.sightings import Freedom, Prior, Rig, Sighting
from facesolve.calibrate.single import LensRequest, simplest
from facesolve.calibrate.trust import at_the_head, distance, orientation
from facesolve.calibrate.view_equations import view_equations
from facesolve.geometry.camera import intrinsics_to_opencv, pixels_to_opencv
from facesolve.runtime.progress import Silent
from tests.bench.calibration_study import Stage, cameras_of, errors_of, made, session_of

from .boards_seen import Faults, arc_of_cameras, centers, photograph, rigid, waved_boards

BOARD = parse_board("circles:6x5:30")


@pytest.mark.parametrize(
    ("stage", "models"),
    [
        (Stage("brown", 0.1, views=12), {"none", "k1", "k1k2"}),
        (Stage("k1", 0.6, views=12), {"k1"}),
    ],
)
def test_the_lens_is_as_simple_as_the_views_and_errors_are_those_stated(stage, models):
    """A tiny part of ``tests.bench.calibration_study``; a sentence says where the views do not hold the cameras."""
    cameras, session, poses = made(stage, np.random.default_rng(1))
    calibration = calibrate(session, Request(origin="000"), Silent())
    found = errors_of(calibration, cameras, poses)
    said = [str(finding) for finding in find_weaknesses(calibration) if finding.subject == "cameras"]
    if stage.coverage < 0.5:
        (sentence,) = said
        assert "hold the angles between them to" in sentence
        assert "half as high as the image" in sentence
    else:
        assert not said
    assert set(found.models) <= models
    for name in ("angles", "distances", "centers", "head"):
        errors, stated = getattr(found, name).T
        assert (np.abs(errors) <= 2 * stated).mean() >= 0.9, name
    if stage.coverage > 0.5:
        assert np.abs(found.angles[:, 0]).max() < 0.1


def test_a_lens_must_foretell_views_clearly_better_to_be_chosen():
    random = np.random.default_rng(0)
    plain = random.uniform(0.9, 1.1, 20)
    assert simplest({"none": plain, "k1": plain * random.normal(1, 0.02, 20)}) == "none"
    assert simplest({"none": plain, "k1": 0.95 * plain}) == "k1"
    one_view = plain * np.where(np.arange(20) == 3, 1e-3, 1.0)
    assert simplest({"none": plain, "k1": one_view}) == "none"  # a single view is no evidence
    in_a_corner = plain * np.where(np.arange(20) == 3, 30.0, 1.0)
    assert simplest({"none": in_a_corner, "k1": plain}) == "k1"  # unless the simpler lens fails there
    assert simplest({"none": plain[:2], "k1": 1.1 * plain[:2]}) == "k1"  # two views cannot judge; most lenses bend


def two_cameras(noise=0.1, views=10):
    cameras = arc_of_cameras(2, distortion=np.zeros(0))
    return cameras, photograph(BOARD, cameras, waved_boards(BOARD, views), Faults(noise=noise))


def test_a_camera_that_saw_the_board_once_is_placed_with_a_doubt_to_match():
    cameras = arc_of_cameras(2, distortion=np.array([-0.25, 0, 0, 0]))
    session = photograph(BOARD, cameras, waved_boards(BOARD, 10), Faults(noise=0.1))
    once = [d for d in session.detections if d.camera == "cam0"] + session.of_camera("cam1")[3:4]
    found = calibrate(replace(session, detections=tuple(once)), Request(), Silent())
    focal, doubt = found.cameras[1].parameters[0], found.cameras[1].deviation[0]
    assert abs(focal - cameras[1].intrinsics[0, 0]) < 2 * doubt < 0.1 * focal
    apart, doubt = distance(found.sure, 0, 1)
    true = np.linalg.norm(np.subtract(*centers(cameras)))
    assert abs(apart - true) < 2 * doubt < 0.1 * true


def test_views_left_out_are_met_as_if_the_fit_had_never_seen_them():
    """The step of leaving a view out, against fitting again without it."""
    _, session = two_cameras()
    alone = [d for d in session.detections if d.camera == "cam0"]
    sightings = [Sighting(0, i, BOARD.points[d.ids], d.pixels) for i, d in enumerate(alone)]
    boards = np.stack([rigid(np.zeros(3), [0, 0, 90.0]) @ waved_boards(BOARD, 10)[int(d.view)] for d in alone])
    lens = np.array([2300.0, 2303, 800, 600, *[0] * 8])
    used = [np.ones(len(s.points), bool) for s in sightings]
    freedom = Freedom([free_basis("k1", False)], np.array([False]), np.ones(len(boards), bool))
    prior = lens_prior(lens[None], [(1600, 1200)], [False], [0.1])
    whole = adjust(sightings, used, Rig(lens[None], np.eye(4)[None], boards), freedom, None, prior)
    foretold = held_out(view_equations(sightings, used, whole.rig, freedom, prior)).errors
    for view in (0, 5):
        without = [used[i] if i != view else np.zeros_like(used[i]) for i in range(len(used))]
        fit = adjust(sightings, without, whole.rig, freedom, None, prior)
        fixed = Freedom([np.zeros((12, 0))], np.array([False]), np.arange(len(boards)) == view)
        placed = adjust(sightings, [used[i] if i == view else without[i] & False for i in range(len(used))],
                        fit.rig, fixed, None)  # fmt: skip
        again = np.linalg.norm(placed.residuals[view], axis=1)
        np.testing.assert_allclose(foretold[view], again, atol=0.01)


def test_a_prior_holds_what_no_view_tells_and_gives_way_to_views():
    lens = np.array([1000.0, 1000, 330, 250, *[0] * 8])
    sighting = Sighting(0, 0, BOARD.points, BOARD.points[:, :2] * 12 + 300)
    rig = Rig(lens[None], np.eye(4)[None], rigid(np.zeros(3), [0, 0, 80.0])[None])
    freedom = Freedom([free_basis("brown", False)], np.array([False]), np.array([True]))
    prior = lens_prior(lens[None], [(640, 480)], [False], [0.1])
    nothing = [np.zeros(len(BOARD.points), bool)]
    found = adjust([sighting], nothing, rig, freedom, None, prior).rig.lenses[0]
    np.testing.assert_allclose(found[2:4], (320, 240), atol=1e-3)
    strong = Prior(prior.expected, 1e-12 * prior.precision)
    assert np.abs(adjust([sighting], nothing, rig, freedom, None, strong).rig.lenses[0, 2:4] - (320, 240)).max() < 11


def test_the_next_view_named_lowers_the_doubt_when_it_is_added():
    _, session = two_cameras(views=5)
    calibration = calibrate(session, Request(origin="000"), Silent())
    advice = next_view(calibration)
    assert advice is not None
    assert advice.before == pytest.approx(10 * at_the_head(calibration.sure), rel=1e-6)
    assert advice.after < 0.95 * advice.before
    assert set(advice.cameras) == {"cam0", "cam1"}
    seen = calibration.sure.rig.cameras[0] @ advice.board
    assert seen[2, 3] > 0
    assert "Next view: show the board to cam0 and cam1, at the" in advice.sentence
    _, more = two_cameras(views=9)
    better = calibrate(more, Request(origin="000"), Silent())
    assert at_the_head(better.sure) < at_the_head(calibration.sure)


def test_an_angles_deviation_is_that_of_cameras_drawn_from_the_covariance():
    _, session = two_cameras(views=5)
    sure = calibrate(session, Request(origin="000"), Silent()).sure
    random = np.random.default_rng(0)
    part = slice(sure.slices[1].stop - 6, sure.slices[1].stop)
    turns = random.multivariate_normal(np.zeros(6), sure.covariance[part, part], 4000)[:, :3]
    first, second = (pose[:3, :3] for pose in sure.rig.cameras)
    axes = np.stack([cv2.Rodrigues(turn)[0] @ second @ first[2] for turn in turns])
    stated = orientation(sure, 0, 1)
    assert stated.deviation == pytest.approx(np.degrees(np.arccos(axes[:, 2])).std(), rel=0.05)
    assert stated.whole == pytest.approx(np.degrees(np.sqrt((turns**2).sum(1).mean())), rel=0.05)


def test_opencvs_multiview_calibration_agrees():
    """An independent joint calibration of the same detections; in meters, as it takes larger boards for lines."""
    if not hasattr(cv2, "calibrateMultiview"):
        pytest.skip("calibrateMultiview is of OpenCV 5")
    stage = Stage("k1", 0.6, views=12)
    random = np.random.default_rng(5)
    cameras = cameras_of(stage, random)
    board = parse_board("chessboard:9x6:45")
    session, poses = session_of(stage, cameras, board, random)
    ours = calibrate(session, Request(LensRequest("k1"), origin="000"), Silent())
    seen = {(d.camera, d.view): d.pixels for d in session.detections}
    mask = np.array([[(c.name, v) in seen for v in session.views] for c in cameras], np.uint8)
    empty = np.zeros((0, 2), np.float32)
    images = [
        [np.float32(pixels_to_opencv(seen[c.name, v])) if (c.name, v) in seen else empty for v in session.views]
        for c in cameras
    ]
    flags = cv2.CALIB_ZERO_TANGENT_DIST | cv2.CALIB_FIX_K2 | cv2.CALIB_FIX_K3
    error, Ks, _, Rs, Ts = cv2.calibrateMultiview(
        [np.float32(board.points / 100)] * len(session.views), images, [(c.width, c.height) for c in cameras], mask,
        np.zeros(len(cameras), np.uint8), None, None, None, None, np.full(len(cameras), flags, np.int32),
    )  # fmt: skip
    assert error == pytest.approx(stage.noise * np.sqrt(2), rel=0.1)
    for index, lens in enumerate(ours.cameras):
        assert Ks[index][0, 0] == pytest.approx(lens.parameters[0], rel=2e-3)
        theirs, own = intrinsics_to_opencv(lens.camera.intrinsics), Ks[index]
        assert np.abs(theirs[:2, 2] - own[:2, 2]).max() < 6
    rotations = [cv2.Rodrigues(np.asarray(R))[0] if np.asarray(R).size == 3 else np.asarray(R) for R in Rs]
    for a, b in ((0, 1), (0, 2), (1, 2)):
        angle = np.degrees(np.arccos(rotations[a][2] @ rotations[b][2]))
        mine = np.degrees(np.arccos(ours.cameras[a].camera.rotation[2] @ ours.cameras[b].camera.rotation[2]))
        assert angle == pytest.approx(mine, abs=0.2)
    centers = [-R.T @ np.asarray(t).ravel() for R, t in zip(rotations, Ts, strict=True)]
    for a, b in ((0, 1), (1, 2)):
        mine = np.linalg.norm(ours.cameras[a].center - ours.cameras[b].center)
        assert np.linalg.norm(centers[a] - centers[b]) == pytest.approx(mine / 100, abs=5e-4)
    assert np.abs(errors_of(ours, cameras, poses).angles[:, 0]).max() < 0.1


def test_a_fisheye_is_calibrated_when_it_is_asked_for():
    stage = replace(Stage("fisheye", 0.6, views=8, cameras=2))
    random = np.random.default_rng(2)
    cameras = cameras_of(stage, random)
    session, _ = session_of(stage, cameras, parse_board("chessboard:9x6:60"), random)
    found = calibrate(session, Request(LensRequest("fisheye"), origin="000"), Silent())
    for lens, true in zip(found.cameras, cameras, strict=True):
        assert lens.camera.lens == "fisheye"
        assert lens.parameters[0] == pytest.approx(true.intrinsics[0, 0], rel=3e-3)
    assert found.noise == pytest.approx(stage.noise, rel=0.1)


def test_views_that_do_not_tell_the_focal_length_leave_a_usual_one_and_a_warning():
    """The same photograph eight times, cropped far off the lens' axis."""
    cameras = arc_of_cameras(1, distortion=np.zeros(0))
    session = photograph(BOARD, cameras, waved_boards(BOARD, 2), Faults(noise=0.05))
    seen = session.detections[-1]
    corner = seen.pixels.min(0) - 30
    size = (int(np.ptp(seen.pixels[:, 0])) + 60, int(np.ptp(seen.pixels[:, 1])) + 260)
    views = tuple(replace(seen, view=f"v{index}", pixels=seen.pixels - corner) for index in range(8))
    found = calibrate(replace(session, sizes={"cam0": size}, detections=views), Request(), Silent())
    assert 0.3 * max(size) <= found.cameras[0].parameters[0] <= 30 * max(size)
    told = [str(finding) for finding in find_weaknesses(found)]
    assert found.cameras[0].focal_assumed is any("do not tell its focal length" in text for text in told)
    assert any("nearly in one plane" in text for text in told)
