"""The picture of one frame: every chosen camera's panels on one canvas, labeled. Knows no video format."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from types import TracebackType

import cv2
import numpy as np
import torch
from torch import Tensor

from facesolve.footage import FootageReader, Image, Prefetcher, open_footage
from facesolve.geometry.camera import map_to_opencv, resized, warped, without_distortion
from facesolve.take import Take
from facesolve.take.timecode import timecode

from . import panels
from .layout import lay_out
from .lettering import color_bar, text_size, write_text
from .panels import Look, Panel, Shot, signed_difference
from .request import NEEDS_FOOTAGE, VideoError, VideoRequest
from .scene import SolvedTake
from .stabilize import head_similarities

PANELS: dict[str, Panel] = {
    "footage": panels.footage,
    "edges": panels.edges,
    "clay": panels.clay,
    "texture": panels.textured,
    "blend": panels.blend,
    "difference": panels.difference,
}
SAMPLED_FRAMES = 6  # that the scale of differences or a GIF's colors are taken from
FILMED = 0.99  # part of a pixel that the footage must cover to be compared
WITHIN = 98.0  # per cent of the compared pixels that the scale of differences covers
SCALES = (2.0, 3.0, 5.0, 8.0, 10.0, 15.0, 20.0, 30.0, 40.0, 60.0, 80.0, 100.0, 150.0, 255.0)


def chosen_cameras(take: Take, names: Sequence[str]) -> list[int]:
    """Indices of the take's cameras with these names, all when there are none. Raises VideoError."""
    known = [camera.name for camera in take.cameras]
    for name in names:
        if name not in known:
            raise VideoError(f"video: the take has no camera '{name}'; it has {', '.join(known)}.")
    return [known.index(name) for name in names or known]


