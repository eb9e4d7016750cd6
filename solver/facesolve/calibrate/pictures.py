"""Pictures of a calibration: each photograph with its detected and reprojected points, and the rig of cameras."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import MaxNLocator
from mpl_toolkits.mplot3d import Axes3D

from facesolve.geometry.camera import pixels_to_opencv
from facesolve.review.lettering import text_size, write_text
from facesolve.review.pictures import write_picture
from facesolve.take.files import write_atomic

from .calibrate import CalibratedLens, Calibration, Checked
from .detect import gray_of
from .session import BoardImage

DETECTED, REPROJECTED, REJECTED = (90, 235, 110), (255, 80, 220), (255, 70, 50)  # RGB
EXAGGERATED = 20.0  # times the error, drawn as a line
WIDEST, NARROW = 1600, 900  # pixels of a picture; of a photograph that is drawn twice as large
_SHIFT = 4  # bits of a fraction of a pixel that OpenCV draws with
FRUSTUM = 0.12  # of the rig's size
COLORS = ("#1f6f8b", "#e07a3f", "#5aa469", "#8b5fa3", "#c0485a", "#4f6fb5", "#a08a2e", "#3aa6a0", "#7a7a7a")


def draw_view(gray: np.ndarray, boards: Sequence[Checked], label: str) -> np.ndarray:
    """(H, W, 3) uint8 RGB: the photograph (H, W) uint8 with circles where points were detected, crosses where the
    calibration puts them, and lines that show the error 20 times as long; rejected points are red."""
    scale = min(WIDEST / gray.shape[1], 2.0 if gray.shape[1] < NARROW else 1.0)
    gray = cv2.resize(gray, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    picture = cv2.cvtColor((gray * 0.6).astype(np.uint8), cv2.COLOR_GRAY2RGB)
    size = text_size(picture.shape[0])
    if not boards:
        write_text(picture, f"{label}: board not found", size / 2, size / 2, size)
        return picture
    for checked in boards:
        _draw_board(picture, checked, scale)
    errors = np.concatenate([checked.errors[checked.used] for checked in boards])
    points = sum(len(checked.used) for checked in boards)
    found = f"{points} points, {points - len(errors)} rejected"
    error = f"{np.sqrt((errors**2).mean()):.3f} px, largest {errors.max():.2f}" if len(errors) else "all rejected"
    write_text(picture, f"{label}: {found}, {error} (lines x {EXAGGERATED:.0f})", size / 2, size / 2, size)
    return picture


def _draw_board(picture: np.ndarray, checked: Checked, scale: float) -> None:
    """One board's points and errors. scale: of the picture over the photograph."""
    detected = pixels_to_opencv(checked.detection.pixels * scale)
    projected = pixels_to_opencv(checked.projected * scale)
    apart = np.median(np.linalg.norm(np.diff(detected, axis=0), axis=1))
    radius = int(np.clip(apart / 3, 3, 12))
    for point, aim, used in zip(detected, projected, checked.used, strict=True):
        cv2.circle(picture, _fixed(point), radius << _SHIFT, DETECTED if used else REJECTED, 1, cv2.LINE_AA, _SHIFT)
        if np.abs(aim - point).max() > picture.shape[1]:
            continue
        for step in ((radius, 0), (0, radius)):
            ends = _fixed(aim - step), _fixed(aim + step)
            cv2.line(picture, *ends, REPROJECTED, 1, cv2.LINE_AA, _SHIFT)
        if used:
            cv2.line(
                picture,
                _fixed(point),
                _fixed(point + EXAGGERATED * (aim - point)),
                (255, 225, 60),
                1,
                cv2.LINE_AA,
                _SHIFT,
            )


def write_views(images: Mapping[tuple[str, str], BoardImage], calibration: Calibration, folder: Path) -> None:
    """Writes ``folder/CAMERA/VIEW.jpg`` for every photograph. images: by (camera, view)."""
    checked: dict[tuple[str, str], list[Checked]] = {}
    for item in calibration.checked:
        checked.setdefault((item.detection.camera, item.detection.view), []).append(item)
    for (camera, view), image in images.items():
        picture = draw_view(gray_of(image), checked.get((camera, view), []), f"{camera} {view}")
        write_picture(folder / camera / f"{view}.jpg", picture)


