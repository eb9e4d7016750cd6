"""Rigid transforms: steps and their logarithm, the step's derivative, the nearest rotation, registration of points."""

import numpy as np
import torch

from facesolve.geometry.rig import apply_head
from facesolve.geometry.rigid import (
    inverse,
    nearest_rotation,
    registration,
    retract,
    rigid,
    rigid_array,
    rigid_step,
    step_basis,
    step_of,
)
from facesolve.geometry.rotation import rotation_from_tangent

PIVOT = torch.tensor([0.3, -1.0, 2.0], dtype=torch.float64)


def random(*shape: int, seed: int = 3) -> torch.Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def heads(count: int) -> torch.Tensor:
    return rigid(rotation_from_tangent(random(count, 3)), 10 * random(count, 3, seed=4))


def test_a_transform_from_arrays_is_that_from_tensors():
    made = heads(3)
    np.testing.assert_array_equal(rigid_array(made[:, :3, :3].numpy(), made[:, :3, 3].numpy()), made.numpy())
    assert made[:, 3].tolist() == [[0, 0, 0, 1]] * 3


def test_the_inverse_undoes_a_transform():
    made = heads(3)
    torch.testing.assert_close(inverse(made) @ made, torch.eye(4).double().expand(3, 4, 4))


def test_a_step_turns_about_its_pivot_and_then_shifts():
    step = random(4, 6)
    moved = apply_head(rigid_step(step, PIVOT), PIVOT.expand(4, 1, 3))[:, 0]
    torch.testing.assert_close(moved, PIVOT + step[:, 3:])


def test_a_step_is_found_again_in_its_motion():
    step = random(2, 4, 6)
    for pivot in (None, PIVOT):
        torch.testing.assert_close(step_of(rigid_step(step, pivot), pivot), step)


def test_retract_stays_rigid_and_moves_along_the_heads_own_axes():
    head, step, points = heads(2), random(2, 6), random(2, 5, 3, seed=5)
    moved = retract(head, step)
    inner = points @ rotation_from_tangent(step[:, :3]).mT + step[:, None, 3:]
    torch.testing.assert_close(apply_head(moved, points), apply_head(head, inner))
    torch.testing.assert_close(moved[:, :3, :3] @ moved[:, :3, :3].mT, torch.eye(3).double().repeat(2, 1, 1))
    assert moved[:, 3].tolist() == [[0, 0, 0, 1]] * 2


def test_the_basis_of_a_step_equals_finite_differences():
    points, numeric = random(4, 5, 3), []
    for axis in range(6):
        step = torch.zeros(4, 6, dtype=torch.float64)
        step[:, axis] = 1e-6
        numeric.append((apply_head(rigid_step(step), points) - apply_head(rigid_step(-step), points)) / 2e-6)
    torch.testing.assert_close(step_basis(points), torch.stack(numeric, -1), atol=1e-8, rtol=1e-8)


def test_the_nearest_rotation_of_a_noisy_one_is_a_rotation_that_no_other_beats():
    true = rotation_from_tangent(random(6, 3))
    noisy = true + 0.1 * random(6, 3, 3, seed=5)
    found = nearest_rotation(noisy)
    torch.testing.assert_close(found @ found.mT, torch.eye(3).double().expand(6, 3, 3))
    torch.testing.assert_close(torch.linalg.det(found), torch.ones(6).double())
    distance = (found - noisy).flatten(1).norm(dim=1)
    for seed in range(20):
        other = found @ rotation_from_tangent(0.05 * random(6, 3, seed=seed))
        assert ((other - noisy).flatten(1).norm(dim=1) >= distance).all()


def test_the_nearest_rotation_of_a_mirror_image_is_no_mirror_image():
    mirrored = torch.diag(torch.tensor([1.0, 1.0, -0.9], dtype=torch.float64))
    torch.testing.assert_close(nearest_rotation(mirrored), torch.eye(3).double())


def test_registration_finds_the_transform_and_ignores_points_without_weight():
    points, head = random(12, 3), heads(1)
    places = apply_head(head, points[None])[0]
    places[:2] += 5.0
    weight = torch.ones(12, dtype=torch.float64)
    weight[:2] = 0
    torch.testing.assert_close(registration(points, places, weight), head[0])


def test_registration_does_not_turn_a_flat_face_inside_out():
    """Points on a plane fit their mirror image as well as themselves."""
    points = torch.cat([random(8, 2), torch.zeros(8, 1, dtype=torch.float64)], 1)
    head = heads(1)
    places = apply_head(head, points[None])[0]
    torch.testing.assert_close(registration(points, places, torch.ones(8).double()), head[0])
