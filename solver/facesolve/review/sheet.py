"""The picture of one frame: every chosen camera's panels on one canvas, labeled. Knows no video format."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import torch

from facesolve.take import Take
from facesolve.take.timecode import timecode

from . import panels
from .layout import lay_out
from .lettering import color_bar, text_size, write_text
from .panels import Look, Panel, Shot, signed_difference
from .request import NEEDS_FOOTAGE, VideoError, VideoRequest
from .shots import Shots, Size

PANELS: dict[str, Panel] = {
    "footage": panels.footage,
    "edges": panels.edges,
    "clay": panels.clay,
    "texture": panels.textured,
    "blend": panels.blend,
    "difference": panels.difference,
}
SAMPLED_FRAMES = 6  # that the scale of differences or a GIF's colors are taken from
SAMPLED_HEIGHT = 360  # pixels of a picture that suffice for the scale of differences
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
    """Makes the pictures of a solved take's frames out of ``shots``.

    shown: names of PANELS, which the solution and the footage can give. size: (width, height) of a picture, both even.
    """

    def __init__(self, shots: Shots, request: VideoRequest, shown: Sequence[str], rows: Sequence[int]) -> None:
        self.shown = tuple(shown)
        self.shots, self._request, self._rows = shots, request, list(rows)
        sizes = [(lens.width, lens.height) for lens in shots.lenses]
        columns = 1 if request.what == "grid" else None
        self._layout = lay_out(sizes, len(shown), columns, request.scale, request.height)
        self._look = Look(request.opacity, 20.0 if request.levels is None else request.levels)

    @property
    def levels(self) -> float:
        """At the ends of the scale of differences, of 255."""
        return self._look.levels

    @property
    def picture_sizes(self) -> tuple[Size, ...]:
        """(width, height) of each camera's pictures: those of the shots that it draws."""
        return self._layout.sizes

    @property
    def cells(self) -> tuple[tuple[str, int, int, int, int], ...]:
        """(camera's name, x, y, width, height) of every panel in the picture."""
        cameras, layout = self.shots.scene.take.cameras, self._layout
        return tuple(
            (cameras[camera].name, *layout.place(place, number), *layout.sizes[place])
            for place, camera in enumerate(self.shots.cameras)
            for number in range(len(self.shown))
        )

    @property
    def size(self) -> Size:
        """(width, height) of a picture."""
        width, height = self._layout.canvas
        bar = self._bar()
        return width + (0 if bar is None else bar.shape[1]), height

    def fit_levels(self) -> None:
        """Takes the scale of differences from a few frames: the rounded value that covers 98 % of the pixels."""
        sizes = [np.zeros(1, np.float32)]
        smaller = min(1.0, SAMPLED_HEIGHT / self._layout.cell[1])
        small = [(max(1, round(width * smaller)), round(height * smaller)) for width, height in self.picture_sizes]
        for shots in self.shots.of(self._sampled(), small):
            for found in (signed_difference(shot.inside) for shot in shots):
                if found is not None:
                    levels, coverage = found
                    sizes.append(levels[coverage[..., 0] > 0.5].abs().cpu().numpy())
        wanted = float(np.percentile(np.concatenate(sizes), WITHIN))
        self._look = replace(self._look, levels=next(scale for scale in SCALES if scale >= min(wanted, SCALES[-1])))

    def samples(self) -> Iterator[np.ndarray]:
        """Pictures of a few frames spread over all."""
        for _, picture in self.pictures(self._sampled()):
            yield picture

    def pictures(self, rows: Sequence[int]) -> Iterator[tuple[int, np.ndarray]]:
        """(take frame number, (H, W, 3) uint8 RGB) of the solution's frames ``rows``. Raises FootageError."""
        for shots in self.shots.of(rows, self.picture_sizes):
            yield from self.drawn(shots)

    def drawn(self, shots: Sequence[Shot]) -> Iterator[tuple[int, np.ndarray]]:
        """(take frame number, (H, W, 3) uint8 RGB) of the frames of ``shots``, one a camera, of ``picture_sizes``."""
        rows, bar = shots[0].rows, self._bar()
        canvases = [self._layout.blank() for _ in rows]
        with torch.inference_mode():
            for place, shot in enumerate(shots):
                self._draw(canvases, place, shot)
        for row, canvas in zip(rows, canvases, strict=True):
            frame = int(self.shots.scene.solution.frames[row])
            if self._request.labels:
                self._write_frame(canvas, frame)
            yield frame, canvas if bar is None else np.concatenate([canvas, bar], axis=1)

    def _draw(self, canvases: Sequence[np.ndarray], place: int, shot: Shot) -> None:
        width, height = self._layout.sizes[place]
        size = text_size(height)
        for number, name in enumerate(self.shown):
            x, y = self._layout.place(place, number)
            pictures = PANELS[name](shot, self._look)
            camera = self.shots.scene.take.cameras[shot.camera].name
            text = camera if len(self.shown) == 1 else f"{camera} {name}"
            for index, canvas in enumerate(canvases):
                cell = canvas[y : y + height, x : x + width]
                cell[:] = pictures[index]
                if self._request.labels:
                    write_text(cell, text, 0.3 * size, 0.2 * size, size)
                    if name in NEEDS_FOOTAGE and (not shot.lacking or shot.lacking[index]):
                        write_text(cell, "no image", 0.3 * size, 1.6 * size, size)

    def _write_frame(self, canvas: np.ndarray, frame: int) -> None:
        height = self._layout.cell[1]
        size = text_size(height)
        text = f"frame {frame}  {timecode(frame, self.shots.scene.take.fps)}"
        write_text(canvas, text, 0.3 * size, canvas.shape[0] - 0.2 * size, size, bottom=True)

    def _bar(self) -> np.ndarray | None:
        if "difference" not in self.shown:
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
