"""A generated take of the size of a production: nine cameras, 20,000 triangles, 150 shapes, filmed on the device.

The demo's head with more shapes, more cameras and a longer performance. Its footage is kept in host memory as decoded
8-bit images, so that what is measured is the solve and not a disk.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from unittest.mock import patch

import numpy as np
import torch

from facesolve.demo.film import READ_NOISE, SHOT_NOISE, Stage
from facesolve.demo.head import build_head, build_rig
from facesolve.demo.performance import AIM, disturbed
from facesolve.demo.skin import paint
from facesolve.evaluate.evaluation import Truth
from facesolve.footage import Image
from facesolve.footage.color import linear_to_srgb
from facesolve.footage.undistort import Undistortion
from facesolve.geometry.rig import RigModel
from facesolve.geometry.rotation import rotation_from_tangent
from facesolve.take import Camera, Footage, Rig, StartPose, Take

SHAPES = 150
TRIANGLES = 20_000
FPS = 30.0
DISTANCE = 110.0  # centimeters from the cameras to the middle of the head
# azimuth, elevation in degrees
PLACES = ((0, 0), (22, -14), (-22, -14), (24, 16), (-24, 16), (48, 0), (-48, 0), (66, 12), (-66, 12))
START_ERROR = 0.06  # of a control
ACTIVE = 30  # controls that move at a time, about


@dataclass(frozen=True, eq=False)
class Filmed:
    """A take, its images (F, C) of (H, W, 3) uint8 sRGB in host memory, and its truth."""

    take: Take
    images: list[list[np.ndarray]]
    truth: Truth

    @contextmanager
    def in_memory(self) -> Iterator[None]:
        """While it lasts, the take's footage is read from memory."""
        readers = {
            camera.name: MemoryReader(camera, [row[c] for row in self.images], self.take.frames)
            for c, camera in enumerate(self.take.cameras)
        }

        def opened(footage: Footage, camera: Camera, frames: Sequence[int] = ()) -> MemoryReader:
            return readers[camera.name]

        with (
            patch("facesolve.footage.stream.open_footage", opened),
            patch("facesolve.appearance.texel_views.open_footage", opened),
        ):
            yield

    def distorted(self) -> Filmed:
        """The same images, said to be bent by lenses by so little that nothing moves: they are undistorted all the
        same."""
        bent = tuple(replace(camera, distortion=np.full(4, 1e-9)) for camera in self.take.cameras)
        return Filmed(replace(self.take, cameras=bent), self.images, self.truth)

    def prolonged(self, frames: int) -> Filmed:
        """The same performance there and back again, until it has ``frames`` frames; no image is copied."""
        count = len(self.images)
        period = np.concatenate([np.arange(count), np.arange(count - 2, 0, -1)])
        order = np.resize(period, frames)
        truth = replace(self.truth, weights=self.truth.weights[order], head=self.truth.head[order])
        numbers = np.arange(1, frames + 1)
        take = replace(self.take, frames=numbers, scene_times=numbers.astype(np.float64))
        return Filmed(take, [self.images[index] for index in order], truth)


class MemoryReader:
    """A FootageReader of images that are decoded already."""

    in_order = False

    def __init__(self, camera: Camera, images: list[np.ndarray], frames: np.ndarray) -> None:
        self.camera = camera
        self._images = {int(frame): image for frame, image in zip(frames, images, strict=False)}
        self._everywhere = np.ones((camera.height, camera.width), bool)
        self._lens = Undistortion(camera) if camera.distorted else None

    def read(self, frame: int) -> Image:
        if self._lens is not None:
            return Image(self._images[frame], self._lens.valid, None, "srgb", self._lens)
        return Image(self._images[frame], self._everywhere, None, "srgb")

    def close(self) -> None:
        """Nothing is open."""


