"""One calibrated camera, static or animated. Conversions live in ``facesolve.geometry.camera``."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Tuple

import numpy as np

from .checks import FARTHEST, NAME, PIXELS
from .errors import TakeError

BROWN, FISHEYE = LENSES = ("brown", "fisheye")
DISTORTION_LENGTHS = (0, 4, 5, 8)  # of a Brown lens
FISHEYE_LENGTHS = (0, 4)


@dataclass(frozen=True, eq=False)
class Camera:
    """A camera with its lens, OpenCV convention: ``x_cam = R x_world + t``, +z forward, y down.

    F is the take's number of frames; what moves or zooms is given for each.

    Attributes:
        name: Names its footage, too.
        width: Pixels of the stored image.
        height: Pixels of the stored image.
        intrinsics: (3, 3) or (F, 3, 3) float64, pixels; the center of the first pixel is (0.5, 0.5).
        rotation: (3, 3) or (F, 3, 3) float64.
        translation: (3,) or (F, 3) float64, centimeters.
        distortion: Of a Brown lens (0,), (4,), (5,) or (8,) coefficients k1 k2 p1 p2 [k3 [k4 k5 k6]] as OpenCV orders
            them; of a fisheye (0,) or (4,), k1 k2 k3 k4 of Kannala and Brandt, as ``cv2.fisheye`` has them.
        lens: ``brown`` (a pinhole with distortion) or ``fisheye``.

    Raises:
        FacesolveError: For other shapes, numbers that are not finite, or a rotation that is none.
    """

    name: str
    width: int
    height: int
    intrinsics: np.ndarray
    rotation: np.ndarray
    translation: np.ndarray
    distortion: np.ndarray = field(default_factory=lambda: np.zeros(0))
    lens: str = BROWN

    def __post_init__(self) -> None:
        for name in ("intrinsics", "rotation", "translation", "distortion"):
            object.__setattr__(self, name, np.ascontiguousarray(getattr(self, name), np.float64))
        where = "camera '{}'".format(self.name)
        if not self.name:
            raise TakeError("camera: a camera has no name.")
        NAME(self.name, "camera: the name of a camera")
        if self.width < 1 or self.height < 1:
            raise TakeError("{}: image size {}x{} is not positive.".format(where, self.width, self.height))
        for name in ("width", "height"):
            PIXELS(getattr(self, name), "{}: its {}".format(where, name))
        for name, tail in (("intrinsics", (3, 3)), ("rotation", (3, 3)), ("translation", (3,))):
            value = getattr(self, name)
            if value.shape[-len(tail) :] != tail or value.ndim - len(tail) not in (0, 1):
                raise TakeError(
                    "{}: {} has shape {}, expected {} or (frames, {}).".format(
                        where, name, value.shape, tail, ", ".join(map(str, tail))
                    )
                )
            if not np.isfinite(value).all():
                raise TakeError("{}: {} holds a number that is not finite.".format(where, name))
            if np.abs(value).max() > FARTHEST:
                raise TakeError("{}: {} holds {:g}, which no camera has.".format(where, name, np.abs(value).max()))
        check_lens(self.lens, self.distortion, where)
        if not np.isfinite(self.distortion).all():
            raise TakeError("{}: a distortion coefficient is not finite.".format(where))
        k = self.intrinsics.reshape(-1, 3, 3)
        if (k[:, 0, 0] <= 0).any() or (k[:, 1, 1] <= 0).any():
            raise TakeError("{}: the focal length must be positive.".format(where))
        r = self.rotation.reshape(-1, 3, 3)
        if np.abs(r @ r.transpose(0, 2, 1) - np.eye(3)).max() > 1e-4 or (np.linalg.det(r) < 0).any():
            raise TakeError(
                "{}: the rotation is not a rotation matrix (not orthonormal, or mirrored); check the "
                "calibration.".format(where)
            )

    @property
    def distorted(self) -> bool:
        """True when the lens is no plain pinhole; a fisheye never is, whatever its coefficients."""
        return self.lens == FISHEYE or bool(self.distortion.any())

    @property
    def moving(self) -> bool:
        """True when any parameter is given per frame."""
        return self.intrinsics.ndim == 3 or self.rotation.ndim == 3 or self.translation.ndim == 2

    @property
    def frame_count(self) -> int:
        """Number of frames the moving parameters cover; 0 for a still camera."""
        lengths = [len(a) for a, n in ((self.intrinsics, 3), (self.rotation, 3), (self.translation, 2)) if a.ndim == n]
        if len(set(lengths)) > 1:
            raise TakeError("camera '{}': per-frame parameters cover {} frames.".format(self.name, lengths))
        return lengths[0] if lengths else 0

    def at(self, index: int) -> Tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(K, R, t) at take frame ``index`` (0-based): (3, 3), (3, 3), (3,)."""
        return (
            self.intrinsics[index] if self.intrinsics.ndim == 3 else self.intrinsics,
            self.rotation[index] if self.rotation.ndim == 3 else self.rotation,
            self.translation[index] if self.translation.ndim == 2 else self.translation,
        )


def check_lens(lens: str, distortion: np.ndarray, where: str) -> None:
    """Raises TakeError, about ``where``, for an unknown lens or a number of coefficients that it does not have."""
    if lens not in LENSES:
        raise TakeError("{}: lens '{}', expected one of {}.".format(where, lens, ", ".join(LENSES)))
    lengths = FISHEYE_LENGTHS if lens == FISHEYE else DISTORTION_LENGTHS
    if distortion.ndim != 1 or len(distortion) not in lengths:
        raise TakeError(
            "{}: {} distortion coefficients, expected one of {}.".format(
                where, distortion.size, ", ".join(map(str, lengths))
            )
        )
