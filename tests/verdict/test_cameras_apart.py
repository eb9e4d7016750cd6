"""Cameras that do not stand to each other as they are calibrated."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from facesolve.geometry.rotation import rotation_from_tangent
from facesolve.stages.bundle import BundleFit, BundleOptions, bundle
from facesolve.take import Camera, Footage
from facesolve.verdict.cameras_apart import TOGETHER, CamerasApart, cameras_apart
from facesolve.verdict.giving_way import Keyframes
from tests.synthetic import Scene, film, head_rig, head_scene, make_problem, make_take


def moved(camera: Camera, right: float, down: float = 0.0) -> Camera:
    """With another principal point, pixels."""
    intrinsics = camera.intrinsics.copy()
    intrinsics[:2, 2] += (right, down)
    return replace(camera, intrinsics=intrinsics)


def solved_with(*cameras: Camera) -> tuple[Scene, BundleFit]:
    """The filmed head solved through other cameras than it was filmed with."""
    filmed = head_scene()
    take = make_take(head_rig())
    problem = make_problem(replace(take, cameras=cameras))
    scene = Scene(problem, filmed.truth, filmed.pixels)
    return scene, bundle(problem, scene.views(scene.truth, 1), scene.truth, scene.frames, 1, BundleOptions(6))


def apart(scene: Scene, fit: BundleFit) -> CamerasApart:
    velocity = torch.zeros(len(scene.frames), len(scene.problem.samples.weight), 3)
    keyframes = Keyframes.seen(scene.problem, scene.pixels, fit, scene.frames, velocity)
    return cameras_apart(keyframes, keyframes.about())


def test_calibrated_cameras_are_told_from_one_whose_images_are_shifted():
    cameras = head_scene().problem.take.cameras
    right = apart(*solved_with(*cameras))
    wrong = apart(*solved_with(cameras[0], moved(cameras[1], 2.0), cameras[2]))
    assert right.mm < 0.1
    assert right.placement_mm < 0.1
    # of a shift of one camera's images a part looks like another pose
    assert 0.7 < wrong.pixels < 2.0
    assert wrong.mm == pytest.approx(10 * wrong.pixels / head_scene().problem.pixels_per_cm)
    assert wrong.placement_mm > 1.0


def turned(camera: Camera, name: str, *turn: float) -> Camera:
    """One more that looks at the same place: moved around it by radians about the world's axes."""
    rotation = rotation_from_tangent(torch.tensor(turn, dtype=torch.float64)).numpy()
    return replace(camera, name=name, rotation=camera.rotation @ rotation)


def test_of_six_cameras_the_one_that_is_off_is_named():
    scene = head_scene()
    take, truth = scene.problem.take, scene.truth.at([0, 2])
    more = [turned(camera, camera.name + " above", 0.4, 0.1, 0.0) for camera in take.cameras]
    cameras = (*take.cameras, *more)
    frames = film(scene.problem.model, cameras, truth)
    wrong = tuple(moved(camera, 1.5, -1.5) if row == 3 else camera for row, camera in enumerate(cameras))
    footage = tuple(Footage(camera.name, "x{frame}.png") for camera in wrong)
    problem = make_problem(
        replace(take, cameras=wrong, footage=footage, frames=np.arange(2), scene_times=np.arange(2.0))
    )
    shown = Scene(problem, truth, frames)
    fit = bundle(problem, shown.views(truth, 1), truth, shown.frames, 1, BundleOptions(6))
    assert apart(shown, fit).camera == 3


def test_images_of_all_cameras_shifted_down_look_like_another_pose():
    """Nothing in the footage tells it: the head has moved."""
    cameras = head_scene().problem.take.cameras
    scene, fit = solved_with(*(moved(camera, 0.0, 2.0) for camera in cameras))
    assert float((fit.pose.head[:, :3, 3] - scene.truth.head[:, :3, 3]).norm(dim=1).mean()) > 0.3
    assert apart(scene, fit).mm < 0.2


def test_nothing_is_said_where_no_shift_can_be_seen():
    scene, fit = solved_with(*head_scene().problem.take.cameras)
    blind = [replace(each, mask=tuple(torch.zeros_like(mask) for mask in each.mask)) for each in scene.pixels]
    assert apart(Scene(scene.problem, scene.truth, blind), fit) == TOGETHER
