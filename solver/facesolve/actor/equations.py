"""What footage says about an offset of the neutral that all frames share, with the colors eliminated."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from facesolve.geometry.surface_samples import PlacedSamples
from facesolve.residuals.color_elimination import SampleEquations, inverse_root
from facesolve.residuals.normal_equations import step_jacobian

from .offset import SampleOffset


@dataclass(frozen=True, eq=False)
class OffsetEquations:
    """Normal equations of m coefficients: with the M frames' unknowns (M*(K+6), m), own (m, m), b (m,), float64."""

    frames: Tensor
    own: Tensor
    b: Tensor


def offset_equations(placed: PlacedSamples, offset: SampleOffset, equations: SampleEquations) -> OffsetEquations:
    """Normal equations of the same samples and cost as ``eliminated_normal_equations``.

    placed: the samples where the offset has brought them.
    """
    directions = offset.directions(placed)  # (M or 1, N, 3)
    along = (equations.shared * directions).sum((0, 2))  # (N,): what the agreed color takes along
    pulls = (equations.information @ directions[..., None])[..., 0] - equations.shared * along[:, None]  # (M, N, 3)
    height = (pulls * directions).sum((0, 2))
    rows = offset.transposed
    own = (rows @ (height[:, None] * offset.columns)).double()
    b = (rows @ (equations.force * directions).sum((0, 2))[:, None])[:, 0].double()
    turning = torch.linalg.cross(placed.points, pulls)
    says = torch.cat([placed.along(pulls), turning.transpose(0, 1), pulls.transpose(0, 1)], 2)  # (N, M, U+6)
    _, frames, width = says.shape
    by_frame = (rows @ says.flatten(1)).double().unflatten(1, (frames, width))  # (m, M, U+6)
    J = step_jacobian(placed.deformation.J_unknown_control)
    sides = by_frame.permute(1, 0, 2) @ J  # (M, m, K+6)
    return OffsetEquations(sides.transpose(1, 2).flatten(0, 1), (own + own.T) / 2, b)


def offset_and_cameras(
    placed: PlacedSamples,
    offset: SampleOffset,
    columns: Tensor,
    covectors: Tensor,
    weights: Tensor,
    total: Tensor,
) -> Tensor:
    """(C*Q, m) float64: the same for Q unknowns of each camera; arguments as of ``eliminated_camera_equations``."""
    weighted = columns * weights[..., None]  # (M, C, N, Q)
    root = inverse_root(total)
    along = (covectors * offset.directions(placed)[:, None]).sum(-1)  # (M, C, N)
    alone = (weighted * along[..., None]).sum(0)  # (C, N, Q)
    shared = weighted.sum(0) * (root * root * (weights * along).sum((0, 1)))[:, None]
    says = (alone - shared).transpose(0, 1).flatten(1)  # (N, C*Q)
    return (offset.transposed @ says).double().T
