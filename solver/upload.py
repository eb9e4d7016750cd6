"""From decoded images to what a solve compares: luminance, mask and chroma as tensors on the solve's device.

On a GPU images travel as they are stored, and are made linear there, on the threads that decode them and on streams of
their own: the solve goes on meanwhile. Knows no rig.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from .footage import Image
from .footage.color import transfer_table
from .matte import half_chroma
from .residuals.normalisation import encoded_luminance
from .take import Camera


@dataclass(frozen=True, eq=False)
class CameraPixels:
    """One image: luminance (h, w) encoded and mask (h, w) at a pyramid level; chroma as ``matte.half_chroma`` or None;
    matte (h, w), NaN where the camera saw nothing, or None. ready: to wait for before use, on a GPU."""

    luminance: Tensor
    mask: Tensor
    chroma: Tensor | None
    matte: Tensor | None
    ready: torch.cuda.Event | None = None


class Uploader:
    """Turns images of ``cameras`` into tensors on ``device``, 2x2-averaged ``finest`` times; chroma only on demand."""

    def __init__(self, cameras: Sequence[Camera], device: torch.device, finest: int, color: bool) -> None:
        self._cameras, self._device, self._finest, self._color = cameras, device, finest, color
        self._local = threading.local()

    def prepare(self, image: Image) -> Image | CameraPixels:
        """What can be done with an image on the thread that has decoded it."""
        if self._device.type != "cuda":
            _ = image.pixels  # made linear here; the rest is PyTorch's, which has threads of its own
            return image
        if not hasattr(self._local, "stream"):
            self._local.stream = torch.cuda.Stream(self._device)
            # else every change of streams would go by way of the first GPU, and open it
            torch.cuda.set_device(self._local.stream.device)
        with torch.cuda.stream(self._local.stream):
            pixels = self._pixels(image)
            ready = torch.cuda.Event()
            ready.record()
        return CameraPixels(pixels.luminance, pixels.mask, pixels.chroma, pixels.matte, ready)

    def gather(self, images: Sequence[Image | CameraPixels | None]) -> list[CameraPixels]:
        """The images of all cameras, ready for use; black with mask 0 where there is none."""
        gathered = []
        for camera, image in zip(self._cameras, images, strict=True):
            if image is None:
                gathered.append(self._unseen(camera))
            elif isinstance(image, Image):
                gathered.append(self._pixels(image))
            else:
                gathered.append(_awaited(image))
        return gathered

    def _pixels(self, image: Image) -> CameraPixels:
        linear = self._linear_on_device(image) if self._device.type == "cuda" else torch.from_numpy(image.pixels)
        luminance = encoded_luminance(linear) if linear.ndim == 3 else linear.clamp_min(0).sqrt()
        chroma = None
        if self._color:
            chroma = half_chroma(linear if linear.ndim == 3 else linear[..., None].expand(-1, -1, 3))
        matte = None
        if image.matte is not None:
            matte = self._sent(np.where(image.valid, image.matte, np.float32(np.nan)))
            mask = matte.nan_to_num(nan=0.0)
        elif image.valid.all():
            mask = luminance.new_ones(1).expand(luminance.shape)
        else:
            mask = self._sent(image.valid).to(luminance.dtype)
        # chroma has a level of its own: half of the full size is its finest
        halvings = max(self._finest - 1, 0)
        return CameraPixels(
            luminance=_halved(luminance, self._finest),
            mask=_halved(mask, self._finest) if any(mask.stride()) else _shrunk(mask, self._finest),
            chroma=None if chroma is None else _halved(chroma, halvings),
            matte=None if matte is None else _halved(matte, self._finest),
        )

    def _linear_on_device(self, image: Image) -> Tensor:
        """Linear light (H, W) or (H, W, 3)."""
        if image.stored.dtype.kind == "f":
            return self._sent(image.pixels)
        table = _device_table(image.stored.dtype.str, image.color_space, str(self._device))
        stored = self._sent(image.stored if image.stored.dtype == np.uint8 else image.stored.astype(np.int32))
        return table.index_select(0, stored.int().flatten()).view(stored.shape)

    def _sent(self, array: np.ndarray) -> Tensor:
        tensor = torch.from_numpy(np.ascontiguousarray(array))
        if self._device.type == "cuda":
            return tensor.pin_memory().to(self._device, non_blocking=True)
        return tensor.to(self._device)

    def _unseen(self, camera: Camera) -> CameraPixels:
        size = (camera.height >> self._finest, camera.width >> self._finest)
        blank = torch.zeros(1, device=self._device).expand(size)
        chroma = None
        if self._color:
            level = max(self._finest, 1)
            chroma = torch.zeros(2, camera.height >> level, camera.width >> level, device=self._device)
        return CameraPixels(blank, blank, chroma, None)


@cache
def _device_table(dtype: str, color_space: str, device: str) -> Tensor:
    return torch.from_numpy(transfer_table(dtype, color_space)).to(device)


def _awaited(pixels: CameraPixels) -> CameraPixels:
    """The image, once the stream at hand may use it."""
    stream = torch.cuda.current_stream(pixels.luminance.device)
    if pixels.ready is not None:
        stream.wait_event(pixels.ready)
    for tensor in (pixels.luminance, pixels.mask, pixels.chroma, pixels.matte):
        if tensor is not None:
            tensor.record_stream(stream)
    return pixels


def _shrunk(constant: Tensor, times: int) -> Tensor:
    """As ``_halved`` of one number everywhere, expanded to (H, W)."""
    return constant[0, 0].expand(constant.shape[0] >> times, constant.shape[1] >> times)


def _halved(image: Tensor, times: int) -> Tensor:
    """2x2 means of (..., H, W), ``times`` times; an odd last row or column is dropped."""
    for _ in range(times):
        image = F.avg_pool2d(image[None], 2)[0]
    return image
