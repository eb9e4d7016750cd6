"""What views of a board near each camera bring to a session whose boards cover a tenth of the images.

    python -m tests.bench.close_views [TRIALS] [TIMES]

The advice of ``facesolve calibrate`` for such sessions, followed: nine views a camera that the others do not see, over
all of its image, the board TIMES (3) as near as in the session: then it is half as high as the image.
"""

from __future__ import annotations

import sys

import numpy as np
import torch

from facesolve.calibrate.calibrate import Request, calibrate
from facesolve.calibrate.session import Detection, Session
from facesolve.geometry.camera import CameraModel
from facesolve.geometry.rotation import rotation_from_tangent
from facesolve.runtime.progress import Silent
from facesolve.take import Camera

from .calibration_study import DISTANCE, SIZE, Errors, Stage, errors_of, made

LENSES = ("k1", "strong", "brown", "rational")
REGIONS = [(x, y) for x in (1 / 6, 1 / 2, 5 / 6) for y in (1 / 6, 1 / 2, 5 / 6)]
VIEWS = 9
TRIES = 400


def close_views(
    camera: Camera, session: Session, first: int, times: float, noise: float, random: np.random.Generator
) -> tuple[list[Detection], list[np.ndarray]]:
    """What one camera saw of boards near it, and their poses (4, 4); views are numbered from ``first`` on."""
    model = CameraModel.from_cameras([camera], dtype=torch.float64)
    detections: list[Detection] = []
    poses: list[np.ndarray] = []
    for attempt in range(TRIES):
        if len(poses) == VIEWS:
            break
        pixel = np.array(REGIONS[attempt % len(REGIONS)]) * SIZE + random.uniform(-60, 60, 2)
        ray = np.linalg.inv(camera.intrinsics) @ np.append(pixel, 1)
        turn = camera.rotation.T @ rotation_from_tangent(torch.as_tensor(random.uniform(-0.6, 0.6, 3))).numpy()
        middle = camera.rotation.T @ (ray * DISTANCE / times * random.uniform(0.85, 1.15) - camera.translation)
        pose = np.eye(4)
        pose[:3, :3], pose[:3, 3] = turn, middle - turn @ session.board.corners.mean(0)
        projection = model.project(torch.as_tensor(session.board.points @ turn.T + pose[:3, 3]))
        pixels = projection.pixels[0].numpy()
        if projection.valid[0].all() and (pixels > 5).all() and (pixels < np.array(SIZE) - 5).all():
            noisy = pixels + random.normal(0, noise, pixels.shape)
            detections.append(Detection(camera.name, f"{first + len(poses):03d}", np.arange(len(pixels)), noisy))
            poses.append(pose)
    return detections, poses


def trial(stage: Stage, seed: int, times: float) -> Errors:
    """One session with close views of each of its cameras."""
    random = np.random.default_rng(seed)
    cameras, session, known = made(stage, random)
    detections, poses = list(session.detections), list(known)
    for camera in cameras:
        more, placed = close_views(camera, session, len(poses), times, stage.noise, random)
        detections, poses = detections + more, poses + placed
    whole = Session(session.board, session.sizes, tuple(detections))
    return errors_of(calibrate(whole, Request(origin="000"), Silent()), cameras, np.stack(poses))


def main() -> None:
    trials = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    times = float(sys.argv[2]) if len(sys.argv) > 2 else 3.0
    print("| lens | angles, degrees | centers, mm | apart, mm | head, mm |\n|---|---|---|---|---|")
    for lens in LENSES:
        found = [trial(Stage(lens, 0.1), seed, times) for seed in range(trials)]
        cells = [lens]
        for name in ("angles", "centers", "distances", "head"):
            values = np.concatenate([getattr(one, name) for one in found])
            held = np.mean(np.abs(values[:, 0]) <= 2 * values[:, 1])
            size, doubt = np.percentile(np.abs(values[:, 0]), 95), np.median(values[:, 1])
            cells.append(f"{size:.3f} (± {doubt:.3f}, {100 * held:.0f} %)")
        print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
