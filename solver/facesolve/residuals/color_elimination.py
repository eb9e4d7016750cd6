"""Normal equations with the color of the surface eliminated: what is left is what only the true pose explains.

The residual of an observation is its difference from the weighted mean of all observations of its sample, and its
derivative is centered the same way (variable projection, Golub & Pereyra 1973): with rows ``J_o`` and weights ``w_o``
of the observations of a sample, ``A = sum w_o J_o^T J_o - (sum w_o J_o)^T (sum w_o J_o) / sum w_o``.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from facesolve.geometry.surface_samples import PlacedSamples

from .normal_equations import TALL, normal_equations, step_jacobian, tall_product, to_controls
from .patch_sums import shared_by_patches, sides_by_patches
from .photometric import sample_normals


@dataclass(frozen=True, eq=False)
class SampleEquations:
    """The cost of M frames at displacements d (M, N, 3) of the N samples in rig space, cm, up to a constant:
    ``1/2 sum_f d_f^T information_f d_f - 1/2 |sum_f shared_f . d_f|^2 - sum_f d_f . force_f``.

    information: (M, N, 3, 3), force: (M, N, 3), shared: (M, N, 3): what the frames agree on moves along with what their
    displacements have in common, and says nothing.
    """

    information: Tensor
    force: Tensor
    shared: Tensor

    @staticmethod
    def of(covectors: Tensor, weights: Tensor, residual: Tensor, total: Tensor) -> SampleEquations:
        """covectors: (M, C, N, 3) d color / d position, rig space, 1/cm. weights, residual: (M, C, N), the residual
        being the difference from what all agree on. total: (N,) weight of all votes about a sample's color, 0 where it
        is not known."""
        information, force = sample_normals(covectors, weights, residual)
        sums = (weights[..., None] * covectors).sum(1)
        return SampleEquations(information, force, sums * inverse_root(total)[:, None])


def eliminated_normal_equations(placed: PlacedSamples, equations: SampleEquations) -> tuple[Tensor, Tensor]:
    """Normal equations of M frames jointly in the controls and head step of each.

    placed: at the poses of the M frames, with U unknowns of the rig.
    Returns A (M*(K+6), M*(K+6)) and b (M*(K+6),), float64; the head step is that of ``rigid.retract``.

    A is what each frame says alone, blocks on the diagonal, less what all frames have in common. For the latter let
    frame m step by ``x_m`` (K+6) in controls, turn w and shift t of the head, so by ``y_m = J_m x_m`` (U+6) in
    unknowns a, w and t. Sample n at p moves by ``d = rows_n a + w x p + t``, so that ``shared . d`` is the product of
    ``y_m`` with the row ``r_nm = (rows_n^T shared, p x shared, shared)``. Hence

        sum_n (sum_m r_nm . y_m)^2 = sum_m sum_l x_m^T J_m^T (sum_n r_nm r_nl^T) J_l x_l.

    ``square[m, i, l, j]`` is the sum over n. Its block (m, l) is brought to ``[m, l, i, j]`` for the products with
    ``J_m^T`` and ``J_l``, and back to ``[m, i, l, j]``, which read as a matrix has its rows in the order of (m, i).
    """
    J_unknown_control = placed.deformation.J_unknown_control
    A, b = normal_equations(placed, equations.information, equations.force)
    A, b = to_controls(A, b, J_unknown_control)
    square = _shared_squares(placed, equations.shared)
    J = step_jacobian(J_unknown_control)
    square = J.mT[:, None] @ square.transpose(1, 2) @ J[None]  # (M, M, K+6, K+6)
    return torch.block_diag(*A) - square.transpose(1, 2).flatten(2).flatten(0, 1), b.reshape(-1)


def _shared_squares(placed: PlacedSamples, shared: Tensor) -> Tensor:
    """(M, U+6, M, U+6) float64 sums over samples of products of the rows ``r_nm``. shared: (M, N, 3)."""
    if shared.device.type == "cpu":
        return shared_by_patches(placed, shared)
    turning = torch.linalg.cross(placed.points, shared)
    rows = torch.cat([placed.along(shared), turning.transpose(0, 1), shared.transpose(0, 1)], 2)
    count, width = rows.shape[1:]
    return tall_product(rows.flatten(1), rows.flatten(1)).view(count, width, count, width)


@dataclass(frozen=True, eq=False)
class CameraEquations:
    """Normal equations of C*Q unknowns of the cameras: with the M frames' (M*(K+6), C*Q), own (C*Q, C*Q), b (C*Q,)."""

    frames: Tensor
    own: Tensor
    b: Tensor


