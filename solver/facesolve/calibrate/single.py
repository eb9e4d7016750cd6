"""One camera alone: a first focal length from how boards are foreshortened, board poses, then everything together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from facesolve.geometry.rigid import rigid_array

from .adjust import Fit, Freedom, Rig, Sighting, adjust, robust_weights
from .lens import CX, CY, MODELS, PARAMETERS, free_basis, intrinsics

FIRST_SCALE = 5.0  # pixels: errors beyond this count little while the lens is not known yet
NORMAL_SCALE = 1.0  # pixels: never less than this
SPREADS = 4.0  # the robust scale, in standard deviations of an error's coordinate
ROUNDS = 3
FOCAL_RANGE = (0.3, 30.0)  # of the image's longer side
USUAL_FOCAL = 1.2
_MEDIAN_NORM = 1.1774  # median length of a 2-vector of independent unit normals


@dataclass(frozen=True, eq=False)
class LensRequest:
    """How a camera's lens is to be found. model: see ``lens.MODELS``. known: (12,) parameters to start from, or None.

    held: the known parameters stay as they are; without known ones, those stay that the camera's own views give.
    """

    model: str = "brown"
    square_pixels: bool = False
    known: np.ndarray | None = None
    held: bool = False

    def basis(self, alone: bool) -> np.ndarray:
        """(12, m) what is free in the end. alone: while the camera is on its own, before all are joined."""
        held = self.held and (self.known is not None or not alone)
        return np.zeros((PARAMETERS, 0)) if held else free_basis(self.model, self.square_pixels)


def calibrate_alone(sightings: Sequence[Sighting], size: tuple[int, int], request: LensRequest) -> Fit:
    """The lens of one camera and the pose of the board in each of its views; the camera stands at the world's origin.

    sightings: all of camera 0; sighting i has view i. Wrong points lose their say (robust loss) but stay in.
    """
    lens = first_lens(sightings, size) if request.known is None else request.known.copy()
    boards = np.stack([board_pose(sighting, lens) for sighting in sightings])
    rig = Rig(lens[None], np.eye(4)[None], boards)
    stages = [request.basis(alone=True)]
    if request.known is None:
        simple = "k1" if MODELS[request.model] else "none"
        stages = [free_basis("none", True, False), free_basis(simple, True, False), *stages]
    scale = max(FIRST_SCALE, max(size) / 200)
    used = [np.ones(len(sighting.points), bool) for sighting in sightings]
    fit = None
    for basis in stages:
        freedom = Freedom([basis], np.array([False]), np.ones(len(boards), bool))
        for _ in range(ROUNDS):
            fit = adjust(sightings, used, rig, freedom, scale)
            rig = fit.rig
            scale = max(NORMAL_SCALE, SPREADS * spread(fit.residuals))
    assert fit is not None
    return fit


def spread(residuals: Sequence[np.ndarray]) -> float:
    """Standard deviation of one coordinate of the residuals, from their median length."""
    return float(np.median(np.linalg.norm(np.concatenate(list(residuals)), axis=1)) / _MEDIAN_NORM)


def first_lens(sightings: Sequence[Sighting], size: tuple[int, int]) -> np.ndarray:
    """(12,) parameters without distortion, principal point in the middle, one focal length for both axes.

    Each homography between board and image gives two estimates of the focal length (Zhang 2000); their median,
    weighted by how much they say, is not moved by a few wrong ones. Boards seen straight on say nothing: then the usual
    focal length is taken.
    """
    parameters = np.zeros(PARAMETERS)
    parameters[[CX, CY]] = np.array(size) / 2
    estimates, weights = [], []
    for sighting in sightings:
        matrix = _homography(sighting, parameters[[CX, CY]])
        if matrix is None:
            continue
        (a, b), (p, q) = matrix[:2, :2].T, matrix[2, :2]
        # first two columns: orthogonal, and of one length, once divided by the focal length
        for numerator, denominator in (
            (a @ b, -p * q),
            (a @ a - b @ b, q * q - p * p),
        ):
            if abs(denominator) > 1e-12 and numerator / denominator > 0:
                estimates.append(np.sqrt(numerator / denominator))
                weights.append(abs(denominator) / (p * p + q * q + 1e-12) * np.hypot(p, q))
    focal = USUAL_FOCAL * max(size)
    if estimates:
        order = np.argsort(estimates)
        share = np.cumsum(np.array(weights)[order])
        focal = np.array(estimates)[order][np.searchsorted(share, share[-1] / 2)]
    parameters[:2] = np.clip(focal, FOCAL_RANGE[0] * max(size), FOCAL_RANGE[1] * max(size))
    return parameters


def board_pose(sighting: Sighting, lens: np.ndarray) -> np.ndarray:
    """(4, 4) board to camera, by the closed form for planes (Collins & Bartoli 2014) on the points that agree."""
    # the distortion is undone first: the closed form knows pinholes only
    pixels = cv2.undistortPoints(sighting.pixels[:, None], intrinsics(lens), lens[4:], P=intrinsics(lens))
    keep = _agreeing(sighting.points, pixels.reshape(-1, 2))
    found, rotations, translations, _ = cv2.solvePnPGeneric(
        sighting.points[keep], pixels[keep], intrinsics(lens), None, flags=cv2.SOLVEPNP_IPPE
    )
    for rotation, translation in zip(rotations, translations, strict=True) if found else ():  # the better one first
        pose = rigid_array(cv2.Rodrigues(rotation)[0], translation.ravel())
        if np.isfinite(pose).all() and pose[2, 3] > 0:
            return pose
    # nothing fits: in front of the camera, as far as the points' spread says
    spread_of_pixels = max(np.ptp(sighting.pixels, axis=0).max(), 1.0)
    distance = lens[0] * np.ptp(sighting.points, axis=0).max() / spread_of_pixels
    return rigid_array(np.eye(3), np.array([0, 0, distance]))


def _homography(sighting: Sighting, center: np.ndarray) -> np.ndarray | None:
    """Board plane to pixels from ``center``, scaled so that the board has size one."""
    size = np.ptp(sighting.points[:, :2], axis=0).max()
    matrix, _ = cv2.findHomography(sighting.points[:, :2] / size, sighting.pixels - center, cv2.LMEDS)
    return matrix


def _agreeing(points: np.ndarray, pixels: np.ndarray) -> np.ndarray:
    """(n,) bool: points that one homography maps; all when there are too few of them."""
    matrix, _ = cv2.findHomography(points[:, :2], pixels, cv2.LMEDS)
    if matrix is None:
        return np.ones(len(points), bool)
    mapped = cv2.perspectiveTransform(points[None, :, :2], matrix)[0]
    residual = mapped - pixels
    keep = robust_weights(residual, max(NORMAL_SCALE, SPREADS * spread([residual]))) > 0.25
    return keep if keep.sum() >= 6 else np.ones(len(points), bool)
