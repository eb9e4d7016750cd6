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
    size = (camera.width * SAMPLES, camera.height * SAMPLES)
    centers = np.stack(np.meshgrid(np.arange(camera.width) + 0.5, np.arange(camera.height) + 0.5), -1)
    if camera.distortion.any():
        model = CameraModel.from_cameras([camera], dtype=torch.float64)
        centers = model.undistort_points(torch.tensor(centers.reshape(-1, 2)))[0][0].numpy().reshape(centers.shape)
    straight = cv2.resize(centers, size, interpolation=cv2.INTER_LINEAR).reshape(-1, 2)  # smooth: no error to speak of
    rays = np.concatenate([straight, np.ones((len(straight), 1))], 1) @ np.linalg.inv(camera.intrinsics).T
    to_camera = np.eye(4)
    to_camera[:3, :3], to_camera[:3, 3] = camera.rotation, camera.translation
    matrix = to_camera @ pose
    on_board = rays @ np.linalg.inv(matrix[:3, [0, 1, 3]]).T
    light = _ink(board, on_board[:, :2] / on_board[:, 2:], dot, bright)
    image = light.reshape(camera.height, SAMPLES, camera.width, SAMPLES).mean((1, 3))
    image = image * (1 - shade * np.arange(camera.width) / camera.width)
    image = image + np.random.default_rng(seed).normal(0, noise, image.shape)
    return np.clip(np.rint(image), 0, 255).astype(np.uint8)


def _ink(board: Board, places: np.ndarray, dot: float, bright: bool) -> np.ndarray:
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
    return np.where(marked, ink, np.where(inside, paper, 110.0))


def _charuco(board: Board, places: np.ndarray) -> np.ndarray:
    drawn = charuco(board)
    square = 80
    picture = drawn.generateImage((board.columns * square, board.rows * square))
    at = (places / board.spacing * square).astype(int)
    inside = ((places >= 0).all(1)) & (at[:, 0] < picture.shape[1]) & (at[:, 1] < picture.shape[0])
    return np.where(inside, picture[np.where(inside, at[:, 1], 0), np.where(inside, at[:, 0], 0)] * 0.8 + 20, 230.0)
