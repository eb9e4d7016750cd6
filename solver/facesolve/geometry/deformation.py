"""What controls do to a rig at B poses, and how points fixed on its surface move then.

A rig without a skin is linear in the activations of its shapes: its rows are the same at every pose. A skin turns the
rows of shapes with the surface, and the controls that move joints have rows of their own.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from .skeleton import SkinPose


@dataclass(frozen=True, eq=False)
class Deformation:
    """A rig at B poses, in its U unknowns: the S activations of its shapes, then the controls that move joints.

    activations: (B, S). J_unknown_control: (B, U, K) derivative of the unknowns by the controls. skin: where the skin
    is, or None for a linear rig, whose U is S.
    """

    activations: Tensor
    J_unknown_control: Tensor
    skin: SkinPose | None = None


@dataclass(frozen=True, eq=False)
class PointSkin:
    """How points fixed on the surface hang on the corners of their triangles, for a rig with a skin.

    Leading dimensions (N,) for the same points at all poses, or (B, n) for other points at each.
    corners: (..., 3) int64 vertices. barycentrics: (..., 3). basis: (..., 9, S) offsets of the corners by the shapes
    before the skin, corner after corner, cm. late: (..., 3, S) offsets of the points by the shapes after it, or None.
    """

    corners: Tensor
    barycentrics: Tensor
    basis: Tensor
    late: Tensor | None

    def at(self, some: slice) -> PointSkin:
        """Some of points (N,)."""
        late = None if self.late is None else self.late[some].contiguous()
        return PointSkin(self.corners[some], self.barycentrics[some], self.basis[some].contiguous(), late)

    def of(self, points: Tensor, shapes: Tensor) -> PointSkin:
        """Some of points (N,), (n,) indices, with some of the shapes, (k,) indices."""
        late = None if self.late is None else self.late[points][..., shapes].contiguous()
        basis = self.basis[points][..., shapes].contiguous()
        return PointSkin(self.corners[points], self.barycentrics[points], basis, late)

    def double(self) -> PointSkin:
        """The same in double precision."""
        late = None if self.late is None else self.late.double()
        return PointSkin(self.corners, self.barycentrics.double(), self.basis.double(), late)

    def unflattened(self, shape: torch.Size) -> PointSkin:
        """Points (B n,) as other ones (B, n) at each of B poses."""
        late = None if self.late is None else self.late.unflatten(0, shape)
        return PointSkin(
            self.corners.unflatten(0, shape),
            self.barycentrics.unflatten(0, shape),
            self.basis.unflatten(0, shape),
            late,
        )

    def positions(self, deformation: Deformation) -> Tensor:
        """(B, ..., 3) of the points in rig space, cm; differentiable."""
        assert deformation.skin is not None
        carried = (self.barycentrics[..., None] * self._of_corners(deformation.skin.vertices)).sum(-2)
        if self.late is None:
            return carried
        offsets = self.late @ deformation.activations.to(self.late)[:, None, :, None]
        return carried + offsets[..., 0]

    def rows(self, matrices: Tensor, joint_columns: Tensor) -> Tensor:
        """(B, ..., 3, U) how the unknowns move the points. Arguments: those of ``SkinPose``, for B poses."""
        shapes = self.turns(matrices) @ self.basis
        if self.late is not None:
            shapes = shapes + self.late
        return torch.cat([shapes, self.joint_rows(joint_columns)], -1)

    def turns(self, matrices: Tensor) -> Tensor:
        """(B, ..., 3, 9): times ``basis`` the rows of the shapes before the skin. matrices: (B, V, 3, 4)."""
        of_corners = self._of_corners(matrices[..., :3].flatten(2)).unflatten(-1, (3, 3))  # (B, ..., 3, 3, 3)
        weighted = of_corners * self.barycentrics[..., None, None]
        return weighted.transpose(-3, -2).flatten(-2)

    def joint_rows(self, joint_columns: Tensor) -> Tensor:
        """(B, ..., 3, k) how the controls that move joints move the points. joint_columns: (B, V, 3, k)."""
        found = self._of_corners(joint_columns.flatten(2))
        return (self.barycentrics[..., None] * found).sum(-2).unflatten(-1, joint_columns.shape[2:])

    def _of_corners(self, of_vertices: Tensor) -> Tensor:
        """(B, V, q) -> (B, ..., 3, q), in the precision of the points."""
        of_vertices = of_vertices.to(self.barycentrics)
        if self.corners.ndim == 2:
            return of_vertices[:, self.corners]
        frames = torch.arange(len(of_vertices), device=of_vertices.device)[:, None, None]
        return of_vertices[frames, self.corners]
