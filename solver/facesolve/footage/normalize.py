"""Images made insensitive to light: local mean and variance normalization."""

from __future__ import annotations

from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor

SIGMA = 3.2  # pixels of the level in use; the window is about 11 pixels wide
BLOCK = 32  # values of a row or column that one product blurs together
CONTRAST_FLOOR = 0.01  # of the encoded range: below it, differences are noise and are not amplified


def encoded_luminance(linear: Tensor) -> Tensor:
    """(..., 3) linear light RGB -> (...): square root of the Rec. 709 luminance, so that noise is about uniform."""
    red, green, blue = linear.unbind(-1)
    # on a GPU three times as fast as a product with the weights, which would also have to be sent there
    luminance = (0.2126 * red).add_(green, alpha=0.7152).add_(blue, alpha=0.0722)
    return luminance.clamp_min(0).sqrt()


def normalize(luminance: Tensor, mask: Tensor) -> Tensor:
    """Local contrast normalization ``(I - mean) / sqrt(variance + floor^2)``, (B, H, W).

    luminance: (B, H, W) encoded. mask: (B, H, W) in 0..1; statistics come from masked pixels only, so the background
    does not leak over the outline. They are taken at half resolution: they are smooth, and it is four times cheaper.
    """
    height, width = luminance.shape[1:]
    masked = luminance * mask
    # what an odd row or column is filled up with is outside the mask
    sums = torch.stack([_halved(image) for image in (mask, masked, masked * luminance)], 1)
    total, first, second = blurred(sums, SIGMA / 2).unbind(1)
    total = total.clamp_min(1e-3)
    mean = first / total
    variance = (second / total - mean * mean).clamp_min(0)
    local = torch.stack([mean, torch.rsqrt(variance + CONTRAST_FLOOR**2)], 1)
    # align_corners=False keeps pixel centers at .5
    local = F.interpolate(local, scale_factor=2.0, mode="bilinear", align_corners=False)
    return (luminance - local[:, 0, :height, :width]) * local[:, 1, :height, :width]


def normalize_covered(luminance: Tensor, coverage: Tensor, mask: Tensor | None) -> Tensor:
    """``normalize`` where the rig covers the image.

    luminance: (n, H, W) encoded. coverage: (n, h, w) 0 or 1, of any size. mask: (n, H, W) what else there is, in 0..1.
    """
    covered = F.interpolate(coverage[:, None], size=luminance.shape[1:], mode="nearest")[:, 0]
    return normalize(luminance, covered if mask is None else mask * covered)


def _halved(images: Tensor) -> Tensor:
    """2x2 means of (B, H, W); an odd row or column is filled up with zeros."""
    height, width = images.shape[1:]
    if height % 2 or width % 2:
        images = F.pad(images, (0, width % 2, 0, height % 2))
    return F.avg_pool2d(images, 2)


def blurred(images: Tensor, sigma: float) -> Tensor:
    """Separable Gaussian blur of (B, C, H, W), edges repeated."""
    kernel = gaussian(sigma, images.device, images.dtype)
    radius = len(kernel) // 2
    if images.device.type == "cuda":
        return blur_by_products(images, kernel)
    batch, channels, height, width = images.shape
    flat = images.reshape(batch * channels, 1, height, width)
    padded = F.pad(flat, (radius, radius, radius, radius), mode="replicate")
    rows = F.conv2d(padded, kernel.view(1, 1, 1, -1))
    return F.conv2d(rows, kernel.view(1, 1, -1, 1)).reshape(batch, channels, height, width)


@cache
def gaussian(sigma: float, device: torch.device, dtype: torch.dtype) -> Tensor:
    """(2r + 1,) weights of a blur, which reaches three deviations far."""
    radius = max(1, int(3 * sigma + 0.5))
    offsets = torch.arange(-radius, radius + 1, device=device, dtype=dtype)
    kernel = torch.exp(-0.5 * (offsets / sigma) ** 2)
    return kernel / kernel.sum()


def blur_by_products(images: Tensor, kernel: Tensor) -> Tensor:
    """Convolution of (..., H, W) with the kernel (2r + 1,) along both axes, edges repeated, as products of blocks.

    On a GPU many times as fast as its convolutions of one channel, and without their half precision.
    """
    height, width = images.shape[-2:]
    reach = len(kernel) // 2
    # row i of the block's matrix: what of BLOCK + 2 reach values goes into the i-th of BLOCK sums
    offsets = torch.arange(BLOCK + 2 * reach, device=kernel.device) - torch.arange(BLOCK, device=kernel.device)[:, None]
    matrix = torch.where((offsets >= 0) & (offsets <= 2 * reach), kernel[offsets.clamp(0, 2 * reach)], 0.0)
    padding = (reach, reach + -width % BLOCK, reach, reach + -height % BLOCK)
    flat = F.pad(images.reshape(1, -1, height, width), padding, mode="replicate")[0]  # (n, H', W')
    across = flat.unfold(2, len(offsets.T), BLOCK) @ matrix.T  # (n, H', blocks, BLOCK)
    across = across.flatten(2)
    down = matrix @ across.unfold(1, len(offsets.T), BLOCK).mT  # (n, blocks, BLOCK, W'')
    return down.flatten(1, 2)[:, :height, :width].reshape(images.shape)
