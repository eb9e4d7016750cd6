"""Camera files that other programs wrote, and where the solver sees points through their cameras."""

from pathlib import Path

import numpy as np
import torch

from facesolve.geometry.camera import CameraModel
from facesolve.geometry.camera_files import CameraFile, read_cameras
from facesolve.take import Camera

SAMPLES = Path(__file__).parent / "camera_samples"
PIXELS = 0.01


def sees(camera, points) -> np.ndarray:
    """(n, 2) pixels where the solver sees world points (n, 3), centimeters."""
    size = camera.size or (4000, 4000)
    one = Camera(
        camera.name, *size, camera.intrinsics, camera.rotation, camera.translation, camera.distortion, camera.lens
    )
    projection = CameraModel.from_cameras([one], dtype=torch.float64).project(torch.tensor(np.asarray(points)))
    assert projection.valid.all()
    return projection.pixels[0].numpy()


def before(camera, seed=0, depth=(40.0, 90.0), spread=0.3) -> np.ndarray:
    """World points in front of a camera."""
    rng = np.random.default_rng(seed)
    z = rng.uniform(*depth, (20, 1))
    inside = np.concatenate((rng.uniform(-spread, spread, (20, 2)) * z, z), 1)
    return (inside - camera.translation) @ camera.rotation


def sample(name: str, how: CameraFile | None = None, tell=lambda sentence: None):
    return read_cameras(SAMPLES / name, how, tell)


METERS = CameraFile(unit="m")
farthest: list[float] = []  # pixels, of every comparison; ``tests.bench.camera_round_trips`` reads it


def seen_alike(camera, points, pixels, most: float = PIXELS) -> None:
    """Fails unless the solver sees points (n, 3) through a camera where its own program does: pixels (n, 2)."""
    apart = np.linalg.norm(sees(camera, points) - pixels, axis=1).max()
    farthest.append(float(apart))
    assert apart < most
