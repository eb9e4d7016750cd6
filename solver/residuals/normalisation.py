"""Images made insensitive to light: local mean and variance normalisation, with the image gradient."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

SIGMA = 3.2  # pixels of the level at hand; the window is about 11 pixels wide
CONTRAST_FLOOR = 0.01  # of the encoded range: below it, differences are noise and are not amplified


def encoded_luminance(linear: Tensor) -> Tensor:
    """(..., 3) linear light RGB -> (...): square root of the Rec. 709 luminance, so that noise is about uniform."""
    weights = linear.new_tensor([0.2126, 0.7152, 0.0722])
    return (linear @ weights).clamp_min(0).sqrt()


def normalise(luminance: Tensor, mask: Tensor) -> Tensor:
    """Local contrast normalisation ``(I - mean) / sqrt(variance + floor^2)`` and its derivatives along x and y.

    luminance: (B, H, W) encoded. mask: (B, H, W) in 0..1; statistics come from masked pixels only, so the background
    does not leak over the outline. Returns (B, 3, H, W): value, d/dx, d/dy a pixel; derivatives are 0 at the border.
    Means are taken at half resolution: they are smooth, and it is four times cheaper.
    """
    height, width = luminance.shape[1:]
    stack = torch.stack([mask, luminance * mask, luminance * luminance * mask], 1)
    even = F.pad(stack, (0, width % 2, 0, height % 2))  # what is added is outside the mask
    blurred = _blur(F.avg_pool2d(even, 2), SIGMA / 2)
    # align_corners=False keeps pixel centres at .5
    means = F.interpolate(blurred, scale_factor=2.0, mode="bilinear", align_corners=False)[..., :height, :width]
    total = means[:, 0].clamp_min(1e-3)
    mean = means[:, 1] / total
    variance = (means[:, 2] / total - mean * mean).clamp_min(0)
    value = (luminance - mean) / torch.sqrt(variance + CONTRAST_FLOOR**2)
    looks = luminance.new_zeros(len(luminance), 3, height, width)
    looks[:, 0] = value
    torch.sub(value[:, :, 2:], value[:, :, :-2], out=looks[:, 1, :, 1:-1]).mul_(0.5)
    torch.sub(value[:, 2:], value[:, :-2], out=looks[:, 2, 1:-1]).mul_(0.5)
    return looks


def _blur(images: Tensor, sigma: float) -> Tensor:
    """Separable Gaussian blur of (B, C, H, W), edges repeated."""
    radius = max(1, int(3 * sigma + 0.5))
    offsets = torch.arange(-radius, radius + 1, device=images.device, dtype=images.dtype)
    kernel = torch.exp(-0.5 * (offsets / sigma) ** 2)
    kernel = kernel / kernel.sum()
    if images.device.type == "cuda":
        return blur_by_products(images, kernel)
    batch, channels, height, width = images.shape
    flat = images.reshape(batch * channels, 1, height, width)
    padded = F.pad(flat, (radius, radius, radius, radius), mode="replicate")
    rows = F.conv2d(padded, kernel.view(1, 1, 1, -1))
    return F.conv2d(rows, kernel.view(1, 1, -1, 1)).reshape(batch, channels, height, width)


def blur_by_products(images: Tensor, kernel: Tensor) -> Tensor:
    """Convolution of (..., H, W) with the kernel (2r + 1,) along both axes, edges repeated, as two matrix products.

    On a GPU many times as fast as its convolutions of one channel, and without their half precision.
    """
    down, across = (_convolution(kernel, size) for size in images.shape[-2:])
    return down @ images @ across.T


def _convolution(kernel: Tensor, size: int) -> Tensor:
    """(size, size): row i holds the kernel (2r + 1,) around i; what falls off an end is added to the end."""
    reach = len(kernel) // 2
    places = torch.arange(size, device=kernel.device)[:, None]
    columns = (places + torch.arange(-reach, reach + 1, device=kernel.device)).clamp(0, size - 1)
    matrix = kernel.new_zeros(size, size)
    return matrix.scatter_add_(1, columns, kernel.expand(size, -1))
