"""Where the actor is in an image, told from a clean background. Knows pixels only: no rig, no camera, no file."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

MARGIN = 0.03  # of the image's longer side: how far the predicted outline may be from the actor's
LEAST_BACKGROUND = 0.01  # of the image that must be background to learn from
FIT_PIXELS = 5_000  # most pixels that the background is fitted to
FIT_ITERATIONS = 8
LEAST_DEVIATION = 0.004  # linear light, about one step of 8-bit footage: no background is known better than this
MOST_DEVIATION = 0.03  # linear light: a background that varies more is not clean
DEVIATES = 6.0  # standard deviations of the background from which a pixel is not background
MOST_STRAY = 0.02  # of the background that may deviate from it without being part of the actor
LEAST_CLEAN = 0.5  # of the pixels outside the predicted outline; hair and clothes take the rest
LEAST_SEPARABLE = 0.9  # of the pixels just inside the outline that must differ from the background
EVEN_DEVIATION = 0.015  # linear light: skin varies more than a background that may be learnt blindly
MOST_FALLOFF, MOST_HUE = 0.7, 0.3  # of its mean: how far such a background may vary in luminance and chroma
BORDER = 0.02  # of the image's longer side: the strip in which the background is looked for
LEAST_CLEAN_BORDER = 0.35  # of the strip that must be background
LEAST_ACTOR, MOST_ACTOR = 0.01, 0.97  # of the image
ONE_PIECE = 0.8  # of what stands out that must hang together
OPENING = np.ones((3, 3), np.uint8)  # pixels: smaller specks are noise
MIXED = 2  # pixels at the outline in which the actor's colour and the background's mix
MOST_ALPHA = 2.0  # skin may be lighter than the skin around
NEIGHBOURHOOD = 9  # pixels across, from which the actor's colour at the outline is taken: shading changes beyond


@dataclass(frozen=True, eq=False)
class Matte:
    """alpha: (H, W), about 1 where the actor is, NaN where nothing is known; or None and the reason in ``refusal``."""

    alpha: Tensor | None
    refusal: str = ""


def half_chroma(linear: Tensor) -> Tensor:
    """(H, W, 3) linear light RGB -> (2, H // 2, W // 2) float16: R - G and B - G, means of 2x2 pixels.

    Half resolution is what most footage stores of colour.
    """
    red, green, blue = linear.unbind(-1)
    return F.avg_pool2d(torch.stack([red - green, blue - green])[None], 2)[0].half()


def clean_background_matte(luminance: Tensor, chroma: Tensor | None, valid: Tensor, coverage: Tensor) -> Matte:
    """The actor before a smooth, nearly uniform background, or the reason why it cannot be told from it.

    The background is learnt far outside the outline that the rig predicts. What deviates there and hangs together with
    the predicted actor (hair, clothes) is the actor's; anything else that deviates makes the background unclean.

    luminance: (H, W) linear light. chroma: (2, h, w) of ``half_chroma`` at that resolution or half of it, or None.
    valid: (H, W) bool, where the camera saw anything. coverage: (H, W) bool, where the rig is predicted.
    """
    colors = _colors(luminance, chroma)
    margin = max(2, round(MARGIN * max(luminance.shape)))
    outside = valid & ~_dilated(coverage, margin)
    if int(outside.sum()) < LEAST_BACKGROUND * outside.numel():
        return Matte(None, "too little background is in view")
    background, deviation = _fit_background(colors, outside)
    if float(deviation[0]) > MOST_DEVIATION:
        return Matte(None, "the background is not uniform")
    offset = colors - background
    deviates = (offset / deviation[:, None, None]).square().sum(0) > DEVIATES**2
    refusal = _refusal(deviates & valid, outside, coverage & valid, margin)
    if refusal:
        return Matte(None, refusal)
    alpha = _alpha(offset, deviation, deviates & valid)
    return Matte(alpha.masked_fill(~valid, torch.nan))


def actor_mask(luminance: Tensor, chroma: Tensor | None, valid: Tensor) -> Matte:
    """As ``clean_background_matte`` when nobody knows yet where the actor is: 1 on the actor, 0 elsewhere, no edges.

    The background is learnt along the image's border, of which the actor may cover a part.
    """
    colors = _colors(luminance, chroma)
    inner = ~_dilated(~valid, MIXED)  # where the image ends, its colour is mixed with nothing
    border = inner & _dilated(_frame_of(inner), max(1, round(BORDER * max(luminance.shape))))
    middle = inner & ~_dilated(_frame_of(inner), max(luminance.shape) // 5)
    if int(border.sum()) < LEAST_BACKGROUND * border.numel():
        return Matte(None, "too little of the image's border is in view")
    best, most = None, LEAST_CLEAN_BORDER
    for side in _sides(border):
        background, deviation = _fit_background(colors, border, side)
        deviates = ((colors - background) / deviation[:, None, None]).square().sum(0) > DEVIATES**2
        clean = float((border & ~deviates).sum() / border.sum())
        if float(deviation[0]) > EVEN_DEVIATION or clean < most or not _is_even(background):
            continue
        opened = cv2.morphologyEx((deviates & valid).cpu().numpy().astype(np.uint8), cv2.MORPH_OPEN, OPENING)
        actor = _as_mask(opened, valid)
        share = float(actor.sum() / valid.sum())
        central = float(actor[middle].float().mean()) > float(actor[border].float().mean())
        whole = float(_largest(actor).sum()) > ONE_PIECE * float(actor.sum())
        if LEAST_ACTOR < share < MOST_ACTOR and central and whole:
            best, most = actor, clean
    if best is None:
        return Matte(None, "nothing stands out in one piece from an even background")
    return Matte(best.to(luminance).masked_fill(~valid, torch.nan))


def _is_even(background: Tensor) -> bool:
    """Whether a background (n, H, W) has one hue and falls off no more than light does; else it spans two things."""
    mean = float(background[0].mean().clamp_min(MOST_DEVIATION))
    extent = (background.amax((1, 2)) - background.amin((1, 2))) / mean
    return bool(extent[0] < MOST_FALLOFF) and bool((extent[1:] < MOST_HUE).all())


def _frame_of(valid: Tensor) -> Tensor:
    """(H, W) bool: the outermost pixels of ``valid``, also where it ends before the image does."""
    inner = -F.max_pool2d(-F.pad(valid[None].float(), (1, 1, 1, 1)), 3, 1)[0]
    return valid & (inner < 0.5)


def _sides(border: Tensor) -> list[Tensor]:
    """The parts of ``border`` (H, W) nearest to the top, bottom, left and right edge; those without pixels left out."""
    height, width = border.shape
    rows = torch.linspace(-1, 1, height, device=border.device)[:, None].expand(height, width)
    columns = torch.linspace(-1, 1, width, device=border.device).expand(height, width)
    steep, flat = rows.abs() >= columns.abs(), rows.abs() < columns.abs()
    parts = (steep & (rows < 0), steep & (rows >= 0), flat & (columns < 0), flat & (columns >= 0))
    return [border & part for part in parts if bool((border & part).any())]


def _largest(mask: Tensor) -> Tensor:
    """The largest connected piece (8 neighbours) of ``mask`` (H, W) bool."""
    _, label, statistics, _ = cv2.connectedComponentsWithStats(mask.cpu().numpy().astype(np.uint8))
    if len(statistics) < 2:
        return mask
    return _as_mask(label == 1 + int(np.argmax(statistics[1:, cv2.CC_STAT_AREA])), mask)


def _colors(luminance: Tensor, chroma: Tensor | None) -> Tensor:
    """(1 or 3, H, W): luminance and chroma at the resolution of the luminance."""
    if chroma is None:
        return luminance[None]
    height, width = luminance.shape
    fine = chroma.to(luminance)
    if width // 2 == fine.shape[2]:
        fine = F.interpolate(fine[None], scale_factor=2, mode="bilinear", align_corners=False)[0]
        fine = F.pad(fine[None], (0, width - fine.shape[2], 0, height - fine.shape[1]), mode="replicate")[0]
    return torch.cat([luminance[None], fine])


def _fit_background(colors: Tensor, outside: Tensor, first: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Background (n, H, W), a quadratic polynomial in the pixel position, and standard deviations (n,) from it.

    Iteratively reweighted least squares from the median, so that up to half of ``outside`` (H, W) may be something
    else. first: (H, W) bool, part of ``outside``, begins with the median of these pixels and then grows by what is like
    them: more than half of ``outside`` may be something else.
    """
    height, width = outside.shape
    rows = torch.linspace(-1, 1, height, dtype=torch.float64, device=colors.device)
    columns = torch.linspace(-1, 1, width, dtype=torch.float64, device=colors.device)
    chosen = outside.flatten().nonzero()[:, 0]
    chosen = chosen[:: max(1, len(chosen) // FIT_PIXELS)]
    x, y = columns[chosen % width], rows[chosen // width]
    terms = torch.stack([torch.ones_like(x), x, y, x * x, x * y, y * y], 1)  # (m, 6)
    values = colors.flatten(1)[:, chosen].T.double()  # (m, n)
    coefficients = torch.zeros(6, len(colors), dtype=torch.float64, device=colors.device)
    trusted = torch.ones_like(chosen, dtype=torch.bool) if first is None else first.flatten()[chosen]
    coefficients[0] = values[trusted].median(0).values
    for _ in range(FIT_ITERATIONS):
        residual = values - terms @ coefficients
        deviation = (1.4826 * residual[trusted].abs().median(0).values).clamp_min(LEAST_DEVIATION)
        weight = (1 + (residual / deviation).square().sum(1, keepdim=True) / 9) ** -2
        if first is not None:
            trusted = weight[:, 0] > 0.25  # within three standard deviations
        weighted = weight * terms
        normal = terms.T @ weighted + 1e-6 * len(terms) * torch.eye(6, dtype=x.dtype, device=x.device)
        coefficients = torch.linalg.solve(normal, weighted.T @ values)
    constant, x, y, xx, xy, yy = coefficients.to(colors)[:, :, None, None]  # each (n, 1, 1)
    rows, columns = rows.to(colors)[:, None], columns.to(colors)
    across = constant + columns * (x + columns * xx)  # (n, 1, W)
    background = across + rows * (y + rows * yy + xy * columns)
    return background, deviation.to(colors)


def _refusal(deviates: Tensor, outside: Tensor, coverage: Tensor, margin: int) -> str:
    """Why the background is not clean or the actor not separable from it; empty when all is well. Masks are (H, W)."""
    stray = outside & deviates & ~_joined_to(coverage, deviates | coverage)
    total = int(outside.sum())
    if int(stray.sum()) > MOST_STRAY * total or int((outside & ~deviates).sum()) < LEAST_CLEAN * total:
        return "the background is not clean"
    inside = ~_dilated(~coverage, margin)
    band = inside & _dilated(~inside, margin)
    if int((band & deviates).sum()) < LEAST_SEPARABLE * int(band.sum()):
        return "the actor cannot be told from the background"
    return ""


def _alpha(offset: Tensor, deviation: Tensor, deviates: Tensor) -> Tensor:
    """(H, W) share of the actor's colour in each pixel, 0 to about 1.

    offset: (n, H, W) colour less that of the background. The actor's colour is the mean of the unmixed pixels around;
    what deviates with none of them near is the actor, thinner than the outline's blur.
    """
    unmixed = (~_dilated(~deviates, MIXED)).to(offset)
    sums = _box_means(torch.cat([offset * unmixed, unmixed[None]]))
    near = sums[-1]
    actor = sums[:-1] / near.clamp_min(1e-6) / deviation[:, None, None]
    share = (offset / deviation[:, None, None] * actor).sum(0) / actor.square().sum(0).clamp_min(1e-6)
    return torch.where(near > 0.5 / NEIGHBOURHOOD**2, share, deviates.to(share)).clamp(0, MOST_ALPHA)


def _box_means(images: Tensor) -> Tensor:
    """(n, H, W) means over ``NEIGHBOURHOOD`` pixels across; beyond the image's border there is 0."""
    size = NEIGHBOURHOOD
    if images.device.type != "cpu":
        return F.avg_pool2d(images[None], size, 1, size // 2)[0]
    last = images.permute(1, 2, 0).contiguous().numpy()
    means = cv2.blur(last, (size, size), borderType=cv2.BORDER_CONSTANT)  # many times as fast as PyTorch's pooling
    return torch.from_numpy(means).to(images).permute(2, 0, 1)


def _dilated(mask: Tensor, margin: int) -> Tensor:
    """``mask`` (H, W) bool grown by ``margin`` pixels on each side; beyond the image's border there is nothing."""
    if mask.device.type != "cpu":
        return F.max_pool2d(mask[None].half(), 2 * margin + 1, 1, margin)[0] > 0
    kernel = np.ones((2 * margin + 1, 2 * margin + 1), np.uint8)
    return _as_mask(cv2.dilate(mask.cpu().numpy().astype(np.uint8), kernel), mask)


def _joined_to(seed: Tensor, mask: Tensor) -> Tensor:
    """The connected pieces (8 neighbours) of ``mask`` (H, W) bool that contain a pixel of ``seed`` (H, W)."""
    _, label = cv2.connectedComponents(mask.cpu().numpy().astype(np.uint8))
    joined = np.zeros(int(label.max()) + 1, bool)
    joined[label[seed.cpu().numpy()]] = True
    joined[0] = False
    return _as_mask(joined[label], mask)


def _as_mask(values: np.ndarray, like: Tensor) -> Tensor:
    return torch.from_numpy(values.astype(bool)).to(like.device)
