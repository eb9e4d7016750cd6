"""Landmarks on the rig and on the footage, and the pose that brings them together. Knows no detector's landmarks.

Which point of the rig a landmark means is found by showing the detector pictures of the rig itself: no table of
correspondences, and what the detector always places a little off is off in the same way on both sides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from facesolve.footage.color import srgb_bytes
from facesolve.geometry.camera import CameraModel, look_along
from facesolve.geometry.pose import Pose
from facesolve.geometry.rig import RigModel, apply_head
from facesolve.geometry.rigid import registration, rigid, step_basis
from facesolve.geometry.surface_samples import SurfaceSamples, samples_at
from facesolve.optimize.levenberg_marquardt import Linearized, Options, levenberg_marquardt
from facesolve.optimize.robust import robust_loss, robust_weight
from facesolve.render.clay import clay_rendering
from facesolve.render.posed_rig import View, draw, mesh_of
from facesolve.residuals.normal_equations import to_controls
from facesolve.residuals.priors import ControlPrior
from facesolve.take import Camera

from .detector import Detector, LandmarkError
from .orientation import RigAxes, head_rotation

PICTURE = 512  # pixels a side of the pictures of the rig
DISTANCE = 9.0  # head radii from which they are taken
FILLS = 0.62  # of the picture, by twice the radius
TURNS = np.radians([(0, 0), (18, 0), (-18, 0), (34, 0), (-34, 0), (0, 10), (0, -10)])  # yaw and nod of the camera
BACKDROP = 0.05  # linear light
SLANT = 0.35  # least cosine between a landmark's surface and the view
AGREED = 0.05  # head radii within which a landmark's places on the rig must lie in several pictures
LEAST_VIEWS = 2
LEAST_LANDMARKS = 30
INLIER = 0.08  # head radii: a landmark that is reprojected worse is an outlier
SIGMA = 0.05  # head radii, standard deviation of a landmark
INDEPENDENT = 40.0  # landmarks that a whole face's worth of them counts for
HEAD_OPTIONS = Options(iterations=8, first_damping=1e-3)  # before the controls are let go
OPTIONS = Options(iterations=17)
MOST_PAIRS, MOST_REFINED = 36, 4


@dataclass(frozen=True, eq=False)
class RigLandmarks:
    """L landmarks on the rig: number (L,) in the detector's list, and where they are, in double precision."""

    number: np.ndarray
    samples: SurfaceSamples

    @property
    def neutral(self) -> Tensor:
        """(L, 3) rig space, cm."""
        return self.samples.neutral


@dataclass(frozen=True, eq=False)
class LandmarkFit:
    """The pose (B = 1) that landmarks give. residual: median distance in head radii; inliers: share of landmarks. size:
    how large the face is in the cameras' world, in sizes of the rig's; 1 where one camera alone cannot tell."""

    pose: Pose
    residual: float
    inliers: float
    size: float = 1.0


def landmarks_of_rig(model: RigModel, axes: RigAxes, center: Tensor, radius: float, detector: Detector) -> RigLandmarks:
    """Where the detector's landmarks lie on the rig at its default controls, from pictures of it in clay.

    Raises LandmarkError when the detector sees no face in them.
    """
    vertices = model.vertices(model.default[None])
    cameras = cameras_around(axes, center.double().cpu().numpy(), radius)
    mesh = mesh_of(model)
    pictures, views = [], []
    for camera in cameras:
        lens = CameraModel.from_cameras([camera], [0], model.device, model.dtype)
        view = View(vertices, lens, draw(mesh, vertices, lens, 0))
        rendering = clay_rendering(model, view)
        light = rendering.colors + (1 - rendering.coverage[..., None]) * BACKDROP
        pictures.append(srgb_bytes(light[0].cpu().numpy()))
        views.append(view)
    faces = detector.detect(pictures)
    pictured = []
    for points, view in zip(faces.points, views, strict=True):
        if points is not None:
            pictured.append(_under_pixels(model, view, points))
    if len(pictured) < LEAST_VIEWS:
        raise LandmarkError(f"landmarks: {faces.engine} finds no face in pictures of the rig.")
    return _agreed(model, pictured, radius)


