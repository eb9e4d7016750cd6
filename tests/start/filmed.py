"""A procedural head filmed at any pose before an even or a cluttered background; the truth is known."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from facesolve.demo.film import BACKGROUND, develop
from facesolve.demo.performance import cameras
from facesolve.geometry.camera import scaled
from facesolve.geometry.rig import apply_head
from facesolve.geometry.rotation import rotation_from_tangent
from facesolve.review.pictures import write_picture
from facesolve.take import Camera, Footage, StartPose, Take
from tests.demo_stage import stage

SCALE = 0.5  # of the demo's footage


def lenses() -> tuple[Camera, ...]:
    """The demo's three cameras at 200x250 pixels."""
    return tuple(scaled(camera, SCALE) for camera in cameras())


def placed(turn: tuple[float, float, float], shift: tuple[float, float, float]) -> np.ndarray:
    """Head transform (4, 4) from a rotation vector in degrees and a translation in centimeters."""
    head = np.eye(4)
    head[:3, :3] = rotation_from_tangent(torch.tensor(turn, dtype=torch.float64).deg2rad()).numpy()
    head[:3, 3] = shift
    return head


def expression(**weights: float) -> np.ndarray:
    """Control values (K,) by name, the others 0."""
    names = stage().model.rig.control_names
    controls = np.zeros(len(names))
    for name, value in weights.items():
        controls[names.index(name)] = value
    return controls


@dataclass(frozen=True, eq=False)
class Filmed:
    """A take without a start pose, and the truth about each of its frames."""

    take: Take
    controls: np.ndarray
    head: np.ndarray

    def error(self, start: StartPose) -> tuple[float, float]:
        """Mean distance in mm of the front of the face from where it was filmed, and the head's angle in degrees."""
        row = int(np.searchsorted(self.take.frames, start.frame))
        front = stage().model.neutral[:, 2] > 4
        here, there = (
            apply_head(
                torch.as_tensor(head)[None].float(), stage().model.vertices(torch.as_tensor(controls)[None].float())
            )[0, front]
            for controls, head in ((start.controls, start.head), (self.controls[row], self.head[row]))
        )
        cosine = (np.trace(start.head[:3, :3].T @ self.head[row][:3, :3]) - 1) / 2
        return 10 * float((here - there).norm(dim=1).mean()), float(np.degrees(np.arccos(min(cosine, 1.0))))


def film(
    folder: Path,
    head: np.ndarray,
    controls: np.ndarray | None = None,
    clutter: bool = False,
    among: tuple[Camera, ...] | None = None,
) -> Filmed:
    """One frame (number 7) of the head, filmed into ``folder``, and a take of it without a start pose."""
    seen = lenses() if among is None else among
    shape = expression() if controls is None else controls
    footage = []
    for index, lens in enumerate(seen):
        light = stage().render(shape, head, lens)
        if clutter:
            empty = (light - torch.tensor(BACKGROUND)).abs().sum(-1, keepdim=True) < 1e-5
            light = torch.where(empty, _clutter(lens, index), light)
        path = folder / f"{lens.name}_0007.png"
        write_picture(path, develop(light, np.random.default_rng(index)))
        footage.append(Footage(lens.name, (folder / f"{lens.name}_{{frame:04d}}.png").as_posix()))
    take = Take("filmed", stage().model.rig, seen, tuple(footage), np.array([7]), 24.0)
    return Filmed(take, shape[None], head[None])


def _clutter(lens: Camera, seed: int) -> torch.Tensor:
    """(H, W, 3) of blotches of every size."""
    generator = torch.Generator().manual_seed(seed)
    image = torch.zeros(lens.height, lens.width, 3)
    for size in (4, 12, 40, 100):
        few = torch.rand(1, 3, lens.height // size + 2, lens.width // size + 2, generator=generator)
        image += 0.17 * F.interpolate(few, (lens.height, lens.width), mode="bicubic")[0].permute(1, 2, 0)
    return image.clamp(0, 1)
