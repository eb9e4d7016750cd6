"""A comparison as pictures: curves of the controls that differ most, and where on the head the surfaces differ."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from matplotlib import colormaps
from matplotlib.figure import Figure

from facesolve.geometry.camera import resized, without_distortion
from facesolve.take import Take

from .comparison import Comparison
from .curves import SOLVED, draw_band, dress
from .layout import lay_out
from .lettering import color_bar, text_size, write_text
from .panels import BACKDROP, LEVELS, Shot, encoded
from .pictures import write_picture
from .scene import SolvedTake

OTHER = "#d1495b"  # curves of solution B
COLUMNS, CONTROLS = 4, 12
SEQUENTIAL = "YlOrRd"
LEAST_SHADE = 0.55  # of the map's colors where the clay is darkest, so that the face can be recognized
COVERED = 99.0  # per cent of the seen distances that the scale covers
HEAD_HEIGHT = 420  # pixels of one head
_BRIGHTEST = 0.75  # encoded, of the clay where it is well lit
ROUND = (1.0, 1.5, 2.0, 3.0, 5.0, 8.0, 10.0)  # ends of scales, times a power of ten


@dataclass(frozen=True, eq=False)
class _Map:
    """Distances (V,) in mm and what they are."""

    title: str
    values: np.ndarray


def draw_compared_curves(comparison: Comparison, path: Path) -> None:
    """Writes a PNG: distance of the vertices, head, and the controls that differ most, A and B with their bands."""
    a, b, frames = comparison.a, comparison.b, comparison.frames
    chosen = comparison.most_different()[:CONTROLS]
    rows = -(-(len(chosen) + COLUMNS) // COLUMNS)
    figure = Figure(figsize=(3.6 * COLUMNS, 2.0 * rows + 0.7), dpi=110, facecolor="white", layout="constrained")
    panels = figure.subplots(rows, COLUMNS, squeeze=False).flatten()
    face = comparison.vertices.regions[0]
    summary = (
        ("vertices, mean, mm", face.frame_world_mean),
        ("vertices, head removed, mean, mm", face.frame_rig_mean),
        ("difference in head rotation, degrees", comparison.head_rotation),
        ("shift of the face's middle by the head, mm", comparison.head_shift),
    )
    for panel, (title, values) in zip(panels, summary, strict=False):
        panel.plot(frames, values, color="#333333", linewidth=1.6)
        panel.set_ylim(bottom=0)
        dress(panel, title)
    for panel, k in zip(panels[COLUMNS:], chosen, strict=False):
        name = comparison.controls[k]
        for solution, color in ((a, SOLVED), (b, OTHER)):
            column = solution.control_names.index(name)
            draw_band(panel, frames, solution.controls[:, column], solution.control_std[:, column], color)
        mean = np.abs(comparison.difference[:, k]).mean()
        dress(panel, f"{name}   {mean:.3f}")
    for panel in panels[COLUMNS + len(chosen) :]:
        panel.set_visible(False)
    title = "A blue, B red, with ±2 standard deviations; the number is the mean absolute difference"
    figure.suptitle(title, fontsize=11, color="#333333", ha="left", x=0.01)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)


def draw_compared_heads(comparison: Comparison, take: Take, path: Path) -> None:
    """Writes a PNG: distances on the head of solution A as the cameras of its take see it, with a color bar in mm.

    Rows: mean over the frames in the world, the same with the head transform removed, and the frame that differs most.
    """
    scene = SolvedTake.of(comparison.a, take)
    vertices = comparison.vertices
    maps = (
        _Map("mean", vertices.world_mean),
        _Map("mean, head removed", vertices.rig_mean),
        _Map(f"frame {comparison.frames[vertices.worst]}", vertices.world_worst),
    )
    lenses = [without_distortion(camera) for camera in take.cameras]
    layout = lay_out([(lens.width, lens.height) for lens in lenses], 1, len(lenses), height=HEAD_HEIGHT)
    world = scene.world([vertices.worst])
    shots = [
        Shot(scene, (vertices.worst,), camera, resized(lens, *layout.sizes[camera]), world)
        for camera, lens in enumerate(lenses)
    ]
    top = _rounded(max(_covering(shots, one.values) for one in maps))
    rows = []
    for one in maps:
        canvas = layout.blank()
        for place, shot in enumerate(shots):
            picture = _painted(shot, one.values, top)
            x, y = layout.place(place, 0)
            canvas[y : y + picture.shape[0], x : x + picture.shape[1]] = picture
            size = text_size(layout.cell[1])
            write_text(canvas, f"{take.cameras[shot.camera].name} {one.title}", x + 0.3 * size, y + 0.2 * size, size)
        rows.append(canvas)
    picture = np.concatenate(rows)
    titles = ("distance of B from A, mm;", f"{COVERED:.0f} % of pixels")
    bar = color_bar(picture.shape[0], text_size(layout.cell[1]), SEQUENTIAL, 0.0, top, titles)
    write_picture(path, np.concatenate([picture, bar], axis=1))


def _painted(shot: Shot, values: np.ndarray, top: float) -> np.ndarray:
    """(H, W, 3) uint8: the head in the colors of its values (V,), 0 to ``top``, shaded a little by its shape."""
    clay = shot.clay
    coverage = clay.coverage[0, ..., None].numpy()
    brightness = encoded(clay.colors)[0].mean(axis=2, keepdims=True) / LEVELS / _BRIGHTEST
    shade = LEAST_SHADE + (1 - LEAST_SHADE) * np.clip(brightness, 0, 1)
    colors = colormaps[SEQUENTIAL](np.clip(_under_pixels(shot, values) / top, 0, 1))[..., :3]
    background = encoded(torch.full_like(clay.colors, BACKDROP))[0]
    return np.asarray(np.rint(LEVELS * colors * shade * coverage + background * (1 - coverage)), np.uint8)


def _under_pixels(shot: Shot, values: np.ndarray) -> np.ndarray:
    """(H, W) values (V,) of the surface under every pixel, 0 where there is none."""
    table = torch.as_tensor(values, dtype=shot.scene.model.dtype)[None, :, None]
    return shot.view.drawing.interpolate(table)[0, ..., 0].numpy()


def _covering(shots: list[Shot], values: np.ndarray) -> float:
    """What 99 % of the pixels on the head do not exceed."""
    seen = [_under_pixels(shot, values)[shot.view.drawing.triangle_id[0].numpy() >= 0] for shot in shots]
    joined = np.concatenate(seen)
    return float(np.percentile(joined, COVERED)) if len(joined) else 0.0


def _rounded(value: float) -> float:
    """The next number of ROUND times a power of ten; 0.001 at least."""
    power = 10.0 ** np.floor(np.log10(max(value, 1e-3)))
    return float(power * next(end for end in ROUND if end * power >= max(value, 1e-3) * (1 - 1e-9)))
