"""Contour residuals: the rig's outline against the actor's, in pixels along the outline's normal.

``ContourBuilder`` finds points of the rig's outline and their counterparts in the footage, once a view;
``contour_quadratic`` then judges any pose near it cheaply, with these correspondences frozen. Knows no solver.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, fields, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from ..camera import NEAREST, CameraModel
from ..matte import UNSEEN, Matte, clean_background_mattes
from ..render import opposite_vertices, silhouette_edges
from ..render.rasterize_torch import enumerate_ranges
from ..render.silhouette import EDGE_CORNERS
from ..rig import RigModel, apply_head
from ..surface import photometric_weight
from ..take import Take
from ..views import FramePixels, ViewBuilder, side_by_side, stacked
from .normal_equations import head_basis, to_controls
from .photometric import robust_loss, robust_weight

SIGMA = 1.0  # pixels of the level, standard deviation of one independent contour point
ROBUST_SCALE = 1.5  # pixels of the level
CORRELATED = 4.0  # pixels of outline that count as one observation
REACH = 8.0  # pixels of the level that are searched to either side
SEARCH_STEP = 0.5  # pixels
FLANK = 1.5  # pixels to either side of the outline, between which it is half way
POINT_SPACING = 0.5  # pixels of the coverage, between candidates along a silhouette edge
UNREACHED = 1e3  # pixels: the distance of a point that has left the camera's view
GPU_WORK = 50_000_000  # pixels worked on at once on a GPU; on a CPU one image after the other stays in its cache
AT_ONCE = 16  # images whose silhouettes are found together
MOST_POINTS = 1000  # along one edge
BEYOND = 0.75  # pixels of the coverage, outwards from an outline point, where background must be


@dataclass(frozen=True, eq=False)
class ContourPoints:
    """n points of the rig's outline in one frame, each with the point of the actor's outline on its normal.

    neutral: (n, 3); basis: (n, 3, S): position in rig space, cm, as in ``SurfaceSamples``. cameras: one for each point,
    leading dimension (n,). normals: (n, 2) unit, in the image, away from the rig. crossings: (n, 2) pixels of the
    level. weight: (n,) in independent observations, times the user's weight of the contour.
    refusals: for each camera why it gives no contour, empty where it does; () when the contour is turned off.
    """

    neutral: Tensor
    basis: Tensor
    cameras: CameraModel
    normals: Tensor
    crossings: Tensor
    weight: Tensor
    refusals: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class _Outline:
    """n points of the rig's outline and their counterparts. camera, triangles: (n,) int64; barycentrics: (n, 3);
    normals, crossings: (n, 2) and weight: (n,) as in ``ContourPoints``."""

    camera: Tensor
    triangles: Tensor
    barycentrics: Tensor
    normals: Tensor
    crossings: Tensor
    weight: Tensor

    @staticmethod
    def joined(outlines: Sequence[_Outline], like: Tensor) -> _Outline:
        """All of them; ``like`` gives device and type when there is none."""
        index = torch.zeros(0, dtype=torch.int64, device=like.device)
        pair = like.new_zeros(0, 2)
        everything = [_Outline(index, index, like.new_zeros(0, 3), pair, pair, like.new_zeros(0)), *outlines]
        return _Outline(
            *(torch.cat([getattr(part, f.name).to(like.device) for part in everything]) for f in fields(_Outline))
        )


class ContourBuilder:
    """Makes ``ContourPoints``. The surface that takes part is that whose colour drives the solve."""

    def __init__(self, take: Take, model: RigModel, views: ViewBuilder) -> None:
        self._model, self._views = model, views
        self._strength = take.settings.contour
        self._work = GPU_WORK if model.device.type == "cuda" else 1
        self._triangles = model.triangles
        self._opposite = opposite_vertices(self._triangles)
        self._vertex_weight = torch.as_tensor(photometric_weight(take.rig)).to(model.neutral)
        drives = (self._vertex_weight[self._triangles] > 0).all(1)
        # each inner edge belongs to two triangles, of which one is taken; where the mesh ends the actor does not
        self._edges = (self._opposite > self._triangles) & drives[:, None]

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
            places = [divmod(image, count) for image in images]
            some = side_by_side([(pixels[frame], camera) for frame, camera in places])
            # colours mix linearly in the pixels of an outline
            linear = replace(some, luminance=stacked(some.luminance).square().unbind(0)).level(level)
            covered = stacked([coverage[camera][frame] for frame, camera in places]) > 0
            for image, matte in zip(images, actor_mattes(linear, covered), strict=True):
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
            most = max(1, self._work // pixels)
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
    ) -> list[ContourPoints]:
        """Outline points of B take frame indices at a pyramid level and at poses (B, K), (B, 4, 4) world, cm.

        mattes: of ``mattes`` at that level. coverage: as there, of the rig at these very poses.
        """
        dtype, count = self._model.dtype, len(coverage)
        cameras = self._views.cameras(level, frames)
        found: list[_Outline | None] = []
        if self._strength > 0:
            world = apply_head(head.to(dtype), self._model.vertices(controls.to(dtype)))
            matrices = cameras.clip_matrices(1.0, 2.0)  # near and far only matter to a depth that is not used
            clip = (F.pad(world, (0, 1), value=1.0)[:, None] @ matrices.mT).flatten(0, 1)  # (B * C, V, 4)
            parts = [silhouette_edges(some, self._triangles, self._opposite) for some in clip.split(AT_ONCE)]
            edges = torch.cat(parts) & self._edges
            edges &= (clip[..., 3] > NEAREST)[:, self._triangles].all(2, keepdim=True)
            for image, matte in enumerate(mattes):
                frame, camera = divmod(image, count)
                covered = coverage[camera][frame] > 0
                found.append(
                    None
                    if matte.alpha is None
                    else self._outline(clip[image], edges[image], camera, covered, matte.alpha.to(dtype))
                )
        points = []
        for frame in range(len(frames)):
            some = slice(frame * count, (frame + 1) * count)
            outlines = [part for part in found[some] if part is not None]
            refusals = tuple(matte.refusal for matte in mattes[some]) if found else ()
            one = cameras.at(torch.tensor([frame], device=self._model.device))
            points.append(self._points(_Outline.joined(outlines, self._model.neutral), one, refusals))
        return points

    def _outline(self, clip: Tensor, edges: Tensor, camera: int, covered: Tensor, alpha: Tensor) -> _Outline:
        """The outline, ``edges`` (F, 3) of vertices ``clip`` (V, 4), in one camera that has a counterpart in ``alpha``
        (H, W)."""
        size = clip.new_tensor([alpha.shape[1], alpha.shape[0]])
        places = (clip[:, :2] / clip[:, 3:] + 1) / 2 * size
        # a coarser level drops odd rows and columns, so the scale is the power of two, not the ratio of the sizes
        scale = 2.0 ** round(math.log2(covered.shape[1] / alpha.shape[1]))
        points = _points_along(edges, self._triangles, places, clip[:, 3], POINT_SPACING / scale)
        triangles, barycentrics, pixels, normals = points
        chosen = _outermost(pixels * scale, normals, covered)
        crossings, found = find_crossings(alpha, pixels[chosen], normals[chosen])
        chosen = chosen[found]
        corners = self._triangles[triangles[chosen]]
        weight = (barycentrics[chosen] * self._vertex_weight[corners]).sum(1)
        return _Outline(
            camera=torch.full_like(chosen, camera),
            triangles=triangles[chosen],
            barycentrics=barycentrics[chosen],
            normals=normals[chosen],
            crossings=crossings[found],
            weight=self._strength * min(1.0, 1 / (scale * CORRELATED)) * weight,
        )

    def _points(self, outline: _Outline, cameras: CameraModel, refusals: tuple[str, ...]) -> ContourPoints:
        neutral, basis = self._model.sample_basis(outline.triangles, outline.barycentrics)
        of_point = replace(
            cameras,
            intrinsics=cameras.intrinsics[0, outline.camera],
            rotation=cameras.rotation[0, outline.camera],
            translation=cameras.translation[0, outline.camera],
            radius_limit=cameras.radius_limit[outline.camera],
            widths=cameras.widths[outline.camera],
            heights=cameras.heights[outline.camera],
        )
        basis = basis.permute(1, 2, 0).contiguous()
        return ContourPoints(neutral, basis, of_point, outline.normals, outline.crossings, outline.weight, refusals)


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
    model: RigModel, points: Sequence[ContourPoints], controls: Tensor, head: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """The contour's cost of B frames at a pose and its Gauss-Newton model, information units.

    points: one for each frame, made at a pose near this one. controls: (B, K); head: (B, 4, 4) world, cm.
    Returns A (B, K+6, K+6) positive semidefinite, b (B, K+6) = -gradient, float64, cost (B,) float64; the head step is
    that of ``rig.retract``.
    """
    activations, J_activation_control = model.activations(controls.to(model.dtype))
    parts = [_frame_normals(*frame) for frame in zip(points, activations, head.to(model.dtype), strict=True)]
    A, b, cost = (torch.stack(part) for part in zip(*parts, strict=True))
    A, b = to_controls(A, b, J_activation_control)
    return A, b, cost


def contour_distances(points: ContourPoints, activations: Tensor, head: Tensor) -> tuple[Tensor, Tensor]:
    """Signed distances (n,) in pixels of one frame's outline from the actor's, positive where the rig reaches too far,
    and their derivatives (n, S+6) with respect to shape activations and head step.

    activations: (S,); head: (4, 4) world, cm. A point is compared along its normal with the line through its crossing:
    the outline's sliding over the surface, which is along the ray, and along the actor's outline cost nothing to first
    order (Wong & Cipolla, "Structure and motion from silhouettes", 2001).
    """
    rig_points = points.neutral + points.basis @ activations
    world = apply_head(head[None], rig_points[None])[0]
    projection, J_pixel_world = points.cameras.project_with_jacobian(world[:, None])
    distance = ((projection.pixels[:, 0] - points.crossings) * points.normals).sum(1)
    J_distance_point = points.normals[:, None] @ J_pixel_world[:, 0] @ head[:3, :3]  # (n, 1, 3)
    J = torch.cat([J_distance_point @ points.basis, J_distance_point @ head_basis(rig_points)], 2)[:, 0]
    return torch.where(projection.valid[:, 0], distance, torch.inf), J


def _frame_normals(points: ContourPoints, activations: Tensor, head: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Normal equations of one frame in (activations, head step), float64: A (S+6, S+6), b (S+6,), cost ()."""
    distance, J = (value.double() for value in contour_distances(points, activations, head))
    reached = distance.abs() < UNREACHED
    distance = torch.where(reached, distance, UNREACHED)
    information = points.weight.double() / SIGMA**2
    weight = information * reached * robust_weight(distance, ROBUST_SCALE)
    A = J.T @ (weight[:, None] * J)
    b = -J.T @ (weight * distance)
    cost = (information * robust_loss(distance, ROBUST_SCALE)).sum()
    return A, b, cost


