"""What people's heads differ by: identity modes of a rig's mesh, in standard deviations. Knows no images."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from facesolve.geometry.rig import RigModel
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
            parts = [
                tall_product(rows, (covectors[f, camera, :, :, None] * moves).sum(1))
                for camera, rows in enumerate(of_frame)
            ]
            says += torch.cat(parts)
        return says

    def _shared(self, placed: PlacedSamples, shared: Tensor) -> Tensor:
        """(N, m) what the agreed color takes along. shared: (M, N, 3)."""
        frames = range(len(placed.points))
        return torch.stack([(shared[f, :, :, None] * self.moves(placed, f)).sum(1) for f in frames]).sum(0)

    def equations(self, placed: PlacedSamples, equations: SampleEquations) -> OffsetEquations:
        """Normal equations of the same samples and cost as ``eliminated_normal_equations``."""
        frames = range(len(placed.points))
        each = [self.moves(placed, frame) for frame in frames]
        shared = self._shared(placed, equations.shared)
        own = -tall_product(shared, shared)
        b = torch.zeros(len(own), dtype=torch.float64, device=own.device)
        J, sides = step_jacobian(placed.deformation.J_unknown_control), []
        for f in frames:
            pulls = equations.information[f] @ each[f]  # (N, 3, m)
            own += tall_product(each[f].flatten(0, 1), pulls.flatten(0, 1))
            b += (each[f] * equations.force[f, :, :, None]).sum((0, 1)).double()
            pulls = pulls - equations.shared[f, :, :, None] * shared[:, None]
            turning = torch.linalg.cross(placed.points[f, :, :, None].expand_as(pulls), pulls, dim=1)
            head = torch.cat([turning, pulls], 1).sum(0, dtype=torch.float64)
            says = torch.cat([tall_product(placed.rows(f).flatten(0, 1), pulls.flatten(0, 1)), head])
            sides.append(J[f].T @ says)
        return OffsetEquations(torch.cat(sides), (own + own.T) / 2, b)
