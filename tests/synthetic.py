"""A small filmed scene with known truth: a bumpy ellipsoid with blendshapes, an analytic texture and three cameras.

Images are encoded luminance straight from the texture, evaluated at the rest-space position under every pixel.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from facesolve.footage.stream import FramePixels
from facesolve.geometry.camera import CameraModel, scaled
from facesolve.geometry.pose import Pose
from facesolve.geometry.rig import RigModel, apply_head
from facesolve.geometry.rigid import retract
from facesolve.geometry.surface_samples import sample_surface
from facesolve.render import interpolate
from facesolve.render.rasterize_torch import rasterize
from facesolve.residuals.observation import Views
from facesolve.stages.problem import Problem, Quality
from facesolve.take import Camera, Combination, Footage, Rig, Settings, Shape, Take, Target

RADII = np.array([7.0, 9.0, 8.0])  # cm
DISTANCE, FOCAL = 60.0, 280.0  # cm, pixels
WIDTH, HEIGHT = 160, 120
FRAMES = 5
SUPERSAMPLING = 3
BACKGROUND = 0.1
BALL_CENTER, BALL_RADIUS = (0.0, 1.0, 7.8), 1.8  # cm
# where each control pushes the surface (directions from the center), which way, and how wide (cm)
PUSHES = (
    ("puff", (0.6, -0.2, 0.8), (0.6, -0.2, 0.8), 3.0),
    ("puff_other", (-0.6, -0.2, 0.8), (-0.6, -0.2, 0.8), 3.0),
    ("jaw", (0.0, -0.6, 0.8), (0.0, -1.0, -0.3), 3.5),
    ("brow", (0.2, 0.6, 0.7), (0.1, 1.0, 0.1), 3.0),
    ("smile", (0.3, -0.3, 0.9), (1.0, 0.5, 0.0), 2.5),
)
COLOR_ONLY = Settings(contour=0.0)
Texture = Callable[[Tensor], Tensor]  # rest-space positions (..., 3) cm -> encoded luminance (...)


@dataclass(frozen=True, eq=False)
class Scene:
    """A problem, the pose of every frame as it was filmed, and the pixels of every frame at full size."""

    problem: Problem
    truth: Pose
    pixels: list[FramePixels]

    @property
    def frames(self) -> Tensor:
        return torch.arange(len(self.pixels))

    def views(self, pose: Pose, level: int = 0) -> Views:
        """All frames, with the visibility of ``pose``."""
        indices = list(range(len(self.pixels)))
        return self.problem.views.views(self.problem.samples, level, indices, self.pixels, pose.controls, pose.head)

    def view(self, pose: Pose, index: int, level: int = 0) -> Views:
        """One frame."""
        problem, one = self.problem, pose.at([index])
        return problem.views.views(problem.samples, level, [index], [self.pixels[index]], one.controls, one.head)

    def errors(self, pose: Pose, frames: list[int] | slice = slice(None)) -> Tensor:
        """Mean distance (B,) in cm of the vertices in the world from where they were filmed; cameras see the front."""
        model, true = self.problem.model, self.truth.at(frames)
        front = model.neutral[:, 2] > 0
        here, there = (
            apply_head(p.head.to(model.dtype), model.vertices(p.controls.to(model.dtype)))[:, front]
            for p in (pose, true)
        )
        return (here - there).norm(dim=-1).mean(1)

    def disturbed(self) -> Pose:
        """The truth moved as one by about 2.5 % of the head's size: all frames by the same controls and head step."""
        offset = torch.tensor([0.08, -0.06, 0.07, -0.05, 0.06, 0.02, -0.015, 0.012, 0.3, -0.2, 0.25]).double()
        return self.truth.stepped(offset.expand(len(self.pixels), -1))


def texture(points: Tensor) -> Tensor:
    """Waves of 12 down to 1.4 cm in many directions."""
    generator = torch.Generator().manual_seed(3)
    total = torch.zeros_like(points[..., 0])
    for wavelength in (12.0, 7.0, 4.5, 3.2, 2.5, 2.0, 1.7, 1.4):
        for _ in range(2):
            direction = F.normalize(torch.randn(3, generator=generator), dim=0).to(points)
            phase = 6.28 * float(torch.rand(1, generator=generator))
            total = total + torch.sin(points @ direction * (2 * np.pi / wavelength) + phase)
    return 0.5 + 0.045 * total


