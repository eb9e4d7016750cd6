"""What the demo's head does, and the cameras that watch it: control curves, head transforms, calibrations."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from facesolve.geometry.camera import look_along
from facesolve.geometry.rigid import rigid_array
from facesolve.take import Camera

WIDTH, HEIGHT = 400, 500
FOCAL = 1720.0  # pixels
DISTANCE = 92.0  # centimeters from the cameras to the middle of the head
AIM = np.array([0.0, -1.0, 0.0])  # the middle of the head
CAMERA_PLACES = {"front": (2.0, -3.0), "left": (38.0, 4.0), "right": (-36.0, -6.0)}  # azimuth, elevation in degrees

# Each rise and fall of a control: when it peaks and half its length, as parts of the take, and how high it goes.
ACTIONS: tuple[tuple[str, float, float, float], ...] = (
    ("mouthSmile_L", 0.22, 0.30, 0.75),
    ("mouthSmile_R", 0.22, 0.30, 0.62),
    ("eyeSquint_L", 0.24, 0.26, 0.6),
    ("eyeSquint_R", 0.24, 0.26, 0.5),
    ("jawOpen", 0.50, 0.32, 0.7),
    ("mouthPucker", 0.56, 0.26, 0.75),
    ("browInnerUp", 0.48, 0.34, 0.8),
    ("browOuterUp_L", 0.46, 0.32, 0.7),
    ("browOuterUp_R", 0.46, 0.32, 0.5),
    ("eyeBlink_L", 0.74, 0.16, 1.0),
    ("eyeBlink_R", 0.74, 0.16, 0.95),
    ("browDown_L", 0.90, 0.28, 0.75),
    ("browDown_R", 0.90, 0.28, 0.65),
    ("noseSneer_L", 0.92, 0.24, 0.7),
    ("noseSneer_R", 0.92, 0.24, 0.3),
    ("mouthUpperUp", 0.06, 0.20, 0.35),
    ("mouthLowerDown", 0.30, 0.22, 0.45),
    ("mouthFunnel", 0.66, 0.16, 0.3),
    ("cheekPuff", 0.80, 0.18, 0.4),
    ("mouthFrown_L", 0.98, 0.26, 0.5),
    ("mouthFrown_R", 0.98, 0.26, 0.6),
    ("mouthLeft", 0.84, 0.2, 0.35),
)


def control_curves(names: Sequence[str], frames: int) -> np.ndarray:
    """(frames, K) values of the controls ``names``: smooth rises and falls spread over the take."""
    time = np.linspace(0.0, 1.0, frames)
    curves = np.zeros((frames, len(names)))
    for name, peak, half_length, height in ACTIONS:
        phase = np.clip((time - peak) / half_length, -1.0, 1.0)
        curves[:, names.index(name)] += height * 0.5 * (1.0 + np.cos(np.pi * phase))
    return curves


def head_transforms(frames: int) -> np.ndarray:
    """(frames, 4, 4) rigid, ``x_world = head @ x_rig``, centimeters: the head turns, nods, tilts and drifts."""
    time = np.linspace(0.0, 1.0, frames)
    turn = np.radians(6.0) * np.sin(2.0 * np.pi * (0.8 * time + 0.05))
    nod = np.radians(4.0) * np.sin(2.0 * np.pi * (1.1 * time + 0.3))
    tilt = np.radians(2.5) * np.sin(2.0 * np.pi * (0.6 * time))
    rotation = _about(1, turn) @ _about(0, nod) @ _about(2, tilt)
    drift = np.stack([np.sin(4.0 * time), 0.6 * np.cos(5.0 * time), 0.8 * np.sin(3.0 * time + 1.0)], axis=1)
    return rigid_array(rotation, 0.5 * drift)


def disturbed(head: np.ndarray) -> np.ndarray:
    """``head`` (4, 4) as an animator might place it by eye: about a degree and two millimeters off."""
    rotation = _about(1, np.radians([0.7]))[0] @ _about(0, np.radians([-0.6]))[0] @ _about(2, np.radians([0.4]))[0]
    return np.asarray(rigid_array(rotation, np.array([0.12, -0.1, 0.12])) @ head)


def cameras() -> tuple[Camera, ...]:
    """Three still cameras around the face, centimeters."""
    return tuple(_camera(name, *np.radians(place)) for name, place in CAMERA_PLACES.items())


def _camera(name: str, azimuth: float, elevation: float) -> Camera:
    """A camera on a sphere around AIM that looks at it, upright."""
    away = np.array([np.sin(azimuth) * np.cos(elevation), np.sin(elevation), np.cos(azimuth) * np.cos(elevation)])
    rotation = look_along(-away, np.array([0.0, 1.0, 0.0]))
    intrinsics = np.array([[FOCAL, 0.0, WIDTH / 2 + 3.2], [0.0, FOCAL, HEIGHT / 2 - 2.4], [0.0, 0.0, 1.0]])
    return Camera(name, WIDTH, HEIGHT, intrinsics, rotation, -rotation @ (AIM + DISTANCE * away))


def _about(axis: int, angle: np.ndarray) -> np.ndarray:
    """(n, 3, 3) rotations by angle (n,) radians about the x, y or z axis (0, 1, 2)."""
    rotation = np.tile(np.eye(3), (len(angle), 1, 1))
    j, k = (axis + 1) % 3, (axis + 2) % 3
    rotation[:, j, j] = rotation[:, k, k] = np.cos(angle)
    rotation[:, k, j] = np.sin(angle)
    rotation[:, j, k] = -np.sin(angle)
    return rotation
