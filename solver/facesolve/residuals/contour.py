"""Contour residuals: the rig's outline against the actor's, in pixels along the outline's normal.

``ContourBuilder`` finds points of the rig's outline and their counterparts in the footage, once a view;
``contour_quadratic`` then judges any pose near it cheaply, with these correspondences frozen. Knows no solver.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, fields, replace
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from facesolve.footage.matte import UNSEEN, Matte, clean_background_mattes
from facesolve.footage.stream import FramePixels, side_by_side, stacked
from facesolve.geometry.camera import NEAREST, CameraModel
from facesolve.geometry.deformation import Deformation, PointSkin
from facesolve.geometry.pose import Pose
from facesolve.geometry.rig import RigModel, apply_head
from facesolve.geometry.rigid import step_basis
from facesolve.optimize.robust import robust_loss, robust_weight
from facesolve.render import opposite_vertices, silhouette_edges
from facesolve.runtime.devices import indices_on
from facesolve.take import Take

from .crossings import find_crossings, image_size
from .normal_equations import to_controls
from .outline import outermost, points_along, rows_of
from .quadratic import Quadratic
from .residual import ALIGN, BUNDLE, Known
from .visibility import ViewBuilder

SIGMA = 1.0  # pixels of the level, standard deviation of one independent contour point
ROBUST_SCALE = 1.5  # pixels of the level
CORRELATED = 4.0  # pixels of outline that count as one observation
POINT_SPACING = 0.5  # pixels of the coverage, between candidates along a silhouette edge
UNREACHED = 1e3  # pixels: the distance of a point that has left the camera's view
GPU_WORK = 50_000_000  # pixels worked on at once on a GPU; on a CPU one image after the other stays in its cache


@dataclass(frozen=True, eq=False)
class ContourPoints:
    """Points of the rig's outline in B frames, n places for each, with the point of the actor's outline on its normal.

    neutral: (B, n, 3), basis: (B, n, 3, S) and skin: position in rig space, cm, as in ``SurfaceSamples``. cameras: one
    for each point, leading dimensions (B, n). normals: (B, n, 2) unit, in the image, away from the rig.
    crossings: (B, n, 2) pixels of the level. weight: (B, n) in independent observations, times the user's weight of the
    contour; 0 in places that a frame has no point for.
    refusals: for each image, frame by frame, why it gives no contour, empty where it does; () when the contour is
    turned off.
    """

    neutral: Tensor
    basis: Tensor
    cameras: CameraModel
    normals: Tensor
    crossings: Tensor
    weight: Tensor
    refusals: tuple[str, ...]
    skin: PointSkin | None = None

    def placed(self, deformation: Deformation) -> tuple[Tensor, Tensor]:
        """The points in rig space (B, n, 3), cm, and how the rig's unknowns move them (B, n, 3, U)."""
        pose = deformation.skin
        if self.skin is not None and pose is not None:
            return self.skin.positions(deformation), self.skin.rows(pose.matrices, pose.joint_columns)
        # (B, 1, 3 n): columns would be slow on a CPU
        offsets = deformation.activations[:, None] @ self.basis.flatten(1, 2).mT
        return self.neutral + offsets.view(self.neutral.shape), self.basis


@dataclass(frozen=True, eq=False)
class _Outline:
    """n points of the rig's outline and their counterparts. image: (n,) int64, frame by frame, rising; triangles: (n,)
    int64; barycentrics: (n, 3); normals, crossings: (n, 2) and weight: (n,) as in ``ContourPoints``, 0 where there is
    no counterpart."""

    image: Tensor
    triangles: Tensor
    barycentrics: Tensor
    normals: Tensor
    crossings: Tensor
    weight: Tensor

    @staticmethod
    def joined(outlines: Sequence[_Outline], like: Tensor) -> _Outline:
        """All of them; ``like`` gives device and type when there is none."""
        if len(outlines) == 1:
            return outlines[0]
        index = torch.zeros(0, dtype=torch.int64, device=like.device)
        pair = like.new_zeros(0, 2)
        everything = [_Outline(index, index, like.new_zeros(0, 3), pair, pair, like.new_zeros(0)), *outlines]
        order = torch.cat([part.image for part in everything]).argsort(stable=True)
        return _Outline(*(torch.cat([getattr(part, f.name) for part in everything])[order] for f in fields(_Outline)))


