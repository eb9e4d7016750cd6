"""Whole calibrations of generated sessions of known truth, and of OpenCV's real pairs."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from facesolve.calibrate.board import parse_board
from facesolve.calibrate.calibrate import Calibration, Request, calibrate
from facesolve.calibrate.detect import detect_session
from facesolve.calibrate.dots import dot_bias
from facesolve.calibrate.geometry import find_weaknesses
from facesolve.calibrate.images import find_images
from facesolve.calibrate.lens import parameters_of
from facesolve.calibrate.report import rms
from facesolve.calibrate.session import Session
from facesolve.calibrate.sightings import Rig, Sighting
from facesolve.calibrate.single import LensRequest
from facesolve.runtime.progress import Silent
from facesolve.take import TakeError

from .boards_seen import Faults, arc_of_cameras, centers, photograph, rigid, waved_boards

CIRCLES = parse_board("circles:8x8:25")
FAULTS = Faults(noise=0.1, missing=0.3, wrong_points=0.05, wrong_detections=0.05, turned=True)


def run(session: Session, request: Request | None = None) -> Calibration:
    return calibrate(session, request or Request(origin="000"), Silent())


@cache
def six_cameras() -> tuple[Session, Calibration]:
    cameras = arc_of_cameras(6)
    session = photograph(CIRCLES, cameras, waved_boards(CIRCLES, 20, spread=12.0), FAULTS)
    return session, run(session)


def center_errors(calibration: Calibration, board=CIRCLES) -> np.ndarray:
    """Distances in mm between found and true camera centers, in the axes of the first board."""
    true = centers(arc_of_cameras(len(calibration.cameras)))
    board_to_world = waved_boards(board, 1)[0]
    found = np.stack([lens.center for lens in calibration.cameras])
    errors = []
    for symmetry in board.symmetries:  # at which corner of the board the world begins is free
        to_board = np.linalg.inv(board_to_world @ symmetry.motion)
        errors.append(10 * np.linalg.norm(true @ to_board[:3, :3].T + to_board[:3, 3] - found, axis=1))
    return min(errors, key=np.sum)


def test_six_cameras_with_noise_gaps_and_wrong_detections():
    _, calibration = six_cameras()
    focal = [
        c.parameters[:2] / t.intrinsics.diagonal()[:2]
        for c, t in zip(calibration.cameras, arc_of_cameras(6), strict=True)
    ]
    assert np.abs(np.array(focal) - 1).max() < 0.002
    assert center_errors(calibration).max() < 0.5
    assert calibration.noise == pytest.approx(0.1, rel=0.03)
    # of one camera a fifth of the detections are wrong, and that is all there is to say
    assert [(w.subject, w.remedy) for w in find_weaknesses(calibration)] == [("camera 'cam1'", "Look at its pictures.")]


def test_standard_deviations_are_as_large_as_the_errors():
    _, calibration = six_cameras()
    truth = arc_of_cameras(6)
    wrong = [
        (c.parameters[:4] - parameters_of(t.intrinsics, t.distortion)[:4]) / c.deviation[:4]
        for c, t in zip(calibration.cameras, truth, strict=True)
    ]
    assert 0.5 < np.sqrt(np.mean(np.square(wrong))) < 2


def test_wrong_points_are_left_out_and_right_ones_are_not():
    session, calibration = six_cameras()
    cameras, boards = arc_of_cameras(6), waved_boards(CIRCLES, 20, spread=12.0)
    clean = photograph(CIRCLES, cameras, boards, Faults())
    true = {(d.camera, d.view): d.pixels for d in clean.detections}
    assert len(calibration.checked) == len(session.detections)
    right_left_out = wrong_used = right = 0
    for item in calibration.checked:
        off = np.linalg.norm(item.detection.pixels - true[item.detection.camera, item.detection.view], axis=1)
        right += int((off < 0.4).sum())
        right_left_out += int((~item.used & (off < 0.4)).sum())
        wrong_used += int((item.used & (off > 2)).sum())
    assert wrong_used == 0
    assert right_left_out < 0.03 * right


def test_world_is_the_board_of_the_view_asked_for():
    cameras = arc_of_cameras(3)
    session = photograph(CIRCLES, cameras, waved_boards(CIRCLES, 10), Faults(noise=0.05))
    calibration = run(session, Request(LensRequest("k1k2"), origin="004"))
    np.testing.assert_allclose(calibration.boards["004"], np.eye(4), atol=1e-12)
    apart = np.linalg.norm(np.diff(np.stack([lens.center for lens in calibration.cameras]), axis=0), axis=1)
    np.testing.assert_allclose(apart, np.linalg.norm(np.diff(centers(cameras), axis=0), axis=1), atol=0.1)
    with pytest.raises(TakeError, match="no camera found the board in view 'x'; views are 000, 001"):
        run(session, Request(origin="x"))


def test_board_that_looks_alike_when_turned_is_put_upright():
    """Cameras that began counting at other corners agree, and x points to the right."""
    cameras = arc_of_cameras(3)
    turned = photograph(CIRCLES, cameras, waved_boards(CIRCLES, 7), Faults(noise=0.05, turned=True))
    straight = photograph(CIRCLES, cameras, waved_boards(CIRCLES, 7), Faults(noise=0.05))
    one, other = run(turned), run(straight)
    for a, b in zip(one.cameras, other.cameras, strict=True):
        np.testing.assert_allclose(a.center, b.center, atol=1e-3)
        assert a.camera.rotation[0, 0] > 0


def test_cameras_are_chained_through_others():
    """The outer cameras share no view; each shares some with the one between them."""
    cameras = arc_of_cameras(3)
    session = photograph(CIRCLES, cameras, waved_boards(CIRCLES, 16), Faults(noise=0.05))
    kept = tuple(
        d
        for d in session.detections
        if not (d.camera == "cam0" and int(d.view) > 8) and not (d.camera == "cam2" and int(d.view) <= 8)
    )
    calibration = run(replace(session, detections=kept))
    assert center_errors(calibration).max() < 0.5
    assert {tuple(sorted(pair)) for *pair, _ in calibration.links} == {("cam0", "cam1"), ("cam1", "cam2")}


def test_camera_without_shared_views_is_one_sentence():
    cameras = arc_of_cameras(3)
    session = photograph(CIRCLES, cameras, waved_boards(CIRCLES, 10), Faults())
    kept = tuple(replace(d, view="x" + d.view) if d.camera == "cam1" else d for d in session.detections)
    with pytest.raises(TakeError, match=r"'cam1' and 'cam\d' share no view of the board"):
        run(replace(session, detections=kept))


def test_held_lenses_stay():
    cameras = arc_of_cameras(3)
    session = photograph(CIRCLES, cameras, waved_boards(CIRCLES, 6), Faults(noise=0.1))
    lenses = {c.name: LensRequest("brown", known=parameters_of(c.intrinsics, c.distortion), held=True) for c in cameras}
    calibration = run(session, Request(lenses=lenses, origin="000"))
    for lens, camera in zip(calibration.cameras, cameras, strict=True):
        assert np.array_equal(lens.camera.intrinsics, camera.intrinsics)
        assert np.array_equal(lens.camera.distortion, camera.distortion)
        assert lens.held
        assert not lens.deviation.any()
    assert center_errors(calibration).max() < 0.5


def test_each_camera_has_the_lens_asked_for():
    cameras = arc_of_cameras(2, distortion=np.array([-0.1, 0.0, 0, 0]))
    session = photograph(CIRCLES, cameras, waved_boards(CIRCLES, 10), Faults(noise=0.05))
    request = Request(LensRequest("k1", square_pixels=True), {"cam1": LensRequest("rational")})
    one, other = run(session, request).cameras
    assert one.camera.distortion.shape == (4,)
    assert one.camera.distortion[0] == pytest.approx(-0.1, abs=0.005)
    assert not one.camera.distortion[1:].any()
    assert one.parameters[1] - one.parameters[0] == pytest.approx(0, abs=1e-9)
    assert other.camera.distortion.shape == (8,)


def test_images_of_other_moments_under_one_name_are_told():
    """One camera's views are shuffled: its boards fit nothing that the others see."""
    cameras = arc_of_cameras(3)
    session = photograph(CIRCLES, cameras, waved_boards(CIRCLES, 12), Faults(noise=0.05))
    views = [d.view for d in session.of_camera("cam2")]
    shifted = dict(zip(views, [*views[5:], *views[:5]], strict=True))
    mixed = tuple(replace(d, view=shifted[d.view]) if d.camera == "cam2" else d for d in session.detections)
    with pytest.raises(TakeError, match=r"'cam2' agree on the position of the board in only . of 12"):
        run(replace(session, detections=mixed))


