"""Smooth displacements of a rig's neutral along its normals: kernels, what is usual, and how samples follow.

Along the surface a displacement that is always there cannot be seen: the colors would have slid along with it. Knows
no images.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor

from facesolve.geometry.rig import RigModel
from facesolve.geometry.smooth_fields import SmoothFields, smooth_fields
from facesolve.geometry.surface_samples import PlacedSamples, SurfaceSamples
from facesolve.optimize.levenberg_marquardt import regularized

SPACING = 1.5  # cm between kernels: misfit of a neutral is smooth
COVERED = 0.5  # sum of the kernels at a vertex from which they cover it
REACH = 2.0  # cm: length of the prior; two places 2.8 times as far apart have little to do with each other


@dataclass(frozen=True, eq=False)
class OffsetSpace:
    """What an offset of the neutral may be: a field along the normals with coefficients x (m,), cm.

    fields: of the kernels. normals: (V, 3) float64 unit directions across the surface. information: (m, m) float64 of x
    where an offset of 1 cm is usual.
    """

    fields: SmoothFields
    normals: Tensor
    information: Tensor

    @staticmethod
    def of(model: RigModel, usable: Tensor) -> OffsetSpace:
        """The space of a rig, with kernels centered on usable vertices (V,) bool."""
        neutral = model.neutral.double()
        fields = smooth_fields(neutral, model.triangles, usable, SPACING)
        return OffsetSpace(fields, _directions(neutral, model.triangles, fields), _matern(fields))

    @property
    def count(self) -> int:
        """m"""
        return len(self.information)

    def heights(self, coefficients: Tensor) -> Tensor:
        """(V,) cm along the normals."""
        return self.fields.kernels @ coefficients

    def offsets(self, coefficients: Tensor) -> Tensor:
        """(V, 3) cm."""
        return self.heights(coefficients)[:, None] * self.normals

    def deviations(self, covariance: Tensor) -> Tensor:
        """(V,) cm, standard deviation along the normals where coefficients have a covariance (m, m)."""
        kernels = self.fields.kernels.to_dense()
        return ((kernels @ covariance) * kernels).sum(1).clamp_min(0).sqrt()

    def at_samples(self, model: RigModel, samples: SurfaceSamples) -> SampleOffset:
        """How samples of the rig are displaced."""
        corners = model.triangles[samples.triangles]
        kernels = self.fields.kernels.to(samples.neutral.dtype).to_dense()
        columns = kernels.new_zeros(len(corners), kernels.shape[1])
        for corner in range(3):
            columns += samples.barycentrics[:, corner, None] * kernels[corners[:, corner]]
        normals = self.normals.to(samples.neutral.dtype)[corners]  # (N, 3 corners, 3)
        return SampleOffset(columns, normals, (samples.barycentrics[..., None] * normals).sum(1))


@dataclass(frozen=True, eq=False)
class SampleOffset:
    """What the coefficients (m,) of an offset do to N samples.

    columns: (N, m). corner_normals: (N, 3, 3) of the corners of their triangles, normals: (N, 3) of the samples; both
    before any skin.
    """

    columns: Tensor
    corner_normals: Tensor
    normals: Tensor

    @cached_property
    def transposed(self) -> Tensor:
        """(m, N), sparse."""
        return self.columns.T.to_sparse()

    def directions(self, placed: PlacedSamples) -> Tensor:
        """(B, N, 3) along which samples at B poses are displaced, or (1, N, 3) where it is the same at all."""
        skin, pose = placed.samples.skin, placed.deformation.skin
        if skin is None or pose is None:
            return self.normals[None]
        return (skin.turns(pose.matrices) @ self.corner_normals.flatten(1)[..., None])[..., 0]

    def displaced(self, placed: PlacedSamples, coefficients: Tensor) -> PlacedSamples:
        """The samples where coefficients (m,) bring them."""
        heights = self.columns @ coefficients.to(self.columns)
        return replace(placed, points=placed.points + heights[:, None] * self.directions(placed))


def _directions(neutral: Tensor, triangles: Tensor, fields: SmoothFields) -> Tensor:
    """(V, 3) unit directions across the surface, as smooth as the kernels; 0 where there is no kernel.

    Parts of real heads are wound the other way, and lips and lids fold back: each kernel has the axis across most of
    its surface, and neighbors agree about its side.
    """
    corners = neutral[triangles]
    across = torch.linalg.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])  # (F, 3), twice the area
    outer = across[:, :, None] * (across / across.norm(dim=1, keepdim=True).clamp_min(1e-12))[:, None]
    sums = neutral.new_zeros(len(neutral), 9).index_add_(
        0, triangles.flatten(), outer.flatten(1).repeat_interleave(3, 0)
    )
    axes = torch.linalg.eigh((fields.transposed @ sums).unflatten(1, (3, 3)))[1][:, :, 2]  # (m, 3)
    overlap = (fields.transposed @ fields.kernels.to_dense()).fill_diagonal_(0)
    signs = _agreeing_signs((overlap * (axes @ axes.T)).cpu()).to(axes)
    return torch.nn.functional.normalize(fields.kernels @ (axes * signs[:, None]), dim=1)


def _agreeing_signs(alike: Tensor) -> Tensor:
    """(m,) 1 or -1 for each axis, each in the order of how much it has to do with one that has its sign already.

    alike: (m, m) how far two axes point the same way, on the host: each choice waits for the one before.
    """
    signs, waiting = alike.new_zeros(len(alike)), torch.zeros_like(alike[0])
    for _ in range(len(alike)):
        following = int(torch.where(signs == 0, waiting.abs(), -1.0).argmax())
        signs[following] = 1.0 if waiting[following] >= 0 else -1.0
        stronger = alike[following].abs() > waiting.abs()
        waiting = torch.where(stronger, alike[following] * signs[following], waiting)
    return signs


def _matern(fields: SmoothFields) -> Tensor:
    """(m, m) information of coefficients whose field has a deviation of 1 on the whole, correlated over ``REACH``.

    That of the operator ``(1/REACH^2 - laplacian)^2`` (Lindgren, Rue & Lindström 2011, "An explicit link between
    Gaussian fields and Gaussian Markov random fields") on the surface that the kernels cover.
    """
    kernels = fields.kernels.to_dense()
    covered = kernels.sum(1) > COVERED
    bent = fields.laplacian @ kernels / fields.area.clamp_min(1e-9)[:, None] + kernels / REACH**2
    kernels, bent, area = kernels[covered], bent[covered], fields.area[covered]
    information = regularized(bent.T @ (area[:, None] * bent))
    variance = ((kernels @ torch.linalg.inv(information)) * kernels).sum(1)
    return information * ((area * variance).sum() / area.sum())
