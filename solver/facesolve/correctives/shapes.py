"""Few smooth shapes with activations per frame that lower a disagreement: alternating least squares.

The displacement of frame f is ``sum_j activation_fj * shape_j``. Knows no rig: what of the shapes the rig can do is
for ``facesolve.correctives.span``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from facesolve.geometry.rig import RigModel
from facesolve.geometry.smooth_fields import SmoothFields
from facesolve.geometry.surface_samples import SurfaceSamples

from .quadratic import Disagreement

STRAIN = 0.15  # standard deviation of its slope along the surface
ACTIVATION = 1.0  # standard deviation of activations; shapes are scaled so that the largest is 1
SIGNIFICANT = 4.0  # standard deviations below which a kernel is noise
SMALLEST = 0.3
SPARSE_ROUNDS = 3
ROUNDS = 3
MOST_ITERATIONS = 60
CONVERGED = 1e-2  # relative residual of the conjugate gradients


@dataclass(frozen=True, eq=False)
class ShapeSpace:
    """What a shape may be: a field along the neutral's normals with coefficients x (m,), cm, seen at N samples.

    Along the surface a shape that is always there cannot be seen: the color would have slid along with it.

    normals: (V, 3) float64; corners: (N, 3) vertices of each sample's triangle; barycentrics: (N, 3) float64;
    spacing: of the kernels, cm.
    """

    fields: SmoothFields
    normals: Tensor
    corners: Tensor
    barycentrics: Tensor
    spacing: float

    @staticmethod
    def of(model: RigModel, samples: SurfaceSamples, fields: SmoothFields, spacing: float) -> ShapeSpace:
        """The space over a rig's mesh."""
        normals = model.vertex_normals(model.neutral.double()[None])[0]
        return ShapeSpace(fields, normals, model.triangles[samples.triangles], samples.barycentrics.double(), spacing)

    def shapes(self, coefficients: Tensor) -> Tensor:
        """(J, m) -> vertex displacements (J, V, 3), cm."""
        return (self.fields.kernels @ coefficients.T).T[..., None] * self.normals

    def at_samples(self, shapes: Tensor) -> Tensor:
        """(J, V, 3) -> (J, N, 3)."""
        return (shapes[:, self.corners] * self.barycentrics[..., None]).sum(2)

    def pulled_back(self, forces: Tensor) -> Tensor:
        """The transpose of ``at_samples(shapes(x))``: (J, N, 3) -> (J, m)."""
        along = (forces[:, :, None] * self.normals[self.corners]).sum(3)  # (J, N, 3 corners)
        return self._gathered(along * self.barycentrics, self.fields.transposed)

    def information(self, forces: Tensor) -> Tensor:
        """About the diagonal (J, m) of a matrix that is (J, N, 3, 3) at the samples."""
        normals = self.normals[self.corners]
        along = torch.einsum("nci,jnik,nck->jnc", normals, forces, normals)
        return self._gathered(along * self.barycentrics**2, self.fields.squared)

    def gathered_costs(self, costs: Tensor) -> Tensor:
        """(m,) of costs (N,) of the samples: each kernel's share of them."""
        return self._gathered((costs[:, None] * self.barycentrics)[None], self.fields.transposed)[0]

    def prior(self, coefficients: Tensor, stiffness: Tensor) -> Tensor:
        """Gradient (J, m) of the priors at coefficients (J, m), information units: smooth, and few kernels.

        stiffness: (J, m) of each kernel.
        """
        fields = self.fields
        bending = fields.transposed @ (fields.laplacian @ (fields.kernels @ coefficients.T))
        return bending.T / (STRAIN * self.spacing) ** 2 + stiffness * coefficients

    def _gathered(self, at_corners: Tensor, kernels: Tensor) -> Tensor:
        """(J, N, 3) numbers at the samples' corners, summed by vertex and then by kernel: (J, m)."""
        on_vertices = at_corners.new_zeros(len(at_corners), len(self.fields.area))
        on_vertices.index_add_(1, self.corners.flatten(), at_corners.flatten(1))
        return (kernels @ on_vertices.T).T


def fit_shapes(
    space: ShapeSpace, model: Disagreement, activations: Tensor, start: Tensor, allowed: Tensor
) -> tuple[Tensor, Tensor]:
    """Coefficients (J, m) and activations (M, J) that minimize the model and the priors, from a start.

    activations: (M, J); start: (J, m); allowed: (m,) bool, kernels that may take part. The largest activation of each
    shape is 1 in magnitude.
    """
    coefficients = start
    for _ in range(ROUNDS):
        coefficients = solve_shapes(space, model, activations, coefficients, allowed)
        activations = solve_activations(space, model, coefficients)
        largest = activations.abs().amax(0)
        scale = torch.where(largest > 0, largest, 1.0)
        activations, coefficients = activations / scale, coefficients * scale[:, None]
    return coefficients, activations


