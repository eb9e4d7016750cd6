"""Where the actor's outline crosses given lines in the images, sub-pixel. Knows mattes only: no rig, no camera."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

REACH = 8.0  # pixels that are searched to either side
SEARCH_STEP = 0.5  # pixels
FLANK = 1.5  # pixels to either side of the outline, between which it is half way


def find_crossings(alpha: Tensor, points: Tensor, normals: Tensor) -> tuple[Tensor, Tensor]:
    """Where ``alpha`` falls through one half along the normals: the nearest place to each point, sub-pixel.

    There it is refined to where alpha is half way between its values ``FLANK`` pixels to either side: the skin is
    darker at its outline, where it is seen at a slant, than farther in.

    alpha: (I, H, W), NaN where unknown. points: (I, n, 2) pixels, centers at .5; normals: (I, n, 2) unit, out of the
    actor. Returns crossings (I, n, 2) and found (I, n) bool: False where nothing crosses within ``REACH`` or the
    actor's outline runs at more than 45 degrees to the rig's.
    """
    steps = torch.arange(
        -REACH - FLANK, REACH + FLANK + SEARCH_STEP / 2, SEARCH_STEP, dtype=points.dtype, device=points.device
    )
    half_size = image_size(alpha) / 2
    along = _sample(alpha, half_size, points[:, :, None] + steps[:, None] * normals[:, :, None])  # (I, n, m)
    rough = _nearest_fall(along, steps, torch.full_like(along[..., :1], 0.5), torch.zeros_like(along[..., :1]))
    flanks = torch.cat([rough - FLANK, rough + FLANK], 2).nan_to_num(posinf=0.0)
    half = _sample(alpha, half_size, points[:, :, None] + flanks[..., None] * normals[:, :, None]).mean(2, keepdim=True)
    nearest = _nearest_fall(along, steps, half, rough.nan_to_num(posinf=0.0))  # (I, n, 1)
    found = nearest.abs() <= REACH
    crossings = points + torch.where(found, nearest, 0.0) * normals
    tangents = torch.stack([-normals[..., 1], normals[..., 0]], 2)
    around = torch.stack([crossings - normals, crossings + normals, crossings - tangents, crossings + tangents], 2)
    inside, outside, before, after = _sample(alpha, half_size, around).unbind(2)
    return crossings, found[..., 0] & (inside - outside > (after - before).abs())


def image_size(images: Tensor) -> Tensor:
    """(2,) width and height of images (..., H, W), of their type, on their device without waiting for it."""
    return torch.stack([images.new_full((), size) for size in (images.shape[-1], images.shape[-2])])


def _nearest_fall(along: Tensor, steps: Tensor, threshold: Tensor, near: Tensor) -> Tensor:
    """Where profiles (..., m) at ``steps`` (m,) fall through ``threshold`` (..., 1), nearest to ``near`` (..., 1); inf
    where they do not. (..., 1)."""
    inner, outer = along[..., :-1], along[..., 1:]
    falls = (inner >= threshold) & (outer < threshold)
    offset = steps[:-1] + SEARCH_STEP * (inner - threshold) / torch.where(falls, inner - outer, 1.0)
    offset = torch.where(falls, offset, torch.inf)
    return offset.gather(-1, (offset - near).abs().argmin(-1, keepdim=True))


def _sample(images: Tensor, half: Tensor, places: Tensor) -> Tensor:
    """Bilinear samples (I, n, m) of ``images`` (I, H, W), ``half`` their size, at pixels (I, n, m, 2); NaN beyond the
    outermost pixel centers."""
    offset = places - half
    values = F.grid_sample(images[:, None], offset / half, align_corners=False)[:, 0]
    return torch.where((offset.abs() <= half - 0.5).all(-1), values, torch.nan)
