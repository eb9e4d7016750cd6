"""One frame prepared for the search of a head: coarse images, and where the actor stands before the background."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from facesolve.footage.matte import actor_mask
from facesolve.footage.normalize import normalize
from facesolve.footage.stream import FramePixels
from facesolve.geometry.camera import CameraModel, scaled, without_distortion
from facesolve.take import Take

from .scoring import CoarseView

MASK_SIZE = 150  # pixels of the longer side at which the actor is told from the background
LEAST_OUTLINED = 0.5  # of the cameras
LEAST_KNOWN = 0.5  # of the image that a matte must speak of


@dataclass(frozen=True, eq=False)
class Evidence:
    """One frame: pixels at full size, and of each camera the actor (H, W) at ``mask_level`` or None.

    refusals: for each camera why the actor cannot be separated from the background; empty where it can.
    """

    take: Take
    frame: int
    pixels: FramePixels
    actors: tuple[Tensor | None, ...]
    refusals: tuple[str, ...]
    mask_level: int

    def at(self, level: int, outline_level: int) -> CoarseView:
        """What the cameras saw at a pyramid level, their outlines at another."""
        reduced = self.pixels.level(level)
        lenses = [scaled(without_distortion(camera), 0.5**level) for camera in self.take.cameras]
        device, dtype = reduced.luminance[0].device, reduced.luminance[0].dtype
        looks, outlines = [], []
        for camera, luminance, mask, actor in zip(
            self.take.cameras, reduced.luminance, reduced.mask, self.actors, strict=True
        ):
            small = scaled(camera, 0.5**outline_level)
            outlines.append(None if actor is None else _resized(actor, (small.height, small.width)))
            compared = mask if actor is None else mask * _resized(actor, mask.shape)
            # far outside the mask there is nothing to normalize by
            looks.append(normalize(luminance[None], compared[None])[0] * compared)
        return CoarseView(looks, reduced.mask, outlines, CameraModel.from_cameras(lenses, self.frame, device, dtype))


def gather(take: Take, frame: int, pixels: FramePixels) -> Evidence:
    """Evidence of take frame index ``frame``."""
    longest = max(max(camera.width, camera.height) for camera in take.cameras)
    level = 0
    while longest / 2 ** (level + 1) >= MASK_SIZE:
        level += 1
    # the actor is told apart in linear light
    reduced = replace(pixels, luminance=tuple(image.square() for image in pixels.luminance)).level(level)
    actors: list[Tensor | None] = []
    refusals: list[str] = []
    for camera in range(len(take.cameras)):
        actor, refusal = _actor(reduced, camera)
        actors.append(actor)
        refusals.append(refusal)
    if 0 < sum(actor is not None for actor in actors) < LEAST_OUTLINED * len(actors):
        # a wall of skin passes for a background in one camera, hardly in several
        refusals = [refusal or "few other cameras show an outline" for refusal in refusals]
        actors = [None] * len(actors)
    return Evidence(take, frame, pixels, tuple(actors), tuple(refusals), level)


def _actor(reduced: FramePixels, camera: int) -> tuple[Tensor | None, str]:
    matte = reduced.matte[camera] if reduced.matte else None
    if matte is not None and float(torch.isfinite(matte).float().mean()) > LEAST_KNOWN:
        return matte.nan_to_num(0.0), ""
    valid = reduced.mask[camera] > 0.5
    if not bool(valid.any()):
        return None, "the camera saw nothing"
    chroma = reduced.chroma[camera] if reduced.chroma else None
    found = actor_mask(reduced.luminance[camera], chroma, valid)
    return None if found.alpha is None else found.alpha.nan_to_num(0.0), found.refusal


def _resized(mask: Tensor, size: Sequence[int]) -> Tensor:
    return F.interpolate(mask[None, None], size=tuple(size), mode="area")[0, 0]