def further_activations(space: ShapeSpace, model: Disagreement, count: int, allowed: Tensor) -> Tensor:
    """(M, count) activations of the shapes that would explain most of what M frames still disagree about.

    Each frame gets a field of its own, in places that all of them share; largest magnitude 1.
    """
    frames = len(model.force)
    own = torch.eye(frames, dtype=model.force.dtype, device=model.force.device)
    start = own.new_zeros(frames, space.fields.kernels.shape[1])
    fields = solve_shapes(space, model, own, start, allowed, shared_places=True)
    return principal_activations(space.at_samples(space.shapes(fields)), count)


def principal_activations(displacements: Tensor, count: int) -> Tensor:
    """(M, count) activations of the shapes that explain most of displacements (M, N, 3); largest magnitude 1."""
    flat = displacements.flatten(1)
    values, vectors = torch.linalg.eigh(flat @ flat.T)
    chosen = vectors[:, -count:].flip(1) * values[-count:].flip(0).clamp_min(0).sqrt()
    largest = chosen.abs().amax(0)
    return chosen / torch.where(largest > 0, largest, 1.0)


def solve_shapes(
    space: ShapeSpace,
    model: Disagreement,
    activations: Tensor,
    start: Tensor,
    allowed: Tensor,
    shared_places: bool = False,
) -> Tensor:
    """The best shapes (J, m) for activations (M, J): conjugate gradients, from ``start``.

    Few kernels take part: the prior is the lasso's, each kernel's weight by what the footage says of it (adaptive
    group lasso, by iteratively reweighted least squares). shared_places: all shapes use the same kernels.
    """

    def multiply(x: Tensor) -> Tensor:
        at_samples = space.at_samples(space.shapes(x))
        displaced = torch.einsum("fj,jni->fni", activations, at_samples)
        forces = torch.einsum("fj,fni->jni", activations, model.multiplied(displaced))
        return (space.pulled_back(forces) + space.prior(x, stiffness)) * allowed

    right = space.pulled_back(torch.einsum("fj,fni->jni", activations, model.force)) * allowed
    alone = torch.einsum("fj,fnik->jnik", activations**2, model.information)
    diagonal = space.information(alone) + space.fields.roughness / (STRAIN * space.spacing) ** 2
    deviation = diagonal.rsqrt()  # (J, m) cm, of a kernel that the footage alone decides
    x = start * allowed
    for _ in range(SPARSE_ROUNDS):
        # weights of iteratively reweighted least squares for SIGNIFICANT * |x| / deviation
        height = x.abs() / deviation
        if shared_places:
            height = height.square().mean(0, keepdim=True).sqrt().expand_as(height)
        stiffness = SIGNIFICANT / (deviation**2 * (height + SMALLEST))
        x = _conjugate_gradients(multiply, right, x, diagonal + stiffness)
    return x


def solve_activations(space: ShapeSpace, model: Disagreement, coefficients: Tensor) -> Tensor:
    """The best activations (M, J) of shapes (J, m)."""
    shapes = space.at_samples(space.shapes(coefficients))
    frames, count = len(model.force), len(shapes)
    alone = torch.einsum("jni,fnik,lnk->fjl", shapes, model.information, shapes)
    rows = torch.einsum("fni,jni->fjn", model.shared, shapes).flatten(0, 1)  # (M*J, N)
    A = torch.block_diag(*alone) - rows @ rows.T
    b = torch.einsum("jni,fni->fj", shapes, model.force).flatten()
    A = A + torch.eye(len(A), dtype=A.dtype, device=A.device) / ACTIVATION**2
    return torch.linalg.solve(A, b).view(frames, count)


def _conjugate_gradients(
    multiply: Callable[[Tensor], Tensor], right: Tensor, start: Tensor, diagonal: Tensor
) -> Tensor:
    """x with ``multiply(x) = right`` for a symmetric positive definite matrix whose diagonal is about ``diagonal``."""
    x = start.clone()
    residual = right - multiply(x)
    direction = residual / diagonal
    product = (residual * direction).sum()
    enough = CONVERGED**2 * (right**2 / diagonal).sum()
    for _ in range(MOST_ITERATIONS):
        if bool(product <= enough):
            break
        image = multiply(direction)
        step = product / (direction * image).sum()
        x = x + step * direction
        residual = residual - step * image
        preconditioned = residual / diagonal
        following = (residual * preconditioned).sum()
        direction = preconditioned + following / product * direction
        product = following
    return x
