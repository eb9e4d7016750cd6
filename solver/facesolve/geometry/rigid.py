"""Rigid transforms (..., 4, 4): ``x -> R x + t``, their steps, and the motions that fit points best. Knows no rig.

A step (..., 6) is a turn ``w`` (axis-angle vector, radians) and a shift ``u`` (centimeters). ``rigid_step`` is the
motion ``p -> exp(w) p + u``, and ``step_of`` its inverse: turn and shift do not mix, as they do in the exponential map
of SE(3).
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from .rotation import rotation_from_tangent, tangent_from_rotation


def rigid(rotation: Tensor, translation: Tensor) -> Tensor:
    """The transform (..., 4, 4) of a rotation (..., 3, 3) and a translation (..., 3); differentiable."""
    upper = torch.cat([rotation, translation[..., None]], -1)
    return torch.cat([upper, _last_row(upper)], -2)


def rigid_array(rotation: np.ndarray, translation: np.ndarray) -> np.ndarray:
    """As ``rigid``, of arrays: (..., 4, 4) float64."""
    matrix = np.zeros((*np.shape(rotation)[:-2], 4, 4))
    matrix[..., :3, :3], matrix[..., :3, 3], matrix[..., 3, 3] = rotation, translation, 1
    return matrix


def inverse(transform: Tensor) -> Tensor:
    """Inverse of rigid transforms (..., 4, 4)."""
    rotation = transform[..., :3, :3].mT
    return torch.cat([torch.cat([rotation, -rotation @ transform[..., :3, 3:]], -1), transform[..., 3:, :]], -2)


def rigid_step(step: Tensor, pivot: Tensor | None = None) -> Tensor:
    """The motion (..., 4, 4) of a step (..., 6): a turn about a pivot (3,), or the origin, then a shift."""
    rotation, shift = rotation_from_tangent(step[..., :3]), step[..., 3:]
    if pivot is not None:
        shift = shift + pivot - (rotation @ pivot[:, None])[..., 0]
    return rigid(rotation, shift)


def step_of(transform: Tensor, pivot: Tensor | None = None) -> Tensor:
    """The step (..., 6) whose ``rigid_step`` about the pivot is ``transform`` (..., 4, 4); turns up to half a turn."""
    rotation, shift = transform[..., :3, :3], transform[..., :3, 3]
    if pivot is not None:
        shift = shift + (rotation @ pivot[:, None])[..., 0] - pivot
    return torch.cat([tangent_from_rotation(rotation), shift], -1)


def retract(head: Tensor, step: Tensor) -> Tensor:
    """Moves a head transform along its own axes: ``x = R (exp(w) p + u) + t``: ``R <- R exp(w)``, ``t <- t + R u``.

    head: (..., 4, 4) rigid. step: (..., 6) = (w, u), radians and centimeters. Returns (..., 4, 4).
    """
    return head @ rigid_step(step).to(head)


def step_basis(points: Tensor) -> Tensor:
    """Derivative of ``exp(w) p + u`` with respect to the step (w, u) at zero: ``[-[p]_x, I]``.

    points: (..., 3), centimeters. Returns (..., 3, 6).
    """
    x, y, z = points.unbind(-1)
    zero, one = torch.zeros_like(x), torch.ones_like(x)
    rows = (zero, z, -y, one, zero, zero, -z, zero, x, zero, one, zero, y, -x, zero, zero, zero, one)
    return torch.stack(rows, -1).unflatten(-1, (3, 6))


def nearest_rotation(matrices: Tensor) -> Tensor:
    """The rotations (..., 3, 3) nearest to matrices (..., 3, 3) in the Frobenius norm (Kabsch 1976)."""
    left, _, right = torch.linalg.svd(matrices)
    mirrored = torch.linalg.det(left @ right) < 0
    sign = torch.ones_like(matrices[..., 0])
    sign[..., 2] = torch.where(mirrored, -1.0, 1.0)
    return (left * sign[..., None, :]) @ right


def registration(points: Tensor, places: Tensor, weight: Tensor) -> Tensor:
    """The rigid transform (4, 4) that brings points (n, 3) nearest to places (n, 3), weighted least squares.

    weight: (n,), not negative, not all zero.
    """
    share = (weight / weight.sum())[:, None]
    first, second = (share * points).sum(0), (share * places).sum(0)
    rotation = nearest_rotation((share * (places - second)).T @ (points - first))
    return rigid(rotation, second - rotation @ first)


def _last_row(upper: Tensor) -> Tensor:
    """(..., 1, 4) rows 0, 0, 0, 1 for the upper parts (..., 3, 4); made on the device, which is not waited for."""
    return F.pad(torch.zeros_like(upper[..., :1, :3]), (0, 1), value=1.0)
