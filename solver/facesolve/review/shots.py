"""A solved take's frames as shots, one a camera, with their footage decoded ahead. Draws nothing."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from types import TracebackType

import cv2
import numpy as np
import torch

from facesolve.footage import FootageReader, Image, Prefetcher, open_footage
from facesolve.geometry.camera import map_to_opencv, resized, warped, without_distortion

from .panels import BACKDROP, Shot
from .scene import SolvedTake
from .stabilize import head_similarities

FILMED = 0.99  # part of a pixel that the footage must cover to be compared
BATCH_ON_GPU = 8  # frames drawn at once; a CPU is slower with more than one
MOST_THREADS = 8

Size = tuple[int, int]  # (width, height)
Plate = tuple[np.ndarray, np.ndarray]  # (H, W, 3) linear light, (H, W) where it was filmed


class Shots:
    """Shots of some cameras at some of the solution's frames. Holds open footage: use it as a context manager.

    cameras: indices into the take's. rows: the frames, 0-based, that will be wanted; where the head is held still, the
    first is the one that it is held at.
    """

    def __init__(
        self, scene: SolvedTake, cameras: Sequence[int], rows: Sequence[int], footage: bool, stabilize: bool
    ) -> None:
        self.scene, self.cameras = scene, tuple(cameras)
        self.lenses = tuple(without_distortion(scene.take.cameras[camera]) for camera in cameras)
        self._places = {row: place for place, row in enumerate(rows)}
        self._moves = [head_similarities(scene, camera, list(rows)) for camera in cameras] if stabilize else None
        self._batch = BATCH_ON_GPU if scene.model.device.type == "cuda" and not stabilize else 1
        self._opened = contextlib.ExitStack()
        self._readers = self._open() if footage else None
        self._threads = self._opened.enter_context(
            ThreadPoolExecutor(min(MOST_THREADS, os.cpu_count() or 1), "facesolve plates")
        )

    def __enter__(self) -> Shots:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._opened.close()

    def of(self, rows: Sequence[int], sizes: Sequence[Size]) -> Iterator[list[Shot]]:
        """The solution's frames ``rows`` in their order, some at once: a shot a camera, pictures of ``sizes``.

        Raises FootageError.
        """
        footage = self._footage(self.scene.solution.frames[list(rows)].tolist())
        for first in range(0, len(rows), self._batch):
            some = tuple(rows[first : first + self._batch])
            yield self._shots(some, [next(footage) for _ in some], sizes)

    def _shots(self, rows: tuple[int, ...], images: list[list[Image | None]], sizes: Sequence[Size]) -> list[Shot]:
        world = self.scene.world(rows)
        shots = []
        for place, camera in enumerate(self.cameras):
            lens = self.lenses[place]
            if self._moves is not None:
                lens = warped(lens, self._moves[place][self._places[rows[0]]])
            lens = resized(lens, *sizes[place])
            if self._readers is None:
                shots.append(Shot(self.scene, rows, camera, lens, world))
                continue
            of_camera = [some[place] for some in images]
            plates = list(self._threads.map(partial(self._plate, place, sizes[place]), of_camera, rows))
            footage, filmed = (
                torch.from_numpy(np.stack(layer)).to(self.scene.model.device) for layer in zip(*plates, strict=True)
            )
            lacking = tuple(image is None for image in of_camera)
            shots.append(Shot(self.scene, rows, camera, lens, world, footage, filmed, lacking))
        return shots

    def _footage(self, numbers: Sequence[int]) -> Iterator[list[Image | None]]:
        if self._readers is None:
            for _ in numbers:
                yield [None] * len(self.cameras)
            return
        depth = self._batch + 1
        with Prefetcher(self._readers, numbers, depth, on_bad_frame=self.scene.take.on_bad_frame) as prefetcher:
            for _, images in prefetcher:
                yield images

    def _plate(self, place: int, size: Size, image: Image | None, row: int) -> Plate:
        """The image at the pictures' size, moved as the picture is; the backdrop where there is none."""
        if image is None:
            shape = (size[1], size[0])
            return np.full((*shape, 3), BACKDROP, np.float32), np.zeros(shape, np.float32)
        pixels: np.ndarray = image.pixels
        filmed: np.ndarray = image.valid.astype(np.float32)
        if not image.valid.all():
            pixels = pixels * filmed[..., None]
        if size != (pixels.shape[1], pixels.shape[0]):
            method = cv2.INTER_AREA if size[1] < pixels.shape[0] else cv2.INTER_LINEAR
            pixels, filmed = (cv2.resize(layer, size, interpolation=method) for layer in (pixels, filmed))
        if self._moves is not None:
            height, width = image.valid.shape
            stretch = np.array([size[0] / width, size[1] / height])
            move = stretch[:, None] * self._moves[place][self._places[row]]
            move[:, :2] /= stretch
            pixels, filmed = (cv2.warpAffine(layer, map_to_opencv(move), size) for layer in (pixels, filmed))
        if filmed.min() < 1:
            filmed = np.where(filmed > FILMED, filmed, 0).astype(np.float32)  # at the edge it is mixed with nothing
            pixels = pixels + np.float32(BACKDROP) * (1 - filmed[..., None])
        return pixels, filmed

    def _open(self) -> list[FootageReader]:
        take, readers = self.scene.take, []
        for camera in self.cameras:
            reader = open_footage(take.footage[camera], take.cameras[camera], take.frames.tolist())
            self._opened.callback(reader.close)
            readers.append(reader)
        return readers