def head_rig() -> Rig:
    """The bumpy ellipsoid, 642 vertices, with five controls in 0..1 that push its front by 1 cm; all of it drives."""
    neutral, triangles = _bumpy_ellipsoid()
    deltas = []
    for _, place, direction, width in PUSHES:
        center = RADII * np.array(place) / np.linalg.norm(place)
        fade = np.exp(-0.5 * ((neutral - center) ** 2).sum(1) / width**2)
        deltas.append(fade[:, None] * np.array(direction) / np.linalg.norm(direction))
    names = [name for name, *_ in PUSHES]
    counts = np.full(len(triangles), 3)
    rig = Rig.from_dense(neutral, np.array(deltas), names, counts, triangles.reshape(-1))
    wider = tuple(replace(control, minimum=-0.5, maximum=1.5) for control in rig.controls)
    return replace(rig, controls=wider, photometric_weight=np.ones(rig.vertex_count, np.float32))


def compound_rig() -> Rig:
    """``head_rig`` with an in-between of ``jaw`` and a combination of ``jaw`` and ``smile``."""
    rig = head_rig()
    jaw, brow, smile = (rig.targets[i].shapes[0] for i in (2, 3, 4))
    between = Shape(0.5, jaw.vertices, 0.3 * jaw.deltas + 0.1)
    targets = list(rig.targets)
    targets[2] = Target("jaw", (between, jaw))
    targets.append(Target("jaw_smile", (Shape(1.0, brow.vertices, -0.4 * brow.deltas),)))
    assert len(smile.vertices)
    return replace(rig, targets=tuple(targets), combinations=(Combination(5, (2, 4)),))


def with_ball(rig: Rig) -> Rig:
    """``rig`` and a ball of 1.8 cm before its middle, not joined to it and moved by no control."""
    sphere, faces = _icosphere(2)
    ball = BALL_RADIUS * sphere + BALL_CENTER
    return replace(
        rig,
        neutral=np.concatenate([rig.neutral, ball]),
        face_counts=np.concatenate([rig.face_counts, np.full(len(faces), 3)]),
        face_vertices=np.concatenate([rig.face_vertices, faces.reshape(-1) + rig.vertex_count]),
        photometric_weight=np.concatenate([np.ones(rig.vertex_count), np.zeros(len(ball))]).astype(np.float32),
        meshes=(),
    )


def cameras() -> tuple[Camera, ...]:
    """Three still cameras in an arc before the head, all looking at its center."""
    return tuple(_camera(name, *angles) for name, *angles in (("left", -32, 8), ("front", 0, -10), ("right", 30, 12)))


def make_take(rig: Rig, settings: Settings | None = None, frames: int = FRAMES, fps: float = 30.0) -> Take:
    """A take of ``rig`` whose footage is not on disk."""
    lenses = cameras()
    footage = tuple(Footage(lens.name, f"{lens.name}.{{frame:04d}}.png") for lens in lenses)
    return Take("synthetic", rig, lenses, footage, np.arange(frames), fps, settings=settings or COLOR_ONLY)


def make_problem(take: Take, samples: int = 1200, dtype: torch.dtype = torch.float32) -> Problem:
    """The fixed parts of a solve of ``take``, every triangle taken as seen."""
    device = torch.device("cpu")
    model = RigModel(take.rig, device, dtype)
    return Problem.of(
        take=take,
        model=model,
        samples=sample_surface(model, samples, torch.ones(len(model.triangles), dtype=torch.bool)),
        quality=Quality(samples=samples, keyframes=len(take.frames), finest=0, finest_visibility=0),
        coarsest=2,
        pixels_per_cm=FOCAL / DISTANCE,
    )


def performance(frames: int = FRAMES) -> Pose:
    """Filmed poses: controls between 0.1 and 0.8, the head turns by about 10 degrees and moves by 1.5 cm."""
    time = torch.linspace(0, 1, max(frames, 2), dtype=torch.float64)[:frames, None]
    phase = torch.tensor([0.0, 1.3, 2.1, 3.3, 4.2], dtype=torch.float64)
    controls = 0.45 + 0.35 * torch.sin(3.0 * time + phase)
    turn = torch.tensor([0.08, 0.16, -0.06, 0.8, -0.5, 1.2], dtype=torch.float64)
    start = torch.tensor([0.02, -0.08, 0.03, -0.4, 0.3, -0.5], dtype=torch.float64)
    return Pose(controls, retract(torch.eye(4, dtype=torch.float64).repeat(frames, 1, 1), start + time * turn))


