"""Points fixed on the rig's surface at which footage is compared: where they lie and how the rig moves them.

A solve needs far fewer of them than pixels: each carries its row of the rig's basis, so no iteration touches the mesh.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from facesolve.take import SolveError

from .deformation import Deformation, PointSkin
from .rig import RigModel
from .sample_patches import Patch, patches_of

UNSEEN_DENSITY = 0.1  # sampling density, relative to seen surface, where no camera looks at the start
STILL_DENSITY = 0.15  # relative density where the controls move nothing: such surface only fixes the head
LEAST_SHARE = 0.03  # of all samples, on the surface that one joint carries
MOST_CROWDED = 16.0  # times the usual density
ALIGNED = 8  # a product in half precision is fast when its sizes are multiples of this
FULL_MOTION = 0.1  # cm, the motion by one control from which surface is sampled at full density


@dataclass(frozen=True, eq=False)
class SurfaceSamples:
    """N points on the surface, in rig space, centimeters: ``x = neutral + basis @ a`` with S shape activations a.

    triangles: (N,) int64; barycentrics: (N, 3); neutral: (N, 3); basis: (N, 3, S); weight: (N,) photometric, 0..1.
    spacing: centimeters between neighbors on seen surface that the controls move. skin: how the points hang on the
    rig's skin, which then carries ``x``; None for a linear rig.
    """

    triangles: Tensor
    barycentrics: Tensor
    neutral: Tensor
    basis: Tensor
    weight: Tensor
    spacing: float
    skin: PointSkin | None = None

    def positions(self, deformation: Deformation) -> Tensor:
        """Rig-space positions (B, N, 3) at B poses of the rig."""
        if self.skin is not None:
            return self.skin.positions(deformation)
        flat = self.basis.reshape(-1, self.basis.shape[2])
        return torch.addmm(self.neutral.flatten(), deformation.activations.to(flat), flat.T).unflatten(1, (-1, 3))

    def placed(self, deformation: Deformation) -> PlacedSamples:
        """The samples at B poses of the rig, with what the rig's unknowns do to them there."""
        return PlacedSamples(self, self.positions(deformation), deformation)

    def double(self) -> SurfaceSamples:
        """The same in double precision."""
        doubled = (self.barycentrics.double(), self.neutral.double(), self.basis.double(), self.weight.double())
        skin = None if self.skin is None else self.skin.double()
        return SurfaceSamples(self.triangles, *doubled, self.spacing, skin)

    @cached_property
    def half_columns(self) -> Tensor:
        """(N, 8, S+6 or some more) in half precision: the columns of all unknowns, for ``normal_equations``.

        A row ``[v, p x v, 0, 0]`` times a sample's matrix is ``[v basis, p x v, v]``: what v says about shape
        activations and head step. Columns of zeros fill the width up.
        """
        shapes = self.basis.shape[2]
        width = shapes + 6
        columns = self.basis.new_zeros(len(self.basis), ALIGNED, width + -width % ALIGNED, dtype=torch.float16)
        columns[:, :3, :shapes] = self.basis
        for axis in range(3):
            columns[:, 3 + axis, shapes + axis] = 1
            columns[:, axis, shapes + 3 + axis] = 1
        return columns

    @cached_property
    def patches(self) -> tuple[Patch, ...]:
        """Neighboring samples with the shapes that move them; every sample is in one patch."""
        return patches_of(self.neutral, self.basis, self.skin)

    def thinned(self, stride: int) -> SurfaceSamples:
        """Every ``stride``-th sample: as even over the surface as all of them."""
        return SurfaceSamples(
            triangles=self.triangles[::stride],
            barycentrics=self.barycentrics[::stride],
            neutral=self.neutral[::stride],
            basis=self.basis[::stride].contiguous(),
            weight=self.weight[::stride],
            spacing=self.spacing * stride**0.5,
            skin=None if self.skin is None else self.skin.at(slice(None, None, stride)),
        )


