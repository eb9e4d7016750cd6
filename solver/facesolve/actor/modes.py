"""What people's heads differ by: identity modes of a rig's mesh, in standard deviations. Knows no images."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from facesolve.geometry.rig import RigModel
from facesolve.geometry.rigid import step_basis
from facesolve.geometry.surface_samples import PlacedSamples, SurfaceSamples
from facesolve.residuals.color_elimination import SampleEquations, inverse_root
from facesolve.residuals.normal_equations import step_jacobian, tall_product

from .equations import OffsetEquations


@dataclass(frozen=True, eq=False)
class SampleModes:
    """What the coefficients (m,) of modes do to N samples. corners: (N, 9, m) cm, of the corners of their triangles,
    before any skin; samples: (N, 3, m) of the samples."""

    corners: Tensor
    samples: Tensor

    @staticmethod
    def of(modes: Tensor, model: RigModel, samples: SurfaceSamples) -> SampleModes:
        """modes: (m, V, 3) cm, rig space."""
        dtype = samples.neutral.dtype
        at = modes.to(dtype)[:, model.triangles[samples.triangles]]  # (m, N, 3 corners, 3)
        here = (samples.barycentrics[..., None] * at).sum(2)
        return SampleModes(at.permute(1, 2, 3, 0).flatten(1, 2).contiguous(), here.permute(1, 2, 0).contiguous())

    def moves(self, placed: PlacedSamples, frame: int) -> Tensor:
        """(N, 3, m) how the coefficients move the samples at one of the poses."""
        skin, pose = placed.samples.skin, placed.deformation.skin
        if skin is None or pose is None:
            return self.samples
        return skin.turns(pose.matrices[frame : frame + 1])[0] @ self.corners

    def displaced(self, placed: PlacedSamples, coefficients: Tensor) -> PlacedSamples:
        """The samples where coefficients (m,) bring them."""
        values = coefficients.to(self.samples)
        shifts = [self.moves(placed, frame) @ values for frame in range(len(placed.points))]
        return PlacedSamples(placed.samples, placed.points + torch.stack(shifts), placed.deformation)

    def with_cameras(
        self, placed: PlacedSamples, columns: Tensor, covectors: Tensor, weights: Tensor, total: Tensor
    ) -> Tensor:
        """(C*Q, m) float64: the same for Q unknowns of each camera; as ``equations.offset_and_cameras``."""
        weighted, root = columns * weights[..., None], inverse_root(total)
        own_rows = (weighted.sum(0) * root[:, None]).transpose(0, 1).flatten(1)  # (N, C*Q)
        shared = (covectors * weights[..., None]).sum(1) * root[:, None]
        says = -tall_product(own_rows, self._shared(placed, shared))
        for f, of_frame in enumerate(weighted):
            moves = self.moves(placed, f)
            parts = [tall_product(rows, _along(covectors[f, camera], moves)) for camera, rows in enumerate(of_frame)]
            says += torch.cat(parts)
        return says

    def _shared(self, placed: PlacedSamples, shared: Tensor) -> Tensor:
        """(N, m) what the agreed color takes along. shared: (M, N, 3)."""
        if placed.linear:
            return _along(shared.sum(0), self.samples)
        return torch.stack([_along(each, self.moves(placed, f)) for f, each in enumerate(shared)]).sum(0)

    def equations(self, placed: PlacedSamples, equations: SampleEquations) -> OffsetEquations:
        """Normal equations of the same samples and cost as ``eliminated_normal_equations``."""
        shared = self._shared(placed, equations.shared)
        own, b = self._own(placed, equations)
        own = own - tall_product(shared, shared)
        J, sides = step_jacobian(placed.deformation.J_unknown_control), []
        for f, of_head in enumerate(step_basis(placed.points)):
            rows = torch.cat([placed.rows(f), of_head], 2)  # (N, 3, U+6)
            pulled = _times(equations.information[f], rows)
            says = tall_product(pulled.flatten(0, 1), self.moves(placed, f).flatten(0, 1))
            says -= tall_product(_along(equations.shared[f], rows), shared)
            sides.append(J[f].T @ says)
        return OffsetEquations(torch.cat(sides), (own + own.T) / 2, b)

    def _own(self, placed: PlacedSamples, equations: SampleEquations) -> tuple[Tensor, Tensor]:
        """Matrix (m, m) and force (m,) of the coefficients, before what the agreed color takes along."""
        information, force = equations.information, equations.force
        if placed.linear:  # the coefficients do the same at all poses
            information, force = information.sum(0, keepdim=True), force.sum(0, keepdim=True)
        own = torch.zeros((self.samples.shape[2],) * 2, dtype=torch.float64, device=force.device)
        b = torch.zeros_like(own[0])
        for f, (each, pull) in enumerate(zip(information, force, strict=True)):
            moves = self.moves(placed, f)
            own += tall_product(moves.flatten(0, 1), _times(each, moves).flatten(0, 1))
            b += _along(pull, moves).sum(0, dtype=torch.float64)
        return own, b


def _along(vectors: Tensor, rows: Tensor) -> Tensor:
    """(N, q) sums over the axes of vectors (N, 3) times rows (N, 3, q)."""
    first, second, third = (vectors[:, axis, None] * rows[:, axis] for axis in range(3))
    return first.add_(second).add_(third)


def _times(matrices: Tensor, rows: Tensor) -> Tensor:
    """(N, 3, q) products of matrices (N, 3, 3) with rows (N, 3, q): far faster than as matrices of one sample each."""
    return torch.stack([_along(matrices[:, axis], rows) for axis in range(3)], 1)
