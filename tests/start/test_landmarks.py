"""Landmarks on the rig and on the footage: found in pictures, fitted in several cameras and in one, and for real."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch

from facesolve.footage.stream import TakeFootage
from facesolve.geometry.camera import CameraModel
from facesolve.geometry.rig import apply_head
from facesolve.residuals.priors import ControlPrior
from facesolve.runtime.progress import Silent
from facesolve.start import landmarks as module
from facesolve.start.detector import PYTHON_VARIABLE, Detector, Faces, LandmarkError
from facesolve.start.find import How, find_start
from facesolve.start.landmarks import LandmarkFit, RigLandmarks, fit_landmarks, landmarks_of_rig
from facesolve.start.proxy import HeadProxy, make_proxy
from facesolve.take import Camera, StartPose
from tests.demo_stage import stage

from .filmed import Filmed, expression, film, lenses, placed
from .test_detector import tell

COUNT = 80
HEAD = placed((6, -18, 5), (2, -3, 4))
DEVICE = torch.device("cpu")


def shape() -> np.ndarray:
    """The filmed expression."""
    return expression(jawOpen=0.5, browInnerUp=0.6)


@pytest.fixture(scope="module")
def proxy() -> HeadProxy:
    return make_proxy(stage().model)


def face_vertices() -> torch.Tensor:
    """Vertices of the face's front, spread over it."""
    neutral = stage().model.neutral
    front = ((neutral[:, 2] > 6.5) & (neutral[:, 1].abs() < 7) & (neutral[:, 0].abs() < 5)).nonzero()[:, 0]
    return front[:: max(1, len(front) // COUNT)][:COUNT]


def seen(cameras: list[Camera], controls: np.ndarray, head: np.ndarray) -> np.ndarray:
    """(C, L, 2) pixels of those vertices."""
    vertices = stage().model.vertices(torch.as_tensor(controls)[None].float())[:, face_vertices()]
    world = apply_head(torch.as_tensor(head)[None].float(), vertices)[0]
    return CameraModel.from_cameras(cameras).project(world).pixels.double().numpy()


@pytest.fixture
def tables(tmp_path: Path, proxy: HeadProxy) -> Path:
    """What the fake answers about pictures of the rig, and about three images of the footage."""
    around = module.cameras_around(proxy.axes, proxy.center.double().numpy(), proxy.radius)
    np.save(tmp_path / f"{len(around)}.npy", seen(around, expression(), np.eye(4)))
    noise = np.random.default_rng(0).normal(0, 0.7, (3, COUNT, 2))
    np.save(tmp_path / "3.npy", seen(list(lenses()), shape(), HEAD) + noise)
    return tmp_path


class Told(Detector):
    """Answers what it is told."""

    def __init__(self, points: np.ndarray) -> None:
        super().__init__("")
        object.__setattr__(self, "points", points)

    def detect(self, images: object) -> Faces:
        return Faces("told", tuple(None if np.isnan(p).any() else p for p in self.points))  # type: ignore[attr-defined]


def on_rig(proxy: HeadProxy, spoil: bool = False) -> RigLandmarks:
    around = module.cameras_around(proxy.axes, proxy.center.double().numpy(), proxy.radius)
    points = seen(around, expression(), np.eye(4))
    if spoil:
        points[0] = np.nan  # no face in the first picture
        points[1:, :5] += 40 * np.random.default_rng(0).normal(size=(6, 5, 2))
    return landmarks_of_rig(stage().model, proxy.axes, proxy.center, proxy.radius, Told(points))


def test_landmarks_are_found_on_the_rig(proxy: HeadProxy) -> None:
    found = on_rig(proxy)
    assert len(found.number) > 0.8 * COUNT  # some are hidden behind the nose in most pictures
    true = stage().model.neutral[face_vertices()[torch.as_tensor(found.number)]]
    distance = (found.neutral - true).norm(dim=1)  # a few lie inside the mouth: what is seen is before them
    assert distance.median() < 0.05
    assert distance.quantile(0.9) < 0.5
    assert found.samples.basis.shape == (len(found.number), 3, stage().model.shape_count)


def test_landmarks_that_wander_are_left_out(proxy: HeadProxy) -> None:
    found = on_rig(proxy, spoil=True)
    assert found.number.min() >= 5
    assert len(found.number) > 0.7 * COUNT


def test_a_rig_in_which_no_face_is_seen(proxy: HeadProxy) -> None:
    nothing = Told(np.full((7, COUNT, 2), np.nan))
    with pytest.raises(LandmarkError, match="told finds no face in pictures of the rig"):
        landmarks_of_rig(stage().model, proxy.axes, proxy.center, proxy.radius, nothing)


@pytest.fixture(scope="module")
def truth(tmp_path_factory: pytest.TempPathFactory) -> Filmed:
    return film(tmp_path_factory.mktemp("landmarks"), HEAD, shape())


def fitted(proxy: HeadProxy, truth: Filmed, points: np.ndarray, scale: float = 1.0) -> tuple[LandmarkFit, float, float]:
    """The fit to landmarks (C, L, 2) of the cameras, NaN for no face, and its errors in mm and degrees.

    scale: by which the world of the cameras is larger than it should be.
    """
    placed = [replace(camera, translation=scale * camera.translation) for camera in lenses()]
    cameras = CameraModel.from_cameras(placed, dtype=torch.float64)
    prior = ControlPrior.from_take(truth.take, DEVICE)
    faces = [None if np.isnan(face).any() else face for face in points]
    fit = fit_landmarks(stage().model, on_rig(proxy), cameras, faces, prior, 0, proxy.axes, proxy.radius)
    return fit, *truth.error(StartPose(7, fit.pose.controls[0].numpy(), fit.pose.head[0].numpy()))


def test_head_and_controls_from_three_cameras(proxy: HeadProxy, truth: Filmed) -> None:
    fit, millimeters, degrees = fitted(proxy, truth, seen(list(lenses()), shape(), HEAD))
    assert (millimeters < 1.5, degrees < 1.0) == (True, True)
    assert fit.inliers > 0.97
    assert fit.residual < 0.01
    assert fit.size == pytest.approx(1, rel=0.02)
    assert fit.pose.controls[0, stage().model.rig.control_names.index("jawOpen")] > 0.3


def test_the_rigs_own_size_tells_the_scale_of_a_reconstruction(proxy: HeadProxy, truth: Filmed) -> None:
    fit, _, _ = fitted(proxy, truth, seen(list(lenses()), shape(), HEAD), 3.2)
    assert fit.size == pytest.approx(3.2, rel=0.02)


def test_one_camera_that_sees_it_wrongly_does_not_spoil_the_others(proxy: HeadProxy, truth: Filmed) -> None:
    points = seen(list(lenses()), shape(), HEAD)
    points[1] = points[1].mean(0) + (points[1] - points[1].mean(0)) @ np.array([[0, 1], [-1, 0]])
    fit, millimeters, degrees = fitted(proxy, truth, points)
    assert (millimeters < 2.5, degrees < 2.0) == (True, True)
    assert 0.6 < fit.inliers < 0.8


@pytest.mark.parametrize("camera", [0, 1])
def test_a_single_camera_gives_a_head_that_faces_it(proxy: HeadProxy, truth: Filmed, camera: int) -> None:
    points = seen(list(lenses()), shape(), HEAD)
    points[[index for index in range(3) if index != camera]] = np.nan
    _, millimeters, degrees = fitted(proxy, truth, points)
    assert (millimeters < 30, degrees < 5) == (True, True)  # the depth is the least certain


def test_no_face_in_the_footage(proxy: HeadProxy, truth: Filmed) -> None:
    with pytest.raises(LandmarkError, match="no face was found in the footage"):
        fitted(proxy, truth, np.full((3, COUNT, 2), np.nan))


def test_start_pose_by_landmarks_of_another_process(
    tables: Path, truth: Filmed, monkeypatch: pytest.MonkeyPatch
) -> None:
    tell(monkeypatch, "faces", tables)
    with TakeFootage(truth.take, DEVICE) as footage:
        found = find_start(truth.take, footage, DEVICE, Silent(), how=How("landmarks", Path(sys.executable)))
    millimeters, degrees = truth.error(found.start)
    assert (millimeters < 1.5, degrees < 0.5) == (True, True)
    assert (found.how, found.sure) == ("landmarks", True)
    assert "a face in 3 of 3 cameras (front, left, right)" in found.notes[0]


def test_a_single_camera_is_never_certain(tables: Path, truth: Filmed, monkeypatch: pytest.MonkeyPatch) -> None:
    tell(monkeypatch, "faces", tables)
    np.save(tables / "1.npy", np.load(tables / "3.npy")[:1])
    alone = replace(truth.take, cameras=truth.take.cameras[:1], footage=truth.take.footage[:1])
    with TakeFootage(alone, DEVICE) as footage:
        found = find_start(alone, footage, DEVICE, Silent(), how=How(landmark_python=Path(sys.executable)))
    assert truth.error(found.start)[1] < 5
    assert not found.sure
    assert np.isnan(found.agreement)


def test_without_landmarks_the_search_takes_over_and_says_why(truth: Filmed, monkeypatch: pytest.MonkeyPatch) -> None:
    tell(monkeypatch, "error")
    monkeypatch.setattr("facesolve.start.find.search", lambda *_: [HEAD])
    with TakeFootage(truth.take, DEVICE) as footage:
        found = find_start(truth.take, footage, DEVICE, Silent(), how=How(landmark_python=Path(sys.executable)))
        assert (found.how, found.sure) == ("search", True)
        assert "landmarks failed (landmarks: MediaPipe 9 carries no model)" in found.notes[0]
        with pytest.raises(LandmarkError, match="MediaPipe 9 carries no model"):
            find_start(truth.take, footage, DEVICE, Silent(), how=How("landmarks", Path(sys.executable)))


def test_landmarks_asked_for_and_not_to_be_had(truth: Filmed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("facesolve.start.find.find_detector", lambda *_: None)
    with TakeFootage(truth.take, DEVICE) as footage, pytest.raises(LandmarkError, match="MediaPipe is not installed"):
        find_start(truth.take, footage, DEVICE, Silent(), how=How("landmarks"))


def test_mediapipe_itself_finds_the_head(tmp_path: Path) -> None:
    if not os.environ.get(PYTHON_VARIABLE) and find_spec("mediapipe") is None:
        pytest.skip(f"MediaPipe is not installed; name a Python that has it in {PYTHON_VARIABLE}")
    filmed = film(tmp_path, placed((4, -12, 5), (1, -1, 2)), expression(jawOpen=0.3))
    with TakeFootage(filmed.take, DEVICE) as footage:
        found = find_start(filmed.take, footage, DEVICE, Silent(), how=How("landmarks"))
    millimeters, degrees = filmed.error(found.start)
    assert (millimeters < 1.5, degrees < 0.7) == (True, True)
    assert found.sure
