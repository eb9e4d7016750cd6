"""Calibrations of generated sessions against the truth: every lens, boards over little and over much of the image.

    python -m tests.bench.calibration_study [TRIALS]

Prints the tables of docs/method/measured.md: errors of angles between cameras, of their centers and of points at the
head's place, how often two standard deviations hold them, and which lens model was chosen; what no calibration of the
same views can do better (Cramer and Rao); and what the view to add next brings.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch

from facesolve.calibrate.board import Board, parse_board
from facesolve.calibrate.calibrate import Calibration, Request, calibrate
from facesolve.calibrate.held_out import HeldOut, inverted
from facesolve.calibrate.lens import free_basis, kind_of, parameters_of, smallest_model
from facesolve.calibrate.next_view import next_view
from facesolve.calibrate.session import Detection, Session
from facesolve.calibrate.sightings import Freedom, Prior, Rig, Sighting
from facesolve.calibrate.trust import Certainty, at_the_head, distance, orientation
from facesolve.calibrate.view_equations import view_equations
from facesolve.geometry.camera import CameraModel, look_along
from facesolve.geometry.rotation import rotation_from_tangent
from facesolve.runtime.progress import Silent
from facesolve.take import Camera

SIZE = (1920, 1080)
BOARD = "chessboard:9x6:15"
DISTANCE = 90.0  # cm from the cameras to the head
KNOWN = ("nothing", "distortion", "lens")
LENSES = {
    "strong": (2300.0, (-0.35, 0.3, 0, 0)),
    "none": (2300.0, ()),
    "k1": (2300.0, (-0.12, 0, 0, 0)),
    "k1k2": (2300.0, (-0.15, 0.12, 0, 0)),
    "brown": (1700.0, (-0.14, 0.09, 0.0007, -0.0005, -0.02)),
    "rational": (1100.0, (0.35, 0.05, 0.0003, -0.0002, 0.001, 0.62, 0.12, 0.006)),
    "fisheye": (900.0, (-0.02, 0.01, -0.006, 0.001)),
}


@dataclass(frozen=True)
class Stage:
    """A session to be made. coverage: share of the image that the boards reach. noise: pixels, one coordinate."""

    lens: str
    coverage: float
    views: int = 20
    cameras: int = 3
    noise: float = 0.12


def cameras_of(stage: Stage, random: np.random.Generator) -> list[Camera]:
    """Cameras 20 degrees apart that look at the origin; principal points off the middle, as real ones."""
    focal, distortion = LENSES[stage.lens]
    cameras = []
    for index in range(stage.cameras):
        azimuth = np.radians(20 * (index - (stage.cameras - 1) / 2))
        center = np.array([np.sin(azimuth), random.uniform(-0.1, 0.1), -np.cos(azimuth)]) * DISTANCE
        rotation = look_along(-center, np.array([0.0, -1.0, 0.0]))
        own = focal * random.uniform(0.98, 1.02)
        middle = np.array(SIZE) / 2 + random.normal(0, 0.006 * SIZE[0], 2)
        matrix = np.array([[own, 0, middle[0]], [0, own, middle[1]], [0, 0, 1]])
        coefficients = np.array(distortion) * random.uniform(0.9, 1.1, len(distortion))
        cameras.append(
            Camera(f"cam{index}", *SIZE, matrix, rotation, -rotation @ center, coefficients, kind_of(stage.lens))
        )
    return cameras


def session_of(
    stage: Stage, cameras: list[Camera], board: Board, random: np.random.Generator
) -> tuple[Session, np.ndarray]:
    """Detections of boards held about the head's place, and the boards' poses (V, 4, 4)."""
    focal = cameras[0].intrinsics[0, 0]
    width, height = np.array(SIZE) / focal * DISTANCE * np.sqrt(stage.coverage)
    model = CameraModel.from_cameras(cameras, dtype=torch.float64)
    centered = np.eye(4)
    centered[:3, 3] = -board.corners.mean(0)
    poses: list[np.ndarray] = []
    detections: list[Detection] = []
    while len(poses) < stage.views:
        pose = np.eye(4)
        pose[:3, :3] = rotation_from_tangent(torch.as_tensor(random.uniform(-0.6, 0.6, 3))).numpy()
        reach = np.maximum(np.array([width, height]) - board.diagonal * 0.8, 1.0) / 2
        pose[:3, 3] = *random.uniform(-reach, reach), random.uniform(-12, 12) * max(board.diagonal / 15, 1)
        pose = pose @ centered
        seen = _seen(model, board, pose, f"{len(poses):03d}", cameras, stage.noise, random)
        if len(seen) >= 2 and (poses or len(seen) == len(cameras)):
            poses.append(pose)
            detections += seen
    return Session(board, {camera.name: SIZE for camera in cameras}, tuple(detections)), np.stack(poses)


def _seen(
    model: CameraModel,
    board: Board,
    pose: np.ndarray,
    view: str,
    cameras: list[Camera],
    noise: float,
    random: np.random.Generator,
) -> list[Detection]:
    projection = model.project(torch.as_tensor(board.points @ pose[:3, :3].T + pose[:3, 3]))
    found = []
    for index, camera in enumerate(cameras):
        pixels = projection.pixels[index].numpy()
        if projection.valid[index].all() and (pixels > 5).all() and (pixels < np.array(SIZE) - 5).all():
            noisy = pixels + random.normal(0, noise, pixels.shape)
            found.append(Detection(camera.name, view, np.arange(len(pixels)), noisy))
    return found


@dataclass(frozen=True)
class Errors:
    """What one trial gave: (n, 2) of errors and their stated standard deviations; degrees and millimeters.

    distances: of two cameras; centers: of cameras, seen from the head's place; world: from the first board.
    """

    angles: np.ndarray
    distances: np.ndarray
    centers: np.ndarray
    world: np.ndarray
    head: np.ndarray
    models: tuple[str, ...]


def errors_of(calibration: Calibration, cameras: list[Camera], poses: np.ndarray) -> Errors:
    """The found cameras against the true ones; centers seen from the head, and (world) from the first board."""
    origin = poses[list(calibration.session.views).index(calibration.origin)]
    sure = calibration.sure
    angles, distances = [], []
    centers = [-camera.rotation.T @ camera.translation for camera in cameras]
    for a in range(len(cameras)):
        for b in range(a + 1, len(cameras)):
            angle, doubt, _ = orientation(sure, a, b)
            true = np.degrees(np.arccos(cameras[a].rotation[2] @ cameras[b].rotation[2]))
            angles.append((angle - true, doubt))
            length, doubt = distance(sure, a, b)
            distances.append((10 * (length - np.linalg.norm(centers[a] - centers[b])), 10 * doubt))
    to_board = np.linalg.inv(origin)
    error, turn, middle = _head_error(calibration, cameras)
    off, seen = [], []
    for found, center in zip(calibration.cameras, centers, strict=True):
        true = to_board[:3, :3] @ center + to_board[:3, 3]
        off += list(zip(10 * (found.center - true), 10 * found.world_deviation, strict=True))
        assert found.center_deviation is not None
        # as the head's points, as the cameras place them, are brought onto the true ones
        apart = turn.T @ (turn @ (found.center - middle) - center)
        seen += list(zip(10 * apart, 10 * found.center_deviation, strict=True))
    head = at_the_head(sure)
    assert head is not None
    return Errors(
        np.array(angles),
        np.array(distances),
        np.array(seen),
        np.array(off),
        np.array([(10 * error, 10 * head)]),
        tuple(lens.model for lens in calibration.cameras),
    )


def _head_error(calibration: Calibration, cameras: list[Camera]) -> tuple[float, np.ndarray, np.ndarray]:
    """Error, cm (root mean square), of points of a head about the origin, seen by the true cameras and placed by those
    found; the turn (3, 3) and the middle (3,) that bring them onto the true ones."""
    corners = np.array([(x, y, z) for x in (-1, 0, 1) for y in (-1, 0, 1) for z in (-1, 0, 1)]) * 7.0
    true = CameraModel.from_cameras(cameras, dtype=torch.float64).project(torch.as_tensor(corners)).pixels
    found = CameraModel.from_cameras([lens.camera for lens in calibration.cameras], dtype=torch.float64)
    straight, _ = found.undistort_points(true)
    rows = []
    for index, lens in enumerate(calibration.cameras):
        matrix = lens.camera.intrinsics @ np.concatenate([lens.camera.rotation, lens.camera.translation[:, None]], 1)
        pixels = straight[index].numpy()
        rows.append(pixels[:, :, None] * matrix[2] - matrix[:2])  # (27, 2, 4)
    A = np.concatenate(rows, 1)
    points = np.linalg.svd(A)[2][:, -1]
    points = points[:, :3] / points[:, 3:]
    a, b = points - points.mean(0), corners - corners.mean(0)
    U, _, Vt = np.linalg.svd(a.T @ b)
    turn = (U * [1, 1, np.sign(np.linalg.det(U @ Vt))]) @ Vt
    return float(np.sqrt(((a @ turn - b) ** 2).sum(1).mean())), turn.T, points.mean(0)


def made(stage: Stage, random: np.random.Generator) -> tuple[list[Camera], Session, np.ndarray]:
    """Cameras, what they saw of a board that covers the region by half its height, and its poses (V, 4, 4)."""
    cameras = cameras_of(stage, random)
    share = 0.5 * np.sqrt(stage.coverage) * SIZE[1] / cameras[0].intrinsics[0, 0] * DISTANCE
    board = parse_board(f"{BOARD.rpartition(':')[0]}:{10 * share / 5:.3f}")
    return cameras, *session_of(stage, cameras, board, random)


def trial(stage: Stage, seed: int) -> Errors:
    """One session of its own cameras and boards, calibrated without any lens option."""
    cameras, session, poses = made(stage, np.random.default_rng(seed))
    return errors_of(calibrate(session, Request(origin="000"), Silent()), cameras, poses)


@dataclass(frozen=True)
class Bound:
    """Standard deviations that no unbiased calibration of a session can be below: angles in degrees, lengths in mm.

    centers: along each axis of the first board, whose own pose is part of it. apart: between two cameras.
    """

    angles: np.ndarray
    apart: np.ndarray
    centers: np.ndarray
    head: float


def bound(stage: Stage, seed: int, known: str) -> Bound:
    """The Cramer-Rao bound with the true lens model given, pixels known to be square, and its coefficients free.

    known: ``nothing``; ``distortion``, given as it is, so that focal length and principal point are found; ``lens``,
    so that the principal point alone is found: what cameras could at best learn from others with the same lens.
    """
    cameras, session, poses = made(stage, np.random.default_rng(seed))
    kind = "fisheye" if stage.lens == "fisheye" else "brown"
    model = smallest_model(np.array(LENSES[stage.lens][1]), kind) if known == "nothing" else "none"
    basis = free_basis(model, True)[:, int(known == "lens") :]
    world = np.stack([np.eye(4)] * len(cameras))
    for matrix, camera in zip(world, cameras, strict=True):
        matrix[:3, :3], matrix[:3, 3] = camera.rotation, camera.translation
    lenses = np.stack([parameters_of(camera.intrinsics, camera.distortion) for camera in cameras])
    rig = Rig(lenses, world @ poses[0], np.linalg.inv(poses[0]) @ poses, (stage.lens == "fisheye",) * len(cameras))
    sightings = [
        Sighting(session.cameras.index(d.camera), session.views.index(d.view), session.board.points[d.ids], d.pixels)
        for d in session.detections
    ]
    used = [np.ones(len(sighting.points), bool) for sighting in sightings]
    nothing = Prior(lenses, np.zeros((len(lenses), lenses.shape[1], lenses.shape[1])))
    freedom = Freedom([basis] * len(cameras), np.ones(len(cameras), bool), np.arange(len(poses)) > 0)
    equations = view_equations(sightings, used, rig, freedom, nothing)
    covariance = stage.noise**2 * inverted(equations.information.sum(0))
    no_errors = HeldOut([], np.ones(len(covariance)))
    sizes = [SIZE] * len(cameras)
    sure = Certainty(
        covariance, freedom, equations.slices, no_errors, stage.noise, -poses[0][:3, :3].T @ poses[0][:3, 3], rig,
        1.0, sizes,
    )  # fmt: skip
    pairs = [(a, b) for a in range(len(cameras)) for b in range(a + 1, len(cameras))]
    placed = [covariance[part.stop - 3 : part.stop, part.stop - 3 : part.stop] for part in equations.slices]
    centers = [pose[:3, :3].T @ part @ pose[:3, :3] for pose, part in zip(rig.cameras, placed, strict=True)]
    head = at_the_head(sure)
    assert head is not None
    return Bound(
        np.array([orientation(sure, a, b).deviation for a, b in pairs]),
        np.array([10 * distance(sure, a, b)[1] for a, b in pairs]),
        10 * np.sqrt(np.concatenate([np.diag(center) for center in centers])),
        10 * head,
    )


def bound_row(stage: Stage, trials: int) -> str:
    """A row of the bounds' table: the 95th percentile of a best estimator's absolute errors."""
    cells = [stage.lens, f"{100 * stage.coverage:.0f} %"]
    found = [[bound(stage, seed, known) for seed in range(trials)] for known in KNOWN]
    for name in ("angles", "centers", "apart"):
        for bounds in found:
            deviations = np.concatenate([getattr(one, name) for one in bounds])
            cells.append(f"{1.96 * np.sqrt((deviations**2).mean()):.3f}")
    return f"| {' | '.join(cells)} |"


def advice_row(stage: Stage, trials: int) -> str:
    """What the view that is named next brings: millimeters at the head's place, stated and true."""
    rows = []
    for seed in range(trials):
        random = np.random.default_rng(seed)
        cameras, session, poses = made(stage, random)
        first = calibrate(session, Request(origin="000"), Silent())
        advice = next_view(first)
        if advice is None:
            continue
        model = CameraModel.from_cameras(cameras, dtype=torch.float64)
        pose = poses[0] @ advice.board
        seen = _seen(model, session.board, pose, "next", cameras, stage.noise, random)
        more = Session(session.board, session.sizes, (*session.detections, *seen))
        second = calibrate(more, Request(origin="000"), Silent())
        (before,), (after,) = (errors_of(one, cameras, poses).head for one in (first, second))
        rows.append((before[1], advice.after, after[1], before[0], after[0]))
    values = np.median(np.array(rows), axis=0)
    return f"| {stage.lens} | {100 * stage.coverage:.0f} % | {' | '.join(f'{value:.3f}' for value in values)} |"


