"""A bundle on cameras that are not where their calibration has them, or late: found, undone, and only where sure."""

from dataclasses import replace
from functools import cache

import numpy as np
import torch

from facesolve.geometry.pose import Pose
from facesolve.geometry.rig import apply_head
from facesolve.residuals.camera_errors import DELAY, ROTATION, UNKNOWNS, CameraErrors
from facesolve.stages.bundle import BundleFit, BundleOptions, bundle
from tests.synthetic import Scene, film, head_rig, make_problem, make_take, performance

LATE = 0.5  # frames, the third camera
FRAMES = 9


def off() -> CameraErrors:
    """The first camera turned by 1.5 pixels, the second moved by 2 mm."""
    values = torch.zeros(3, UNKNOWNS, dtype=torch.float64)
    values[0, ROTATION] = torch.tensor([0.004, -0.004, 0.002])
    values[1, 3:5] = torch.tensor([0.2, -0.1])
    return CameraErrors(values)


@cache
def stage(errors: bool) -> Scene:
    """Nine frames; with errors the cameras are off and the third is late, which the take does not know."""
    problem, twice = make_problem(make_take(head_rig(), frames=FRAMES)), performance(2 * FRAMES)
    truth = twice.at(slice(0, None, 2))
    lenses = off().corrected(problem.take.cameras) if errors else problem.take.cameras
    pixels = film(problem.model, lenses, truth)
    if errors:
        late = film(problem.model, lenses, twice.at(slice(1, None, 2)))
        pixels = [
            replace(
                frame,
                luminance=(*frame.luminance[:2], later.luminance[2]),
                mask=(*frame.mask[:2], later.mask[2]),
            )
            for frame, later in zip(pixels, late, strict=True)
        ]
    return Scene(problem, truth, pixels)


def fitted(scene: Scene, trusting: bool) -> BundleFit:
    problem, start = scene.problem, scene.truth
    frames = torch.arange(FRAMES)
    views = replace(scene.views(start), velocity=problem.velocity(start, frames))
    calibration = None if trusting else problem.calibration(start.at([0]), 0)
    return bundle(problem, views, start, frames, 0, BundleOptions(15, calibration=calibration))


def shape_error(scene: Scene, pose: Pose) -> float:
    """Mean difference of the controls, which no placement of the world changes."""
    return float((pose.controls - scene.truth.controls).abs().mean())


def test_errors_of_cameras_are_found_along_with_the_poses() -> None:
    scene = stage(errors=True)
    trusting, finding = fitted(scene, True), fitted(scene, False)
    assert finding.errors is not None
    assert finding.errors_are_sure
    assert not trusting.errors_are_sure
    assert shape_error(scene, finding.pose) < 0.5 * shape_error(scene, trusting.pose)


def test_a_late_camera_is_late_against_the_others() -> None:
    found = fitted(stage(errors=True), False).errors
    assert found is not None
    delay = found.values[:, DELAY.start]
    np.testing.assert_allclose(float(delay[2] - delay[:2].mean()), LATE, atol=0.1)


def test_cameras_that_are_as_calibrated_stay_so() -> None:
    fit = fitted(stage(errors=False), False)
    assert fit.errors is not None
    assert not fit.errors_are_sure
    assert float(fit.errors.delay.abs().max()) < 0.05


def test_velocity_is_the_motion_a_frame() -> None:
    scene = stage(errors=False)
    problem, around = scene.problem, scene.truth.at([2, 4])
    velocity = problem.velocity(scene.truth, torch.tensor([3]))[0]
    deformation = problem.model.deformation(around.controls.float())
    before, after = apply_head(around.head.float(), problem.samples.positions(deformation))
    in_world = velocity @ scene.truth.head[3, :3, :3].float().T
    torch.testing.assert_close(in_world, (after - before) / 2, atol=1e-5, rtol=1e-4)
