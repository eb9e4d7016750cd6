"""The coverage of a session that is being photographed: a page for a browser, a table for a terminal."""

from __future__ import annotations

import html
from collections.abc import Sequence

import cv2
import numpy as np
from rich.console import Group
from rich.table import Table
from rich.text import Text

from .lens import project
from .trust import at_the_head
from .watch import Looked, Watched

REFRESH = 2  # seconds
CELLS = (3, 12)  # rows and columns of a camera's map in the terminal
SHADES = " .:*#"  # by how many views reach a cell
NEWEST = 3  # images that were refused last are named in the terminal

_STYLE = """body{background:#14171a;color:#d8dde1;font:15px/1.45 system-ui,sans-serif;margin:1.2em}
.wall{display:grid;grid-template-columns:repeat(auto-fill,minmax(22em,1fr));gap:1em}
figure{margin:0;background:#1d2226;padding:.6em;border-radius:4px}svg{width:100%;display:block;background:#0b0d0f}
figcaption{margin-top:.4em}.big{font-size:1.5em}.refused{color:#ff8a70}.quiet{color:#8d979e}"""


def coverage_page(state: Watched, live: bool = True) -> str:
    """HTML of all cameras: where boards were seen (the newest brightest), and where to hold the board next (dashed).

    live: the page loads itself anew; else it is the last of its session.
    """
    refresh = f'<meta http-equiv="refresh" content="{REFRESH}">' if live else ""
    figures = "".join(_figure(state, camera) for camera in state.cameras)
    refused = "".join(f'<li class="refused">{html.escape(line)}</li>' for line in _refused(state))
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8">{refresh}<title>Coverage</title>'
        f'<style>{_STYLE}</style></head><body><p class="big">{html.escape(_summary(state))}</p>'
        f'<p class="big">{html.escape(_wanted(state))}</p><div class="wall">{figures}</div><ul>{refused}</ul>'
        "</body></html>\n"
    )


def coverage_table(state: Watched) -> Group:
    """The same for a terminal: a map of each camera's image, darker where more boards were."""
    table = Table(title="coverage", title_justify="left")
    for heading in ("camera", "images", "boards", "reached"):
        table.add_column(heading, justify="left" if heading == "camera" else "right")
    table.add_column("where")
    for camera in state.cameras:
        looked, kept = state.of_camera(camera), _kept(state, camera)
        reached = f"{100 * _reached(kept):.0f} %"
        boards = sum(len(one.detections) for one in kept)
        table.add_row(camera, str(len(looked)), str(boards), reached, Text(_map(kept, state.size(camera))))
    lines = [_summary(state), _wanted(state), *_refused(state)[-NEWEST:]]
    return Group(table, *(Text(line) for line in lines if line))


def _kept(state: Watched, camera: str) -> list[Looked]:
    return [one for one in state.kept if one.image.camera == camera]


def _summary(state: Watched) -> str:
    views = len({one.image.view for one in state.kept})
    if state.calibration is None:
        return f"{views} views. No calibration yet: {state.trouble or 'no images so far'}"
    head = at_the_head(state.calibration.sure)
    sure = "" if head is None else f" A point of a head is certain to {10 * head:.2f} mm."
    return f"{views} views, {state.calibration.noise:.2f} px.{sure}"


def _wanted(state: Watched) -> str:
    if state.calibration is None:
        return ""
    return "No further view would help much." if state.advice is None else state.advice.sentence


def _refused(state: Watched) -> list[str]:
    found = [
        (one.taken, f"{one.image.camera}, {one.image.view}: {one.refused}.") for one in state.looked if one.refused
    ]
    return [line for _, line in sorted(found)]


def _reached(kept: Sequence[Looked]) -> float:
    """Share of the image inside the hull of all points."""
    points = [detection.pixels for one in kept for detection in one.detections]
    if not points:
        return 0.0
    width, height = kept[0].size
    return float(cv2.contourArea(_hull(np.concatenate(points)))) / (width * height)


def _hull(points: np.ndarray) -> np.ndarray:
    return cv2.convexHull(points.astype(np.float32)).reshape(-1, 2)


def _map(kept: Sequence[Looked], size: tuple[int, int]) -> str:
    """Lines of characters, a cell of the image each."""
    counts = np.zeros(CELLS, int)
    for detection in (detection for one in kept for detection in one.detections):
        cells = (detection.pixels / np.maximum(size, 1) * CELLS[::-1]).astype(int).clip(0, np.array(CELLS)[::-1] - 1)
        here = np.zeros(CELLS, int)
        here[cells[:, 1], cells[:, 0]] = 1
        counts += here
    return "\n".join("".join(SHADES[min(n, len(SHADES) - 1)] for n in row) for row in counts)


def _figure(state: Watched, camera: str) -> str:
    looked, kept = state.of_camera(camera), _kept(state, camera)
    width, height = state.size(camera)
    shapes = []
    for index, one in enumerate(sorted(kept, key=lambda one: one.taken)):
        newest = index == len(kept) - 1
        shade = 'fill="#7fd0ff" fill-opacity=".55" stroke="#fff"' if newest else 'fill="#3f9fd0" fill-opacity=".22"'
        shapes += [f'<polygon points="{_points(_hull(each.pixels))}" {shade}/>' for each in one.detections]
    outline = _next_outline(state, camera)
    if outline is not None:
        style = 'fill="none" stroke="#ffd24a" stroke-width="4" stroke-dasharray="14 10"'
        shapes.append(f'<polygon points="{_points(outline)}" {style}/>')
    boards = sum(len(one.detections) for one in kept)
    text = f"{camera}: {boards} boards in {len(looked)} images, {100 * _reached(kept):.0f} % reached"
    return (
        f'<figure><svg viewBox="0 0 {width} {height}" role="img" aria-label="{html.escape(text)}">{"".join(shapes)}'
        f"</svg><figcaption>{html.escape(text)}</figcaption></figure>"
    )


def _next_outline(state: Watched, camera: str) -> np.ndarray | None:
    """(4, 2) pixels of where the board should be held next; None where this camera would not see it."""
    if state.advice is None or state.calibration is None or camera not in state.advice.cameras:
        return None
    rig, index = state.calibration.sure.rig, state.calibration.session.cameras.index(camera)
    matrix = rig.cameras[index] @ state.advice.board
    corners = state.calibration.session.board.corners @ matrix[:3, :3].T + matrix[:3, 3]
    return project(rig.lenses[index], corners, rig.bends(index)).pixels


def _points(pixels: np.ndarray) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in pixels)
