"""Bundle adjustment: derivatives against numbers, the elimination of boards against the whole matrix."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from facesolve.calibrate.adjust import adjust, linearized, reduced_equations, rigid_motion
from facesolve.calibrate.board import parse_board
from facesolve.calibrate.board_shape import shape_modes
from facesolve.calibrate.lens import MODELS, distortion, free_basis, kind_of, parameters_of, project, smallest_model
from facesolve.calibrate.sightings import Freedom, Rig, Sighting, jacobians, residuals_of, seen
from facesolve.geometry.camera import CameraModel

from .boards_seen import Faults, arc_of_cameras, photograph, waved_boards

BOARD = parse_board("circles:4x3:40")


def small_problem(noise=0.3, views=4):
    """Two cameras, some views; sightings and the true rig."""
    cameras = arc_of_cameras(2)
    boards = waved_boards(BOARD, views)
    session = photograph(BOARD, cameras, boards, Faults(noise=noise))
    sightings = [
        Sighting(session.cameras.index(d.camera), int(d.view), BOARD.points[d.ids], d.pixels)
        for d in session.detections
    ]
    assert len(sightings) == 2 * views
    poses = np.tile(np.eye(4), (2, 1, 1))
    for pose, camera in zip(poses, cameras, strict=True):
        pose[:3, :3], pose[:3, 3] = camera.rotation, camera.translation
    lenses = np.stack([parameters_of(camera.intrinsics, camera.distortion) for camera in cameras])
    freedom = Freedom([free_basis("brown", False)] * 2, np.ones(2, bool), np.arange(views) > 0)
    return sightings, Rig(lenses, poses, boards), freedom


def test_projection_is_the_products_own():
    cameras = arc_of_cameras(3, distortion=np.array([-0.2, 0.1, 1e-3, -2e-3, 0.02, 0.1, -0.05, 0.01]))
    points = np.random.default_rng(0).uniform(-9, 9, (20, 3))
    expected = CameraModel.from_cameras(cameras, dtype=torch.float64).project(torch.tensor(points)).pixels.numpy()
    for camera, pixels in zip(cameras, expected, strict=True):
        in_camera = points @ camera.rotation.T + camera.translation
        found = project(parameters_of(camera.intrinsics, camera.distortion), in_camera).pixels
        np.testing.assert_allclose(found, pixels, atol=1e-9)


def test_projection_of_a_fisheye_is_the_products_own():
    camera = replace(arc_of_cameras(1)[0], distortion=np.array([-0.02, 0.01, -0.006, 0.001]), lens="fisheye")
    points = np.random.default_rng(0).uniform(-60, 60, (20, 3))
    expected = CameraModel.from_cameras([camera], dtype=torch.float64).project(torch.tensor(points)).pixels[0].numpy()
    in_camera = points @ camera.rotation.T + camera.translation
    found = project(parameters_of(camera.intrinsics, camera.distortion), in_camera, True).pixels
    np.testing.assert_allclose(found, expected, atol=1e-8)


@pytest.mark.parametrize("fisheye", [False, True])
def test_jacobians_are_the_numeric_ones(fisheye):
    sightings, rig, freedom = small_problem()
    if fisheye:
        rig = replace(rig, fisheye=(False, True))
        freedom = replace(freedom, bases=[freedom.bases[0], free_basis("fisheye", False)])
    modes = shape_modes(BOARD)
    rig = replace(rig, shape=np.linspace(-1, 1, modes.shape[2]))
    freedom = replace(freedom, shape=modes.shape[2])
    sighting = replace(sightings[3], modes=modes[: len(sightings[3].points)])
    keep = np.ones(len(sighting.points), bool)
    J_camera, J_board = jacobians(sighting, seen([sighting], rig)[0], keep, rig, freedom)
    basis = freedom.bases[sighting.camera]

    def residual(lens_step, camera_step, shape_step, board_step):
        lenses, cameras, boards = rig.lenses.copy(), rig.cameras.copy(), rig.boards.copy()
        lenses[sighting.camera] += basis @ lens_step
        cameras[sighting.camera] = rigid_motion(camera_step) @ cameras[sighting.camera]
        boards[sighting.view] = boards[sighting.view] @ rigid_motion(board_step)
        return residuals_of([sighting], Rig(lenses, cameras, boards, rig.fisheye, rig.shape + shape_step))[0].ravel()

    sizes = (basis.shape[1], 6, modes.shape[2], 6)
    numeric = []
    for index in range(sum(sizes)):
        length = 1e-2 if index < sizes[0] else 1e-6  # the projection is linear in the lens
        parts = np.split(length * np.eye(sum(sizes))[index], np.cumsum(sizes)[:3])
        numeric.append((residual(*parts) - residual(*(-part for part in parts))) / (2 * length))
    analytic = np.concatenate([J_camera, J_board], 1)
    scale = np.abs(analytic).max(0)
    np.testing.assert_allclose(analytic / scale, np.stack(numeric, 1) / scale, atol=2e-6)


def test_eliminating_the_boards_is_the_schur_complement_of_the_whole():
    sightings, rig, freedom = small_problem()
    used = [np.ones(len(s.points), bool) for s in sightings]
    model = linearized(sightings, used, rig, freedom, 2.0, None)
    size, views = len(model.U), np.flatnonzero(freedom.boards)
    whole = np.zeros((size + 6 * len(views),) * 2)
    right = np.concatenate([model.b, *(model.c[view] for view in views)])
    whole[:size, :size] = model.U
    for place, view in enumerate(views):
        rows = slice(size + 6 * place, size + 6 * place + 6)
        whole[rows, rows], whole[:size, rows], whole[rows, :size] = model.V[view], model.W[view], model.W[view].T
    S, b, _ = reduced_equations(model, 0.0)
    inverse = np.linalg.inv(whole)
    root = np.sqrt(np.diag(inverse)[:size])
    np.testing.assert_allclose(
        np.linalg.inv(S) / np.outer(root, root), inverse[:size, :size] / np.outer(root, root), atol=1e-5
    )
    np.testing.assert_allclose(np.linalg.solve(S, b) / root, (inverse @ right)[:size] / root, atol=1e-5)


def test_disturbed_rig_comes_back():
    sightings, truth, freedom = small_problem(noise=0.0, views=8)
    random = np.random.default_rng(3)
    rig = Rig(
        truth.lenses * (1 + 0.02 * random.normal(size=truth.lenses.shape)),
        np.stack([rigid_motion(0.02 * random.normal(size=6)) @ pose for pose in truth.cameras]),
        np.stack(
            [
                b @ rigid_motion(0.05 * random.normal(size=6) * free)
                for b, free in zip(truth.boards, freedom.boards, strict=True)
            ]
        ),
    )
    used = [np.ones(len(s.points), bool) for s in sightings]
    fit = adjust(sightings, used, rig, freedom, None)
    assert max(np.abs(r).max() for r in fit.residuals) < 5e-3
    np.testing.assert_allclose(fit.rig.cameras, truth.cameras, atol=2e-2)


def test_held_parts_do_not_move():
    sightings, truth, freedom = small_problem()
    held = Freedom([np.zeros((12, 0))] * 2, np.array([False, True]), freedom.boards)
    used = [np.ones(len(s.points), bool) for s in sightings]
    fit = adjust(sightings, used, truth, held, None)
    assert np.array_equal(fit.rig.lenses, truth.lenses)
    assert np.array_equal(fit.rig.cameras[0], truth.cameras[0])
    assert np.array_equal(fit.rig.boards[0], truth.boards[0])
    assert not np.array_equal(fit.rig.cameras[1], truth.cameras[1])
    assert fit.information.shape == (6, 6)


def test_points_left_out_do_not_count():
    sightings, truth, freedom = small_problem()
    wrong = replace(sightings[2], pixels=sightings[2].pixels + np.array([300.0, 0.0]))
    used = [np.ones(len(s.points), bool) for s in sightings]
    used[2] = np.zeros(len(wrong.points), bool)
    with_wrong = adjust([*sightings[:2], wrong, *sightings[3:]], used, truth, freedom, None)
    without = adjust(sightings[:2] + sightings[3:], used[:2] + used[3:], truth, freedom, None)
    np.testing.assert_allclose(with_wrong.rig.lenses, without.rig.lenses, rtol=1e-9)


@pytest.mark.parametrize("model", list(MODELS))
def test_model_holds_what_it_frees(model):
    basis = free_basis(model, square_pixels=False)
    parameters = basis @ np.ones(basis.shape[1])
    coefficients = distortion(parameters, model)
    assert smallest_model(coefficients, kind_of(model)) == model
    assert coefficients.sum() == len(MODELS[model])
    assert free_basis(model, square_pixels=True).shape[1] == basis.shape[1] - 1