def error_cell(values: np.ndarray) -> str:
    """95 % of the errors (n, 2: found, stated deviation), the deviation usually stated, how often twice it held."""
    held = np.mean(np.abs(values[:, 0]) <= 2 * values[:, 1])
    size, doubt = np.percentile(np.abs(values[:, 0]), 95), np.median(values[:, 1])
    return f"{size:.3f} (± {doubt:.3f}, {100 * held:.0f} %)"


def chosen_cell(found: Iterable[Errors]) -> str:
    """The lens models that were chosen, the most frequent first."""
    counts = Counter(model for one in found for model in one.models)
    return ", ".join(f"{model} {count}" for model, count in counts.most_common())


def row(stage: Stage, trials: int) -> str:
    """A row of the table."""
    found = [trial(stage, seed) for seed in range(trials)]
    cells = [stage.lens, f"{100 * stage.coverage:.0f} %"]
    for name in ("angles", "centers", "world", "distances", "head"):
        cells.append(error_cell(np.concatenate([getattr(one, name) for one in found])))
    cells.append(chosen_cell(found))
    return f"| {' | '.join(cells)} |"


def main() -> None:
    trials = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    tables = {
        "| lens | reach | angles, degrees | centers, mm | in the world, mm | apart, mm | head, mm | chosen |": row,
        "| lens | reach | angles, degrees | distortion known | lens known | in the world, mm | distortion known "
        "| lens known | apart, mm | distortion known | lens known |": bound_row,
        "| lens | boards reach | stated, mm | foretold | stated after | error before | error after |": advice_row,
    }
    for heading, made_row in tables.items():
        print(f"\n{heading}\n{'|---' * (heading.count('|') - 1)}|")
        for coverage in (0.1, 0.6):
            for lens in LENSES if made_row is not advice_row else ("k1", "brown"):
                print(made_row(Stage(lens, coverage), trials), flush=True)


if __name__ == "__main__":
    main()