def find_crossings(alpha: Tensor, points: Tensor, normals: Tensor) -> tuple[Tensor, Tensor]:
    """Where ``alpha`` falls through one half along the normals: the nearest place to each point, sub-pixel.

    There it is refined to where alpha is half way between its values ``FLANK`` pixels to either side: the skin is
    darker at its outline, where it is seen at a slant, than farther in.

    alpha: (H, W), NaN where unknown. points: (n, 2) pixels, centres at .5; normals: (n, 2) unit, out of the actor.
    Returns crossings (n, 2) and found (n,) bool: False where nothing crosses within ``REACH`` or the actor's outline
    runs at more than 45 degrees to the rig's.
    """
    steps = torch.arange(-REACH - FLANK, REACH + FLANK + SEARCH_STEP / 2, SEARCH_STEP).to(points)
    along = _sample(alpha, points[:, None] + steps[:, None] * normals[:, None])  # (n, m)
    rough = _nearest_fall(along, steps, torch.full_like(along[:, :1], 0.5), torch.zeros_like(along[:, :1]))
    flanks = torch.cat([rough - FLANK, rough + FLANK], 1).nan_to_num(posinf=0.0)
    half = _sample(alpha, points[:, None] + flanks[..., None] * normals[:, None]).mean(1, keepdim=True)
    nearest = _nearest_fall(along, steps, half, rough.nan_to_num(posinf=0.0))
    found = (nearest.abs() <= REACH)[:, 0]
    crossings = points + torch.where(found[:, None], nearest, 0.0) * normals
    tangents = torch.stack([-normals[:, 1], normals[:, 0]], 1)
    around = torch.stack([crossings - normals, crossings + normals, crossings - tangents, crossings + tangents], 1)
    inside, outside, before, after = _sample(alpha, around).unbind(1)
    return crossings, found & (inside - outside > (after - before).abs())


