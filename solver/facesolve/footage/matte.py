"""Where the actor is in an image, told from a clean background. Knows pixels only: no rig, no camera, no file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

MARGIN = 0.03  # of the image's longer side: how far the predicted outline may be from the actor's
WHOLLY_SEEN = 0.999  # of a pixel
UNSEEN = "the image is missing or empty"
LEAST_BACKGROUND = 0.01  # of the image that must be background to learn from
FIT_PIXELS = 5_000  # most pixels that the background is fitted to
FIT_ITERATIONS = 8
LEAST_DEVIATION = 0.004  # linear light, about one step of 8-bit footage: no background is known better than this
MOST_DEVIATION = 0.03  # linear light: a background that varies more is not clean
DEVIATES = 6.0  # standard deviations of the background from which a pixel is not background
MOST_STRAY = 0.02  # of the background that may deviate from it without being part of the actor
LEAST_CLEAN = 0.5  # of the pixels outside the predicted outline; hair and clothes take the rest
LEAST_SEPARABLE = 0.9  # of the pixels just inside the outline that must differ from the background
EVEN_DEVIATION = 0.015  # linear light: skin varies more than a background that may be learned blindly
MOST_FALLOFF, MOST_HUE = 0.7, 0.3  # of its mean: how far such a background may vary in luminance and chroma
BORDER = 0.02  # of the image's longer side: the strip in which the background is looked for
LEAST_CLEAN_BORDER = 0.35  # of the strip that must be background
LEAST_ACTOR, MOST_ACTOR = 0.01, 0.97  # of the image
ONE_PIECE = 0.8  # of what stands out that must hang together
UNCLEAN = "the background is not clean"
INSEPARABLE = "the actor cannot be separated from the background"
OPENING = np.ones((3, 3), np.uint8)  # pixels: smaller specks are noise
MIXED = 2  # pixels at the outline in which the actor's color and the background's mix
MOST_ALPHA = 2.0  # skin may be lighter than the skin around
NEIGHBORHOOD = 9  # pixels across, from which the actor's color at the outline is taken: shading changes beyond


@dataclass(frozen=True, eq=False)
class Matte:
    """alpha: (H, W), about 1 where the actor is, NaN where nothing is known; or None and the reason in ``refusal``."""

    alpha: Tensor | None
    refusal: str = ""


def half_chroma(linear: Tensor) -> Tensor:
    """(H, W, 3) linear light RGB -> (2, H // 2, W // 2) float16: R - G and B - G, means of 2x2 pixels.

    Half resolution is what most footage stores of color.
    """
    red, green, blue = linear.unbind(-1)
    return F.avg_pool2d(torch.stack([red - green, blue - green])[None], 2)[0].half()


def clean_background_mattes(luminance: Tensor, chroma: Tensor | None, mask: Tensor, coverage: Tensor) -> list[Matte]:
    """The actor before a smooth, nearly uniform background in n images, or the reason why it cannot be told from it.

    The background is learned far outside the outline that the rig predicts. What deviates there and hangs together with
    the predicted actor (hair, clothes) is the actor's; anything else that deviates makes the background unclean.
    No image's matte depends on the others. A GPU is waited for twice, and once more where something deviates outside.

    luminance: (n, H, W) linear light. chroma: (n, 2, h, w) of ``half_chroma`` at that resolution or half of it, or
    None. mask: (n, H, W) in 0..1 or bool, what the camera saw. coverage: (n, H, W) bool, where the rig is predicted.
    """
    valid = mask > WHOLLY_SEEN
    margin = max(2, round(MARGIN * max(mask.shape[1:])))
    outside = valid & ~_dilated(coverage, margin)
    seen, background_pixels = torch.stack([mask > 0, outside]).sum((2, 3)).tolist()
    least = LEAST_BACKGROUND * mask[0].numel()
    refusals = [
        UNSEEN if not some else "too little background is in view" if count < least else ""
        for some, count in zip(seen, background_pixels, strict=True)
    ]
    if all(refusals):
        return [Matte(None, refusal) for refusal in refusals]
    colors = _colors(luminance, chroma)
    background, deviation = _fit_background(colors, outside, background_pixels)
    offset = colors - background
    deviates = (offset / deviation[..., None, None]).square().sum(1) > DEVIATES**2
    deviates &= valid
    later = _refusals(deviates, outside, coverage & valid, deviation[:, 0], margin, refusals)
    if all(later):
        return [Matte(None, refusal) for refusal in later]
    alphas = _alphas(offset, deviation, deviates).masked_fill(~valid, torch.nan)
    return [Matte(None if refusal else alpha, refusal) for alpha, refusal in zip(alphas, later, strict=True)]


def actor_mask(luminance: Tensor, chroma: Tensor | None, valid: Tensor) -> Matte:
    """As ``clean_background_mattes`` of one image when nobody knows yet where the actor is: 1 there, 0 elsewhere.

    The background is learned along the image's border, of which the actor may cover a part.
    """
    colors = _colors(luminance[None], None if chroma is None else chroma[None])
    inner = ~_dilated(~valid[None], MIXED)[0]  # where the image ends, its color is mixed with nothing
    edge = _frame_of(inner)[None]
    border = inner & _dilated(edge, max(1, round(BORDER * max(luminance.shape))))[0]
    middle = inner & ~_dilated(edge, max(luminance.shape) // 5)[0]
    count = int(border.sum())
    if count < LEAST_BACKGROUND * border.numel():
        return Matte(None, "too little of the image's border is in view")
    best, most = None, LEAST_CLEAN_BORDER
    for side in _sides(border):
        background, deviation = (part[0] for part in _fit_background(colors, border[None], [count], side[None]))
        deviates = ((colors[0] - background) / deviation[:, None, None]).square().sum(0) > DEVIATES**2
        clean = float((border & ~deviates).sum() / count)
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
        return Matte(None, "no single region stands out from a uniform background")
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
    """The largest connected piece (8 neighbors) of ``mask`` (H, W) bool."""
    _, label, statistics, _ = cv2.connectedComponentsWithStats(mask.cpu().numpy().astype(np.uint8))
    if len(statistics) < 2:
        return mask
    return _as_mask(label == 1 + int(np.argmax(statistics[1:, cv2.CC_STAT_AREA])), mask)


def _colors(luminance: Tensor, chroma: Tensor | None) -> Tensor:
    """(n, 1 or 3, H, W): luminance (n, H, W) and chroma (n, 2, h, w) at the resolution of the luminance."""
    if chroma is None:
        return luminance[:, None]
    height, width = luminance.shape[1:]
    fine = chroma.to(luminance)
    if width // 2 == fine.shape[3]:
        fine = F.interpolate(fine, scale_factor=2, mode="bilinear", align_corners=False)
        fine = F.pad(fine, (0, width - fine.shape[3], 0, height - fine.shape[2]), mode="replicate")
    return torch.cat([luminance[:, None], fine], 1)


def _fit_background(
    colors: Tensor, outside: Tensor, counts: Sequence[int], first: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Backgrounds (n, c, H, W) of n images, each a quadratic polynomial in the pixel position, and standard deviations
    (n, c) from them.

    Iteratively reweighted least squares from the median, so that up to half of ``outside`` (n, H, W) may be something
    else. counts: how many pixels it has in each image; where there are none, the background is not finite. first:
    (n, H, W) bool, part of ``outside``, begins with the median of these pixels and then grows by what is like them:
    more than half of ``outside`` may be something else.
    """
    rows, columns = (torch.linspace(-1, 1, n, dtype=torch.float64, device=colors.device) for n in outside.shape[1:])
    chosen, there = _spread(outside, counts)  # (n, m)
    x, y = columns[chosen % len(columns)], rows[chosen // len(columns)]
    terms = torch.stack([torch.ones_like(x), x, y, x * x, x * y, y * y], 1)  # (n, 6, m)
    values = colors.flatten(2).gather(2, chosen[:, None].expand(-1, colors.shape[1], -1)).double()  # (n, c, m)
    trusted = there if first is None else there & first.flatten(1).gather(1, chosen)
    coefficients = F.pad(_medians(values, trusted)[..., None], (0, 5))  # (n, c, 6)
    ridge = 1e-6 * there.sum(1, dtype=x.dtype)[:, None, None] * torch.eye(6, dtype=x.dtype, device=x.device)
    for _ in range(FIT_ITERATIONS):
        residual = values - coefficients @ terms
        deviation = (1.4826 * _medians(residual.abs(), trusted)).clamp_min(LEAST_DEVIATION)
        weight = there * (1 + (residual / deviation[..., None]).square().sum(1) / 9) ** -2
        if first is not None:
            trusted = weight > 0.25  # within three standard deviations
        weighted = weight[:, None] * terms
        # unlike ``solve`` a GPU need not tell whether it could
        coefficients = torch.linalg.solve_ex(weighted @ terms.mT + ridge, weighted @ values.mT)[0].mT
    constant, x, y, xx, xy, yy = coefficients.to(colors)[..., None, None].unbind(2)  # each (n, c, 1, 1)
    rows, columns = rows.to(colors)[:, None], columns.to(colors)
    across = constant + columns * (x + columns * xx)  # (n, c, 1, W)
    background = across + rows * (y + rows * yy + xy * columns)
    return background, deviation.to(colors)


def _spread(masks: Tensor, counts: Sequence[int]) -> tuple[Tensor, Tensor]:
    """At most about ``FIT_PIXELS`` pixels of each mask (n, H, W) bool, spread evenly: flat indices (n, m), and whether
    there is one at all (n, m) bool. counts: how many pixels each mask has."""
    most = max(-(-count // max(1, count // FIT_PIXELS)) for count in counts)
    rank = masks.flatten(1).cumsum(1, dtype=torch.int32)
    total = rank[:, -1:]
    stride = (total // FIT_PIXELS).clamp_min(1)
    wanted = 1 + stride * torch.arange(most, dtype=rank.dtype, device=rank.device)
    return torch.searchsorted(rank, wanted).clamp_max(rank.shape[1] - 1), wanted <= total


def _medians(values: Tensor, chosen: Tensor) -> Tensor:
    """(n, c): medians of the chosen (n, m) bool of values (n, c, m), the lower of two; NaN where none is."""
    return values.masked_fill(~chosen[:, None], torch.nan).nanmedian(2).values


def _refusals(
    deviates: Tensor, outside: Tensor, coverage: Tensor, deviation: Tensor, margin: int, refusals: Sequence[str]
) -> list[str]:
    """Why each background is not clean or each actor not separable from it; empty when all is well.

    Masks are (n, H, W), deviation (n,). refusals: what is known already.
    """
    inside = ~_dilated(~coverage, margin)
    band = inside & _dilated(~inside, margin)
    counts = torch.stack([outside, outside & deviates, band, band & deviates]).sum((2, 3))
    rows = torch.cat([counts.double(), deviation[None].double()]).T.tolist()
    found = [refusal or _refusal(*row) for refusal, row in zip(refusals, rows, strict=True)]
    doubtful = [
        image
        for image, (total, deviating, *_) in enumerate(rows)
        if found[image] in ("", INSEPARABLE) and deviating > MOST_STRAY * total
    ]
    if doubtful:
        some = (torch.stack([masks[image] for image in doubtful]) for masks in (deviates, outside, coverage))
        for image, stray in zip(doubtful, _stray(*some), strict=True):
            found[image] = UNCLEAN if stray > MOST_STRAY * rows[image][0] else found[image]
    return found


def _refusal(total: float, deviating: float, band: float, told: float, deviation: float) -> str:
    """For one image, in numbers of pixels: outside, those that deviate, just inside, those that deviate."""
    if deviation > MOST_DEVIATION:
        return "the background is not uniform"
    if total - deviating < LEAST_CLEAN * total:
        return UNCLEAN
    return INSEPARABLE if told < LEAST_SEPARABLE * band else ""


def _stray(deviates: Tensor, outside: Tensor, coverage: Tensor) -> list[int]:
    """For each of n images, the pixels of ``outside`` that deviate and are not connected (8 neighbors) to ``coverage``.

    All are (n, H, W) bool. Pieces are told apart on the host, to which all images go together.
    """
    codes = deviates.to(torch.uint8).add_(outside, alpha=2).add_(coverage, alpha=4).cpu().numpy()
    counts = []
    for code in codes:
        pieces, label = cv2.connectedComponents(code & 5)
        joined = np.zeros(pieces, bool)
        joined[label[code >= 4]] = True
        counts.append(int(np.count_nonzero(~joined[label[code & 3 == 3]])))
    return counts


def _alphas(offset: Tensor, deviation: Tensor, deviates: Tensor) -> Tensor:
    """(n, H, W) share of the actor's color in each pixel, 0 to about 1.

    offset: (n, c, H, W) color less that of the background; deviation: (n, c); deviates: (n, H, W) bool. The actor's
    color is the mean of the unmixed pixels around; what deviates with none of them near is the actor, thinner than the
    outline's blur.
    """
    unmixed = (~_dilated(~deviates, MIXED)).to(offset)[:, None]
    sums = _box_means(torch.cat([offset * unmixed, unmixed], 1))
    near = sums[:, -1]
    deviation = deviation[..., None, None]
    actor = sums[:, :-1] / near[:, None].clamp_min(1e-6) / deviation
    share = (offset / deviation * actor).sum(1) / actor.square().sum(1).clamp_min(1e-6)
    return torch.where(near > 0.5 / NEIGHBORHOOD**2, share, deviates.to(share)).clamp(0, MOST_ALPHA)


def _box_means(images: Tensor) -> Tensor:
    """(n, c, H, W) means over ``NEIGHBORHOOD`` pixels across; beyond the image's border there is 0."""
    size = NEIGHBORHOOD
    if images.device.type != "cpu":
        return F.avg_pool2d(images, size, 1, size // 2)
    means = [  # many times as fast as PyTorch's pooling
        cv2.blur(image, (size, size), borderType=cv2.BORDER_CONSTANT)
        for image in images.permute(0, 2, 3, 1).contiguous().numpy()
    ]
    return torch.from_numpy(np.stack(means)).view(images.permute(0, 2, 3, 1).shape).permute(0, 3, 1, 2)


def _dilated(masks: Tensor, margin: int) -> Tensor:
    """Masks (n, H, W) bool grown by ``margin`` pixels on each side; beyond the image's border there is nothing."""
    size = 2 * margin + 1
    if masks.device.type != "cpu":
        wider = F.max_pool2d(masks.half(), (1, size), 1, (0, margin))
        return F.max_pool2d(wider, (size, 1), 1, (margin, 0)) > 0
    kernel = np.ones((size, size), np.uint8)
    return _as_mask(np.stack([cv2.dilate(mask, kernel) for mask in masks.numpy().astype(np.uint8)]), masks)


def _as_mask(values: np.ndarray, like: Tensor) -> Tensor:
    return torch.from_numpy(values.astype(bool)).to(like.device)