def draw_rig(calibration: Calibration, path: Path) -> None:
    """Writes a PNG of the cameras with their fields of view and all boards, from the side and from above.

    Ticks are centimeters in the axes of the calibration: those of the board at its origin.
    """
    figure = Figure(figsize=(14, 7), dpi=110, facecolor="white", layout=ConstrainedLayoutEngine(wspace=0.06))
    side, above = figure.add_subplot(1, 2, 1, projection="3d"), figure.add_subplot(1, 2, 2)
    assert isinstance(side, Axes3D)
    strokes = list(_strokes(calibration))
    points = np.concatenate([stroke.points for stroke in strokes])
    names = [(lens, COLORS[index % len(COLORS)]) for index, lens in enumerate(calibration.cameras)]
    for stroke in strokes:
        side.plot(*_upright(stroke.points).T, color=stroke.color, linewidth=stroke.width)
        above.plot(*stroke.points[:, [0, 2]].T, color=stroke.color, linewidth=stroke.width)
    offset = 0.7 * _size(calibration) * FRUSTUM
    for lens, color in names:
        over, behind = (lens.center - offset * lens.camera.rotation[axis] for axis in (1, 2))
        side.text(*_upright(over), lens.camera.name, color=color, fontsize=9, ha="center", va="center")
        above.text(behind[0], behind[2], lens.camera.name, color=color, fontsize=9, ha="center", va="center")
        points = np.concatenate([points, over[None], behind[None]])
    _frame_side(side, _upright(points))
    above.update_datalim(points[:, [0, 2]])  # the names, too
    above.set_aspect("equal", adjustable="datalim")
    above.margins(0.08)
    above.yaxis.tick_right()
    above.yaxis.set_label_position("right")
    above.grid(color="#dddddd", linewidth=0.6)
    above.set(xlabel="x, cm", ylabel="z, cm")
    for panel, title in ((side, "from the side"), (above, "from above")):
        panel.set_title(title, fontsize=10, loc="left", color="#333333")
        panel.tick_params(labelsize=8)
    cameras, boards = len(calibration.cameras), len(calibration.boards)
    figure.suptitle(
        f"{cameras} camera{'s' * (cameras != 1)}, {boards} board{'s' * (boards != 1)}; axes: the board of view "
        f"{calibration.origin} (x red, y green, z blue)",
        fontsize=11, color="#333333", ha="left", x=0.01,
    )  # fmt: skip
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    write_atomic(path, buffer.getvalue())


class _Stroke(NamedTuple):
    """A line through points (n, 3) of the world."""

    points: np.ndarray
    color: str
    width: float


def _strokes(calibration: Calibration) -> Iterator[_Stroke]:
    """Boards, the world's axes and the cameras' fields of view."""
    for view, quad in _board_corners(calibration).items():
        origin = view == calibration.origin
        yield _Stroke(quad[[0, 1, 2, 3, 0]], "#333333" if origin else "#9aa5ad", 1.6 if origin else 0.6)
    length = _size(calibration) * FRUSTUM
    for axis, color in enumerate(("#cc3333", "#2e8b3d", "#3355cc")):
        yield _Stroke(np.stack([np.zeros(3), np.eye(3)[axis] * length]), color, 2.0)
    for index, lens in enumerate(calibration.cameras):
        pyramid = _frustum(lens, length)
        yield _Stroke(pyramid[[0, 1, 2, 3, 4, 1, 0, 2, 0, 3, 0, 4]], COLORS[index % len(COLORS)], 1.2)


def _board_corners(calibration: Calibration) -> dict[str, np.ndarray]:
    """(4, 3) corners of the board in each view, world."""
    corners = {view: board.corners for view, board in calibration.session.board_by_view.items()}
    return {view: corners[view] @ pose[:3, :3].T + pose[:3, 3] for view, pose in calibration.boards.items()}


def _size(calibration: Calibration) -> float:
    """The largest extent of cameras and boards, centimeters."""
    centers = np.stack([lens.center for lens in calibration.cameras])
    return float(np.ptp(np.concatenate([centers, *_board_corners(calibration).values()]), axis=0).max())


def _frame_side(panel: Axes3D, shown: np.ndarray) -> None:
    """View, limits and ticks of the picture from the side. shown: (n, 3) all that must be inside, plot's axes."""
    panel.set_proj_type("ortho")
    panel.view_init(20.0, -62.0)
    margin = 0.03 * np.ptp(shown, axis=0).max()
    low, high = shown.min(0) - margin, shown.max(0) + margin
    panel.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]), zlim=(low[2], high[2]))
    panel.set_box_aspect(np.maximum(high - low, 0.05 * (high - low).max()))
    for axis in (panel.xaxis, panel.yaxis, panel.zaxis):
        axis.set_major_locator(MaxNLocator(5))
    panel.zaxis.set_major_formatter(lambda value, _: f"{0.0 - value:g}")  # y points down
    panel.set(xlabel="x, cm", ylabel="z, cm", zlabel="y, cm")
    panel.zaxis.labelpad = -1  # else it stands at the other picture


def _frustum(lens: CalibratedLens, length: float) -> np.ndarray:
    """(5, 3) the camera's center and the corners of its image at a distance, world."""
    camera = lens.camera
    pixels = np.array([(0, 0), (camera.width, 0), (camera.width, camera.height), (0, camera.height)], float)
    rays = np.concatenate([pixels, np.ones((4, 1))], 1) @ np.linalg.inv(camera.intrinsics).T
    rays = rays / np.linalg.norm(rays, axis=1, keepdims=True) * length
    return np.concatenate([lens.center[None], lens.center + rays @ camera.rotation])


def _upright(points: np.ndarray) -> np.ndarray:
    """World points (..., 3), y down as a board has it, in the plot's axes with z up."""
    x, y, z = np.moveaxis(points, -1, 0)
    return np.stack([x, z, -y], -1)


def _fixed(point: np.ndarray) -> tuple[int, int]:
    x, y = np.rint(point * (1 << _SHIFT)).astype(int).tolist()
    return x, y
