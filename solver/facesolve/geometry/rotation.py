"""Rotations as tangent vectors: the exponential map, its inverse, the cross-product matrix. Knows nothing of rigs."""

from __future__ import annotations

import torch
from torch import Tensor

_SERIES_BELOW = 1e-3  # squared angle under which the Taylor series are exact to double precision


def cross_matrix(v: Tensor) -> Tensor:
    """``[v]_x`` with ``[v]_x p = v x p``. v: (..., 3) -> (..., 3, 3)."""
    x, y, z = v.unbind(-1)
    zero = torch.zeros_like(x)
    return torch.stack((zero, -z, y, z, zero, -x, -y, x, zero), -1).unflatten(-1, (3, 3))


def rotation_from_tangent(w: Tensor) -> Tensor:
    """Rotation matrix ``exp([w]_x)`` of the axis-angle vector ``w``, radians; Rodrigues' formula.

    w: (..., 3) -> (..., 3, 3). Exact and differentiable (also twice) at zero.
    """
    squared = (w * w).sum(-1)
    small = squared < _SERIES_BELOW
    series = torch.where(small, squared, 0.0)
    angle = torch.where(small, 1.0, squared).sqrt()
    sine = torch.where(small, _alternating(series, (1, 6, 120, 5040)), angle.sin() / angle)
    half = (angle / 2).sin() / angle
    cosine = torch.where(small, _alternating(series, (2, 24, 720, 40320)), 2 * half * half)  # (1 - cos) / angle^2
    cross = cross_matrix(w)
    turned = sine[..., None, None] * cross + cosine[..., None, None] * (cross @ cross)
    turned.diagonal(dim1=-2, dim2=-1).add_(1)
    return turned


def tangent_from_rotation(rotation: Tensor) -> Tensor:
    """Axis-angle vector of length 0..pi, radians: the inverse of ``rotation_from_tangent``.

    rotation: (..., 3, 3) -> (..., 3). Goes through the unit quaternion (Shepperd 1978), so it is accurate near half a
    turn, where the axis' sign is arbitrary.
    """
    (m00, m01, m02), (m10, m11, m12), (m20, m21, m22) = (row.unbind(-1) for row in rotation.unbind(-2))
    outer = torch.stack(  # 4 q q^T with q = (w, x, y, z)
        (
            torch.stack((1 + m00 + m11 + m22, m21 - m12, m02 - m20, m10 - m01), -1),
            torch.stack((m21 - m12, 1 + m00 - m11 - m22, m01 + m10, m02 + m20), -1),
            torch.stack((m02 - m20, m01 + m10, 1 - m00 + m11 - m22, m12 + m21), -1),
            torch.stack((m10 - m01, m02 + m20, m12 + m21, 1 - m00 - m11 + m22), -1),
        ),
        -2,
    )
    largest = outer.diagonal(dim1=-2, dim2=-1).argmax(-1)
    row = largest[..., None, None].expand(*largest.shape, 1, 4)
    quaternion = torch.nn.functional.normalize(outer.gather(-2, row).squeeze(-2), dim=-1)
    quaternion = torch.where(quaternion[..., :1] < 0, -quaternion, quaternion)
    real, imaginary = quaternion[..., :1], quaternion[..., 1:]
    squared = (imaginary * imaginary).sum(-1, keepdim=True)
    small = squared < 1e-12
    length = torch.where(small, torch.ones_like(squared), squared).sqrt()
    return imaginary * torch.where(small, torch.full_like(squared, 2.0), 2 * torch.atan2(length, real) / length)


def _alternating(x: Tensor, divisors: tuple[int, ...]) -> Tensor:
    """Sum over i of (-x)^i / divisors[i], by Horner's rule."""
    total = 1 / divisors[-2] - x / divisors[-1]
    for divisor in reversed(divisors[:-2]):
        total = 1 / divisor - x * total
    return total
