"""The footage of a take as tensors: luminance, masks, chroma and mattes of all cameras, frame by frame."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from facesolve.runtime.prefetch import ahead
from facesolve.take import Take

from . import Prefetcher, open_footage
from .prefetch import UnseenImage
from .upload import Uploader, halved

DECODED_AHEAD = 3  # frames decoded while others are used
GPU_AHEAD = 16  # frames sent to a GPU while others are used


@dataclass(frozen=True, eq=False)
class FramePixels:
    """One frame of all cameras: per camera luminance (H, W) encoded, and mask (H, W) in 0..1; mask 0 where unseen.

    chroma: (2, h, w) of ``matte.half_chroma``, at half of the full size and at the size of any coarser level.
    matte: (H, W), NaN where the camera saw nothing, or None. Both may be empty: only the contour asks for them.
    finest: pyramid level of the images held; 0 is full size.
    """

    luminance: tuple[Tensor, ...]
    mask: tuple[Tensor, ...]
    chroma: tuple[Tensor, ...] = ()
    matte: tuple[Tensor | None, ...] = ()
    finest: int = 0

    def level(self, level: int) -> FramePixels:
        """2x2 means down to pyramid level ``level``; an odd last row or column is dropped, as by ``camera.scaled``."""
        return self if level == self.finest else self._half.level(level)

    @cached_property
    def saw(self) -> Tensor:
        """(C,) bool: cameras that saw anything."""
        return torch.stack([mask.amax() if _stored(mask) else mask[0, 0] for mask in self.mask]) > 0

    def used_on(self, stream: torch.cuda.Stream) -> None:
        """Keeps the memory until ``stream``, another than it was made on, is done with it."""
        tensors = [tensor for tensor in (*self.luminance, *self.mask, *self.chroma, *self.matte) if tensor is not None]
        # images of one size are parts of one
        for tensor in {tensor.untyped_storage().data_ptr(): tensor for tensor in tensors}.values():
            tensor.record_stream(stream)

    @cached_property
    def _half(self) -> FramePixels:
        # the full size has half of the chroma already
        chroma = self.chroma if self.finest == 0 else _halved_each(self.chroma)
        mattes = iter(_halved_each([image for image in self.matte if image is not None]))
        return FramePixels(
            luminance=_halved_each(self.luminance),
            mask=_halved_each(self.mask),
            chroma=chroma,
            matte=tuple(None if image is None else next(mattes) for image in self.matte),
            finest=self.finest + 1,
        )


class TakeFootage:
    """The footage of a take as tensors. Holds open files: use it as a context manager."""

    def __init__(self, take: Take, device: torch.device) -> None:
        self._take, self._device = take, device
        self._readers = [
            open_footage(footage, camera, take.frames.tolist())
            for footage, camera in zip(take.footage, take.cameras, strict=True)
        ]
        self.unseen: dict[tuple[str, int], UnseenImage] = {}

    def __enter__(self) -> TakeFootage:
        return self

    def __exit__(self, *_: object) -> None:
        for reader in self._readers:
            reader.close()

    def frames(
        self, indices: Iterable[int], finest: int = 0, color: bool = True
    ) -> Generator[tuple[int, FramePixels], None, None]:
        """(0-based take frame index, pixels) in order, decoded ahead. Raises FootageError as the take's policy says.

        indices: each is asked for when its images are to be decoded. finest: pyramid level of the pixels. color: give
        chroma too, which only outlines need. Beside a GPU a thread of its own sends them there ahead of use.
        """
        if self._device.type != "cuda":
            yield from self._decoded(indices, finest, color)
            return
        with closing(ahead(self._sent(indices, finest, color), GPU_AHEAD)) as frames:
            for index, pixels, sent in frames:
                stream = torch.cuda.current_stream(self._device)
                stream.wait_event(sent)
                pixels.used_on(stream)
                yield index, pixels

    def _sent(
        self, indices: Iterable[int], finest: int, color: bool
    ) -> Generator[tuple[int, FramePixels, torch.cuda.Event], None, None]:
        """As ``_decoded``, on a stream of its own, and what tells that all is there. For a thread of its own."""
        stream = torch.cuda.Stream(self._device)
        # else every change of streams would go by way of the first GPU, and open it
        torch.cuda.set_device(stream.device)
        with closing(self._decoded(indices, finest, color)) as frames:
            while True:
                with torch.cuda.stream(stream):
                    frame = next(frames, None)
                    if frame is None:
                        return
                    sent = torch.cuda.Event()
                    sent.record(stream)
                yield (*frame, sent)

    def _decoded(
        self, indices: Iterable[int], finest: int, color: bool
    ) -> Generator[tuple[int, FramePixels], None, None]:
        """``frames`` in this thread, on its present stream."""
        begun: deque[int] = deque()

        def numbers() -> Iterator[int]:
            for index in indices:
                begun.append(index)
                yield int(self._take.frames[index])

        upload = Uploader(self._take.cameras, self._device, finest, color)
        with Prefetcher(self._readers, numbers(), DECODED_AHEAD, self._take.on_bad_frame, upload.prepare) as prefetcher:
            for _, images in prefetcher:
                uploaded = upload.gather(images)
                yield (
                    begun.popleft(),
                    FramePixels(
                        luminance=tuple(image.luminance for image in uploaded),
                        mask=tuple(image.mask for image in uploaded),
                        chroma=tuple(image.chroma for image in uploaded if image.chroma is not None),
                        matte=tuple(image.matte for image in uploaded),
                        finest=finest,
                    ),
                )
            for item in prefetcher.unseen:
                self.unseen[item.camera, item.frame] = item

    def batches(
        self, batches: Iterable[Sequence[int]], finest: int = 0
    ) -> Generator[tuple[Sequence[int], list[FramePixels]], None, None]:
        """``frames`` of several batches, each together; the next ones are decoded while one is used.

        batches: none empty; each is asked for when its images are to be decoded.
        """
        begun: deque[Sequence[int]] = deque()

        def indices() -> Iterator[int]:
            for batch in batches:
                begun.append(batch)
                yield from batch

        together: list[FramePixels] = []
        with closing(self.frames(indices(), finest, color=False)) as frames:
            for _, pixels in frames:
                together.append(pixels)
                if len(together) == len(begun[0]):
                    yield begun.popleft(), together
                    together = []


def _stored(image: Tensor) -> bool:
    """False for an image that is one number everywhere, expanded: most masks are."""
    return any(image.stride())


def _halved_each(images: Sequence[Tensor]) -> tuple[Tensor, ...]:
    """``halved`` of images (..., H, W), those of one size all at once."""
    if not any(map(_stored, images)):
        sizes = ((*image.shape[:-2], image.shape[-2] // 2, image.shape[-1] // 2) for image in images)
        return tuple(image[..., :1, :1].expand(size) for image, size in zip(images, sizes, strict=True))
    if len({image.shape for image in images}) == 1:
        return halved(stacked(images)).unbind(0)
    return tuple(halved(image) for image in images)


def stacked(images: Sequence[Tensor]) -> Tensor:
    """``torch.stack``, which copies, but not of a single one."""
    return torch.stack(tuple(images)) if len(images) > 1 else images[0][None]


def side_by_side(images: Sequence[tuple[FramePixels, int]]) -> FramePixels:
    """Some images, (frame, camera) each, as those of so many cameras. All have the same ``finest`` and are of one kind:
    with chroma or without, and with a matte or without."""
    return FramePixels(
        luminance=tuple(frame.luminance[camera] for frame, camera in images),
        mask=tuple(frame.mask[camera] for frame, camera in images),
        chroma=tuple(frame.chroma[camera] for frame, camera in images if frame.chroma),
        matte=tuple(frame.matte[camera] for frame, camera in images if frame.matte),
        finest=images[0][0].finest,
    )
