"""Three cameras of a stage: as they are, as a calibration gives them, and how each sees. Knows no Blender."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

WIDTH, HEIGHT = 600, 800
FPS = 30.0
LATE = {"cam2": 0.3 / FPS}  # seconds
PLACES = ((-33.0, 3.0), (2.0, -8.0), (30.0, 6.0))  # degrees around the head
DISTANCE, FOCAL = 100.0, 2300.0  # cm, pixels
# deviations of a calibration: degrees, cm, parts of the focal length, pixels of the principal point
TURN, SHIFT, ZOOM, CENTER = 0.012, 0.012, 0.0005, 0.4
JPEG_QUALITY = 93


@dataclass(frozen=True, eq=False)
class StageCamera:
    """OpenCV's axes: ``x_camera = rotation x + translation``, cm.

    gain, white_balance (3,), blur (pixels) and noise (of white, at half of it) are how its images differ.
    """

    name: str
    intrinsic: np.ndarray
    rotation: np.ndarray
    translation: np.ndarray
    gain: float
    white_balance: np.ndarray
    blur: float
    noise: float

    @property
    def place(self) -> np.ndarray:
        """(3,) cm."""
        return -self.rotation.T @ self.translation

    def developed(self, light: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """(H, W, 3) 8-bit sRGB of linear light: exposed, out of focus by a little, and noisy."""
        exposed = cv2.GaussianBlur(light * self.gain * self.white_balance, (0, 0), self.blur).clip(0)
        exposed += self.noise * np.sqrt(exposed.clip(0.003, 1) / 2) * rng.normal(size=exposed.shape)
        linear = exposed.clip(0, 1)
        encoded = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
        return (255 * encoded + 0.5).astype(np.uint8)


def stage_cameras(rng: np.random.Generator) -> list[StageCamera]:
    """Left, middle and right."""
    found = []
    for index, (yaw, pitch) in enumerate(PLACES):
        around, above = np.radians(yaw + rng.uniform(-4, 4)), np.radians(pitch + rng.uniform(-3, 3))
        towards = np.array([np.sin(around) * np.cos(above), np.sin(above), np.cos(around) * np.cos(above)])
        place = np.array([0, -1.0, 2.0]) + (DISTANCE + rng.uniform(-6, 6)) * towards
        right = np.cross(-towards, [0, 1, 0])
        right /= np.linalg.norm(right)
        rotation = np.stack([right, np.cross(-towards, right), -towards])
        focal, center = FOCAL + rng.uniform(-100, 150), rng.uniform(-8, 8, 2)
        found.append(
            StageCamera(
                name=f"cam{index}",
                intrinsic=np.array([[focal, 0, WIDTH / 2 + center[0]], [0, focal, HEIGHT / 2 + center[1]], [0, 0, 1]]),
                rotation=rotation,
                translation=-rotation @ place,
                gain=rng.uniform(0.75, 1.3),
                white_balance=1 + rng.uniform(-0.1, 0.1, 3),
                blur=rng.uniform(0.3, 0.75),
                noise=rng.uniform(0.008, 0.014),
            )
        )
    return found


def given(cameras: Sequence[StageCamera], rng: np.random.Generator) -> list[StageCamera]:
    """As a calibration has them, a little off."""
    found = []
    for camera in cameras:
        rotation = cv2.Rodrigues(np.radians(TURN) * rng.normal(size=3))[0] @ camera.rotation
        intrinsic = camera.intrinsic.copy()
        intrinsic[[0, 1], [0, 1]] *= 1 + ZOOM * rng.normal()
        intrinsic[:2, 2] += CENTER * rng.normal(size=2)
        place = camera.place + SHIFT * rng.normal(size=3)
        found.append(replace(camera, intrinsic=intrinsic, rotation=rotation, translation=-rotation @ place))
    return found


def write_calibration(path: Path, cameras: Sequence[StageCamera]) -> None:
    """calibration.json."""
    record = {
        camera.name: {
            "intrinsic": camera.intrinsic.tolist(),
            "distortion": [[0.0]] * 5,
            "rotation": camera.rotation.tolist(),
            "translation": camera.translation[:, None].tolist(),
            "width": WIDTH,
            "height": HEIGHT,
        }
        for camera in cameras
    }
    path.write_text(json.dumps(record, indent=1), encoding="utf-8")
