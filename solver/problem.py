"""What every stage of a solve shares: rig, samples, priors, views, and the pose of each frame."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import torch
import torch.nn.functional as F
from torch import Tensor

from .devices import indices_on
from .optimize.recording import Recordings
from .render import Texture
from .residuals.contour import ContourBuilder
from .residuals.priors import ControlPrior
from .rig import RigModel, retract
from .surface import SurfaceSamples
from .take import Take
from .views import ViewBuilder

ROUGH_SIZE = 300  # pixels: no images larger than twice that are needed to be near
MOST_MEMORY = 12 * 2**30  # bytes of a GPU's memory that a solve plans with
MEMORY_SHARE = 0.5  # of it, that one batch may take: the next one is made while it is still there
CORRELATED_PIXELS = 16.0  # residuals of samples nearer than this many square pixels are counted as one


@dataclass(frozen=True)
class Quality:
    """What a quality preset stands for.

    samples: surface samples. keyframes: most frames whose colours are eliminated jointly. finest, finest_visibility:
    pyramid levels of the last comparison and of the visibility test (0 is full resolution).
    """

    samples: int
    keyframes: int
    finest: int
    finest_visibility: int


SMALL_CONTROL_STEP = 2e-3  # of a control's unit
SMALL_HEAD_STEP = 1e-4  # radians, centimetres

QUALITY = {
    "draft": Quality(samples=10_000, keyframes=8, finest=1, finest_visibility=2),
    "standard": Quality(samples=40_000, keyframes=12, finest=0, finest_visibility=1),
    "final": Quality(samples=100_000, keyframes=24, finest=0, finest_visibility=0),
}


@dataclass(frozen=True, eq=False)
class Pose:
    """Poses of B frames: controls (B, K) float64, head (B, 4, 4) float64 world, cm."""

    controls: Tensor
    head: Tensor

    def at(self, indices: Tensor | slice | Sequence[int]) -> Pose:
        """The poses of some frames."""
        if not isinstance(indices, (Tensor, slice)):
            indices = indices_on(self.head.device, indices)
        return Pose(self.controls[indices], self.head[indices])

    def moved(self, step: Tensor) -> Pose:
        """Stepped by (B, K+6): controls added, head by ``rig.retract``."""
        count = self.controls.shape[1]
        return Pose(self.controls + step[:, :count], retract(self.head, step[:, count:]))

    def chosen(self, other: Pose, use_other: Tensor) -> Pose:
        """This pose where ``use_other`` (B,) is False, ``other`` where it is True."""
        return Pose(
            torch.where(use_other[:, None], other.controls, self.controls),
            torch.where(use_other[:, None, None], other.head, self.head),
        )


@dataclass(frozen=True, eq=False)
class Limits:
    """Lower and upper values (B, K+6) of controls, and how far heads may step; or controls stay, whatever they are."""

    lower: Tensor
    upper: Tensor
    free_controls: bool = True

    def box(self, pose: Pose) -> tuple[Tensor, Tensor]:
        """Lower and upper bounds (B, K+6) of a step from ``pose``."""
        count = pose.controls.shape[1]
        if not self.free_controls:
            return F.pad(self.lower[:, count:], (count, 0)), F.pad(self.upper[:, count:], (count, 0))
        here = F.pad(pose.controls, (0, 6))
        return self.lower - here, self.upper - here


def joined(poses: Sequence[Pose]) -> Pose:
    """The poses of several batches one after the other."""
    return Pose(torch.cat([pose.controls for pose in poses]), torch.cat([pose.head for pose in poses]))


def converged(step: Tensor) -> Tensor:
    """(B,) bool: frames whose step (B, K+6) is too small to matter."""
    return (step[:, :-6].abs().amax(1) < SMALL_CONTROL_STEP) & (step[:, -6:].abs().amax(1) < SMALL_HEAD_STEP)


@dataclass(frozen=True, eq=False)
class Problem:
    """The fixed parts of a solve.

    pixels_per_cm: typical image scale of the surface at full resolution. texture: the rig's own, when it has one and
    the settings allow its use.
    """

    take: Take
    model: RigModel
    samples: SurfaceSamples
    prior: ControlPrior
    views: ViewBuilder
    quality: Quality
    coarsest: int
    pixels_per_cm: float
    contours: ContourBuilder
    texture: Texture | None = None
    recordings: Recordings = field(default_factory=Recordings)

    @cached_property
    def rough_level(self) -> int:
        """The pyramid level that is fine enough to align and to track: what is finer is the bundle's affair."""
        smallest = min(min(camera.width, camera.height) for camera in self.take.cameras)
        return min(max(self.quality.finest, math.floor(math.log2(smallest / ROUGH_SIZE))), self.coarsest)

    @property
    def head_moves(self) -> bool:
        return self.take.settings.head == "transform"

    @cached_property
    def head_pins(self) -> tuple[Tensor, Tensor]:
        """Frames (F,) bool whose head transform is pinned, and the pins (F, 4, 4), the identity elsewhere."""
        count, device = self.take.frame_count, self.prior.span.device
        pinned = torch.zeros(count, dtype=torch.bool, device=device)
        heads = torch.eye(4, dtype=torch.float64, device=device).repeat(count, 1, 1)
        for pin in self.take.settings.head_pins:
            row = int((self.take.frames == pin.frame).nonzero()[0][0])
            pinned[row], heads[row] = True, torch.as_tensor(pin.head, device=device)
        return pinned, heads

    def held(self, pose: Pose, frames: Tensor) -> Pose:
        """``pose`` with controls within the bounds, and heads at the pins, of take frame indices ``frames`` (B,)."""
        pinned, heads = self.head_pins
        head = torch.where(pinned[frames, None, None], heads[frames], pose.head)
        return Pose(self.prior.clamped(pose.controls, frames), head)

    def with_samples(self, samples: SurfaceSamples) -> Problem:
        return replace(self, samples=samples)

    def noise_variance(self, scale: Tensor, level: int) -> Tensor:
        """Variance to divide photometric information by, so that it counts independent observations.

        ``scale`` is ``residual_scale``, two standard deviations. Samples closer than ``CORRELATED_PIXELS`` share
        their noise (normalisation window, bilinear taps, shading), so each counts for less than one.
        """
        spacing = self.samples.spacing * self.pixels_per_cm / 2**level
        return (scale / 2).double() ** 2 * max(1.0, CORRELATED_PIXELS / spacing**2)

    def box(self, pose: Pose, frames: Tensor, free_controls: bool = True) -> tuple[Tensor, Tensor]:
        """Lower and upper bounds (B, K+6) of a step from ``pose`` at take frame indices ``frames`` (B,)."""
        return self.limits(frames, free_controls).box(pose)

    def limits(self, frames: Tensor, free_controls: bool = True) -> Limits:
        """What poses of take frame indices ``frames`` (B,) are held to."""
        moves = ~self.head_pins[0][frames, None] & self.head_moves
        head = torch.where(moves, torch.inf, 0.0).to(self.prior.lower).expand(-1, 6)
        lower, upper = self.prior.lower[frames], self.prior.upper[frames]
        return Limits(torch.cat([lower, -head], 1), torch.cat([upper, head], 1), free_controls)


def together(problem: Problem, level: int) -> int:
    """How many frames are best compared together at a pyramid level; no result depends on it.

    On a CPU each by itself: one that has converged then costs nothing. On a GPU as many as its free memory allows.
    """
    if problem.model.device.type != "cuda":
        return 1
    return max(1, int(_free_memory(problem.model.device) * MEMORY_SHARE / _frame_memory(problem, level)))


def split(count: int, most: int) -> list[slice]:
    """Parts of ``count`` things with up to ``most`` in each, all of about one size."""
    parts = math.ceil(count / most)
    ends = [round(count * part / parts) for part in range(parts + 1)]
    return [slice(first, last) for first, last in itertools.pairwise(ends)]


def _free_memory(device: torch.device) -> int:
    """Bytes that may still be used."""
    idle = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    return min(torch.cuda.mem_get_info(device)[0] + idle, MOST_MEMORY)


def _frame_memory(problem: Problem, level: int) -> int:
    """Bytes that comparing one frame takes at a pyramid level: about 4 numbers a pixel and 80 a sample and camera."""
    pixels = sum(camera.width * camera.height for camera in problem.take.cameras) // 4**level
    return 4 * (4 * pixels + 80 * len(problem.samples.weight) * len(problem.take.cameras))
