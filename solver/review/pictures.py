"""A solved mesh over the footage: wireframe, difference heat map, and both beside the image for a person to judge."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from solver.camera import CameraModel, scaled
from solver.render import choose_backend
from solver.render.barycentrics import barycentric_derivatives
from solver.rig import RigModel, apply_head
from solver.take import Camera
from solver.take.files import write_atomic

NEAR, FAR = 1.0, 10000.0  # centimetres
WIRE = (120, 235, 255)  # RGB
WIRE_WIDTH = 1.1  # pixels
LARGEST_DIFFERENCE = 40.0  # of 255 levels, at the hot end of the heat map
LABEL_HEIGHT = 26


def wireframe(
    image: np.ndarray, model: RigModel, controls: np.ndarray, head: np.ndarray, camera: Camera, frame_index: int = 0
) -> np.ndarray:
    """``image`` with the visible polygon edges of the posed rig drawn over it; (H, W, 3) uint8 RGB in and out.

    image: of ``camera``'s size or a multiple of it, free of distortion. controls: (K,). head: (4, 4) world, cm.
    frame_index: 0-based take frame, for cameras that move.
    """
    height, width = image.shape[:2]
    lens = CameraModel.from_cameras([scaled(camera, width / camera.width)], frame_index, model.device)
    vertices = model.vertices(_tensor(controls, model)[None])
    world = apply_head(_tensor(head, model)[None], vertices)
    clip = torch.cat([world, torch.ones_like(world[..., :1])], -1) @ lens.clip_matrices(NEAR, FAR).mT.to(world)
    triangle, weights, _ = choose_backend(model.device).rasterize(clip, model.triangles, (height, width))
    slopes = barycentric_derivatives(clip, model.triangles, triangle)
    pixels_to_edge = weights / torch.linalg.vector_norm(slopes, dim=-1).clamp(min=1e-9)
    drawn = _polygon_edges(model)[triangle.clamp(min=0).long()] & (triangle >= 0)[..., None]
    nearest = torch.where(drawn, pixels_to_edge, torch.inf).amin(-1)[0]
    opacity = (WIRE_WIDTH - nearest).clamp(0.0, 1.0)[..., None].cpu().numpy() * 0.55
    return np.asarray(np.rint(image * (1.0 - opacity) + opacity * np.array(WIRE)), np.uint8)


def difference_map(image: np.ndarray, rendered: np.ndarray) -> np.ndarray:
    """Heat map of the mean absolute difference of two (H, W, 3) uint8 images: black none, white 40 levels or more."""
    difference = np.abs(image.astype(np.float32) - rendered.astype(np.float32)).mean(axis=2)
    smoothed = cv2.GaussianBlur(difference, (0, 0), 0.8)
    levels = np.asarray(np.clip(smoothed * (255.0 / LARGEST_DIFFERENCE), 0.0, 255.0), np.uint8)
    return cv2.applyColorMap(levels, cv2.COLORMAP_INFERNO)[..., ::-1]


def enlarged(image: np.ndarray, factor: int) -> np.ndarray:
    """``image`` (H, W, 3) with ``factor`` times as many pixels a side, smooth between them."""
    height, width = image.shape[:2]
    return np.asarray(cv2.resize(image, (width * factor, height * factor), interpolation=cv2.INTER_CUBIC))


def beside(panels: Sequence[tuple[str, np.ndarray]]) -> np.ndarray:
    """Pictures (H, W, 3) uint8 RGB of one height side by side, each under its label."""
    labelled = []
    for label, picture in panels:
        strip = np.full((LABEL_HEIGHT, picture.shape[1], 3), 24, np.uint8)
        cv2.putText(strip, label, (8, LABEL_HEIGHT - 8), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (225, 225, 225), 1, cv2.LINE_AA)
        labelled.append(np.concatenate([strip, picture]))
    return np.concatenate(labelled, axis=1)


def write_picture(path: Path, image: np.ndarray) -> None:
    """Writes ``image`` (H, W, 3) uint8 RGB in the format of the path's suffix, whole or not at all."""
    written, data = cv2.imencode(path.suffix, np.ascontiguousarray(image[..., ::-1]))
    assert written, f"OpenCV writes no {path.suffix}"
    write_atomic(path, data.tobytes())


def _tensor(values: np.ndarray, model: RigModel) -> Tensor:
    return torch.as_tensor(values, dtype=model.dtype, device=model.device)


def _polygon_edges(model: RigModel) -> Tensor:
    """(F, 3) bool: the edge opposite each corner of a triangle belongs to its polygon, not to the cut through it."""
    polygon = model.triangle_polygon
    change = polygon[1:] != polygon[:-1]
    end = change.new_ones(1)
    first, last = torch.cat([end, change]), torch.cat([change, end])
    return torch.stack([torch.ones_like(first), last, first], 1)