def cameras_around(axes: RigAxes, center: np.ndarray, radius: float) -> list[Camera]:
    """Cameras before the face, upright, in rig space."""
    focal = FILLS * PICTURE * DISTANCE / 2
    intrinsics = np.array([[focal, 0, PICTURE / 2], [0, focal, PICTURE / 2], [0, 0, 1.0]])
    turns = np.concatenate([TURNS, np.zeros((len(TURNS), 1))], 1)
    cameras = []
    for rotation in head_rotation(axes, axes.up, axes.forward, turns):
        away = rotation @ axes.forward
        turn = look_along(-away, axes.up)
        cameras.append(
            Camera("picture", PICTURE, PICTURE, intrinsics, turn, -turn @ (center + DISTANCE * radius * away))
        )
    return cameras


@dataclass(frozen=True, eq=False)
class _Pictured:
    """Landmarks in one picture of the rig: hit (L,) bool, triangles (L,), barycentrics (L, 3), points (L, 3) cm."""

    hit: Tensor
    triangles: Tensor
    barycentrics: Tensor
    points: Tensor


def _under_pixels(model: RigModel, view: View, points: np.ndarray) -> _Pictured:
    """The surface under pixels (L, 2) of a picture; no hit beside the rig and where it is seen at a slant."""
    vertices, drawing, lens = view.world, view.drawing, view.lens
    pixels = torch.as_tensor(points, device=vertices.device).floor().long()
    inside = ((pixels >= 0) & (pixels < PICTURE)).all(1)
    column, row = pixels.clamp(0, PICTURE - 1).unbind(1)
    triangle = drawing.triangle_id[0, row, column].long()
    corners = vertices[0, model.triangles[triangle.clamp_min(0)]]  # (L, 3, 3)
    weights = drawing.barycentrics[0, row, column].to(vertices)
    places = (corners * weights[..., None]).sum(1)
    normal = F.normalize(torch.linalg.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), dim=1)
    eye = -(lens.rotation[0, 0].T @ lens.translation[0, 0])
    facing = (normal * F.normalize(eye - places, dim=1)).sum(1).abs()
    return _Pictured(inside & (triangle >= 0) & (facing > SLANT), triangle, weights, places)


def _agreed(model: RigModel, pictured: Sequence[_Pictured], radius: float) -> RigLandmarks:
    """The landmarks that lie at the same place of the rig in several pictures; each at the place nearest the median."""
    hit = torch.stack([one.hit for one in pictured])  # (n, L)
    points = torch.stack([one.points for one in pictured]).masked_fill(~hit[..., None], torch.nan)
    middle = points.nanmedian(0).values
    distance = (points - middle).norm(dim=-1).nan_to_num(torch.inf)
    kept = (distance < AGREED * radius).sum(0) >= LEAST_VIEWS
    number = kept.nonzero()[:, 0]
    if len(number) < LEAST_LANDMARKS:
        raise LandmarkError(f"landmarks: only {len(number)} are at the same point of the rig in different pictures.")
    nearest = distance[:, number].argmin(0)
    triangles = torch.stack([one.triangles for one in pictured])[nearest, number]
    barycentrics = torch.stack([one.barycentrics for one in pictured])[nearest, number]
    barycentrics = barycentrics.to(model.neutral)
    samples = samples_at(model, triangles, barycentrics, torch.ones_like(barycentrics[:, 0]), radius)
    return RigLandmarks(number.cpu().numpy(), samples.double())


@dataclass(frozen=True, eq=False)
class _ObservedLandmarks:
    """What a fit works on: pixels (c, L, 2) of the rig's landmarks in the c cameras that show a face."""

    model: RigModel
    rig: RigLandmarks
    cameras: CameraModel
    pixels: Tensor
    prior: ControlPrior
    frame: int
    radius: float