def _nearest_fall(along: Tensor, steps: Tensor, threshold: Tensor, near: Tensor) -> Tensor:
    """Where profiles (n, m) at ``steps`` (m,) fall through ``threshold`` (n, 1), nearest to ``near`` (n, 1); inf where
    they do not. (n, 1)."""
    inner, outer = along[:, :-1], along[:, 1:]
    falls = (inner >= threshold) & (outer < threshold)
    offset = steps[:-1] + SEARCH_STEP * (inner - threshold) / torch.where(falls, inner - outer, 1.0)
    offset = torch.where(falls, offset, torch.inf)
    return offset.gather(1, (offset - near).abs().argmin(1, keepdim=True))


def _sample(image: Tensor, places: Tensor) -> Tensor:
    """Bilinear samples (n, m) of ``image`` (H, W) at pixels (n, m, 2); NaN beyond the outermost pixel centres."""
    size = places.new_tensor([image.shape[1], image.shape[0]])
    values = F.grid_sample(image[None, None], (places / size * 2 - 1)[None], align_corners=False)[0, 0]
    within = ((places >= 0.5) & (places <= size - 0.5)).all(-1)
    return torch.where(within, values, torch.nan)


def _points_along(
    edges: Tensor, triangles: Tensor, places: Tensor, depth: Tensor, spacing: float
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Points along edges, ``spacing`` pixels apart: triangles (n,), barycentrics (n, 3), pixels, unit normals (n, 2).

    edges: (F, 3) bool, entry k for the edge that faces corner k. places: (V, 2) pixels; depth: (V,) in the camera.
    Normals point away from the triangle, which at a silhouette is away from the surface.
    """
    triangle, k = edges.nonzero().unbind(1)
    corners = triangles[triangle]
    ends = torch.tensor(EDGE_CORNERS, device=edges.device)[k]  # (e, 2) of 0..2
    first, second = (corners.gather(1, end[:, None])[:, 0] for end in ends.unbind(1))
    third = corners.gather(1, k[:, None])[:, 0]
    along = places[second] - places[first]
    length = along.norm(dim=1)
    number = (length / spacing).ceil().clamp(max=MOST_POINTS).long()
    edge, step = enumerate_ranges(number, torch.zeros_like(number))
    fraction = ((step + 0.5) / number[edge]).to(places.dtype)  # on the screen
    pixels = places[first[edge]] + fraction[:, None] * along[edge]
    normal = torch.stack([along[:, 1], -along[:, 0]], 1) / length[:, None].clamp_min(1e-12)
    inwards = ((places[third] - places[first]) * normal).sum(1, keepdim=True) > 0
    normal = torch.where(inwards, -normal, normal)
    near, far = (1 - fraction) / depth[first[edge]], fraction / depth[second[edge]]
    weights = torch.stack([near, far], 1) / (near + far)[:, None]
    barycentrics = places.new_zeros(len(edge), 3).scatter_(1, ends[edge], weights)
    return triangle[edge], barycentrics, pixels, normal[edge]


def _outermost(pixels: Tensor, normals: Tensor, covered: Tensor) -> Tensor:
    """Indices of the points on the outer boundary: for each pixel of background beside the rig the outermost point.

    pixels: (n, 2) of ``covered`` (H, W) bool; normals: (n, 2). Folds of the surface inside the outline have the rig
    beyond them; those too near the outline to tell share their pixel with a point that is farther out.
    """
    height, width = covered.shape
    beyond = pixels + BEYOND * normals
    column, row = beyond.floor().long().unbind(1)
    within = ((column >= 0) & (column < width) & (row >= 0) & (row < height)).nonzero()[:, 0]
    pixel = row[within] * width + column[within]
    free = ~covered.flatten()[pixel]
    within, pixel = within[free], pixel[free]
    centre = torch.stack([column[within] + 0.5, row[within] + 0.5], 1).to(pixels)
    outwards = ((pixels[within] - centre) * normals[within]).sum(1)
    best = outwards.new_full((height * width,), -torch.inf).scatter_reduce_(0, pixel, outwards, "amax")
    return within[outwards == best[pixel]]
