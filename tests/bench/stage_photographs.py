"""A stage's calibration session as photographs: a bent board, defocus, JPEG, hand-held, cameras that click apart.

    python -m tests.bench.stage_photographs [TRIALS] [ROW ...]

Three cameras, 20 views each, boards over an eighth of the image, computed pixel by pixel and calibrated from files with
no lens option. Prints errors against what was stated, as ``tests.bench.stage_sessions`` does for made-up detections.
"""

from __future__ import annotations

import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch

from facesolve.calibrate.board import Board
from facesolve.geometry.camera import CameraModel
from facesolve.jobs.calibrate_images import calibrate_images
from facesolve.jobs.requests import CalibrateRequest
from facesolve.runtime.progress import Silent
from facesolve.take import Camera
from tests.calibrate.photographs import MARGIN, SAMPLES, ink

from .calibration_study import Errors, Stage, chosen_cell, error_cell, errors_of, made

COVERAGE = 0.12
PARTS = ("angles", "head", "distances", "centers")
GAMMA = 2.2
TIMES = (-0.5, 0.0, 0.5)  # of the exposure
CLICK = 0.02  # seconds, standard deviation, between cameras that are not synchronized
READOUT, EXPOSURE = 1 / 60, 1 / 100  # seconds
VIGNETTE = 0.35


@dataclass(frozen=True)
class Real:
    """What a photograph has that a drawing has not. bend: mm, how far the board is from flat: half a bow, the rest
    twist and one corner that came off its plate. blur: pixels. noise: levels of 255. quality: of JPEG.

    speed: cm a second, standard deviation along each axis, of the hand that holds the board.
    """

    lens: str = "strong"
    bend: float = 0.0
    blur: float = 0.4
    noise: float = 0.5
    quality: int = 100
    speed: float = 0.0


ROWS = {
    "sharp, flat, still": Real(),
    "bent, blurred, JPEG": Real(bend=0.4, blur=1.4, noise=4.0, quality=85),
    "hand-held, too": Real(bend=0.4, blur=1.4, noise=4.0, quality=85, speed=0.3),
    "k1k2, all of it": Real("k1k2", bend=0.4, blur=1.4, noise=4.0, quality=85, speed=0.3),
}


def heights(places: np.ndarray, board: Board, bend: float) -> np.ndarray:
    """(n,) cm out of the board's plane at places (n, 2) of it."""
    low, high = board.points.min(0)[:2], board.points.max(0)[:2]
    x, y = (2 * (places - low) / (high - low) - 1).clip(-1.5, 1.5).T
    corner = np.maximum(x + y - 0.5, 0) ** 2 / 2.25
    return np.asarray(0.1 * bend * (0.5 * (1 - x * x) + 0.25 * x * y + 0.5 * corner))