def fit_landmarks(
    model: RigModel,
    rig: RigLandmarks,
    cameras: CameraModel,
    faces: Sequence[np.ndarray | None],
    prior: ControlPrior,
    frame: int,
    axes: RigAxes,
    radius: float,
) -> LandmarkFit:
    """The pose at which the rig's landmarks fall on those of the cameras that show a face.

    cameras: float64, without distortion, leading dimension (C,); faces: of each camera (L, 2) pixels or None.
    Raises LandmarkError when no camera shows a face, or the landmarks contradict each other.
    """
    shown = [index for index, face in enumerate(faces) if face is not None]
    if not shown:
        raise LandmarkError("landmarks: no face was found in the footage.")
    pixels = torch.stack([torch.as_tensor(faces[index])[rig.number] for index in shown]).to(rig.neutral)  # (c, L, 2)
    observed = _ObservedLandmarks(model, rig, _chosen(cameras, shown), pixels, prior, frame, radius)
    controls = prior.clamped(model.default.double()[None], torch.tensor([frame], device=model.device))
    points = rig.samples.positions(model.deformation(controls.to(model.dtype)))[0]
    if len(shown) > 1:  # a face that is seen wrongly in one camera must not spoil the others
        groups = [list(pair) for pair in combinations(range(len(shown)), 2)][:MOST_PAIRS]
        heads = [
            _triangulated_head(points, _chosen(observed.cameras, group), pixels[group], radius) for group in groups
        ]
    else:
        heads = _facing_heads(points, axes, observed.cameras, pixels[0])
    poses = [Pose(controls, head[None]) for head in heads]
    costs = [float(_normals(observed, pose, _scale(observed, pose)).cost) for pose in poses]
    likely = sorted(range(len(poses)), key=lambda index: costs[index])[:MOST_REFINED]
    fits = [_refine(observed, poses[index]) for index in likely]
    best = max(fits, key=lambda fit: (fit.inliers, -fit.residual))
    return best if len(shown) < 2 else replace(best, size=_size(points, _triangulated(observed.cameras, pixels)))


def _chosen(cameras: CameraModel, shown: list[int]) -> CameraModel:
    return CameraModel(
        cameras.intrinsics[shown],
        cameras.rotation[shown],
        cameras.translation[shown],
        None,
        cameras.radius_limit[shown],
        cameras.widths[shown],
        cameras.heights[shown],
    )


def _triangulated(cameras: CameraModel, pixels: Tensor) -> Tensor:
    """(L, 3) points of the world nearest to the rays through pixels (c, L, 2)."""
    homogeneous = F.pad(pixels, (0, 1), value=1.0) @ torch.linalg.inv(cameras.intrinsics).mT
    rays = F.normalize(homogeneous, dim=-1) @ cameras.rotation  # (c, L, 3) world
    across = torch.eye(3).to(rays) - rays[..., :, None] * rays[..., None, :]
    centers = cameras.centers[..., None]  # (c, 3, 1)
    return torch.linalg.solve(across.sum(0), (across @ centers[:, None]).sum(0))[..., 0]


def _size(points: Tensor, places: Tensor) -> float:
    """How many times farther apart the places (L, 3) are than the rig's points (L, 3), in the median of all pairs."""
    apart, there = (torch.pdist(one) for one in (points.double(), places.double()))
    keep = apart > apart.median()  # noise counts less over a long way
    return float((there[keep] / apart[keep]).median())


def _triangulated_head(points: Tensor, cameras: CameraModel, pixels: Tensor, radius: float) -> Tensor:
    """Head transform (4, 4) that lays the rig's landmarks (L, 3) upon those triangulated from pixels (c, L, 2)."""
    places = _triangulated(cameras, pixels)
    weight = torch.ones_like(points[:, 0])
    for _ in range(10):
        head = registration(points, places, weight)
        distance = (apply_head(head[None], points[None])[0] - places).norm(dim=1)
        weight = robust_weight(distance, 2 * INLIER * radius)
    return head


def _facing_heads(points: Tensor, axes: RigAxes, cameras: CameraModel, pixels: Tensor) -> list[Tensor]:
    """Head transforms (4, 4) that face the only camera, upright, on either side or upside down, of the right size.

    From a long lens a face and its relief turned inside out look alike; perspective-n-point methods take either.
    """
    size = (points - points.mean(0)).norm(dim=1).square().mean().sqrt()
    spread = (pixels - pixels.mean(0)).norm(dim=1).square().mean().sqrt()
    depth = cameras.intrinsics[0, 0, 0] * size / spread
    ray = torch.linalg.solve(cameras.intrinsics[0], F.pad(pixels.mean(0), (0, 1), value=1.0))
    to_world = cameras.rotation[0].T
    place = to_world @ (ray * depth - cameras.translation[0])
    heads = []
    for right, down in ((1, 0), (0, 1), (-1, 0), (0, -1)):
        up, facing = to_world @ torch.tensor([-down, -right, 0.0]).to(points), -to_world[:, 2]
        turn = head_rotation(axes, up.cpu().numpy(), facing.cpu().numpy(), np.zeros((1, 3)))[0]
        rotation = torch.as_tensor(turn).to(points)
        heads.append(rigid(rotation, place - rotation @ points.mean(0)))
    return heads


