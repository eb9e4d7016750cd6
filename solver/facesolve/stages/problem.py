"""What every stage of a solve shares: rig, samples, priors, views, and the pose of each frame."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields, replace
from functools import cached_property

import torch
from torch import Tensor

from facesolve.geometry.eye_samples import Eyes
from facesolve.geometry.pose import Limits, Pose
from facesolve.geometry.rig import RigModel, apply_head
from facesolve.geometry.surface_patches import SurfacePatches, surface_patches
from facesolve.geometry.surface_samples import SurfaceSamples
from facesolve.render import Texture, choose_backend
from facesolve.residuals import camera_errors
from facesolve.residuals.contour import ContourBuilder
from facesolve.residuals.priors import ControlPrior
from facesolve.residuals.residual import Residual
from facesolve.residuals.visibility import ViewBuilder
from facesolve.runtime.cuda_graphs import CudaGraphs
from facesolve.runtime.memory import BatchLimit
from facesolve.take import Settings, Take

HOST = torch.device("cpu")
ROUGH_SIZE = 300  # pixels: no images larger than twice that are needed to be near
CORRELATED_PIXELS = 16.0  # residuals of samples nearer than this many square pixels are counted as one


@dataclass(frozen=True)
class Quality:
    """What a quality preset stands for.

    samples: surface samples. keyframes: most frames whose colors are eliminated jointly. finest, finest_visibility:
    pyramid levels of the last comparison and of the visibility test (0 is full resolution).
    """

    samples: int
    keyframes: int
    finest: int
    finest_visibility: int


SMALL_CONTROL_STEP = 2e-3  # of a control's unit
SMALL_HEAD_STEP = 1e-4  # radians, centimeters

QUALITY = {
    "draft": Quality(samples=10_000, keyframes=8, finest=1, finest_visibility=2),
    "standard": Quality(samples=40_000, keyframes=12, finest=0, finest_visibility=1),
    "final": Quality(samples=100_000, keyframes=24, finest=0, finest_visibility=0),
}


@dataclass(frozen=True, eq=False)
class Problem:
    """The fixed parts of a solve.

    pixels_per_cm: typical image scale of the surface at full resolution. texture: the rig's own, when it has one and
    the settings allow its use. residuals: further ones than the product's own.
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
    residuals: tuple[Residual, ...] = ()
    graphs: CudaGraphs = field(default_factory=CudaGraphs)
    limit: BatchLimit = field(default_factory=BatchLimit)

    @staticmethod
    def of(
        take: Take,
        model: RigModel,
        samples: SurfaceSamples,
        quality: Quality,
        coarsest: int,
        pixels_per_cm: float,
        texture: Texture | None = None,
        residuals: tuple[Residual, ...] = (),
    ) -> Problem:
        """The problem of a take on the device of its rig's model, with views, contours and priors made for it."""
        views = ViewBuilder(take, model, choose_backend(model.device), quality.finest_visibility)
        return Problem(
            take=take,
            model=model,
            samples=samples,
            prior=ControlPrior.from_take(take, model.device),
            views=views,
            quality=quality,
            coarsest=coarsest,
            pixels_per_cm=pixels_per_cm,
            contours=ContourBuilder(take, model, views),
            texture=texture,
            residuals=residuals,
        )

    def made_anew(
        self, take: Take | None = None, model: RigModel | None = None, samples: SurfaceSamples | None = None
    ) -> Problem:
        """The same problem with another take, rig or samples, and with recordings of its own.

        What is not given is kept. model: on the device of the new problem, as are samples.
        """
        model = self.model if model is None else model
        texture = self.texture
        if texture is not None and model.device != self.model.device:
            texture = texture.to(HOST).to(model.device)  # which every machine can do
        return Problem.of(
            take=self.take if take is None else take,
            model=model,
            samples=self.samples if samples is None else samples,
            quality=self.quality,
            coarsest=self.coarsest,
            pixels_per_cm=self.pixels_per_cm,
            texture=texture,
            residuals=self.residuals,
        )

    def constants(self) -> tuple[object, ...]:
        """What decides a recorded step, besides tensors that are given to it: everything but the recordings and how
        many frames fit the memory."""
        return tuple(getattr(self, part.name) for part in fields(self) if part.name not in ("graphs", "limit"))

    @cached_property
    def rough_level(self) -> int:
        """The pyramid level that is fine enough to align and to track: what is finer is the bundle's affair."""
        smallest = min(min(camera.width, camera.height) for camera in self.take.cameras)
        return min(max(self.quality.finest, math.floor(math.log2(smallest / ROUGH_SIZE))), self.coarsest)

    @cached_property
    def patches(self) -> SurfacePatches:
        """The samples in patches, each judged alone."""
        return surface_patches(self.samples.neutral)

    @cached_property
    def eyes(self) -> Eyes | None:
        """The eyeballs that controls turn, None where there are none."""
        return Eyes.of(self.model)

    @cached_property
    def step_tolerance(self) -> Tensor:
        """(K+6,) steps that are too small to matter: of controls, in their units, and of the head."""
        controls = torch.full_like(self.prior.span, SMALL_CONTROL_STEP)
        return torch.cat([controls, controls.new_full((6,), SMALL_HEAD_STEP)])

    def calibration(self, pose: Pose, frame: int) -> Tensor | None:
        """(C*8, C*8) prior information of the cameras' errors, None where the calibration is trusted.

        pose: (B = 1) at take frame index ``frame``, which tells where the head is. A single camera cannot tell its own
        errors from the head's motion.
        """
        pixels = self.take.settings.calibration_error
        if len(self.take.cameras) < 2 or pixels == 0:
            return None
        return camera_errors.information(self.views.cameras(0, [frame]), self._world(pose)[0].mean(0), pixels)

    def velocity(self, pose: Pose, frames: Tensor) -> Tensor:
        """(B, N, 3) motion of the samples in the world, rig space, cm a frame, at take frame indices ``frames`` (B,).

        pose: of all F frames of the take. A take's first and last frames have one neighbor to tell from.
        """
        numbers = torch.as_tensor(self.take.frames, device=frames.device)
        before, after = (frames - 1).clamp_min(0), (frames + 1).clamp_max(len(numbers) - 1)
        motion = self._world(pose.at(after)) - self._world(pose.at(before))
        gap = (numbers[after] - numbers[before]).clamp_min(1).to(motion.dtype)
        return (motion / gap[:, None, None]) @ pose.head[frames, :3, :3].to(motion.dtype)

    def _world(self, pose: Pose) -> Tensor:
        """(B, N, 3) the samples in the world, cm."""
        dtype = self.samples.neutral.dtype
        deformation = self.model.deformation(pose.controls.to(dtype))
        return apply_head(pose.head.to(dtype), self.samples.positions(deformation))

    def residuals_of(self, stage: str) -> tuple[Residual, ...]:
        """The further residuals that take part in a stage."""
        return tuple(residual for residual in self.residuals if stage in residual.stages)

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

    def with_settings(self, settings: Settings) -> Problem:
        """With other pins, locks or priors. Views and samples know nothing of them."""
        take = replace(self.take, settings=settings)
        return replace(self, take=take, prior=ControlPrior.from_take(take, self.model.device), graphs=CudaGraphs())

    def with_samples(self, samples: SurfaceSamples) -> Problem:
        return replace(self, samples=samples)

    def weighted(self, weight: Tensor) -> Problem:
        """With other weights (N,) of the samples."""
        return self.with_samples(replace(self.samples, weight=weight))

    def noise_variance(self, scale: Tensor, level: int) -> Tensor:
        """Variance to divide photometric information by, so that it counts independent observations.

        ``scale`` is ``residual_scale``, two standard deviations. Samples closer than ``CORRELATED_PIXELS`` share
        their noise (normalization window, bilinear taps, shading), so each counts for less than one.
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
