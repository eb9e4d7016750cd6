"""Generated calibration sessions: cameras of known truth that see a board, with noise, gaps and wrong detections."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from facesolve.calibrate.board import Board
from facesolve.calibrate.session import Detection, Session
from facesolve.geometry.camera import CameraModel
from facesolve.geometry.rotation import rotation_from_tangent
from facesolve.take import Camera

SIZE = (1600, 1200)
DISTORTION = np.array([-0.12, 0.08, 0.0006, -0.0004, 0.02])


@dataclass(frozen=True)
class Faults:
    """What is wrong with a session. noise: pixels; the others are shares of all views, points and detections."""

    noise: float = 0.0
    missing: float = 0.0
    wrong_points: float = 0.0
    wrong_detections: float = 0.0
    turned: bool = False  # every camera begins counting at a corner of its own


def rigid(rotation: np.ndarray, translation: np.ndarray) -> np.ndarray:
    """(4, 4) of a rotation vector and a translation."""
    matrix = np.eye(4)
    matrix[:3, :3] = rotation_from_tangent(torch.as_tensor(np.asarray(rotation, float))).numpy()
    matrix[:3, 3] = translation
    return matrix


def arc_of_cameras(count: int, distance: float = 90.0, distortion: np.ndarray = DISTORTION) -> list[Camera]:
    """Cameras on an arc of 100 degrees around the origin, some higher, some lower, each of its own focal length."""
    cameras = []
    for index in range(count):
        azimuth = np.radians(-50 + 100 * index / max(count - 1, 1))
        height = (-14.0, 0.0, 14.0)[index % 3]
        center = np.array([distance * np.sin(azimuth), height, -distance * np.cos(azimuth)])
        forward = -center / np.linalg.norm(center)
        right = np.cross([0.0, 1.0, 0.0], forward)
        right /= np.linalg.norm(right)
        rotation = np.stack([right, np.cross(forward, right), forward])
        focal = 2300.0 + 37.0 * index
        intrinsics = np.array([[focal, 0, 800 + 5 * index], [0, focal + 3, 600 - 4 * index], [0, 0, 1]])
        cameras.append(Camera(f"cam{index}", *SIZE, intrinsics, rotation, -rotation @ center, distortion))
    return cameras


def waved_boards(board: Board, count: int, seed: int = 0, tilt: float = 0.6, spread: float = 9.0) -> np.ndarray:
    """(V, 4, 4) board to world: the board held near the origin, tilted every way; the first stands straight."""
    random = np.random.default_rng(seed)
    centered = rigid(np.zeros(3), -board.corners.mean(0))
    poses = [centered]
    for _ in range(count - 1):
        turn = random.uniform(-tilt, tilt, 3)
        poses.append(rigid(turn, random.uniform(-spread, spread, 3)) @ centered)
    return np.stack(poses)


def photograph(board: Board, cameras: list[Camera], boards: np.ndarray, faults: Faults, seed: int = 1) -> Session:
    """What a detector would find: boards wholly inside the image, with the faults asked for."""
    random = np.random.default_rng(seed)
    model = CameraModel.from_cameras(cameras, dtype=torch.float64)
    world = board.points @ boards[:, :3, :3].transpose(0, 2, 1) + boards[:, None, :3, 3]
    found = []
    for view, points in enumerate(world):
        projection = model.project(torch.as_tensor(points))
        for index, camera in enumerate(cameras):
            pixels = projection.pixels[index].numpy()
            size = (camera.width, camera.height)
            inside = bool(projection.valid[index].all()) and (pixels > 5).all() and (pixels < np.array(size) - 5).all()
            if not inside or (view > 0 and random.random() < faults.missing):
                continue
            pixels = pixels + random.normal(0, faults.noise, pixels.shape)
            wrong = random.random(len(pixels)) < faults.wrong_points
            direction = random.normal(size=pixels.shape)
            direction /= np.linalg.norm(direction, axis=1, keepdims=True)
            pixels = pixels + wrong[:, None] * direction * random.uniform(3, 50, (len(pixels), 1))
            ids = np.arange(len(pixels))
            if view > 0 and random.random() < faults.wrong_detections:
                # the grid found one row too far, or among clutter
                if random.random() < 0.5:
                    pixels = np.concatenate(
                        [
                            pixels[board.columns :],
                            2 * pixels[-board.columns :] - pixels[-2 * board.columns : -board.columns],
                        ]
                    )
                else:
                    pixels = random.uniform((0, 0), size, pixels.shape)
            if faults.turned:
                ids = board.symmetries[index % len(board.symmetries)].order[ids]
            found.append(Detection(camera.name, f"{view:03d}", ids, pixels))
    return Session(board, {camera.name: (camera.width, camera.height) for camera in cameras}, tuple(found))


def centers(cameras: list[Camera]) -> np.ndarray:
    """(C, 3) world, centimeters."""
    return np.stack([-camera.rotation.T @ camera.translation for camera in cameras])
