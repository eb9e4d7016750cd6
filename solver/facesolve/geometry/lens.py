"""Lens models on the plane z = 1: Brown-Conrady and fisheye, their Jacobians, and how far they may be believed."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from facesolve.take import Camera
from facesolve.take.camera import FISHEYE

_WIDEST = 100.0  # squared tangent (84 degrees off axis) beyond which a distortion polynomial is not trusted
_AXIS = 1e-6  # squared tangent below which a fisheye's series is exact


def distorted_points(points: Tensor, distortion: Tensor, fisheye: Tensor | None) -> tuple[Tensor, Tensor]:
    """Where each camera's lens puts points of the z = 1 plane, and the Jacobian.

    points: (..., n, 2). distortion: (..., 8) coefficients. fisheye: (...) bool, None when no camera is one. Returns
    (..., n, 2) and d distorted / d point (..., n, 2, 2).
    """
    if fisheye is None:
        return _brown_points(points, distortion)
    brown, bent = _brown_points(points, distortion), _fisheye_points(points, distortion)
    return (
        torch.where(fisheye[..., None, None], bent[0], brown[0]),
        torch.where(fisheye[..., None, None, None], bent[1], brown[1]),
    )


def _fisheye_points(points: Tensor, distortion: Tensor) -> tuple[Tensor, Tensor]:
    """The model of Kannala and Brandt as ``cv2.fisheye`` has it; shapes as of ``distorted_points``.

    A ray at the angle a from the axis is a (1 + k1 a^2 + k2 a^4 + k3 a^6 + k4 a^8) from the image's center.
    """
    x, y = points.unbind(-1)
    k1, k2, k3, k4 = (c[..., None] for c in distortion[..., :4].unbind(-1))
    r2 = x * x + y * y
    near = r2 < _AXIS
    safe = torch.where(near, 1.0, r2)
    angle = safe.sqrt().atan()
    u = angle * angle
    bent = angle * (1 + u * (k1 + u * (k2 + u * (k3 + u * k4))))
    growth = 1 + u * (3 * k1 + u * (5 * k2 + u * (7 * k3 + u * 9 * k4)))
    radial = torch.where(near, 1 + (k1 - 1 / 3) * r2, bent / safe.sqrt())
    slope = torch.where(near, k1 - 1 / 3, (growth / (1 + safe) - radial) / (2 * safe))
    mixed = 2 * x * y * slope
    jacobian = torch.stack((radial + 2 * x * x * slope, mixed, mixed, radial + 2 * y * y * slope), -1)
    return points * radial[..., None], jacobian.unflatten(-1, (2, 2))


def _brown_points(points: Tensor, distortion: Tensor) -> tuple[Tensor, Tensor]:
    """Brown-Conrady with OpenCV's rational radial term; shapes as of ``distorted_points``."""
    x, y = points.unbind(-1)
    k1, k2, p1, p2, k3, k4, k5, k6 = (c[..., None] for c in distortion.unbind(-1))
    r2 = x * x + y * y
    numerator = 1 + r2 * (k1 + r2 * (k2 + r2 * k3))
    denominator = 1 + r2 * (k4 + r2 * (k5 + r2 * k6))
    radial = numerator / denominator
    slope = (k1 + r2 * (2 * k2 + r2 * 3 * k3) - radial * (k4 + r2 * (2 * k5 + r2 * 3 * k6))) / denominator
    distorted = torch.stack(
        (
            x * radial + 2 * p1 * x * y + p2 * (r2 + 2 * x * x),
            y * radial + p1 * (r2 + 2 * y * y) + 2 * p2 * x * y,
        ),
        -1,
    )
    mixed = 2 * (x * y * slope + p1 * x + p2 * y)
    jacobian = torch.stack(
        (
            radial + 2 * x * x * slope + 2 * p1 * y + 6 * p2 * x,
            mixed,
            mixed,
            radial + 2 * y * y * slope + 6 * p1 * y + 2 * p2 * x,
        ),
        -1,
    ).unflatten(-1, (2, 2))
    return distorted, jacobian


def padded(distortion: np.ndarray) -> np.ndarray:
    """(8,) coefficients, absent ones zero."""
    return np.pad(distortion, (0, 8 - len(distortion)))


def radius_limit(camera: Camera) -> float:
    """Squared radius where the radial distortion first turns back; points beyond would fold into the image.

    The smallest positive root of d(r radial)/dr, or of its denominator; inf without distortion.
    """
    if not camera.distorted:
        return float("inf")
    distortion = padded(camera.distortion)
    if camera.lens == FISHEYE:
        k1, k2, k3, k4 = distortion[:4]
        angles = [math.sqrt(root) for root in _positive(np.roots((9 * k4, 7 * k3, 5 * k2, 3 * k1, 1)))]
        return min([_WIDEST, *(math.tan(angle) ** 2 for angle in angles if angle < math.pi / 2)])
    k1, k2, _, _, k3, k4, k5, k6 = distortion
    numerator, denominator = np.poly1d((k3, k2, k1, 1)), np.poly1d((k6, k5, k4, 1))
    u = np.poly1d((1, 0))
    turning = numerator * denominator + 2 * u * (numerator.deriv() * denominator - numerator * denominator.deriv())
    return min([_WIDEST, *_positive(np.concatenate((turning.roots, denominator.roots)))])


def _positive(roots: np.ndarray) -> list[float]:
    real = roots[np.abs(roots.imag) < 1e-9 * (1 + np.abs(roots.real))].real
    return real[real > 0].tolist()
