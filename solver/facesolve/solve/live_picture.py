"""The picture of a solve at work: what all cameras saw of one frame, with the surface's present pose drawn over it.

Drawn in little time on the host: lines where planes cut the surface, which are as readable on a dense mesh as on a
coarse one. Knows no stage.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import torch

from facesolve.footage.stream import FramePixels
from facesolve.geometry.pose import Pose
from facesolve.render.posed_rig import world_vertices
from facesolve.runtime.progress import Progress
from facesolve.stages.problem import Problem
from facesolve.take import TakeError
from facesolve.take.files import write_atomic

HEIGHT = 300  # pixels of each camera's picture, at most twice that
LEAST_SECONDS = 1.0  # from one picture to the next
LEAST_REST = 49.0  # times the seconds that a picture took: 2 % of a solve are for pictures
PLANES = 15  # that cut the surface along each of two axes
LINE = (90, 200, 255)  # BGR
JPEG_QUALITY = 85
WIDE = 2.0  # about, width of all by their height
FINE = 4  # binary digits of a pixel that lines are drawn with


class LivePicture:
    """Writes a small JPEG to ``file`` and tells ``progress`` of it, now and then.

    problem: of the solve at its beginning; the surface that cameras see at the start pose is what is drawn.
    """

    def __init__(
        self, problem: Problem, file: Path, progress: Progress, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._problem, self._file, self._progress, self._clock = problem, file, progress, clock
        self._corners, self._shares, self._triangles = _lines(problem)
        self._due = clock()

    def show(self, index: int, pixels: FramePixels, pose: Pose) -> None:
        """Take frame ``index`` (0-based) at a pose (B = 1), unless the last picture was a moment ago."""
        began = self._clock()
        if began < self._due:
            return
        ok, data = cv2.imencode(".jpg", self._drawn(index, pixels, pose), [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
        assert ok
        try:
            write_atomic(self._file, data.tobytes())
        except TakeError as error:  # a viewer may hold the file on Windows; a solve does not end for want of a picture
            self._progress.message(f"no picture: {error}")
            self._due = math.inf
            return
        self._progress.picture(self._file)
        ended = self._clock()
        self._due = ended + max(LEAST_SECONDS, LEAST_REST * (ended - began))

    def _drawn(self, index: int, pixels: FramePixels, pose: Pose) -> np.ndarray:
        """(H, W, 3) uint8 BGR: all cameras from left to right, in rows."""
        problem = self._problem
        smallest = min(image.shape[0] for image in pixels.luminance) << pixels.finest
        level = max(pixels.finest, math.floor(math.log2(max(smallest / HEIGHT, 1))))
        world = world_vertices(problem.model, pose)[0]
        ends = (world[self._corners] * self._shares[..., None]).sum(2)  # (n, 2, 3)
        cameras = problem.views.cameras(level, [index])
        projection = cameras.project(ends.flatten(0, 1)[None, None])
        corners = world[problem.model.triangles[self._triangles]]
        normals = torch.linalg.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        facing = (normals * (cameras.centers[0, :, None] - ends[:, 0])).sum(-1) > 0  # (C, n)
        usable = facing & projection.valid[0].unflatten(1, (-1, 2)).all(-1)
        places = projection.pixels[0].unflatten(1, (-1, 2)).cpu().numpy()  # (C, n, 2, 2)
        drawn = usable.cpu().numpy()
        seen = pixels.level(level)
        return in_rows(
            [_over(image.cpu().numpy(), places[camera][drawn[camera]]) for camera, image in enumerate(seen.luminance)]
        )


def _over(luminance: np.ndarray, segments: np.ndarray) -> np.ndarray:
    """(H, W, 3) uint8: an image (H, W) in 0..1 with segments (n, 2, 2), pixels, over it."""
    gray = np.asarray(np.rint(255 * np.clip(luminance, 0, 1)), np.uint8)
    plate = cv2.cvtColor(gray, cv2.COLOR_GRAY2BGR)
    lines = plate.copy()
    inside = (np.abs(segments) < 4 * max(gray.shape)).all((1, 2))
    # OpenCV has the center of the first pixel at 0
    fixed = np.asarray(np.rint((segments[inside] - 0.5) * 2**FINE), np.int32)
    cv2.polylines(lines, list(fixed), False, LINE, 1, cv2.LINE_AA, FINE)
    return cv2.addWeighted(plate, 0.4, lines, 0.6, 0)


def in_rows(pictures: list[np.ndarray]) -> np.ndarray:
    """Pictures of any sizes on one canvas, about as wide as a film's frame."""
    height, width = (max(picture.shape[axis] for picture in pictures) for axis in (0, 1))
    columns = min(len(pictures), max(1, round(math.sqrt(len(pictures) * height / width * WIDE))))
    rows = math.ceil(len(pictures) / columns)
    canvas = np.zeros((rows * height, columns * width, 3), np.uint8)
    for place, picture in enumerate(pictures):
        top, left = place // columns * height, place % columns * width
        canvas[top : top + picture.shape[0], left : left + picture.shape[1]] = picture
    return canvas


def _lines(problem: Problem) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Segments in which planes of the neutral cut triangles that cameras see.

    Returns the vertices (n, 2, 2) between which the n segments' two ends lie, their shares (n, 2, 2), and the
    triangles (n,).
    """
    model = problem.model
    sampled = torch.zeros(len(model.neutral), dtype=torch.bool, device=model.neutral.device)
    sampled[model.triangles[problem.samples.triangles]] = True
    triangles = sampled[model.triangles].any(1).nonzero()[:, 0]  # a dense mesh has more of them than samples
    corners = model.triangles[triangles].cpu().numpy()
    points = model.neutral.cpu().numpy()[corners]  # (T, 3, 3)
    extent = np.ptp(points.reshape(-1, 3), axis=0).max()
    normals = np.abs(np.cross(points[:, 1] - points[:, 0], points[:, 2] - points[:, 0])).sum(0)
    found_corners, found_shares, found_triangles = [], [], []
    for axis in np.argsort(normals)[:2]:  # those that the surface does not face
        along = points[:, :, axis] * (PLANES / extent)
        for first, second, third in ((0, 1, 2), (1, 2, 0), (2, 0, 1)):  # the corner alone on its side of a plane
            low = np.floor(along)
            alone = (low[:, first] != low[:, second]) & (low[:, first] != low[:, third])
            plane = np.maximum(low[:, first], np.where(low[:, second] < low[:, first], -np.inf, low[:, first] + 1))
            rows = np.flatnonzero(alone & ((low[:, second] < low[:, first]) == (low[:, third] < low[:, first])))
            share = np.stack(
                [
                    (plane[rows] - along[rows, other]) / (along[rows, first] - along[rows, other])
                    for other in (second, third)
                ],
                1,
            )
            found_shares.append(np.stack([share, 1 - share], -1))
            pairs = [corners[rows][:, [first, other]] for other in (second, third)]
            found_corners.append(np.stack(pairs, 1))
            found_triangles.append(rows)
    device = model.neutral.device
    return (
        torch.as_tensor(np.concatenate(found_corners), device=device),
        torch.as_tensor(np.concatenate(found_shares), device=device).to(model.neutral.dtype),
        triangles[torch.as_tensor(np.concatenate(found_triangles), device=device)],
    )