def test_bias_of_large_dots_is_removed_when_their_diameter_is_known():
    cameras, dotted = arc_of_cameras(2), parse_board("circles:5x4:60:48")
    boards = waved_boards(dotted, 12)
    session = photograph(dotted, cameras, boards, Faults(noise=0.02))
    poses = np.stack([rigid(np.zeros(3), c.translation) for c in cameras])
    poses[:, :3, :3] = [c.rotation for c in cameras]
    truth = Rig(np.stack([parameters_of(c.intrinsics, c.distortion) for c in cameras]), poses, boards)
    biased = []
    for detection in session.detections:
        sighting = Sighting(
            session.cameras.index(detection.camera), int(detection.view), dotted.points, detection.pixels
        )
        biased.append(replace(detection, pixels=detection.pixels + dot_bias(sighting, truth, dotted.diameter)))
    known = run(replace(session, detections=tuple(biased)))
    unknown = run(replace(session, board=replace(dotted, diameter=0.0), detections=tuple(biased)))
    assert known.noise == pytest.approx(0.02, rel=0.1)
    assert unknown.noise > 0.03
    assert center_errors(known, dotted).max() < 0.25
    assert center_errors(unknown, dotted).max() > 2 * center_errors(known, dotted).max()


def test_lens_that_turns_back_inside_the_image_is_said():
    cameras = arc_of_cameras(1)
    calibration = run(photograph(CIRCLES, cameras, waved_boards(CIRCLES, 8), Faults(noise=0.05)))
    (lens,) = calibration.cameras
    assert not any("turns back" in w.text for w in find_weaknesses(calibration))
    bent = replace(lens, camera=replace(lens.camera, distortion=np.array([-2.5, 0, 0, 0])))
    assert any("turns back" in w.text for w in find_weaknesses(replace(calibration, cameras=(bent,))))


