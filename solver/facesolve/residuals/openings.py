"""How far eyes are open: the gap between the rig's lid margins against the length of eyeball that an image shows there.

A closed lid over an open eye hides the eyeball, and then nothing else speaks against it. Here each column of an eye is
a line over the opening, fixed to the head. What on it is darker or brighter than the skin at its ends is eyeball. Only
changes from a start frame count, so lashes, which belong to both, cancel. Where little or nothing of the eyeball shows,
lashes and creases could be it, so lids are then held to be nearly shut, but not how nearly. Knows no stage.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from facesolve.footage.stream import FramePixels
from facesolve.geometry.camera import CameraModel
from facesolve.geometry.eyes import find_lids
from facesolve.geometry.pose import Pose
from facesolve.geometry.rig import RigModel, apply_head
from facesolve.geometry.rigid import step_basis
from facesolve.geometry.surface_samples import SurfaceSamples, samples_at
from facesolve.optimize.robust import robust_loss, robust_weight

from .normal_equations import to_controls
from .quadratic import Quadratic
from .residual import BUNDLE, Known

DEVIATION = 0.1  # cm, of one opening
ROBUST_SCALE = 0.5  # cm
UNCLEAR, CLEAR = 0.45, 0.65  # cm: a shorter piece of eyeball may be lashes of a shut eye, a longer one is an eyeball
INDEPENDENT = 1 / 3  # observations that a column counts for: its neighbors are wrong with it
BEYOND = 0.6  # of the neutral's gap, that lines go on to both sides
SKIN_FROM = 0.25  # of it, beyond which they show skin
PLACES = 56  # along a line
LEAST_CONTRAST = 0.04  # of the encoded range, between eyeball and skin
CONTRAST_SHARE = 0.6  # of the start frame's contrast, from which something is more likely eyeball
LEAST_LENGTH = 3.0  # pixels
AGREES = (0.5, 1.6)  # times the rig's gap in the start frame, that its images show of the eyeball


@dataclass(frozen=True, eq=False)
class LidPairs:
    """P points of upper lid margins and those of the lower ones below them. upward: (P, 3) between them in the neutral,
    rig space, cm."""

    upper: SurfaceSamples
    lower: SurfaceSamples
    upward: Tensor

    @staticmethod
    def of(model: RigModel) -> LidPairs | None:
        """Those of a rig with two eyeballs; None where it has none or its neutral's lids are shut."""
        lids = find_lids(model.rig, model.triangles.cpu().numpy())
        if not lids:
            return None

        def samples(triangles: list[np.ndarray], places: list[np.ndarray]) -> SurfaceSamples:
            there = torch.as_tensor(np.concatenate(triangles), device=model.device)
            barycentrics = torch.as_tensor(np.concatenate(places)).to(model.neutral)
            return samples_at(model, there, barycentrics, torch.ones_like(barycentrics[:, 0]), 1.0)

        upper = samples([each.upper for each in lids], [each.upper_barycentrics for each in lids])
        lower = samples([each.lower for each in lids], [each.lower_barycentrics for each in lids])
        return LidPairs(upper, lower, upper.neutral - lower.neutral)


@dataclass(frozen=True, eq=False)
class OpeningReference:
    """What C cameras show of P openings in a start frame whose lids are known. contrast, offset, weight: (C, P).

    contrast: difference of encoded luminance from the skin from which something is eyeball. offset: cm by which the
    rig's gap is longer than what images show. weight: observations that a column counts for.
    """

    pairs: LidPairs
    contrast: Tensor
    offset: Tensor
    weight: Tensor

    @staticmethod
    def of(model: RigModel, pairs: LidPairs, pixels: FramePixels, cameras: CameraModel, pose: Pose) -> OpeningReference:
        """pixels: of the start frame at the level of its cameras (1, C); pose: B = 1."""
        lines = _Lines.of(pairs, cameras, pose.head)
        shown = lines.differences([pixels])[0]  # (C, P, n)
        inside = (lines.place > 0.15) & (lines.place < 0.85)
        contrast = CONTRAST_SHARE * shown[..., inside].mean(-1)
        seen = _lengths(shown, contrast, lines)
        still = torch.zeros_like(seen)[None]
        gap = Openings(pairs, cameras, lines.centimeters, still, still, still).gaps(model, pose)[0][0].to(seen)
        seen = seen * torch.linalg.vector_norm(pairs.upward, dim=1)
        right = (seen > AGREES[0] * gap) & (seen < AGREES[1] * gap) & (lines.length[0] > LEAST_LENGTH)
        right &= contrast > CONTRAST_SHARE * LEAST_CONTRAST
        return OpeningReference(pairs, contrast, gap - seen, INDEPENDENT * right)

    def openings(self, pixels: Sequence[FramePixels], cameras: CameraModel, head: Tensor) -> Openings:
        """What B frames show. pixels: at the level of the cameras (B, C); head: (B, 4, 4), near where they are."""
        lines = _Lines.of(self.pairs, cameras, head)
        seen = _lengths(lines.differences(pixels), self.contrast, lines)
        seen = seen * torch.linalg.vector_norm(self.pairs.upward, dim=1)
        saw = torch.stack([frame.saw for frame in pixels])[..., None]
        weight = self.weight * saw * (lines.length > LEAST_LENGTH)
        target = (seen + self.offset).clamp_min(0)
        unclear = 1 - ((seen - UNCLEAR) / (CLEAR - UNCLEAR)).clamp(0, 1)
        least, most = target - CLEAR * unclear, torch.where(unclear < 1, target, target.clamp_min(UNCLEAR))
        return Openings(self.pairs, cameras, lines.centimeters, least, most, weight)


