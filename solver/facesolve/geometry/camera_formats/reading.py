"""What all readers of camera files share: what they are asked, what they give, conversions of axes and lenses."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from facesolve.take import TakeError
from facesolve.take.calibration import CalibratedCamera
from facesolve.take.camera import BROWN, DISTORTION_LENGTHS, FISHEYE

from .radial import rational_radial

FLIPPED = np.diag((1.0, -1.0, -1.0))  # a camera that looks along -z with y up, as OpenCV's axes have it
UNITS = {"mm": 0.1, "cm": 1.0, "m": 100.0}  # centimeters
Size = tuple[int, int]


@dataclass(frozen=True)
class Asked:
    """What a reader is asked for.

    image_size: (width, height) in pixels of a camera's images, None where nobody knows; for files that do not say.
    images: which images of a reconstruction are which cameras, with ``{camera}``; None to tell by their names.
    """

    image_size: Callable[[str], Size | None] = lambda camera: None
    images: str | None = None

    def size(self, camera: str, where: str) -> Size:
        """The camera's image size, or TakeError that asks for it."""
        found = self.image_size(camera)
        if found is None:
            raise TakeError(f"{where} has no image size; give it with --image-size, for example 1920x1080.")
        return found


@dataclass(frozen=True)
class Reading:
    """The cameras of a file, lengths in its own unit.

    unit: centimeters in that unit; None where the file does not say. scaled: False for a reconstruction whose unit is
    arbitrary. notes: sentences about what was left out. up: the world's axis that points up, where the program says so.
    """

    cameras: tuple[CalibratedCamera, ...]
    unit: float | None = None
    scaled: bool = True
    notes: tuple[str, ...] = ()
    up: str | None = None


@dataclass(frozen=True, eq=False)
class PosedImage:
    """An image of a reconstruction: its name as the program wrote it, and the camera that made it, under that name."""

    name: str
    camera: CalibratedCamera


@contextmanager
def understood(path: Path, program: str) -> Iterator[None]:
    """TakeError when a file lacks a key or holds another kind of value than ``program`` writes."""
    try:
        yield
    except KeyError as missing:
        raise TakeError(f"calibration: '{path}' lacks {missing}, which {program} writes.") from None
    except (ValueError, TypeError, IndexError, AttributeError, ArithmeticError, struct.error, OSError) as problem:
        why = " ".join(str(problem).split())[:120]
        raise TakeError(
            f"calibration: '{path}' is not as {program} writes it ({why}); export the cameras again."
        ) from None


def matrix_of(fx: float, fy: float, cx: float, cy: float, skew: float = 0.0) -> np.ndarray:
    """(3, 3) intrinsics."""
    return np.array([[fx, skew, cx], [0.0, fy, cy], [0.0, 0.0, 1.0]])


def numbers(value: Any, *shape: int) -> np.ndarray:
    """``value`` as finite float64 of ``shape``; ValueError for anything else."""
    found = np.asarray(value, np.float64)
    if found.size != int(np.prod(shape)) or not np.isfinite(found).all():
        raise ValueError(f"{found.size} numbers where {int(np.prod(shape))} finite ones are expected")
    return found.reshape(shape)


def words(text: str | None, *shape: int) -> np.ndarray:
    """The numbers in a text, parted by blanks."""
    return numbers([float(word) for word in (text or "").split()], *shape)


def posed(to_world: np.ndarray, flipped: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Rotation and translation of a camera whose transform to the world (4, 4), column vectors, is known.

    flipped: the camera looks along -z with y up (OpenGL, Blender, Maya), not along z with y down.
    """
    axes = to_world[:3, :3] @ FLIPPED if flipped else to_world[:3, :3]
    return axes.T, -axes.T @ to_world[:3, 3]


def turn_of_quaternion(w: float, x: float, y: float, z: float) -> np.ndarray:
    """(3, 3) rotation of a quaternion, scalar first; ValueError when it is far from unit length."""
    length = float(np.linalg.norm((w, x, y, z)))
    if abs(length - 1) > 1e-3:
        raise ValueError(f"a quaternion of length {length:g}")
    w, x, y, z = w / length, x / length, y / length, z / length
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )


def turn_about(axis: int, degrees: float) -> np.ndarray:
    """(3, 3) right-handed rotation about a coordinate axis."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    turn = np.eye(3)
    a, b = (axis + 1) % 3, (axis + 2) % 3
    turn[a, a], turn[a, b], turn[b, a], turn[b, b] = c, -s, s, c
    return turn


def brown_of(k: Sequence[float] = (), p: Sequence[float] = (0.0, 0.0)) -> np.ndarray:
    """Coefficients in OpenCV's order of k1 k2 k3 [k4 k5 k6] and p1 p2."""
    k = [*k, *[0.0] * (6 - len(k))]
    full = np.array([k[0], k[1], p[0], p[1], k[2], k[3], k[4], k[5]])
    used = int(np.flatnonzero(full).max(initial=-1)) + 1
    return full[: next(length for length in DISTORTION_LENGTHS if length >= used)]


def polynomial_of(where: str, k: Sequence[float], p: Sequence[float], intrinsics: np.ndarray, size: Size) -> np.ndarray:
    """The same of a polynomial with a fourth coefficient, of r^8, which a rational model fits where it is not zero."""
    if not k[3]:
        return brown_of(k[:3], p)
    middle = np.abs(intrinsics[:2, 2] - np.array(size) / 2) + np.array(size) / 2
    focal, corner = float(intrinsics[0, 0]), float(np.linalg.norm(middle))

    def growth(r: np.ndarray) -> np.ndarray:
        u = r * r
        return 1 + u * (k[0] + u * (k[1] + u * (k[2] + u * k[3])))

    return brown_of(rational_radial(where, growth, focal, corner), p)


def calibrated(
    name: str,
    intrinsics: np.ndarray,
    rotation: np.ndarray,
    translation: np.ndarray,
    distortion: np.ndarray,
    size: Size | None,
    fisheye: bool = False,
) -> CalibratedCamera:
    """A camera of a file; size: (width, height) or None."""
    width, height = (None, None) if size is None else (int(size[0]), int(size[1]))
    lens = FISHEYE if fisheye else BROWN
    return CalibratedCamera(name, intrinsics, rotation, translation, distortion, width, height, lens)
