"""From decoded images to what a solve compares: luminance, mask and chroma as tensors on the solve's device.

To a GPU images travel as they are stored, all cameras of a frame together, and are made linear there. Knows no rig.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from facesolve.runtime.kernels import fused
from facesolve.take import Camera

from . import Image
from .color import to_linear, transfer_table
from .matte import half_chroma
from .normalize import encoded_luminance
from .undistort import Undistortion

STORED_AS = {torch.uint8: np.dtype(np.uint8).str, torch.int32: np.dtype(np.uint16).str}  # as sent -> as in the file


@dataclass(frozen=True, eq=False)
class CameraPixels:
    """One image: luminance (h, w) encoded and mask (h, w) at a pyramid level; chroma as ``matte.half_chroma`` or None;
    matte (h, w), NaN where the camera saw nothing, or None."""

    luminance: Tensor
    mask: Tensor
    chroma: Tensor | None
    matte: Tensor | None


@dataclass(frozen=True, eq=False)
class HostImage:
    """An image ready to be sent to a GPU, in pinned memory.

    stored: (H, W) or (H, W, 3), whole numbers of a color space or float32 in linear light. valid: (H, W) uint8, or
    None where all of it is, or what the lens says. matte: (H, W), NaN where the camera saw nothing, or None. lens: what
    ``stored`` is still to be undistorted by.
    """

    stored: Tensor
    valid: Tensor | None
    matte: Tensor | None
    color_space: str
    lens: Undistortion | None = None


class Uploader:
    """Turns images of ``cameras`` into tensors on ``device``, 2x2-averaged ``finest`` times; chroma only on demand."""

    def __init__(self, cameras: Sequence[Camera], device: torch.device, finest: int, color: bool) -> None:
        self._cameras, self._device, self._finest, self._color = cameras, device, finest, color
        self._fused = fused(device) and not color
        self._lenses = _Lenses(device, finest)
        self._everywhere, self._nowhere = torch.ones(1, device=device), torch.zeros(1, device=device)

    def prepare(self, image: Image) -> Image | HostImage:
        """What can be done with an image on the thread that has decoded it."""
        if self._device.type == "cuda":
            return staged(image)
        _ = image.pixels  # made linear here; the rest is PyTorch's, which has threads of its own
        return image

    def gather(self, images: Sequence[Image | HostImage | None]) -> list[CameraPixels]:
        """The images of all cameras; black with mask 0 where there is none. On a GPU nothing is waited for."""
        gathered = [self._unseen(camera) for camera in self._cameras]
        alike: dict[object, list[int]] = {}
        for place, image in enumerate(images):
            if isinstance(image, Image):
                linear = torch.from_numpy(image.pixels).to(self._device)
                valid = None if image.valid.all() else torch.tensor(image.valid)
                matte = None if image.matte is None else torch.from_numpy(_matte(image))
                gathered[place] = self._pixels(*self.luminance(linear[None]), [valid], [matte], [None])[0]
            elif image is not None:
                kind = image.stored.shape, image.stored.dtype, image.color_space, image.lens is None
                alike.setdefault(kind, []).append(place)
        for places in alike.values():
            group = [image for image in (images[place] for place in places) if isinstance(image, HostImage)]
            lenses = [image.lens for image in group]
            sent = self.luminance(self._sent(group), group[0].color_space, self._lenses.maps(places, lenses))
            masks, mattes = [image.valid for image in group], [image.matte for image in group]
            found = self._pixels(*sent, masks, mattes, self._lenses.masks(places, lenses))
            for place, pixels in zip(places, found, strict=True):
                gathered[place] = pixels
        return gathered

    def luminance(
        self, stored: Tensor, color_space: str = "linear", maps: Tensor | None = None
    ) -> tuple[Tensor, Tensor | None]:
        """Encoded luminance (n, h, w) at the finest level, and linear light where chroma is wanted, of stored values
        (n, H, W) or (n, H, W, 3) on the device; floats are linear light. maps: (n, 2, H, W) of ``Undistortion``."""
        linear = stored
        if not stored.dtype.is_floating_point:
            table = _device_table(STORED_AS[stored.dtype], color_space, str(self._device))
            if self._fused:
                from . import normalize_triton

                return normalize_triton.encoded_by_table(stored, table, self._finest, maps), None
            linear = table.index_select(0, stored.int().flatten()).view(stored.shape)
        linear = linear if maps is None else undistorted(linear, maps)
        luminance = encoded_luminance(linear) if linear.ndim == 4 else linear.clamp_min(0).sqrt()
        return halved(luminance, self._finest), linear if self._color else None

    def _pixels(
        self,
        reduced: Tensor,
        linear: Tensor | None,
        valid: Sequence[Tensor | None],
        mattes: Sequence[Tensor | None],
        seen: Sequence[Tensor | None],
    ) -> list[CameraPixels]:
        """For n images of one size: of ``luminance``; valid and mattes on the host; seen: masks for where both are
        None."""
        pixels = []
        for i, (where, matte) in enumerate(zip(valid, mattes, strict=True)):
            chroma = None
            if linear is not None:
                color = linear[i] if linear.ndim == 4 else linear[i, ..., None].expand(-1, -1, 3)
                # chroma has a level of its own: half of the full size is its finest
                chroma = halved(half_chroma(color), max(self._finest - 1, 0))
            there = None
            own = seen[i]
            mask = self._everywhere.expand(reduced.shape[1:]) if own is None else own
            if matte is not None:
                there = matte.to(self._device, non_blocking=True)
                mask = halved(there.nan_to_num(nan=0.0), self._finest)
                there = halved(there, self._finest)
            elif where is not None:
                mask = where.to(self._device, non_blocking=True).to(reduced.dtype)
                mask = halved(mask, self._finest)
            pixels.append(CameraPixels(reduced[i], mask, chroma, there))
        return pixels

    def _sent(self, group: Sequence[HostImage]) -> Tensor:
        """Stored values (n, H, W) or (n, H, W, 3) on the device, of images of one size and kind."""
        first = group[0].stored
        stored = torch.empty((len(group), *first.shape), dtype=first.dtype, device=self._device)
        for there, image in zip(stored, group, strict=True):
            there.copy_(image.stored, non_blocking=True)
        return stored

    def _unseen(self, camera: Camera) -> CameraPixels:
        blank = self._nowhere.expand(camera.height >> self._finest, camera.width >> self._finest)
        chroma = None
        if self._color:
            level = max(self._finest, 1)
            chroma = torch.zeros(2, camera.height >> level, camera.width >> level, device=self._device)
        return CameraPixels(blank, blank, chroma, None)


class _Lenses:
    """Lenses of images on a device, by the place of their camera: what changes from frame to frame if the camera zooms
    is sent anew."""

    def __init__(self, device: torch.device, finest: int) -> None:
        self._device, self._finest = device, finest
        self._sent: dict[int, tuple[Undistortion, Tensor, Tensor]] = {}
        self._stacks: dict[tuple[int, ...], tuple[list[Undistortion | None], Tensor]] = {}

    def maps(self, places: Sequence[int], lenses: list[Undistortion | None]) -> Tensor | None:
        """(n, 2, H, W) maps of the cameras at n places, None where images need none: all of them, or none."""
        if lenses[0] is None:
            return None
        key = tuple(places)
        if key not in self._stacks or any(a is not b for a, b in zip(self._stacks[key][0], lenses, strict=True)):
            each = [self._of(place, lens)[1] for place, lens in zip(places, lenses, strict=True) if lens is not None]
            self._stacks[key] = lenses, torch.stack(each)
        return self._stacks[key][1]

    def masks(self, places: Sequence[int], lenses: Sequence[Undistortion | None]) -> list[Tensor | None]:
        """(h, w) where the lenses let cameras see at the finest level; None where there is no lens."""
        pairs = zip(places, lenses, strict=True)
        return [None if lens is None else self._of(place, lens)[2] for place, lens in pairs]

    def _of(self, place: int, lens: Undistortion) -> tuple[Undistortion, Tensor, Tensor]:
        if place not in self._sent or self._sent[place][0] is not lens:
            mask = torch.from_numpy(lens.valid.astype(np.float32)).to(self._device)
            self._sent[place] = lens, torch.from_numpy(lens.maps).to(self._device), halved(mask, self._finest)
        return self._sent[place]


def undistorted(images: Tensor, maps: Tensor) -> Tensor:
    """Bilinear values of images (n, H, W) or (n, H, W, 3) at maps (n, 2, H, W), edges repeated."""
    height, width = maps.shape[2:]
    size = maps.new_tensor([width, height])
    places = (maps.permute(0, 2, 3, 1) + 0.5) * (2 / size) - 1
    planes = images[:, None] if images.ndim == 3 else images.permute(0, 3, 1, 2)
    found = F.grid_sample(planes, places, align_corners=False, padding_mode="border")
    return found[:, 0] if images.ndim == 3 else found.permute(0, 2, 3, 1)


def staged(image: Image) -> HostImage:
    """A copy of the image from which a GPU fetches it."""
    stored, lens = image.stored, image.lens
    if stored.dtype.kind == "f":
        stored = to_linear(stored, image.color_space)
    if stored.dtype == np.uint16:
        stored = stored.astype(np.int32)
    matte = None if image.matte is None else _pinned(_matte(image))
    known = matte is not None or (lens is not None and image.valid is lens.valid) or bool(image.valid.all())
    valid = None if known else _pinned(image.valid.view(np.uint8))
    return HostImage(_pinned(stored), valid, matte, image.color_space, lens)


def _matte(image: Image) -> np.ndarray:
    """(H, W) float32, NaN where the camera saw nothing."""
    assert image.matte is not None
    return np.where(image.valid, image.matte, np.float32(np.nan))


def _pinned(array: np.ndarray) -> Tensor:
    plain = torch.from_numpy(array[:0])
    tensor = torch.empty(array.shape, dtype=plain.dtype, pin_memory=torch.cuda.is_available())
    np.copyto(tensor.numpy(), array)  # lets other threads run, and needs none of its own
    return tensor


@cache
def _device_table(dtype: str, color_space: str, device: str) -> Tensor:
    return torch.from_numpy(transfer_table(dtype, color_space)).to(device)


def halved(images: Tensor, times: int = 1) -> Tensor:
    """2x2 means of (..., H, W), ``times`` times; an odd last row or column is dropped."""
    lead = images.shape[:-2]
    for _ in range(times):
        images = F.avg_pool2d(images.reshape(1, -1, *images.shape[-2:]), 2)
    return images.view(*lead, *images.shape[-2:])