def film(
    frames: int,
    device: torch.device,
    width: int = 1200,
    height: int = 1600,
    cameras: int = len(PLACES),
    seed: int = 0,
    shapes: int = SHAPES,
) -> Filmed:
    """Films ``frames`` frames with the first ``cameras`` cameras; the same on every run on one kind of device."""
    head = build_head()
    demo = build_rig(head)
    stage = Stage.of(RigModel(demo, device), paint(head, RigModel(demo)))
    rig = production_rig(demo, np.random.default_rng(seed), shapes)
    stage = replace(stage, model=RigModel(rig, device), gloss=stage.gloss[:1].expand(rig.vertex_count, -1))
    lenses = tuple(_camera(f"cam{i}", *place, width, height) for i, place in enumerate(PLACES[:cameras]))
    controls, heads = performance(rig.control_names, frames, np.random.default_rng(seed + 1))
    noise = torch.Generator(device).manual_seed(seed)
    images = [[_developed(stage.render(controls[f], heads[f], lens), noise) for lens in lenses] for f in range(frames)]
    guess = np.clip(controls[0] + START_ERROR * np.cos(3.0 * np.arange(len(rig.controls))), 0.0, 1.0)
    take = Take(
        name="generated",
        rig=rig,
        cameras=lenses,
        footage=tuple(Footage(lens.name, f"{lens.name}.{{frame}}.png") for lens in lenses),
        frames=np.arange(1, frames + 1),
        fps=FPS,
        start=StartPose(1, guess, disturbed(heads[0])),
    )
    return Filmed(take, images, Truth(controls, tuple(rig.control_names), heads))


def production_rig(demo: Rig, random: np.random.Generator, shapes: int = SHAPES) -> Rig:
    """The demo's rig with ``TRIANGLES`` triangles and so many shapes, each driven by a control of its own.

    Quads of the skin are cut into four around their middle. The shapes that the demo lacks are bumps of the face, 2 to
    5 cm wide.
    """
    model = RigModel(demo, dtype=torch.float64)
    full = [shapes[-1] for shapes in _columns_of_targets(demo)][: len(demo.controls)]
    neutral, deltas = model.neutral.numpy(), model.deltas.numpy()[full]
    weight = np.asarray(demo.photometric_weight)
    places = np.flatnonzero((weight > 0) & (neutral[:, 2] > 1.5))
    centers = neutral[random.choice(places, shapes - len(deltas), replace=False)]
    directions = random.standard_normal(centers.shape)
    directions *= (random.uniform(0.3, 0.8, len(centers)) / np.linalg.norm(directions, axis=1))[:, None]
    widths = random.uniform(1.0, 2.5, len(centers))
    distances = np.linalg.norm(neutral[None] - centers[:, None], axis=2)
    bumps = np.exp(-0.5 * (distances / widths[:, None]) ** 2)[..., None] * directions[:, None] * (weight[:, None] > 0)
    deltas = np.concatenate([deltas, np.where(np.abs(bumps) < 1e-3, 0, bumps)])
    names = [*demo.control_names, *(f"bump{i:03d}" for i in range(len(bumps)))]
    return _poked(demo, neutral, deltas, names, weight)


def _columns_of_targets(rig: Rig) -> list[list[int]]:
    """For each target the columns of its shapes in the basis."""
    ends = np.cumsum([len(target.shapes) for target in rig.targets])
    return [list(range(end - len(target.shapes), end)) for end, target in zip(ends, rig.targets, strict=True)]


