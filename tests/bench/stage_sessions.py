"""Calibration sessions as a real stage gives them, calibrated without any lens option: does anything go wrong unsaid?

    python -m tests.bench.stage_sessions [TRIALS] [ROW ...]

Three cameras, 20 views each, boards over a tenth of the image; strong lenses, boards that all lean the same way, views
that are blurred, wrong detections, a board that is not flat. Prints a table of errors against what was stated.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

import numpy as np
import torch

from facesolve.calibrate.board import Board, parse_board
from facesolve.calibrate.calibrate import Calibration, Request, calibrate
from facesolve.calibrate.geometry import find_weaknesses
from facesolve.calibrate.session import Detection, Session
from facesolve.geometry.camera import CameraModel
from facesolve.geometry.rotation import rotation_from_tangent
from facesolve.runtime.progress import Silent
from facesolve.take import Camera

from .calibration_study import DISTANCE, SIZE, Errors, Stage, cameras_of, chosen_cell, error_cell, errors_of

COVERAGE = 0.12
BOARD = "chessboard:9x6"
PARTS = ("angles", "head", "distances", "centers")


@dataclass(frozen=True)
class Trouble:
    """What is wrong with a session. lean: radians, how far boards turn away from how they are all held, and that.

    blurred: share of the views of a camera; wrong: share of detections a row off or among clutter, and of points.
    bow: mm by which the board's middle stands out. stretch: by which it is wider than high. late: cm that the board
    moves until the last camera sees it.
    """

    lens: str = "strong"
    spread: float = 0.6
    lean: tuple[float, float] = (0.0, 0.0)
    blurred: float = 0.0
    wrong: float = 0.0
    bow: float = 0.0
    stretch: float = 0.0
    late: float = 0.0


ROWS = {
    "nothing wrong": Trouble(),
    "boards lean alike": Trouble(spread=0.1, lean=(0.4, -0.25)),
    "boards face the cameras": Trouble(spread=0.12),
    "a fifth of the views blurred": Trouble(blurred=0.2),
    "wrong detections": Trouble(wrong=0.08),
    "board bowed by 0.3 mm": Trouble(bow=0.3),
    "bowed, leaning alike": Trouble(spread=0.1, lean=(0.4, -0.25), bow=0.3),
    "board 0.2 % wider": Trouble(stretch=0.002),
    "cameras late, hand-held": Trouble(late=0.01),
    "everything": Trouble(spread=0.25, lean=(0.3, -0.2), blurred=0.2, wrong=0.05, bow=0.2, stretch=0.001, late=0.005),
    "none": Trouble(lens="none"),
    "k1": Trouble(lens="k1"),
    "brown": Trouble(lens="brown"),
}


def session_of(
    trouble: Trouble, cameras: list[Camera], board: Board, random: np.random.Generator
) -> tuple[Session, np.ndarray]:
    """What the cameras saw, and the boards' poses (V, 4, 4)."""
    model = CameraModel.from_cameras(cameras, dtype=torch.float64)
    real = _real_points(board, trouble)
    centered = np.eye(4)
    centered[:3, 3] = -board.corners.mean(0)
    width, height = np.array(SIZE) / cameras[0].intrinsics[0, 0] * DISTANCE * np.sqrt(COVERAGE)
    reach = np.maximum(np.array([width, height]) - board.diagonal * 0.8, 1.0) / 2
    poses: list[np.ndarray] = []
    detections: list[Detection] = []
    while len(poses) < 20:
        tangent = np.array([*trouble.lean, 0.0]) + random.uniform(-trouble.spread, trouble.spread, 3)
        pose = np.eye(4)
        pose[:3, :3] = rotation_from_tangent(torch.as_tensor(tangent)).numpy()
        pose[:3, 3] = *random.uniform(-reach, reach), random.uniform(-12, 12)
        pose, step = pose @ centered, random.normal(0, trouble.late, 3)
        seen = []
        for index, camera in enumerate(cameras):
            points = real @ pose[:3, :3].T + pose[:3, 3] + step * index
            projection = model.project(torch.as_tensor(points))
            pixels = projection.pixels[index].numpy()
            if projection.valid[index].all() and (pixels > 5).all() and (pixels < np.array(SIZE) - 5).all():
                pixels, ids = _detected(pixels, board, trouble, random, bool(poses))
                seen.append(Detection(camera.name, f"{len(poses):03d}", ids, pixels))
        if len(seen) >= 2 and (poses or len(seen) == len(cameras)):
            poses.append(pose)
            detections += seen
    return Session(board, {camera.name: SIZE for camera in cameras}, tuple(detections)), np.stack(poses)


