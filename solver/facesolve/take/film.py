"""Maya's camera, as film back and world matrix, to and from OpenCV's intrinsics and extrinsics. numpy only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Tuple

import numpy as np

from .errors import TakeError

MILLIMETERS_AN_INCH = 25.4
FILM_FITS = ("fill", "horizontal", "vertical", "overscan")  # the order of MFnCamera's FilmFit

_OPENCV_FROM_MAYA = np.diag((1.0, -1.0, -1.0))  # Maya's camera looks along -z with +y up


@dataclass(frozen=True)
class FilmBack:
    """What a Maya camera says about its lens and film back, in Maya's own units whatever the scene's.

    focal_length: millimeters. Apertures and film offsets: inches (film offset plus shake, when shake is on).
    fit: how the film gate fills the resolution gate, one of ``FILM_FITS``.
    pixel_aspect: width of a pixel over its height, of the render settings.
    """

    focal_length: float
    horizontal_aperture: float
    vertical_aperture: float
    horizontal_offset: float = 0.0
    vertical_offset: float = 0.0
    fit: str = "horizontal"
    pixel_aspect: float = 1.0

    def __post_init__(self) -> None:
        if self.fit not in FILM_FITS:
            raise TakeError("film back: fit '{}', expected one of {}.".format(self.fit, ", ".join(FILM_FITS)))
        for name in ("focal_length", "horizontal_aperture", "vertical_aperture", "pixel_aspect"):
            value = getattr(self, name)
            if not (np.isfinite(value) and value > 0):
                raise TakeError(
                    "film back: {} is {}, it must be a positive number.".format(name.replace("_", " "), value)
                )
        if not (np.isfinite(self.horizontal_offset) and np.isfinite(self.vertical_offset)):
            raise TakeError("film back: a film offset is not a finite number.")


def visible_film(film_back: FilmBack, width: int, height: int) -> Tuple[float, float]:
    """(width, height), inches, of the film that a ``width`` x ``height`` pixel image shows, by the film fit."""
    film_aspect = film_back.horizontal_aperture / film_back.vertical_aperture
    image_aspect = width * film_back.pixel_aspect / height
    fit = film_back.fit
    if fit == "fill":
        fit = "vertical" if film_aspect > image_aspect else "horizontal"
    elif fit == "overscan":
        fit = "horizontal" if film_aspect > image_aspect else "vertical"
    if fit == "horizontal":
        return film_back.horizontal_aperture, film_back.horizontal_aperture / image_aspect
    return film_back.vertical_aperture * image_aspect, film_back.vertical_aperture


def intrinsics_from_film_back(film_back: FilmBack, width: int, height: int) -> np.ndarray:
    """(3, 3) float64 intrinsics, pixels, first pixel's center at (0.5, 0.5); what MFnCamera.projectionMatrix shows.

    A positive horizontal offset moves the principal point left, a positive vertical offset moves it down.
    """
    if width < 1 or height < 1:
        raise TakeError("film back: the image size {}x{} is not positive.".format(width, height))
    visible_width, visible_height = visible_film(film_back, width, height)
    focal = film_back.focal_length / MILLIMETERS_AN_INCH
    return np.array(
        (
            (focal * width / visible_width, 0.0, width * (0.5 - film_back.horizontal_offset / visible_width)),
            (0.0, focal * height / visible_height, height * (0.5 + film_back.vertical_offset / visible_height)),
            (0.0, 0.0, 1.0),
        )
    )


def film_back_from_intrinsics(
    intrinsics: np.ndarray, width: int, height: int, horizontal_aperture: float = 36.0 / MILLIMETERS_AN_INCH
) -> FilmBack:
    """The film back that gives these intrinsics, with the film's aspect that of the image (so any fit shows the same).

    intrinsics: (3, 3) pixels, first pixel's center at (0.5, 0.5). horizontal_aperture: inches; only the ratio of focal
    length to aperture is determined. Raises TakeError for skew, which no Maya camera has.
    """
    intrinsics = np.asarray(intrinsics, np.float64)
    if abs(intrinsics[0, 1]) > 1e-9 * intrinsics[0, 0]:
        raise TakeError(
            "film back: the intrinsics have a skew of {} pixels, which a Maya camera cannot have; calibrate without "
            "skew.".format(intrinsics[0, 1])
        )
    pixel_aspect = intrinsics[1, 1] / intrinsics[0, 0]
    vertical_aperture = horizontal_aperture * height / (width * pixel_aspect)
    return FilmBack(
        focal_length=float(intrinsics[0, 0] * horizontal_aperture * MILLIMETERS_AN_INCH / width),
        horizontal_aperture=float(horizontal_aperture),
        vertical_aperture=float(vertical_aperture),
        horizontal_offset=float(horizontal_aperture * (0.5 - intrinsics[0, 2] / width)),
        vertical_offset=float(vertical_aperture * (intrinsics[1, 2] / height - 0.5)),
        pixel_aspect=float(pixel_aspect),
    )


def extrinsics_from_maya_world_matrix(world_matrix: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
    """Rotation (..., 3, 3) and translation (..., 3) with ``x_cam = R x_world + t`` in OpenCV's axes.

    world_matrix: (..., 4, 4) in Maya's layout, row vectors (translation in the last row), centimeters. Positive scale
    of the camera's parents is stripped, as Maya does; shear and mirroring raise TakeError.
    """
    world_matrix = np.asarray(world_matrix, np.float64)
    if world_matrix.shape[-2:] != (4, 4) or not np.isfinite(world_matrix).all():
        raise TakeError("camera: the world matrix must be a finite 4x4 matrix.")
    if np.abs(world_matrix[..., 3] - (0.0, 0.0, 0.0, 1.0)).max() > 1e-9:
        raise TakeError(
            "camera: the last column of the world matrix is not 0 0 0 1 (Maya's layout has the translation in the "
            "last row)."
        )
    axes = world_matrix[..., :3, :3]
    length = np.linalg.norm(axes, axis=-1, keepdims=True)
    if (length < 1e-12).any():
        raise TakeError("camera: the world matrix scales an axis to zero; remove the scale from the camera's parents.")
    axes = axes / length
    if np.abs(axes @ np.swapaxes(axes, -1, -2) - np.eye(3)).max() > 1e-5:
        raise TakeError("camera: the world matrix is sheared; freeze the scale of the camera's parents.")
    if (np.linalg.det(axes) < 0).any():
        raise TakeError("camera: the world matrix is mirrored; remove the negative scale from the camera's parents.")
    rotation = _OPENCV_FROM_MAYA @ axes  # rows of ``axes`` are the camera's x, y and z in the world
    translation = -(rotation @ world_matrix[..., 3, :3, None])[..., 0]
    return rotation, translation


def maya_world_matrix_from_extrinsics(rotation: np.ndarray, translation: np.ndarray) -> np.ndarray:
    """The inverse of ``extrinsics_from_maya_world_matrix``: (..., 4, 4) in Maya's row-vector layout, centimeters.

    rotation: (..., 3, 3) and translation: (..., 3) with ``x_cam = R x_world + t`` in OpenCV's axes.
    """
    rotation = np.asarray(rotation, np.float64)
    translation = np.asarray(translation, np.float64)
    world_matrix = np.zeros((*rotation.shape[:-2], 4, 4))
    world_matrix[..., :3, :3] = _OPENCV_FROM_MAYA @ rotation
    world_matrix[..., 3, :3] = -(np.swapaxes(rotation, -1, -2) @ translation[..., None])[..., 0]
    world_matrix[..., 3, 3] = 1.0
    return world_matrix