@dataclass(frozen=True, eq=False)
class PlacedSamples:
    """Samples at B poses of the rig. points: (B, N, 3) rig space, cm."""

    samples: SurfaceSamples
    points: Tensor
    deformation: Deformation

    @property
    def linear(self) -> bool:
        """Whether the rows are the same at all poses."""
        return self.samples.skin is None

    @property
    def width(self) -> int:
        """U, how many unknowns the rig has."""
        return self.deformation.J_unknown_control.shape[1]

    def rows(self, frame: int, some: slice = slice(None)) -> Tensor:
        """(n, 3, U) how the unknowns move some of the samples at one of the poses."""
        skin, pose = self.samples.skin, self.deformation.skin
        if skin is None or pose is None:
            return self.samples.basis[some]
        part = skin.at(some)
        one = slice(frame, frame + 1)
        return part.rows(pose.matrices[one], pose.joint_columns[one])[0]

    def pulled(self, frame: int, force: Tensor) -> Tensor:
        """(U,) float64 what a force (N, 3) on the samples says about the unknowns at one pose: the sum of
        ``rows^T force``."""
        skin, pose = self.samples.skin, self.deformation.skin
        if skin is None or pose is None:
            return (force.flatten() @ self.samples.basis.flatten(0, 1)).double()
        one = slice(frame, frame + 1)
        # at the corners of the triangles, before the skin: no rows are made
        corners = (skin.turns(pose.matrices[one])[0].mT @ force[..., None]).flatten()
        shapes = corners @ skin.basis.flatten(0, 1)
        if skin.late is not None:
            shapes = shapes + force.flatten() @ skin.late.flatten(0, 1)
        joints = force.flatten() @ skin.joint_rows(pose.joint_columns[one])[0].flatten(0, 1)
        return torch.cat([shapes, joints]).double()

    def along(self, vectors: Tensor) -> Tensor:
        """(N, B, U) what vectors (B, N, 3) at the samples say about the unknowns: ``rows^T vector``."""
        if self.linear:
            return vectors.transpose(0, 1) @ self.samples.basis
        each = [(vector[:, None] @ self.rows(frame))[:, 0] for frame, vector in enumerate(vectors)]
        return torch.stack(each, 1)


def samples_at(
    model: RigModel, triangles: Tensor, barycentrics: Tensor, weight: Tensor, spacing: float
) -> SurfaceSamples:
    """Samples of a rig at given places. Arguments: those of ``SurfaceSamples``."""
    neutral, basis = model.sample_basis(triangles, barycentrics)
    return SurfaceSamples(
        triangles=triangles,
        barycentrics=barycentrics,
        neutral=neutral,
        basis=basis.permute(1, 2, 0).contiguous(),
        weight=weight,
        spacing=spacing,
        skin=model.sample_skin(triangles, barycentrics),
    )


def sample_surface(model: RigModel, count: int, visible_triangles: Tensor) -> SurfaceSamples:
    """Spreads ``count`` samples over the surface that may drive the solve, denser where controls move it.

    Deterministic. visible_triangles: (F,) bool, triangles that some camera sees at the start; the rest are sampled
    thinly, they may appear later.
    Raises SolveError when the photometric weight leaves no surface.
    """
    weight = model.face_weight
    corners = model.neutral[model.triangles]
    area = torch.linalg.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]).norm(dim=1) / 2
    drives = weight[model.triangles].amin(1) > 0
    motion = model.largest_motion()
    liveliness = (motion[model.triangles].amax(1) / FULL_MOTION).clamp(STILL_DENSITY, 1)
    density = torch.where(visible_triangles, 1.0, UNSEEN_DENSITY) * liveliness * drives
    mass = area * density
    crowded = _small_pieces(model, mass)
    mass = mass * crowded
    total = float(mass.double().sum())
    if total <= 0:
        raise SolveError("rig: no part of the surface may drive the solve; raise photometric_weight somewhere.")
    triangles, barycentrics = spread(mass, count)
    # a sparse sample stands for more surface, so that all surface counts equally
    weight = (barycentrics * weight[model.triangles[triangles]]).sum(1)
    weight = weight / (liveliness * crowded)[triangles]
    return samples_at(model, triangles, barycentrics, weight, (total / count) ** 0.5)


def _small_pieces(model: RigModel, mass: Tensor) -> Tensor:
    """(F,) how many times denser each triangle is sampled for the joint that carries it to be seen at all.

    An eyeball that shows between its lids is a hundredth of a face; a few samples would not tell where it looks.
    """
    corner = model.carriers()[model.triangles]
    piece = torch.where((corner == corner[:, :1]).all(1), corner[:, 0], -1) + 1
    masses = mass.new_zeros(int(piece.max()) + 1).index_add_(0, piece, mass)
    crowding = (LEAST_SHARE * mass.sum() / masses.clamp_min(torch.finfo(mass.dtype).tiny)).clamp(1, MOST_CROWDED)
    crowding[0] = 1
    return crowding[piece]


def spread(mass: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Places ``count`` points on triangles, each triangle with its share by ``mass`` (F,). Deterministic.

    Neighbors in the list lie on neighboring triangles, so every n-th point is as even as all of them. Returns
    triangles (count,) int64 and barycentrics (count, 3).
    """
    cumulative = torch.cumsum(mass.double(), 0)
    generator = torch.Generator().manual_seed(0)
    jitter = torch.rand(count, generator=generator, dtype=torch.float64).to(cumulative.device)
    position = (torch.arange(count, device=cumulative.device) + jitter) / count * cumulative[-1]
    triangles = torch.searchsorted(cumulative, position).clamp_max(len(mass) - 1)
    return triangles, _uniform_barycentrics(count, generator).to(mass)


def _uniform_barycentrics(count: int, generator: torch.Generator) -> Tensor:
    pair = torch.rand(count, 2, generator=generator)
    pair = torch.where((pair.sum(1) > 1)[:, None], 1 - pair, pair)
    return torch.cat([1 - pair.sum(1, keepdim=True), pair], 1)