def eliminated_camera_equations(
    placed: PlacedSamples,
    columns: Tensor,
    covectors: Tensor,
    weights: Tensor,
    residual: Tensor,
    total: Tensor,
) -> CameraEquations:
    """What the same observations say about unknowns that belong to the cameras and are the same in all M frames.

    columns: (M, C, N, Q) d color / d the Q unknowns of the camera that saw it; the rest as in ``SampleEquations.of``
    and ``eliminated_normal_equations``.
    """
    weighted = columns * weights[..., None]
    root = inverse_root(total)
    own_rows = (weighted.sum(0) * root[:, None]).transpose(0, 1).flatten(1)  # (N, C*Q)
    own = torch.block_diag(*_products(weighted, columns).sum(0))
    own = own - tall_product(own_rows, own_rows)
    b = -_products(weighted, residual[..., None]).sum(0).flatten()
    pulls = covectors * weights[..., None]
    shared = pulls.sum(1) * root[:, None]  # (M, N, 3)
    sides = sides_by_patches if shared.device.type == "cpu" else sides_by_samples
    J = step_jacobian(placed.deformation.J_unknown_control)
    return CameraEquations((J.mT @ sides(placed, pulls, columns, shared, own_rows)).flatten(0, 1), own, b)


def sides_by_samples(placed: PlacedSamples, covectors: Tensor, columns: Tensor, shared: Tensor, own: Tensor) -> Tensor:
    """As ``patch_sums.sides_by_patches``, of all samples at once."""
    parts = []
    for frame, points in enumerate(placed.points):
        pull = columns[frame, :, :, None] * covectors[frame, ..., None]  # (C, N, 3, Q)
        # what the frame's observations say directly, less what the agreed color takes along
        pull = pull.permute(1, 2, 0, 3).flatten(2) - shared[frame, :, :, None] * own[:, None]  # (N, 3, C*Q)
        turning = torch.linalg.cross(points[..., None].expand_as(pull), pull, dim=1)
        head = torch.cat([turning, pull], 1).sum(0, dtype=torch.float64)
        parts.append(torch.cat([tall_product(placed.rows(frame).flatten(0, 1), pull.flatten(0, 1)), head]))
    return torch.stack(parts)


def _products(left: Tensor, right: Tensor) -> Tensor:
    """``left^T right`` (M, C, p, q) float64 of many rows (M, C, N, p), (M, C, N, q), added up part by part."""
    parts = zip(left.split(TALL, 2), right.split(TALL, 2), strict=True)
    return torch.stack([one.mT @ other for one, other in parts]).sum(0, dtype=torch.float64)


def eliminated_rows(
    J: Tensor, columns: Tensor, size: int, weights: Tensor, residual: Tensor, total: Tensor
) -> tuple[Tensor, Tensor]:
    """Normal equations in any few unknowns of n samples seen by O observers; those of more samples may be added.

    J: (O, n, k) d color / d those k of the unknowns that each observer's residuals depend on; columns: (O, k) int64,
    which they are. weights, residual: (O, n); total: (n,) as in ``SampleEquations.of``.
    Returns A (size, size) and b (size,), float64.
    """
    weighted = J * weights[..., None]
    A = torch.zeros(size, size, dtype=torch.float64, device=J.device)
    A.index_put_((columns[:, :, None], columns[:, None]), (weighted.mT @ J).double(), accumulate=True)
    b = torch.zeros(size, dtype=torch.float64, device=J.device)
    b.index_put_((columns,), -(weighted.mT @ residual[..., None]).double()[..., 0], accumulate=True)
    shared = J.new_zeros(J.shape[1], size).index_add_(1, columns.flatten(), weighted.transpose(0, 1).flatten(1))
    shared = shared * inverse_root(total)[:, None]
    return A - (shared.mT @ shared).double(), b


def inverse_root(total: Tensor) -> Tensor:
    """``1 / sqrt(total)``, 0 where the total is 0."""
    return torch.where(total > 0, total, torch.inf).rsqrt()
