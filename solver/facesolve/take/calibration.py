"""Calibration files: the thesis' ``calibration.json`` layout and ours (which adds the image size). numpy only."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, Mapping, Optional, Sequence, Tuple

import numpy as np

from .camera import BROWN, LENSES
from .checks import FARTHEST, LARGEST_IMAGE, NAME, choice, numbers, refusal
from .errors import TakeError
from .files import write_json
from .reading import read_json

_NUMBERS = numbers(FARTHEST, 100)
WORLD = "world"  # beside the cameras: what the world's axes are
UPS = ("x", "-x", "y", "-y", "z", "-z")
_CONVENTION = {
    "unit": "cm",
    "axes": "right-handed",
    "cameras": "x_camera = rotation x_world + translation; x right, y down, z forward",
    "pixels": "the center of the first pixel is (0.5, 0.5)",
}
_SHAPES = {"intrinsic": (3, 3), "rotation": (3, 3), "translation": (3,)}


@dataclass(frozen=True, eq=False)
class CalibratedCamera:
    """One camera of a calibration file, OpenCV convention, ``x_cam = R x_world + t``, centimeters.

    intrinsics (3, 3) pixels, first pixel's center at (0.5, 0.5); distortion (n,) and lens as ``Camera`` has them;
    width, height: pixels, None when the file does not say (the thesis' layout).
    """

    name: str
    intrinsics: np.ndarray
    rotation: np.ndarray
    translation: np.ndarray
    distortion: np.ndarray
    width: Optional[int] = None
    height: Optional[int] = None
    lens: str = BROWN

    @property
    def size(self) -> Optional[Tuple[int, int]]:
        """(width, height) in pixels, None when the file does not say."""
        return None if self.width is None or self.height is None else (self.width, self.height)


def read_calibrated_cameras(path: Path) -> Tuple[CalibratedCamera, ...]:
    """The cameras of a calibration file, in file order. TakeError names the file, camera and key."""
    return calibrated_cameras(read_json(path, "calibration"), path)


def read_world_up(path: Path) -> Optional[str]:
    """``world_up`` of a calibration file."""
    return world_up(read_json(path, "calibration"), path)


def calibrated_cameras(record: Mapping[str, Any], path: Path) -> Tuple[CalibratedCamera, ...]:
    """The same of the JSON object in it."""
    world_up(record, path)
    named = [(name, camera) for name, camera in record.items() if name != WORLD]
    if not named:
        raise TakeError("calibration: '{}' holds no camera.".format(path))
    return tuple(_camera(name, camera, "camera '{}' in '{}'".format(name, path)) for name, camera in named)


def world_up(record: Mapping[str, Any], path: Path) -> Optional[str]:
    """The world's axis that points up, one of UPS; None where the file does not say. Raises TakeError."""
    world = record.get(WORLD)
    if world is None:
        return None
    if not isinstance(world, dict):
        raise TakeError("calibration: '{}' in '{}' is not an object.".format(WORLD, path))
    up = world.get("up")
    return None if up is None else str(choice(*UPS)(up, "calibration: '{}': up".format(path)))


def write_calibrated_cameras(
    cameras: Sequence[CalibratedCamera], path: Path, thesis: bool = False, up: Optional[str] = None
) -> None:
    """Writes ``cameras`` in our layout, or in the thesis' one, which has columns for vectors and no image size.

    up: the world's axis that points up, one of UPS, None where nobody knows. Raises TakeError for a camera named
    ``world``, under which our layout tells the convention.
    """
    record: Dict[str, Any] = {}
    if not thesis:
        record[WORLD] = dict(_CONVENTION, **({} if up is None else {"up": up}))
    for camera in cameras:
        if camera.name == WORLD:
            raise TakeError("calibration: a camera cannot be named '{}'; rename it.".format(WORLD))
        column = (-1, 1) if thesis else (-1,)
        entry: Dict[str, Any] = {
            "intrinsic": camera.intrinsics.tolist(),
            "distortion": camera.distortion.reshape(column).tolist(),
            "rotation": camera.rotation.tolist(),
            "translation": camera.translation.reshape(column).tolist(),
        }
        if camera.width is not None and camera.height is not None and not thesis:
            entry.update(width=camera.width, height=camera.height)
        if camera.lens != BROWN:
            if thesis:
                raise TakeError(
                    "camera '{}': the thesis' layout has no {} lens; write our own.".format(camera.name, camera.lens)
                )
            entry["lens"] = camera.lens
        record[camera.name] = entry
    write_json(path, record)


def _camera(name: str, record: Any, where: str) -> CalibratedCamera:
    NAME(name, "calibration: the name of a camera")
    if not isinstance(record, dict):
        raise TakeError("{}: expected an object with intrinsic, distortion, rotation and translation.".format(where))
    arrays: Dict[str, np.ndarray] = {}
    for key in (*_SHAPES, "distortion"):
        if key not in record:
            raise TakeError("{} lacks {}.".format(where, key))
        value = _NUMBERS(record[key], "{}: {}".format(where, key))
        shape = _SHAPES.get(key, (value.size,))
        if value.size != int(np.prod(shape)):
            raise TakeError("{}: {} has shape {}, expected {} finite numbers.".format(where, key, value.shape, shape))
        arrays[key] = value.reshape(shape)
    if ("width" in record) != ("height" in record):
        raise TakeError("{}: give both width and height, or neither.".format(where))
    width = _pixels(record, "width", where) if "width" in record else None
    height = _pixels(record, "height", where) if "height" in record else None
    lens = record.get("lens", BROWN)
    choice(*LENSES)(lens, "{}: lens".format(where))
    return CalibratedCamera(
        name,
        arrays["intrinsic"],
        arrays["rotation"],
        arrays["translation"],
        arrays["distortion"],
        width,
        height,
        lens,
    )


def _pixels(record: Dict[str, Any], key: str, where: str) -> int:
    value = record[key]
    if isinstance(value, float) and value % 1 == 0:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= LARGEST_IMAGE:
        raise refusal(record[key], "{}: {}".format(where, key), "a number of pixels")
    return value
