"""Exponential map and logarithm of rotations, against OpenCV and each other."""

import cv2
import numpy as np
import pytest
import torch

from facesolve.geometry.rotation import cross_matrix, rotation_from_tangent, tangent_from_rotation

ANGLES = (0.0, 1e-9, 1e-4, 0.0999, 0.1001, 1.0, 3.0, np.pi - 1e-4)


def tangents() -> torch.Tensor:
    """Every angle of ANGLES about eight axes, (8 * 8, 3)."""
    axes = torch.nn.functional.normalize(torch.randn(8, 3, dtype=torch.float64, generator=torch.manual_seed(1)), dim=-1)
    return (torch.tensor(ANGLES, dtype=torch.float64)[:, None, None] * axes).reshape(-1, 3)


def test_exponential_equals_opencv():
    expected = np.stack([cv2.Rodrigues(w.numpy())[0] for w in tangents()])
    np.testing.assert_allclose(rotation_from_tangent(tangents()).numpy(), expected, atol=1e-12)


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-10), (torch.float32, 2e-6)])
def test_logarithm_undoes_exponential(dtype, tolerance):
    w = tangents().to(dtype)
    torch.testing.assert_close(tangent_from_rotation(rotation_from_tangent(w)), w, atol=tolerance, rtol=0)


def test_logarithm_of_half_turns():
    w = np.pi * torch.tensor([[1.0, 0, 0], [0, 1, 0], [0, 0, 1], [0.6, 0.8, 0], [0, 0.6, -0.8]], dtype=torch.float64)
    rotation = rotation_from_tangent(w)
    back = tangent_from_rotation(rotation)
    torch.testing.assert_close(rotation_from_tangent(back), rotation)
    torch.testing.assert_close(back.norm(dim=-1), torch.full((5,), np.pi, dtype=torch.float64))


@pytest.mark.parametrize("angle", [0.0, 1e-7, 0.05, 2.0])
def test_exponential_is_twice_differentiable(angle):
    w = (angle * torch.tensor([[0.6, 0.0, -0.8]], dtype=torch.float64)).requires_grad_()
    assert torch.autograd.gradcheck(rotation_from_tangent, w)
    assert torch.autograd.gradgradcheck(rotation_from_tangent, w)


def test_cross_matrix_is_the_cross_product():
    a, b = torch.randn(2, 5, 3, dtype=torch.float64, generator=torch.manual_seed(2))
    torch.testing.assert_close((cross_matrix(a) @ b[..., None])[..., 0], torch.linalg.cross(a, b))