def photograph(
    board: Board, camera: Camera, pose: np.ndarray, real: Real, velocity: np.ndarray, random: np.random.Generator
) -> np.ndarray:
    """(H, W) uint8. pose: (4, 4) board to world at the middle of the exposure of the middle row; velocity: cm/s."""
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = camera.rotation, camera.translation
    matrix = matrix @ pose
    model = CameraModel.from_cameras([camera], dtype=torch.float64)
    reach = (MARGIN + 0.6) * board.spacing
    low, high = board.points.min(0)[:2] - reach, board.points.max(0)[:2] + reach
    edge = np.linspace(low, high, 9)
    around = [(x, y, 0.0) for x, y in np.stack(np.meshgrid(*edge.T), -1).reshape(-1, 2)]
    shown = model.project(torch.as_tensor(np.array(around) @ pose[:3, :3].T + pose[:3, 3])).pixels[0].numpy()
    x0, y0 = np.clip(np.floor(shown.min(0)), 0, (camera.width, camera.height)).astype(int)
    x1, y1 = np.clip(np.ceil(shown.max(0)), 0, (camera.width, camera.height)).astype(int)
    steps = (np.arange(SAMPLES) + 0.5) / SAMPLES
    columns, rows = (np.add.outer(np.arange(a, b), steps).ravel() for a, b in ((x0, x1), (y0, y1)))
    pixels = np.stack(np.meshgrid(columns, rows), -1)
    small = model.undistort_points(
        torch.as_tensor(pixels[SAMPLES // 2 :: SAMPLES, SAMPLES // 2 :: SAMPLES].reshape(-1, 2))
    )
    straight = small[0][0].numpy().reshape(y1 - y0, x1 - x0, 2)
    straight = cv2.resize(straight, pixels.shape[1::-1], interpolation=cv2.INTER_LINEAR).reshape(-1, 2)
    rays = np.concatenate([straight, np.ones((len(straight), 1))], 1) @ np.linalg.inv(camera.intrinsics).T
    # each of a pixel's samples at one of the exposure's times
    time = np.array(TIMES)[np.add.outer(np.arange(len(rows)), np.arange(len(columns))) % len(TIMES)]
    when = (pixels[..., 1] / camera.height - 0.5) * READOUT + time * EXPOSURE
    place = matrix[:3, 3] + when.reshape(-1, 1) * (camera.rotation @ velocity)
    deep, slope = place @ matrix[:3, 2], rays @ matrix[:3, 2]
    places, height = np.zeros((len(rays), 2)), np.zeros(len(rays))
    for _ in range(2):  # the board's height changes slowly along a ray
        places = (((deep + height) / slope)[:, None] * rays - place) @ matrix[:3, :2]
        height = heights(places, board, real.bend)
    light = (ink(board, places, 0.0, False) / 255) ** GAMMA
    wall = cv2.resize(random.uniform(0.1, 0.25, (9, 16)), (camera.width, camera.height), interpolation=cv2.INTER_CUBIC)
    wall[y0:y1, x0:x1] = light.reshape(y1 - y0, SAMPLES, x1 - x0, SAMPLES).mean((1, 3))
    seen = cv2.GaussianBlur(wall, (0, 0), real.blur)
    u, v = np.meshgrid(np.linspace(-1, 1, camera.width), np.linspace(-1, 1, camera.height))
    seen = seen * (1 - VIGNETTE * (u * u + v * v) / 2) * (1 + 0.2 * u)
    image = 255 * np.clip(seen, 0, 1) ** (1 / GAMMA) + random.normal(0, real.noise, seen.shape)
    return np.clip(np.rint(image), 0, 255).astype(np.uint8)


def taken(real: Real, seed: int, folder: Path) -> tuple[list[Camera], Board, np.ndarray]:
    """Writes one session as JPEG files; its cameras, board and poses (V, 4, 4)."""
    random = np.random.default_rng(seed)
    cameras, session, poses = made(Stage(real.lens, COVERAGE), random)
    for number, pose in enumerate(poses):
        velocity = random.normal(0, real.speed, 3)
        for camera in cameras:
            late = np.eye(4)
            late[:3, 3] = velocity * random.normal(0, CLICK)
            image = photograph(session.board, camera, late @ pose, real, velocity, random)
            path = folder / camera.name / f"{number:03d}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(path), image, [cv2.IMWRITE_JPEG_QUALITY, real.quality])
    return cameras, session.board, poses


def trial(real: Real, seed: int, folder: Path) -> Errors:
    """One session calibrated from its files without any lens option."""
    cameras, board, poses = taken(real, seed, folder)
    text = f"chessboard:{board.columns}x{board.rows}:{10 * board.spacing:.6f}"
    request = CalibrateRequest(str(folder), text, origin="000", pictures=False)
    calibration, _, _ = calibrate_images(request, folder.with_name("found"), Silent())
    return errors_of(calibration, cameras, np.stack([poses[int(view)] for view in calibration.session.views]))


def row(name: str, real: Real, trials: int) -> str:
    """A row of the table."""
    found = []
    for seed in range(trials):
        with tempfile.TemporaryDirectory() as folder:
            found.append(trial(real, seed, Path(folder) / "session"))
    cells = [name]
    for part in PARTS:
        cells.append(error_cell(np.concatenate([getattr(one, part) for one in found])))
    cells.append(chosen_cell(found))
    return f"| {' | '.join(cells)} |"


def main() -> None:
    trials = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    heading = "| session | angles, degrees | head, mm | apart, mm | centers, mm | chosen |"
    print(f"{heading}\n{'|---' * (heading.count('|') - 1)}|")
    for name in sys.argv[2:] or ROWS:
        print(row(name, ROWS[name], trials), flush=True)


if __name__ == "__main__":
    main()
