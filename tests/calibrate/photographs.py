"""Photographs of boards, computed: every pixel looks along its ray at the board's plane, nine times over."""

from __future__ import annotations

import cv2
import numpy as np
import torch

from facesolve.calibrate.board import ASYMMETRIC, CHARUCO, CHESSBOARD, Board
from facesolve.calibrate.markers import charuco
from facesolve.geometry.camera import CameraModel
from facesolve.take import Camera

SAMPLES = 3  # a side of each pixel
MARGIN = 1.0  # paper around the points, in spacings
WALL, TABLE = 110.0, 230.0  # levels around boards, and around ChArUco boards


def photograph_board(
    board: Board,
    camera: Camera,
    pose: np.ndarray,
    dot: float = 0.0,
    bright: bool = False,
    noise: float = 0.0,
    shade: float = 0.0,
    seed: int = 0,
) -> np.ndarray:
    """(H, W) uint8. pose: (4, 4) board to world, cm. dot: diameter, cm. noise: levels. shade: how much darker the
    right edge is than the left one, as a share."""
    x0, y0, x1, y1 = _window(board, camera, pose)
    size = ((x1 - x0) * SAMPLES, (y1 - y0) * SAMPLES)
    centers = np.stack(np.meshgrid(np.arange(x0, x1) + 0.5, np.arange(y0, y1) + 0.5), -1)
    if camera.distortion.any():
        model = CameraModel.from_cameras([camera], dtype=torch.float64)
        centers = model.undistort_points(torch.tensor(centers.reshape(-1, 2)))[0][0].numpy().reshape(centers.shape)
    straight = cv2.resize(centers, size, interpolation=cv2.INTER_LINEAR).reshape(-1, 2)  # smooth: no error to speak of
    rays = np.concatenate([straight, np.ones((len(straight), 1))], 1) @ np.linalg.inv(camera.intrinsics).T
    to_camera = np.eye(4)
    to_camera[:3, :3], to_camera[:3, 3] = camera.rotation, camera.translation
    matrix = to_camera @ pose
    on_board = rays @ np.linalg.inv(matrix[:3, [0, 1, 3]]).T
    light = ink(board, on_board[:, :2] / on_board[:, 2:], dot, bright)
    image = np.full((camera.height, camera.width), WALL if board.kind != CHARUCO else TABLE)
    image[y0:y1, x0:x1] = light.reshape(y1 - y0, SAMPLES, x1 - x0, SAMPLES).mean((1, 3))
    image = image * (1 - shade * np.arange(camera.width) / camera.width)
    image = image + np.random.default_rng(seed).normal(0, noise, image.shape)
    return np.clip(np.rint(image), 0, 255).astype(np.uint8)


def _window(board: Board, camera: Camera, pose: np.ndarray) -> tuple[int, int, int, int]:
    """Columns and rows from, columns and rows to, outside of which no board is."""
    reach = (1.0 + MARGIN) * board.spacing
    corners = np.array([board.points.min(0) - reach, board.points.max(0) + reach])
    edge = np.linspace(0, 1, 9)
    u, v = (corners[0, k] + edge * (corners[1, k] - corners[0, k]) for k in (0, 1))
    around = [(a, b, 0) for a in u for b in (v[0], v[-1])] + [(a, b, 0) for a in (u[0], u[-1]) for b in v]
    model = CameraModel.from_cameras([camera], dtype=torch.float64)
    seen = model.project(torch.as_tensor(np.array(around) @ pose[:3, :3].T + pose[:3, 3]))
    if not bool(seen.valid.all()):
        return 0, 0, camera.width, camera.height
    pixels, size = seen.pixels[0].numpy(), (camera.width, camera.height)
    low, high = np.clip(np.floor(pixels.min(0)) - 2, 0, size), np.clip(np.ceil(pixels.max(0)) + 2, 0, size)
    if (high - low < 2).any():
        return 0, 0, camera.width, camera.height
    return int(low[0]), int(low[1]), int(high[0]), int(high[1])


def ink(board: Board, places: np.ndarray, dot: float, bright: bool) -> np.ndarray:
    """Light (n,) at places (n, 2) of the board, 0..255."""
    paper, ink = (30.0, 220.0) if bright else (220.0, 30.0)
    low, high = board.points.min(0)[:2] - MARGIN * board.spacing, board.points.max(0)[:2] + MARGIN * board.spacing
    inside = ((places > low) & (places < high)).all(1)
    if board.kind == CHESSBOARD:
        marked = (np.floor(places / board.spacing).astype(int).sum(1) % 2 == 0) & inside
    elif board.kind == CHARUCO:
        return _charuco(board, places)
    else:
        row = np.rint(places[:, 1] / board.spacing)
        step, start = (2, row % 2) if board.kind == ASYMMETRIC else (1, 0 * row)
        column = np.rint((places[:, 0] / board.spacing - start) / step)
        nearest = np.stack([column * step + start, row], 1) * board.spacing
        there = (row >= 0) & (row < board.rows) & (column >= 0) & (column < board.columns)
        marked = there & (((places - nearest) ** 2).sum(1) < (dot / 2) ** 2)
    return np.where(marked, ink, np.where(inside, paper, WALL))


def _charuco(board: Board, places: np.ndarray) -> np.ndarray:
    drawn = charuco(board)
    square = 80
    picture = drawn.generateImage((board.columns * square, board.rows * square))
    at = (places / board.spacing * square).astype(int)
    inside = ((places >= 0).all(1)) & (at[:, 0] < picture.shape[1]) & (at[:, 1] < picture.shape[0])
    return np.where(inside, picture[np.where(inside, at[:, 1], 0), np.where(inside, at[:, 0], 0)] * 0.8 + 20, TABLE)