class Sheet:
    """Makes the pictures of a solved take's frames. Holds open footage: use it as a context manager.

    cameras: indices into the take's. shown: names of PANELS. rows: the solution's frames that will be asked for; the
    first is the one that a stabilized head is held at. size: (width, height) of a picture, both even.
    """

    def __init__(
        self, scene: SolvedTake, request: VideoRequest, cameras: Sequence[int], shown: Sequence[str], rows: list[int]
    ) -> None:
        self._scene, self._request, self._shown, self._rows = scene, request, tuple(shown), rows
        self._cameras = list(cameras)
        self._lenses = [without_distortion(scene.take.cameras[camera]) for camera in cameras]
        sizes = [(lens.width, lens.height) for lens in self._lenses]
        columns = 1 if request.what == "grid" else None
        self._layout = lay_out(sizes, len(shown), columns, request.scale, request.height)
        self._look = Look(request.opacity, 20.0 if request.levels is None else request.levels)
        self._moves = [head_similarities(scene, camera, rows) for camera in cameras] if request.stabilize else None
        self._opened = contextlib.ExitStack()
        self._readers = self._open() if NEEDS_FOOTAGE.intersection(shown) else None

    def __enter__(self) -> Sheet:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._opened.close()

    @property
    def levels(self) -> float:
        """At the ends of the scale of differences, of 255."""
        return self._look.levels

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) of a picture."""
        width, height = self._layout.canvas
        bar = self._bar()
        return width + (0 if bar is None else bar.shape[1]), height

    def fit_levels(self) -> None:
        """Takes the scale of differences from a few frames: the rounded value that covers 98 % of the pixels."""
        sizes = [np.zeros(1, np.float32)]
        for _, shots in self.shots(self._sampled()):
            for found in map(signed_difference, shots):
                if found is not None:
                    levels, coverage = found
                    sizes.append(np.abs(levels[coverage[..., 0] > 0.5]))
        wanted = float(np.percentile(np.concatenate(sizes), WITHIN))
        self._look = replace(self._look, levels=next(scale for scale in SCALES if scale >= min(wanted, SCALES[-1])))

    def samples(self) -> Iterator[np.ndarray]:
        """Pictures of a few frames spread over all."""
        for _, picture in self.pictures(self._sampled()):
            yield picture

    def pictures(self, rows: Sequence[int]) -> Iterator[tuple[int, np.ndarray]]:
        """(take frame number, (H, W, 3) uint8 RGB) of the solution's frames ``rows``. Raises FootageError."""
        bar = self._bar()
        for frame, shots in self.shots(rows):
            canvas = self._layout.blank()
            for place, shot in enumerate(shots):
                self._draw(canvas, place, shot)
            if self._request.labels:
                self._write_frame(canvas, frame)
            yield frame, canvas if bar is None else np.concatenate([canvas, bar], axis=1)

    def shots(self, rows: Sequence[int]) -> Iterator[tuple[int, list[Shot]]]:
        """(take frame number, one shot a camera), footage decoded ahead."""
        scene = self._scene
        numbers = scene.solution.frames[list(rows)].tolist()
        for row, (frame, images) in zip(rows, self._footage(numbers), strict=True):
            world = scene.world(row)
            shots = []
            for place, camera in enumerate(self._cameras):
                lens = self._lenses[place]
                if self._moves is not None:
                    lens = warped(lens, self._moves[place][self._rows.index(row)])
                lens = resized(lens, *self._layout.sizes[place])
                image = images[place]
                footage, filmed = (None, None) if image is None else self._plate(image, place, row)
                shots.append(Shot(scene, row, camera, lens, world, footage, filmed))
            yield frame, shots

    def _footage(self, numbers: Sequence[int]) -> Iterator[tuple[int, list[Image | None]]]:
        if self._readers is None:
            for number in numbers:
                yield number, [None] * len(self._cameras)
            return
        with Prefetcher(self._readers, numbers, on_bad_frame=self._scene.take.on_bad_frame) as prefetcher:
            yield from prefetcher

    def _plate(self, image: Image, place: int, row: int) -> tuple[Tensor, Tensor]:
        """(H, W, 3) linear light and (H, W) where it was filmed, at the pictures' size, moved as the picture is."""
        size, shrinks = self._layout.sizes[place], self._layout.sizes[place][1] < image.pixels.shape[0]
        pixels: np.ndarray = image.pixels
        filmed: np.ndarray = image.valid.astype(np.float32)
        if not image.valid.all():
            pixels = pixels * filmed[..., None]
        if size != (pixels.shape[1], pixels.shape[0]):
            method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
            pixels, filmed = (cv2.resize(layer, size, interpolation=method) for layer in (pixels, filmed))
        if self._moves is not None:
            height, width = image.valid.shape
            stretch = np.array([size[0] / width, size[1] / height])
            move = stretch[:, None] * self._moves[place][self._rows.index(row)]
            move[:, :2] /= stretch
            pixels, filmed = (cv2.warpAffine(layer, map_to_opencv(move), size) for layer in (pixels, filmed))
        filmed = np.where(filmed > FILMED, filmed, 0)  # at the edge the footage is mixed with nothing
        pixels = pixels + panels.BACKDROP * (1 - filmed[..., None])
        device = self._scene.model.device
        return torch.from_numpy(pixels).to(device), torch.from_numpy(filmed).to(device)

    def _draw(self, canvas: np.ndarray, place: int, shot: Shot) -> None:
        width, height = self._layout.sizes[place]
        size = text_size(height)
        for number, name in enumerate(self._shown):
            x, y = self._layout.place(place, number)
            picture = PANELS[name](shot, self._look)
            canvas[y : y + height, x : x + width] = picture
            if self._request.labels:
                camera = self._scene.take.cameras[shot.camera].name
                text = camera if len(self._shown) == 1 else f"{camera} {name}"
                cell = canvas[y : y + height, x : x + width]
                write_text(cell, text, 0.3 * size, 0.2 * size, size)
                if name in NEEDS_FOOTAGE and shot.footage is None:
                    write_text(cell, "no image", 0.3 * size, 1.6 * size, size)

    def _write_frame(self, canvas: np.ndarray, frame: int) -> None:
        height = self._layout.cell[1]
        size = text_size(height)
        text = f"frame {frame}  {timecode(frame, self._scene.take.fps)}"
        write_text(canvas, text, 0.3 * size, canvas.shape[0] - 0.2 * size, size, bottom=True)

    def _bar(self) -> np.ndarray | None:
        if "difference" not in self._shown:
            return None
        height = self._layout.canvas[1]
        fitted = f"{WITHIN:.0f} % of pixels" if self._request.levels is None else "as given"
        titles = ("footage minus", "render, levels", "of 255; scale:", fitted)
        size = min(text_size(self._layout.cell[1]), height / 14)
        bar = color_bar(height, size, panels.DIVERGING, -self.levels, self.levels, titles)
        return bar[:, : bar.shape[1] // 2 * 2]

    def _sampled(self) -> list[int]:
        places = np.unique(np.linspace(0, len(self._rows) - 1, SAMPLED_FRAMES).round().astype(int))
        return [self._rows[place] for place in places]

    def _open(self) -> list[FootageReader]:
        take, readers = self._scene.take, []
        for camera in self._cameras:
            reader = open_footage(take.footage[camera], take.cameras[camera], take.frames.tolist())
            self._opened.callback(reader.close)
            readers.append(reader)
        return readers