def _real_points(board: Board, trouble: Trouble) -> np.ndarray:
    """(N, 3) where the points of a board that is neither flat nor square really are."""
    points = board.points.copy()
    middle, half = board.corners.mean(0), np.ptp(board.corners, axis=0) / 2
    along = (points - middle)[:, :2] / half[:2]
    points[:, 2] += 0.1 * trouble.bow * (1 - along[:, 0] ** 2)
    points[:, :2] = middle[:2] + (points - middle)[:, :2] * (1 + np.array([0.5, -0.5]) * trouble.stretch)
    return points


def _detected(
    pixels: np.ndarray, board: Board, trouble: Trouble, random: np.random.Generator, may_be_wrong: bool
) -> tuple[np.ndarray, np.ndarray]:
    noise, ids = 0.09, np.arange(len(pixels))
    noisy = pixels + random.normal(0, noise, pixels.shape)
    if random.random() < trouble.blurred:
        along = random.normal(size=2)
        noisy += random.normal(0, 0.6, (len(pixels), 1)) * along / np.linalg.norm(along)
    if may_be_wrong and random.random() < trouble.wrong:
        if random.random() < 0.5:
            return noisy[board.columns :], ids[: -board.columns]
        return random.uniform((0, 0), SIZE, pixels.shape), ids
    wrong = random.random(len(pixels)) < trouble.wrong / 2
    return noisy + wrong[:, None] * random.normal(0, 12, pixels.shape), ids


@dataclass(frozen=True)
class Found:
    """What came of one session: its errors, the warnings' sentences, the calibration, the true cameras."""

    errors: Errors
    warnings: list[str]
    calibration: Calibration
    cameras: list[Camera]

    @property
    def centers_off(self) -> list[float]:
        """Pixels between the principal points found and the true ones."""
        pairs = zip(self.calibration.cameras, self.cameras, strict=True)
        return [float(np.linalg.norm(lens.parameters[2:4] - camera.intrinsics[:2, 2])) for lens, camera in pairs]


def trial(trouble: Trouble, seed: int) -> Found:
    """One session, calibrated without any option."""
    random = np.random.default_rng(seed)
    cameras = cameras_of(Stage(trouble.lens, COVERAGE), random)
    share = 0.5 * np.sqrt(COVERAGE) * SIZE[1] / cameras[0].intrinsics[0, 0] * DISTANCE
    board = parse_board(f"{BOARD}:{10 * share / 5:.3f}")
    session, poses = session_of(trouble, cameras, board, random)
    calibration = calibrate(session, Request(origin="000"), Silent())
    warnings = [str(weakness) for weakness in find_weaknesses(calibration)]
    return Found(errors_of(calibration, cameras, poses), warnings, calibration, cameras)


def row(name: str, trouble: Trouble, trials: int) -> str:
    """A row of the table."""
    cells, found = [name], [trial(trouble, seed) for seed in range(trials)]
    for part in PARTS:
        cells.append(error_cell(np.concatenate([getattr(one.errors, part) for one in found])))
    cells.append(f"{np.percentile([off for one in found for off in one.centers_off], 95):.1f}")
    cells.append(chosen_cell(one.errors for one in found))
    return f"| {' | '.join(cells)} |"


def main() -> None:
    trials = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    heading = "| session | angles, degrees | head, mm | apart, mm | centers, mm | principal point, px | chosen |"
    print(f"\n{heading}\n{'|---' * (heading.count('|') - 1)}|")
    for name in sys.argv[2:] or ROWS:
        print(row(name, ROWS[name], trials), flush=True)


if __name__ == "__main__":
    main()