def test_weak_geometry_is_said():
    cameras = arc_of_cameras(2)
    flat = np.stack([rigid(np.zeros(3), (x, y, 0)) @ waved_boards(CIRCLES, 1)[0] for x in (-2, 0, 2) for y in (-1, 1)])
    small = parse_board("circles:10x10:6")
    straight = photograph(small, cameras[:1], flat, Faults(noise=0.1))
    text = " ".join(w.text for w in find_weaknesses(run(straight, Request(LensRequest("brown")))))
    for said in ("uncertain by", "% of the image", "nearly in one plane"):
        assert said in text
    few = photograph(CIRCLES, cameras, waved_boards(CIRCLES, 3), Faults(noise=0.1))
    weaknesses = find_weaknesses(run(few, Request(LensRequest("brown"))))
    (said,) = [w for w in weaknesses if w.subject == "camera 'cam0'" and "few views" in w.sentence]
    assert said.remedy == "Photograph the board in 6 or more."
    assert all(w.subject and w.remedy for w in weaknesses)
    fronto = photograph(
        CIRCLES,
        cameras[:1],
        np.stack([rigid((0, np.radians(50), 0), (0, 0, z)) @ flat[0] for z in (-6, 0, 6)]),
        Faults(noise=0.1),
    )
    assert any("tilted by more than" in w.text for w in find_weaknesses(run(fronto, Request(LensRequest("k1")))))


def test_opencv_stereo_pairs(facesolve_data):
    """A plain OpenCV run gives RMS 0.408 left, 0.447 both, baseline 83.6 mm; the published left focal length 535.9."""
    folder = facesolve_data / "calibration" / "chessboard_stereo"
    session = detect_session(find_images(str(folder)), [parse_board("chessboard:9x6:25")], Silent())
    assert len(session.detections) == 26
    calibration = calibrate(session, Request(), Silent())
    left, right = calibration.cameras
    assert rms(calibration.of_camera("left"), everything=True) <= 0.41
    assert left.parameters[0] == pytest.approx(535.916, rel=0.01)
    assert rms(calibration.checked, everything=True) <= 0.45
    assert 10 * np.linalg.norm(left.center - right.center) == pytest.approx(83.6, abs=0.5)
    assert sum(int((~item.used).sum()) for item in calibration.checked) < 0.01 * 26 * 54
