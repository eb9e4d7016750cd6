"""What a rig and its head transform can do already, as a linear span that other shapes can be freed of."""

from __future__ import annotations

import torch
from torch import Tensor

from facesolve.geometry.rig import RigModel
from facesolve.geometry.rigid import step_basis

SMALLEST = 1e-9  # of the span's largest eigenvalue: columns that differ by less count as one


class RigSpan:
    """The span of a rig's shapes (in-betweens and combinations included) and of rigid motion about the neutral.

    Displacements are compared by the integral of their scalar product over the surface that may drive the solve.
    """

    def __init__(self, model: RigModel, area: Tensor, rigid_only: bool = False, still: Tensor | None = None) -> None:
        """area: (V,) cm^2 that each vertex counts for, 0 where none. rigid_only: leave the shapes out.

        still: (V,) bool, vertices without area that nothing freed of the span moves, eyeballs for example.
        """
        rigid = step_basis(model.neutral.double()).permute(2, 0, 1)  # (6, V, 3)
        shapes = model.deltas.new_zeros(0, *rigid.shape[1:]) if rigid_only else model.deltas
        self.columns = torch.cat([shapes.double(), rigid])  # (S+6, V, 3)
        self._area = area.double()
        self._moves = torch.ones_like(self._area) if still is None else (~still).to(self._area)
        # of unit length, so that no shape is lost for being small
        self._length = (self.columns**2).sum(2).mv(self._area).sqrt()
        self._length = torch.where(self._length > 0, self._length, 1.0)
        unit = self.columns / self._length[:, None, None]
        flat = (unit * self._area[:, None].sqrt()).flatten(1)
        self._inverse = torch.linalg.pinv(flat @ flat.T, hermitian=True, rtol=SMALLEST)

    def coefficients(self, displacement: Tensor) -> Tensor:
        """(S+6, n) of what the span holds of displacements (n, V, 3), cm: least squares."""
        weighted = (displacement * self._area[:, None]).flatten(1)
        products = (self.columns.flatten(1) @ weighted.T) / self._length[:, None]
        return self._inverse @ products / self._length[:, None]

    def removed_from(self, displacement: Tensor) -> Tensor:
        """Displacements (n, V, 3), cm, without what the span holds of them; 0 where nothing may move."""
        coefficients = self.coefficients(displacement)
        rest = displacement - (coefficients.T @ self.columns.flatten(1)).view_as(displacement)
        return rest * self._moves[:, None]

    def share(self, displacement: Tensor) -> Tensor:
        """(n,) how much of displacements (n, V, 3) the span holds: length of that part over the whole, 0..1."""
        whole = (displacement**2).sum(2).mv(self._area).sqrt()
        rest = (self.removed_from(displacement) ** 2).sum(2).mv(self._area).sqrt()
        inside = (whole**2 - rest**2).clamp_min(0).sqrt()
        return inside / torch.where(whole > 0, whole, 1.0)
