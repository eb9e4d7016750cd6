"""How well cameras agree on what a take's footage shows, without a rig: points that two cameras see alike must lie on
each other's epipolar lines. Knows no files.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import cv2
import numpy as np
import torch

from facesolve.geometry.camera import CameraModel, pixels_from_opencv
from facesolve.take import Camera

MOST_POINTS = 4000  # of an image
ALIKE = 0.8  # how much nearer a point's match must be than the next one (Lowe 2004)
NEAR = 5.0  # pixels from its line beyond which a match is wrong, whatever the cameras
FEWEST = 30  # matches that tell something
SURE = 3.0  # standard errors by which a calibration must be better


@dataclass(frozen=True, eq=False)
class Matches:
    """Points (n, 2) that cameras ``a`` and ``b`` see alike at one frame, in pixels, center at .5."""

    a: int
    b: int
    first: np.ndarray
    second: np.ndarray


def match(images: Mapping[int, np.ndarray]) -> list[Matches]:
    """Between all pairs of the images (H, W) uint8 of one frame, by camera."""
    finder = cv2.SIFT.create(nfeatures=MOST_POINTS)
    seen = {camera: finder.detectAndCompute(image, None) for camera, image in images.items()}
    found = []
    for a, b in combinations(sorted(seen), 2):
        (points_a, words_a), (points_b, words_b) = seen[a], seen[b]
        if words_a is None or words_b is None or min(len(words_a), len(words_b)) < 2:
            continue
        there = _nearest(words_a, words_b)
        back = _nearest(words_b, words_a)
        mutual = [(i, j) for i, j in there.items() if back.get(j) == i]
        if mutual:
            i, j = np.array(mutual).T
            first, second = (np.array([p.pt for p in points]) for points in (points_a, points_b))
            found.append(Matches(a, b, pixels_from_opencv(first[i]), pixels_from_opencv(second[j])))
    return found


def _nearest(ours: np.ndarray, theirs: np.ndarray) -> dict[int, int]:
    pairs = cv2.BFMatcher().knnMatch(ours, theirs, k=2)
    return {m.queryIdx: m.trainIdx for m, n in pairs if m.distance < ALIKE * n.distance}


def line_errors(cameras: Sequence[Camera], matches: Sequence[Matches]) -> np.ndarray:
    """(n,) pixels between all matches and their epipolar lines (Sampson's distance), at most ``NEAR``."""
    found = [np.zeros(0)]
    for one in matches:
        a, b = cameras[one.a], cameras[one.b]
        straight = [_straight(camera, points) for camera, points in ((a, one.first), (b, one.second))]
        rotation = b.rotation @ a.rotation.T
        x, y, z = b.translation - rotation @ a.translation
        essential = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]]) @ rotation
        F = np.linalg.inv(b.intrinsics).T @ essential @ np.linalg.inv(a.intrinsics)
        first, second = (np.concatenate([points, np.ones((len(points), 1))], 1) for points in straight)
        to_b, to_a = first @ F.T, second @ F
        slope = (to_b[:, :2] ** 2).sum(1) + (to_a[:, :2] ** 2).sum(1)
        errors = np.abs((second * to_b).sum(1)) / np.sqrt(np.maximum(slope, 1e-30))
        found.append(np.minimum(np.nan_to_num(errors, nan=NEAR), NEAR))
    return np.concatenate(found)


def _straight(camera: Camera, pixels: np.ndarray) -> np.ndarray:
    """(n, 2) pixels without the lens' distortion; NaN where it does not reach."""
    model = CameraModel.from_cameras([camera], dtype=torch.float64)
    found, valid = model.undistort_points(torch.as_tensor(pixels))
    return np.where(valid[0].numpy()[:, None], found[0].numpy(), np.nan)


def best_of(candidates: Sequence[Sequence[Camera]], matches: Sequence[Matches]) -> tuple[int, np.ndarray, bool]:
    """Which candidate's cameras the matches agree with best; the error, pixels (root mean square), of each, wrong
    matches at ``NEAR``; and whether the best one is clearly better than the first."""
    errors = np.stack([line_errors(cameras, matches) for cameras in candidates])
    if errors.shape[1] < FEWEST:
        return 0, np.full(len(candidates), np.nan), False
    costs = (errors**2).mean(1)
    best = int(costs.argmin())
    gain = errors[0] ** 2 - errors[best] ** 2
    clear = best > 0 and gain.mean() > SURE * gain.std() / np.sqrt(len(gain))
    return best, np.sqrt(costs), bool(clear)
