"""Lens models for calibration: which of a camera's numbers are free, projection and its derivatives by all of them."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

from facesolve.take import TakeError
from facesolve.take.camera import BROWN, DISTORTION_LENGTHS, FISHEYE

AUTO = "auto"  # the lens model is chosen by the views
# fx fy cx cy, then distortion as OpenCV orders it; of a fisheye k1 k2 k3 k4, then zeros
FX, FY, CX, CY, K1, K2, P1, P2, K3, K4, K5, K6 = range(12)
PARAMETERS = 12
MODELS = {
    "none": (),
    "k1": (K1,),
    "k1k2": (K1, K2),
    "brown": (K1, K2, P1, P2, K3),
    "rational": (K1, K2, P1, P2, K3, K4, K5, K6),
    "fisheye": (4, 5, 6, 7),
}
_LENGTH = {"none": 0, "k1": 4, "k1k2": 4, "brown": 5, "rational": 8, "fisheye": 4}  # coefficients that are stored


class Projected(NamedTuple):
    """pixels: (n, 2). J_camera: (n, 2, 3) by the point in the camera's axes. J_lens: (n, 2, 12) by the parameters."""

    pixels: np.ndarray
    J_camera: np.ndarray
    J_lens: np.ndarray


def free_basis(model: str, square_pixels: bool, principal_point: bool = True) -> np.ndarray:
    """(12, m): column j is the change of the parameters with free number j. square_pixels: fx and fy change alike."""
    identity = np.eye(PARAMETERS)
    focal = [identity[FX] + identity[FY]] if square_pixels else [identity[FX], identity[FY]]
    center = [identity[CX], identity[CY]] if principal_point else []
    return np.stack([*focal, *center, *(identity[index] for index in MODELS[model])], 1)


def check_model(name: str) -> None:
    """Raises TakeError when there is no lens model of that name."""
    if name not in (AUTO, *MODELS):
        raise TakeError(f"lens: there is no model '{name}'; choose one of {', '.join((AUTO, *MODELS))}.")


def kind_of(model: str) -> str:
    """The lens of a camera (``take.Camera.lens``) that has this model."""
    return FISHEYE if model == "fisheye" else BROWN


def project(parameters: np.ndarray, points: np.ndarray, fisheye: bool = False) -> Projected:
    """Pixels of points (n, 3) in the camera's axes, in the pixel convention of the principal point given.

    The models are OpenCV's (projectPoints, fisheye.projectPoints), which differentiates by the distortion; the same as
    ``camera.CameraModel``.
    """
    still = np.zeros(3)
    if fisheye:
        pixels, jacobian = cv2.fisheye.projectPoints(
            np.ascontiguousarray(points)[:, None], still, still, intrinsics(parameters), parameters[4:8]
        )
        jacobian = jacobian.reshape(len(points), 2, -1)  # by focal lengths, center, k1 to k4, rotation, translation
        J_lens = np.concatenate([jacobian[..., :8], np.zeros((len(points), 2, PARAMETERS - 8))], 2)
        return Projected(pixels.reshape(-1, 2), jacobian[..., 11:14], J_lens)
    pixels, jacobian = cv2.projectPoints(
        np.ascontiguousarray(points)[:, None], still, still, intrinsics(parameters), parameters[4:]
    )
    jacobian = jacobian.reshape(len(points), 2, -1)
    return Projected(pixels.reshape(-1, 2), jacobian[..., 3:6], jacobian[..., 6 : 6 + PARAMETERS])


def intrinsics(parameters: np.ndarray) -> np.ndarray:
    """(3, 3) of the parameters (12,)."""
    fx, fy, cx, cy = parameters[:4]
    return np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1]])


def distortion(parameters: np.ndarray, model: str) -> np.ndarray:
    """The coefficients that a camera stores: as many as the model has, and as the parameters use."""
    if model == "fisheye":
        return parameters[4:8].copy()
    used = int(np.flatnonzero(parameters[4:]).max(initial=-1)) + 1
    length = next(length for length in DISTORTION_LENGTHS if length >= max(_LENGTH[model], used))
    return parameters[4 : 4 + length].copy()


def parameters_of(intrinsics: np.ndarray, distortion: np.ndarray) -> np.ndarray:
    """(12,) parameters of a camera matrix and its coefficients."""
    k = intrinsics
    return np.concatenate([[k[0, 0], k[1, 1], k[0, 2], k[1, 2]], np.pad(distortion, (0, 8 - len(distortion)))])


def restricted(parameters: np.ndarray, model: str, square_pixels: bool) -> np.ndarray:
    """(12,) the parameters without what the lens model does not have: a start for finding a simpler lens."""
    kept = parameters.copy()
    kept[[index for index in range(K1, PARAMETERS) if index not in MODELS[model]]] = 0
    if square_pixels:
        kept[[FX, FY]] = kept[[FX, FY]].mean()
    return kept


def smallest_model(distortion: np.ndarray, lens: str = BROWN) -> str:
    """The simplest model that holds these coefficients of a camera's lens."""
    if lens == FISHEYE:
        return "fisheye"
    used = {4 + index for index in np.flatnonzero(distortion)}
    return next(name for name, free in MODELS.items() if used <= set(free))