def _refine(observed: _ObservedLandmarks, pose: Pose) -> LandmarkFit:
    """Levenberg-Marquardt on the reprojection error; the controls, held by their prior, follow the head."""
    scale = _scale(observed, pose)
    head = levenberg_marquardt(_Fit(observed, scale, free_controls=False), pose, HEAD_OPTIONS)
    then = replace(OPTIONS, first_damping=float(head.damping))
    end = levenberg_marquardt(_Fit(observed, scale, free_controls=True), head.state, then)
    distance = end.model.distance
    return LandmarkFit(end.state, float(distance.median()), float((distance < INLIER).double().mean()))


@dataclass(frozen=True, eq=False)
class _Fit:
    """A pose (B = 1) and the landmarks. pixel_scale: of ``_scale``."""

    observed: _ObservedLandmarks
    pixel_scale: Tensor
    free_controls: bool

    def linearize(self, pose: Pose, scale: Tensor | None) -> _Model:
        return _normals(self.observed, pose, self.pixel_scale)

    def stepped(self, pose: Pose, step: Tensor) -> Pose:
        return pose.stepped(step[None])

    def bounds(self, pose: Pose) -> tuple[Tensor, Tensor]:
        frame, prior = self.observed.frame, self.observed.prior
        lower, upper = (bound[frame] - pose.controls[0] for bound in (prior.lower, prior.upper))
        if not self.free_controls:
            lower, upper = torch.zeros_like(lower), torch.zeros_like(upper)
        return F.pad(lower, (0, 6), value=-torch.inf), F.pad(upper, (0, 6), value=torch.inf)


@dataclass(frozen=True, eq=False)
class _Model(Linearized):
    """distance: (c*L,) in head radii."""

    distance: Tensor


def _scale(observed: _ObservedLandmarks, pose: Pose) -> Tensor:
    """(c, 1, 1) head radii a pixel at a pose; held while it is refined, else a nearer head would seem to fit better."""
    depth = observed.cameras.project(apply_head(pose.head, observed.rig.neutral[None])[0]).depth
    depth = depth.median(1).values.clamp_min(observed.radius)
    return (depth / observed.cameras.intrinsics[:, 0, 0] / observed.radius)[:, None, None]


def _normals(observed: _ObservedLandmarks, pose: Pose, scale: Tensor) -> _Model:
    """The cost around a pose (B = 1). scale: of ``_scale``."""
    rig, prior = observed.rig, observed.prior
    placed = rig.samples.placed(observed.model.deformation(pose.controls.to(observed.model.dtype)))
    points = placed.points[0]
    projection, J_pixel_world = observed.cameras.project_with_jacobian(apply_head(pose.head, points[None])[0])
    residual = torch.where(projection.valid[..., None], (projection.pixels - observed.pixels) * scale, 1e3)
    J_pixel_point = J_pixel_world @ pose.head[0, :3, :3]
    basis = torch.cat([placed.rows(0), step_basis(points)], 2)  # (L, 3, U+6)
    J = scale[..., None] * J_pixel_point @ basis
    distance = residual.norm(dim=-1)
    information = min(1.0, INDEPENDENT / len(points)) / SIGMA**2
    weight = information * robust_weight(distance, 2 * SIGMA)
    A = torch.einsum("clip,cliq,cl->pq", J, J, weight)
    b = -torch.einsum("clip,cli,cl->p", J, residual, weight)
    A, b = (value[0] for value in to_controls(A[None], b[None], placed.deformation.J_unknown_control))
    count = pose.controls.shape[1]
    prior_A, prior_b = prior.normal_equations(pose.controls)
    A[:count, :count] += prior_A[0]
    b[:count] += prior_b[0]
    cost = (information * robust_loss(distance, 2 * SIGMA)).sum() + prior.cost(pose.controls)[0]
    return _Model(A, b, cost, None, distance.flatten())