def film(model: RigModel, lenses: tuple[Camera, ...], pose: Pose, look: Texture = texture) -> list[FramePixels]:
    """What the cameras see of every frame; the background is even. The whole image is valid."""
    vertices = model.vertices(pose.controls.to(model.dtype))
    world = F.pad(apply_head(pose.head.to(model.dtype), vertices), (0, 1), value=1.0)
    columns = []
    for lens in lenses:
        fine = scaled(lens, SUPERSAMPLING)
        matrix = CameraModel.from_cameras([fine], dtype=model.dtype).clip_matrices(10.0, 200.0)
        triangle, weights, _ = rasterize(world @ matrix.mT, model.triangles, (fine.height, fine.width))
        rest = interpolate(model.neutral[None], triangle, weights, model.triangles)
        color = torch.where(triangle >= 0, look(rest), BACKGROUND)
        columns.append(F.avg_pool2d(color[:, None], SUPERSAMPLING)[:, 0])
    masks = tuple(torch.ones_like(images[0]) for images in columns)
    return [FramePixels(tuple(images[f] for images in columns), masks) for f in range(len(pose.controls))]


@cache
def head_scene() -> Scene:
    """The head, five frames."""
    problem, truth = make_problem(make_take(head_rig())), performance()
    return Scene(problem, truth, film(problem.model, problem.take.cameras, truth))


def _camera(name: str, azimuth: float, elevation: float) -> Camera:
    """Looks at the origin from DISTANCE; angles in degrees, 0 is on the +z axis."""
    a, e = np.radians((azimuth, elevation))
    center = DISTANCE * np.array([np.sin(a) * np.cos(e), np.sin(e), np.cos(a) * np.cos(e)])
    forward = -center / DISTANCE
    right = np.cross(forward, (0.0, 1.0, 0.0))
    right /= np.linalg.norm(right)
    rotation = np.stack([right, np.cross(forward, right), forward])
    intrinsics = np.array([[FOCAL, 0, WIDTH / 2 + 1.3], [0, FOCAL, HEIGHT / 2 - 0.7], [0, 0, 1]])
    return Camera(name, WIDTH, HEIGHT, intrinsics, rotation, -rotation @ center)


def _bumpy_ellipsoid() -> tuple[np.ndarray, np.ndarray]:
    sphere, faces = _icosphere(3)
    x, y, z = sphere.T
    bumps = 0.03 * np.sin(5 * x + 1) * np.sin(4 * y) + 0.03 * np.sin(6 * z + 2 * y) + 0.02 * np.sin(7 * x - 3 * y)
    nose = 0.12 * np.exp(-((x - 0.05) ** 2 + (y + 0.05) ** 2) / 0.03) * (z > 0)
    return (sphere * (1 + bumps + nose)[:, None] * RADII).astype(np.float32), faces


def _icosphere(subdivisions: int) -> tuple[np.ndarray, np.ndarray]:
    """Unit sphere (V, 3) of triangles (F, 3), counter-clockwise from outside."""
    golden = (1 + 5**0.5) / 2
    corners = [(-1, golden, 0), (1, golden, 0), (-1, -golden, 0), (1, -golden, 0)]
    vertices = np.array([np.roll(corner, shift) for shift in range(3) for corner in corners], np.float64)
    faces = _hull_of_icosahedron(vertices)
    for _ in range(subdivisions):
        edges = np.sort(faces[:, [[0, 1], [1, 2], [2, 0]]], -1)  # (F, 3, 2)
        unique, middle = np.unique(edges.reshape(-1, 2), axis=0, return_inverse=True)
        middle = middle.reshape(-1, 3) + len(vertices)
        vertices = np.concatenate([vertices, vertices[unique].mean(1)])
        (a, b, c), (ab, bc, ca) = faces.T, middle.T
        faces = np.concatenate([np.stack(f, 1) for f in ((a, ab, ca), (b, bc, ab), (c, ca, bc), (ab, bc, ca))])
        vertices /= np.linalg.norm(vertices, axis=1, keepdims=True)
    return vertices, faces.astype(np.int32)


def _hull_of_icosahedron(vertices: np.ndarray) -> np.ndarray:
    """The 20 triples of mutual neighbors (distance 2), wound counter-clockwise."""
    near = np.abs(np.linalg.norm(vertices[:, None] - vertices, axis=-1) - 2) < 1e-6
    faces = [
        (i, j, k) for i in range(12) for j in range(i) for k in range(j) if near[i, j] and near[j, k] and near[k, i]
    ]
    outward = [np.linalg.det(vertices[list(face)]) > 0 for face in faces]
    return np.array([face if out else face[::-1] for face, out in zip(faces, outward, strict=True)])