@dataclass(frozen=True, eq=False)
class Openings:
    """The openings of B frames as a residual. cameras: leading dimensions (B, C). centimeters: (B, C, P, 2) for each
    pixel upwards along the line. least, most: (B, C, P) cm, between which a gap costs nothing; weight: (B, C, P) in
    observations."""

    pairs: LidPairs
    cameras: CameraModel
    centimeters: Tensor
    least: Tensor
    most: Tensor
    weight: Tensor
    stages: ClassVar = (BUNDLE,)

    def gaps(self, model: RigModel, pose: Pose) -> tuple[Tensor, Tensor]:
        """(B, C, P) cm that the rig's lids are apart along the lines, and its derivative by unknowns and head step."""
        deformation = model.deformation(pose.controls.to(model.dtype))
        head = pose.head.to(model.dtype)
        parts = []
        for sign, samples in ((1, self.pairs.upper), (-1, self.pairs.lower)):
            placed = samples.placed(deformation)
            projection, J_pixel_world = self.cameras.project_with_jacobian(apply_head(head, placed.points)[:, None])
            along = (self.centimeters[..., None, :] @ J_pixel_world)[..., 0, :] @ head[:, None, :3, :3]  # (B, C, P, 3)
            rows = torch.stack([placed.rows(frame) for frame in range(len(head))])
            rows = torch.cat([rows, step_basis(placed.points)], -1)  # (B, P, 3, U+6)
            gap = (projection.pixels * self.centimeters).sum(-1)
            parts.append((sign * gap.double(), sign * torch.einsum("bcpi,bpiu->bcpu", along, rows).double()))
        (upper, J_upper), (lower, J_lower) = parts
        return upper + lower, J_upper + J_lower

    def quadratic(self, known: Known, frames: Tensor, pose: Pose) -> Quadratic:
        """See ``Residual``; frames are those it was made for."""
        gap, J = self.gaps(known.model, pose)
        residual = ((gap - self.most.double()).clamp_min(0) + (gap - self.least.double()).clamp_max(0)).flatten(1)
        J = J.flatten(1, 2)
        information = self.weight.double().flatten(1) / DEVIATION**2 * (residual != 0)
        weight = information * robust_weight(residual, ROBUST_SCALE)
        A = J.mT @ (weight[..., None] * J)
        b = -((weight * residual)[:, None] @ J)[:, 0]
        deformation = known.model.deformation(pose.controls.to(known.model.dtype))
        cost = (information * robust_loss(residual, ROBUST_SCALE)).sum(1)
        return Quadratic(*to_controls(A, b, deformation.J_unknown_control), cost)


@dataclass(frozen=True, eq=False)
class _Lines:
    """Lines over the openings in the images of B frames. place: (n,) along them, 0 at the neutral's lower lid, 1 at its
    upper one; pixels: (B, C, P, n, 2); length: (B, C, P) pixels from 0 to 1; centimeters: as in ``Openings``."""

    place: Tensor
    pixels: Tensor
    length: Tensor
    centimeters: Tensor

    @staticmethod
    def of(pairs: LidPairs, cameras: CameraModel, head: Tensor) -> _Lines:
        head = head.to(pairs.upward.dtype)
        ends = [pairs.lower.neutral - BEYOND * pairs.upward, pairs.upper.neutral + BEYOND * pairs.upward]
        low, high = (cameras.project(apply_head(head, end.expand(len(head), -1, -1))[:, None]).pixels for end in ends)
        along = (high - low) / (1 + 2 * BEYOND)
        place = torch.linspace(-BEYOND, 1 + BEYOND, PLACES, dtype=low.dtype, device=low.device)
        pixels = low[..., None, :] + (place + BEYOND)[:, None] * along[..., None, :]
        square = along.square().sum(-1)
        size = torch.linalg.vector_norm(pairs.upward, dim=1)
        return _Lines(place, pixels, square.sqrt(), along * (size / square.clamp_min(1e-6))[..., None])

    def differences(self, pixels: Sequence[FramePixels]) -> Tensor:
        """(B, C, P, n) how far encoded luminance is from that of the skin beyond both lids."""
        frames = [
            torch.stack([self._looked_up(camera, row, image) for camera, image in enumerate(frame.luminance)])
            for row, frame in enumerate(pixels)
        ]
        values = torch.stack(frames)
        below = values[..., self.place < -SKIN_FROM].median(-1).values[..., None]
        above = values[..., self.place > 1 + SKIN_FROM].median(-1).values[..., None]
        return (values - torch.lerp(below, above, self.place.clamp(0, 1))).abs()

    def _looked_up(self, camera: int, row: int, image: Tensor) -> Tensor:
        size = self.pixels.new_tensor([image.shape[1], image.shape[0]])
        places = (2 * self.pixels[row, camera] / size - 1)[None]
        return F.grid_sample(image[None, None].to(places), places, align_corners=False, padding_mode="border")[0, 0]


def _lengths(differences: Tensor, contrast: Tensor, lines: _Lines) -> Tensor:
    """(..., P) length of eyeball on lines, in gaps of the neutral. differences: (..., P, n); contrast: (C, P)."""
    eyeball = 1 - torch.exp(-(differences / contrast.clamp_min(1e-6)[..., None]).pow(4))
    within = (lines.place > -SKIN_FROM) & (lines.place < 1 + SKIN_FROM)
    return eyeball[..., within].sum(-1) * float(lines.place[1] - lines.place[0])