def _poked(demo: Rig, neutral: np.ndarray, deltas: np.ndarray, names: list[str], weight: np.ndarray) -> Rig:
    """The rig with as many quads of the skin cut into four as gives ``TRIANGLES`` triangles."""
    starts = np.concatenate([[0], np.cumsum(demo.face_counts)])
    quads = np.flatnonzero(demo.face_counts == 4)
    quads = quads[weight[demo.face_vertices[starts[quads]]] > 0]
    wanted = (TRIANGLES - int((demo.face_counts - 2).sum())) // 2
    chosen = np.linspace(0, len(quads) - 1, wanted).astype(int)
    cut = set(quads[chosen].tolist())
    corners = starts[quads[chosen]][:, None] + np.arange(4)
    middle_vertex = {int(q): len(neutral) + i for i, q in enumerate(quads[chosen])}
    middle_uv = {int(q): len(demo.uvs) + i for i, q in enumerate(quads[chosen])}
    at, at_uv = demo.face_vertices[corners], demo.face_uvs[corners]
    faces: list[list[int]] = []
    face_uvs: list[list[int]] = []
    for polygon, (begin, end) in enumerate(itertools.pairwise(starts)):
        ring, uv_ring = demo.face_vertices[begin:end].tolist(), demo.face_uvs[begin:end].tolist()
        if polygon not in cut:
            faces.append(ring)
            face_uvs.append(uv_ring)
            continue
        for k in range(4):
            faces.append([ring[k], ring[(k + 1) % 4], middle_vertex[polygon]])
            face_uvs.append([uv_ring[k], uv_ring[(k + 1) % 4], middle_uv[polygon]])
    rig = Rig.from_dense(
        np.concatenate([neutral, neutral[at].mean(1)]),
        np.concatenate([deltas, deltas[:, at].mean(2)], 1),
        names,
        np.array([len(face) for face in faces]),
        np.concatenate([np.array(face) for face in faces]),
    )
    return replace(
        rig,
        uvs=np.concatenate([demo.uvs, demo.uvs[at_uv].mean(1)]),
        face_uvs=np.concatenate([np.array(face) for face in face_uvs]),
        photometric_weight=np.concatenate([weight, np.ones(len(at), np.float32)]),
    )


def performance(names: list[str], frames: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Controls (F, K) that rise and fall over a third of a second to two, and heads (F, 4, 4) that turn and drift."""
    seconds = np.arange(frames) / FPS
    curves = np.zeros((frames, len(names)))
    for k in range(len(names)):
        time = random.uniform(-1.0, 2.0)
        while time < seconds[-1] + 2:
            half = random.uniform(0.2, 0.7)
            height = random.uniform(0.2, 0.9)
            phase = np.clip((seconds - time) / half, -1, 1)
            curves[:, k] = np.maximum(curves[:, k], height * 0.5 * (1 + np.cos(np.pi * phase)))
            time += 2 * half + random.exponential(2 * half * (len(names) / ACTIVE - 1))
    turn = np.stack([6 * np.sin(2.1 * seconds + 0.4), 14 * np.sin(1.3 * seconds), 4 * np.sin(1.7 * seconds + 1)], 1)
    heads = np.tile(np.eye(4), (frames, 1, 1))
    heads[:, :3, :3] = rotation_from_tangent(torch.from_numpy(np.radians(turn))).numpy()
    heads[:, :3, 3] = np.stack([np.sin(1.9 * seconds), 0.6 * np.cos(2.3 * seconds), 0.8 * np.sin(1.1 * seconds)], 1)
    return curves, heads


def _camera(name: str, azimuth: float, elevation: float, width: int, height: int) -> Camera:
    """A camera on a sphere around the middle of the head that looks at it, upright; the head fills its height."""
    a, e = np.radians([azimuth, elevation])
    away = np.array([np.sin(a) * np.cos(e), np.sin(e), np.cos(a) * np.cos(e)])
    right = np.cross(-away, (0.0, 1.0, 0.0))
    right /= np.linalg.norm(right)
    rotation = np.stack([right, np.cross(-away, right), -away])
    focal = 3.3 * height
    intrinsics = np.array([[focal, 0.0, width / 2 + 3.2], [0.0, focal, height / 2 - 2.4], [0.0, 0.0, 1.0]])
    return Camera(name, width, height, intrinsics, rotation, -rotation @ (AIM + DISTANCE * away))


def _developed(image: torch.Tensor, noise: torch.Generator) -> np.ndarray:
    """As ``facesolve.demo.film.develop``, on the image's device."""
    deviation = torch.sqrt(READ_NOISE**2 + SHOT_NOISE**2 * image)
    noisy = image + deviation * torch.randn(image.shape, generator=noise, device=image.device)
    stored = (noisy.clamp(0, 1) * 4095).round().to(torch.int64)
    table = torch.from_numpy(np.rint(255 * linear_to_srgb(np.arange(4096) / 4095)).astype(np.uint8)).to(image.device)
    return table[stored].contiguous().cpu().numpy()  # rows as a decoder gives them
