"""Normal equations in the rig's shapes and the head's motion from what each surface sample says about its position.

Knows no images: only symmetric 3x3 information and a force at every sample.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from facesolve.geometry.surface_samples import ALIGNED, PlacedSamples, SurfaceSamples
from facesolve.runtime.kernels import fused

from .patch_sums import information_by_patches

CPU_SAMPLES = 4096  # whose forces a CPU adds up in single precision
TALL = 2048  # rows of one part of a product over many
GPU_ROWS = 400_000  # samples times frames: their rows take about 0.4 GB at 150 shapes
LEAST_PIVOT = 1e-6  # of a matrix' trace: a smaller one is rounding


def normal_equations(
    placed: PlacedSamples, information: Tensor, force: Tensor, exact: bool = True
) -> tuple[Tensor, Tensor]:
    """Normal equations in (the rig's unknowns, head step) from what each sample contributes.

    placed: at B poses. information: (B, N, 3, 3) positive semidefinite; force: (B, N, 3).
    exact: False lets a GPU take A from factors in half precision (``half_precision_gram``), 20 times as fast: for steps
    of an iteration, where A decides how fast it arrives and b decides where.
    Returns A (B, U+6, U+6) and b (B, U+6), float64; the head step is that of ``rigid.retract``.
    The cost does not depend on the number of cameras, they are summed in ``photometric.sample_normals``.
    """
    samples, points = placed.samples, placed.points
    frames, count = points.shape[:2]
    width = placed.width + 6
    A = points.new_empty(frames, width, width, dtype=torch.float64)
    b = points.new_empty(frames, width, dtype=torch.float64)
    if points.device.type == "cpu":
        return information_by_patches(placed, information), _forces_on_cpu(placed, force)
    if not placed.linear:
        for row in range(frames):
            one = slice(row, row + 1)
            rows = placed.rows(row)
            A[one] = (exact_gram if exact else gram_of_one)(rows, information[one], points[one])
            b[one] = gathered_forces(rows, force[one], points[one])
        return A, b
    together = max(1, GPU_ROWS // count)
    for first in range(0, frames, together):
        some = slice(first, first + together)
        if exact:
            A[some] = exact_gram(samples.basis, information[some], points[some])
        else:
            A[some] = half_precision_gram(samples, information[some], points[some])
        b[some] = gathered_forces(samples.basis, force[some], points[some])
    return A, b


def _forces_on_cpu(placed: PlacedSamples, force: Tensor) -> Tensor:
    """b (B, U+6) float64. force: (B, N, 3)."""
    if placed.linear:
        count = force.shape[1]
        parts = (slice(begin, begin + CPU_SAMPLES) for begin in range(0, count, CPU_SAMPLES))
        each = [gathered_forces(placed.samples.basis[some], force[:, some], placed.points[:, some]) for some in parts]
        return torch.stack(each).sum(0)
    of_rig = torch.stack([placed.pulled(frame, each) for frame, each in enumerate(force)])
    turning = torch.linalg.cross(placed.points, force)
    head = torch.cat([turning, force], 2).sum(1, dtype=torch.float64)
    return torch.cat([of_rig, head], 1)


def exact_gram(basis: Tensor, information: Tensor, points: Tensor) -> Tensor:
    """A (b, S+6, S+6) in the precision of the arguments: products ``basis^T (information basis)``.

    The basis is the same for all frames: their weighted bases lie side by side, so that one product serves all.
    basis: (n, 3, S); information: (b, n, 3, 3); points: (b, n, 3).
    """
    frames, count, shapes = len(points), len(basis), basis.shape[2]
    flat = basis.reshape(3 * count, shapes)
    weighted = basis.new_empty(count, 3, frames, shapes)
    for axis in range(3):
        # (n, b, 1) times (n, 1, S): a product of 3x3 matrices alone would keep a GPU idle
        column = information[:, :, axis].transpose(0, 1)[..., None]
        part = weighted[:, axis]
        torch.mul(column[:, :, 0], basis[:, None, 0], out=part)
        part.addcmul_(column[:, :, 1], basis[:, None, 1]).addcmul_(column[:, :, 2], basis[:, None, 2])
    # the rows of information [-[p]_x, I]
    weighted_head = torch.cat([_turning(points, information), information], -1)  # (b, n, 3, 6)
    A = basis.new_zeros(frames, shapes + 6, shapes + 6, dtype=torch.float64)
    product = tall_product(flat, weighted.view(3 * count, frames * shapes))
    A[:, :shapes, :shapes] = product.view(shapes, frames, shapes).transpose(0, 1)
    side = tall_product(flat, weighted_head.permute(1, 2, 0, 3).reshape(3 * count, 6 * frames))
    A[:, :shapes, shapes:] = side.view(shapes, frames, 6).transpose(0, 1)
    A[:, shapes:, :shapes] = A[:, :shapes, shapes:].mT
    turned = torch.linalg.cross(points[..., None].expand_as(weighted_head), weighted_head, dim=2)
    A[:, shapes:, shapes:] = torch.cat([turned, weighted_head], 2).sum(1, dtype=torch.float64)
    return (A + A.mT) / 2


def half_precision_gram(samples: SurfaceSamples, information: Tensor, points: Tensor) -> Tensor:
    """As ``exact_gram``, from ``W^T W`` with ``W = root(information) [basis, head basis]`` in half precision.

    Rounding moves each number by up to a thousandth, and over all rows the sums by far less. A rounded matrix times its
    own transpose is positive semidefinite, but for the rounding of the sums (``_half_product``).
    """
    frames = len(points)
    width = samples.basis.shape[2] + 6
    size = information.diagonal(dim1=2, dim2=3).amax((1, 2)).clamp_min(torch.finfo(information.dtype).tiny)
    scaled, columns = information / size[:, None, None, None], samples.half_columns
    if fused(points.device):
        from . import normal_equations_triton as triton

        basis = columns[:, :3, : width - 6]
        rows = triton.half_precision_rows(scaled, points, basis, columns.shape[2], LEAST_PIVOT)
    else:
        rows = half_precision_rows(scaled, points, columns)
    A = _half_product(rows).unflatten(0, (frames, 3)).sum(1)
    return A[:, :width, :width] * size[:, None, None]


def half_precision_rows(information: Tensor, points: Tensor, columns: Tensor) -> Tensor:
    """(3b, n, width and some) in half precision, whose product with themselves ``half_precision_gram`` takes.

    information: (b, n, 3, 3), at most about 1; columns: ``SurfaceSamples.half_columns``.
    """
    frames, count = points.shape[:2]
    root = matrix_roots(information)  # (b, n, 3, 3)
    left = torch.zeros(count, frames, 3, ALIGNED, dtype=torch.float16, device=points.device)
    left[..., :3] = root.transpose(0, 1)
    left[..., 3:6] = _turning(points, root).transpose(0, 1)
    return torch.bmm(left.flatten(1, 2), columns).transpose(0, 1)


def gram_of_one(basis: Tensor, information: Tensor, points: Tensor) -> Tensor:
    """As ``half_precision_gram``, of one frame with rows of its own. basis: (N, 3, U)."""
    size = information.amax().clamp_min(torch.finfo(information.dtype).tiny)
    root = matrix_roots(information / size)[0]  # (N, 3, 3)
    columns = torch.cat([root @ basis, _turning(points, root[None])[0], root], 2)
    rows = F.pad(columns, (0, -columns.shape[2] % ALIGNED)).half()
    width = columns.shape[2]
    return _half_product(rows.transpose(0, 1)).sum(0)[None, :width, :width] * size


def _half_product(rows: Tensor) -> Tensor:
    """``rows^T rows`` of half-precision rows (n, m, p): (n, p, p) float64.

    Parts are added up in single precision, and their sums in double: tensor cores cut digits off with every term, and
    over tens of thousands of them that alone has made matrices indefinite.
    """
    parts = max(1, rows.shape[1] // TALL)
    size = rows.shape[1] // parts
    whole = parts * size
    cut = rows[:, :whole].unflatten(1, (parts, size)).flatten(0, 1)
    return _single_sums(cut).unflatten(0, (-1, parts)).sum(1, dtype=torch.float64) + _single_sums(rows[:, whole:])


def _single_sums(rows: Tensor) -> Tensor:
    """``rows^T rows`` of half-precision rows (n, m, p) in single precision: (n, p, p)."""
    if rows.device.type == "cpu":
        return rows.float().mT @ rows.float()
    return torch.bmm(rows.mT, rows, out_dtype=torch.float32)


def _turning(points: Tensor, rows: Tensor) -> Tensor:
    """``rows [-[p]_x]`` of (b, n, 3, 3) rows: a row v gives p x v."""
    return torch.linalg.cross(points[:, :, None].expand_as(rows), rows)


def matrix_roots(matrices: Tensor) -> Tensor:
    """Upper triangles R with ``R^T R`` the matrices (..., 3, 3), positive semidefinite; 0 in what rounding leaves."""
    a, b, c = matrices[..., 0, :].unbind(-1)
    d, e = matrices[..., 1, 1], matrices[..., 1, 2]
    f = matrices[..., 2, 2]
    least = LEAST_PIVOT * (a + d + f)

    def pivot(square: Tensor) -> tuple[Tensor, Tensor]:
        square = torch.where(square > least, square, 0.0)
        return square.sqrt(), torch.where(square > 0, square.rsqrt(), 0.0)

    first, inverse = pivot(a)
    b, c = b * inverse, c * inverse
    second, inverse = pivot(d - b * b)
    e = (e - b * c) * inverse
    third, _ = pivot(f - c * c - e * e)
    zero = torch.zeros_like(a)
    return torch.stack([first, b, c, zero, second, e, zero, zero, third], -1).unflatten(-1, (3, 3))


def gathered_forces(basis: Tensor, force: Tensor, points: Tensor) -> Tensor:
    """b (b, S+6) float64. basis: (n, 3, S); force, points: (b, n, 3)."""
    shapes = tall_product(basis.flatten(0, 1), force.flatten(1).T.contiguous()).T
    turning = torch.linalg.cross(points, force)
    return torch.cat([shapes, turning.sum(1, dtype=torch.float64), force.sum(1, dtype=torch.float64)], 1)


def tall_product(left: Tensor, right: Tensor) -> Tensor:
    """``left^T right`` (p, q) float64 of very many rows (m, p), (m, q) float32.

    A GPU would add up one row after the other, slowly and losing digits; so parts are multiplied side by side, and
    their sums are added in double precision.
    """
    if left.device.type == "cpu":
        return (left.T @ right).double()
    parts = max(1, len(left) // TALL)
    rows = len(left) // parts
    whole = parts * rows
    products = torch.bmm(left[:whole].view(parts, rows, -1).mT, right[:whole].view(parts, rows, -1))
    return products.sum(0, dtype=torch.float64) + (left[whole:].T @ right[whole:]).double()


def to_controls(A: Tensor, b: Tensor, J_unknown_control: Tensor) -> tuple[Tensor, Tensor]:
    """Normal equations in (controls, head step) from those in (the rig's unknowns, head step).

    A: (B, U+6, U+6); b: (B, U+6); J_unknown_control: (B, U, K). Returns (B, K+6, K+6), (B, K+6).
    """
    J = step_jacobian(J_unknown_control)
    return J.mT @ A @ J, (J.mT @ b[..., None])[..., 0]


def step_jacobian(J_unknown_control: Tensor) -> Tensor:
    """d(unknowns, head step) / d(controls, head step): (B, U, K) -> (B, U+6, K+6) float64."""
    batch, unknowns, controls = J_unknown_control.shape
    J = torch.zeros(batch, unknowns + 6, controls + 6, dtype=torch.float64, device=J_unknown_control.device)
    J[:, :unknowns, :controls] = J_unknown_control
    J[:, unknowns:, controls:] = torch.eye(6, dtype=torch.float64, device=J.device)
    return J