class ContourBuilder:
    """Makes ``ContourPoints``. The surface that takes part is that whose color drives the solve."""

    def __init__(self, take: Take, model: RigModel, views: ViewBuilder) -> None:
        self._model, self._views = model, views
        self._strength = take.settings.contour
        self.pixels_at_once = GPU_WORK if model.device.type == "cuda" else 1
        self._triangles = model.triangles
        self._opposite = opposite_vertices(self._triangles)
        self._vertex_weight = model.face_weight
        drives = (self._vertex_weight[self._triangles] > 0).all(1)
        # each inner edge belongs to two triangles, of which one is taken; where the mesh ends the actor does not
        self.outline_edges = (self._opposite > self._triangles) & drives[:, None]

    def mattes(
        self, pixels: Sequence[FramePixels], coverage: Sequence[Tensor], level: int, known: Sequence[Matte] = ()
    ) -> list[Matte]:
        """Where the actor is in all images of B frames at a pyramid level, frame by frame.

        coverage: of each camera (B, H, W), 1 where the rig covers the pixel, at any level (``Visibility.coverage``).
        known: those of another pose nearby, of which the ones that were not refused are taken over.
        """
        count = len(coverage)
        mattes = list(known) or [Matte(None)] * (len(pixels) * count)
        if self._strength <= 0:
            return mattes

        kinds: dict[int, tuple[int, Hashable]] = {}
        for image, matte in enumerate(mattes):
            if matte.alpha is None:
                frame, camera = divmod(image, count)
                seen = pixels[frame]
                size, has_matte = seen.luminance[camera].shape, bool(seen.matte) and seen.matte[camera] is not None
                kinds[image] = (size.numel(), (size, coverage[camera].shape, has_matte))
        for images in self._together(kinds):
            some = side_by_side([(pixels[image // count], image % count) for image in images])
            # colors mix linearly in the pixels of an outline
            linear = replace(some, luminance=stacked(some.luminance).square().unbind(0)).level(level)
            for image, matte in zip(images, actor_mattes(linear, _covered(coverage, images)), strict=True):
                mattes[image] = matte
        return mattes

    def _together(self, kinds: dict[int, tuple[int, Hashable]]) -> list[list[int]]:
        """Images in groups that are worked on together. kinds: how many pixels an image has, and what all images of its
        group have in common."""
        groups: dict[tuple[int, Hashable], list[int]] = {}
        for image, kind in kinds.items():
            groups.setdefault(kind, []).append(image)
        parts = []
        for (pixels, _), images in groups.items():
            most = max(1, self.pixels_at_once // pixels)
            parts += [images[first : first + most] for first in range(0, len(images), most)]
        return parts

    def build(
        self,
        mattes: Sequence[Matte],
        coverage: Sequence[Tensor],
        controls: Tensor,
        head: Tensor,
        frames: Sequence[int],
        level: int,
    ) -> ContourPoints:
        """Outline points of B take frame indices at a pyramid level and at poses (B, K), (B, 4, 4) world, cm.

        mattes: of ``mattes`` at that level. coverage: as there, of the rig at these very poses.
        """
        dtype, count = self._model.dtype, len(coverage)
        cameras = self._views.cameras(level, frames)
        if self._strength <= 0:
            return self._points(_Outline.joined([], self._model.neutral), cameras, ())
        world = apply_head(head.to(dtype), self._model.vertices(controls.to(dtype)))
        matrices = cameras.clip_matrices(1.0, 2.0)  # near and far only matter to a depth that is not used
        clip = (F.pad(world, (0, 1), value=1.0)[:, None] @ matrices.mT).flatten(0, 1)  # (B * C, V, 4)
        alphas = {image: matte.alpha for image, matte in enumerate(mattes) if matte.alpha is not None}
        kinds: dict[int, tuple[int, Hashable]] = {}
        for image, alpha in alphas.items():
            size = coverage[image % count].shape[1:]
            kinds[image] = (size.numel() + self.outline_edges.numel(), (size, alpha.shape))
        outlines = []
        for images in self._together(kinds):
            alpha = stacked([alphas[image] for image in images]).to(dtype)
            some = stacked([clip[image] for image in images])
            outlines.append(self._outline(images, some, _covered(coverage, images), alpha))
        refusals = tuple(matte.refusal for matte in mattes)
        return self._points(_Outline.joined(outlines, self._model.neutral), cameras, refusals)

    def _outline(self, images: Sequence[int], clip: Tensor, covered: Tensor, alpha: Tensor) -> _Outline:
        """The outline in I images of one kind that has counterparts.

        clip: (I, V, 4). covered: (I, H', W') bool, where the rig is; alpha: (I, H, W), where the actor is.
        """
        edges = silhouette_edges(clip, self._triangles, self._opposite) & self.outline_edges
        edges &= (clip[..., 3] > NEAREST)[:, self._triangles].all(2, keepdim=True)
        places = (clip[..., :2] / clip[..., 3:] + 1) / 2 * image_size(alpha)
        # a coarser level drops odd rows and columns, so the scale is the power of two, not the ratio of the sizes
        scale = 2.0 ** round(math.log2(covered.shape[2] / alpha.shape[2]))
        along = points_along(edges, self._triangles, places, clip[..., 3], POINT_SPACING / scale)
        chosen = outermost(along.pixels * scale, along.normals, along.image, covered)
        rows, there = rows_of(along.image, chosen, len(images))
        triangles, barycentrics, normals = along.triangles[rows], along.barycentrics[rows], along.normals[rows]
        crossings, found = find_crossings(alpha, along.pixels[rows], normals)
        found &= there
        weight = (barycentrics * self._vertex_weight[self._triangles[triangles]]).sum(2)
        weight = self._strength * min(1.0, 1 / (scale * CORRELATED)) * torch.where(found, weight, 0.0)
        image = indices_on(alpha.device, images)[:, None].expand_as(found)
        return _Outline(*(part.flatten(0, 1) for part in (image, triangles, barycentrics, normals, crossings, weight)))

    def _points(self, outline: _Outline, cameras: CameraModel, refusals: tuple[str, ...]) -> ContourPoints:
        """cameras: (B, C)."""
        frames, count = cameras.intrinsics.shape[:2]
        rows, there = rows_of(outline.image // count, outline.weight > 0, frames)
        image, triangles, barycentrics, normals, crossings, weight = (
            getattr(outline, f.name)[rows] for f in fields(_Outline)
        )
        places = triangles.flatten(), barycentrics.flatten(0, 1)
        neutral, basis = self._model.sample_basis(*places)
        skin = self._model.sample_skin(*places)
        camera = image % count
        of_point = replace(
            cameras,
            intrinsics=cameras.intrinsics.flatten(0, 1)[image],
            rotation=cameras.rotation.flatten(0, 1)[image],
            translation=cameras.translation.flatten(0, 1)[image],
            radius_limit=cameras.radius_limit[camera],
            widths=cameras.widths[camera],
            heights=cameras.heights[camera],
        )
        neutral = neutral.view(*rows.shape, 3)
        basis = basis.permute(1, 2, 0).contiguous().view(*rows.shape, 3, self._model.shape_count)
        skin = None if skin is None else skin.unflattened(rows.shape)
        return ContourPoints(neutral, basis, of_point, normals, crossings, weight * there, refusals, skin)


def _covered(coverage: Sequence[Tensor], images: Sequence[int]) -> Tensor:
    """(I, H, W) bool: where the rig is in some images of one size. coverage: as in ``ContourBuilder.mattes``."""
    count = len(coverage)
    return stacked([coverage[image % count][image // count] for image in images]) > 0


def actor_mattes(pixels: FramePixels, covered: Tensor) -> list[Matte]:
    """Where the actor is in n images of one kind: the footage's mattes where it has them, else from a clean background.

    pixels: with luminance in linear light, of n cameras. covered: (n, H', W') bool, where the rig is predicted, at the
    resolution of ``pixels`` or another.
    """
    mask = stacked(pixels.mask)
    given = [matte for matte in pixels.matte if matte is not None]
    if given:
        seen = (mask > 0).flatten(1).any(1).tolist()
        return [Matte(matte) if some else Matte(None, UNSEEN) for matte, some in zip(given, seen, strict=True)]
    if covered.shape != mask.shape:
        covered = F.interpolate(covered[:, None].float(), size=mask.shape[1:], mode="nearest")[:, 0] > 0
    color = stacked(pixels.chroma) if pixels.chroma else None
    return clean_background_mattes(stacked(pixels.luminance), color, mask, covered)


def contour_quadratic(
    model: RigModel, points: ContourPoints, controls: Tensor, head: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """The contour's cost of B frames at a pose and its Gauss-Newton model, information units. Waits for no GPU.

    points: of these frames, made at a pose near this one. controls: (B, K); head: (B, 4, 4) world, cm.
    Returns A (B, K+6, K+6) positive semidefinite, b (B, K+6) = -gradient, float64, cost (B,) float64; the head step is
    that of ``rigid.retract``.
    """
    deformation = model.deformation(controls.to(model.dtype))
    distance, J = (value.double() for value in contour_distances(points, deformation, head.to(model.dtype)))
    reached = distance.abs() < UNREACHED
    distance = torch.where(reached, distance, UNREACHED)
    information = points.weight.double() / SIGMA**2
    weight = information * reached * robust_weight(distance, ROBUST_SCALE)
    A = J.mT @ (weight[..., None] * J)
    b = -((weight * distance)[:, None] @ J)[:, 0]
    cost = (information * robust_loss(distance, ROBUST_SCALE)).sum(1)
    return (*to_controls(A, b, deformation.J_unknown_control), cost)


@dataclass(frozen=True, eq=False)
class Outlines:
    """The contour of R frames of a batch as a residual of all of them. rows: (R,) int64."""

    rows: Tensor
    points: ContourPoints
    stages: ClassVar = (ALIGN, BUNDLE)

    def quadratic(self, known: Known, frames: Tensor, pose: Pose) -> Quadratic:
        """See ``Residual``; 0 for frames without an outline."""
        some = pose.at(self.rows)
        found = contour_quadratic(known.model, self.points, some.controls, some.head)
        spread = (part.new_zeros(len(frames), *part.shape[1:]).index_add_(0, self.rows, part) for part in found)
        return Quadratic(*spread)


def contour_distances(points: ContourPoints, deformation: Deformation, head: Tensor) -> tuple[Tensor, Tensor]:
    """Signed distances (B, n) in pixels of the rig's outline from the actor's, positive where the rig reaches too far,
    and their derivatives (B, n, U+6) with respect to the rig's unknowns and head step.

    deformation: of B poses; head: (B, 4, 4) world, cm. A point is compared along its normal with the line through its
    crossing: the outline's sliding over the surface, which is along the ray, and along the actor's outline cost nothing
    to first order (Wong & Cipolla, "Structure and motion from silhouettes", 2001).
    """
    rig_points, rows = points.placed(deformation)
    world = apply_head(head, rig_points)
    projection, J_pixel_world = points.cameras.project_with_jacobian(world[:, :, None])
    distance = ((projection.pixels[:, :, 0] - points.crossings) * points.normals).sum(2)
    J_distance_world = points.normals[:, :, None] @ J_pixel_world[:, :, 0]  # (B, n, 1, 3)
    J_distance_point = (J_distance_world[:, :, 0] @ head[:, :3, :3])[:, :, None]
    J = torch.cat([J_distance_point @ rows, J_distance_point @ step_basis(rig_points)], 3)[:, :, 0]
    return torch.where(projection.valid[:, :, 0], distance, torch.inf), J
