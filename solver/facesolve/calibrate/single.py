"""One camera alone: a first focal length from how boards are foreshortened, board poses, then everything together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from facesolve.geometry.rigid import rigid_array
from facesolve.take.camera import FISHEYE

from .adjust import Fit, adjust, robust_weights
from .held_out import held_out, without
from .lens import AUTO, CX, CY, FX, FY, K1, PARAMETERS, free_basis, intrinsics, kind_of, restricted
from .prior import contradicted, lens_prior
from .sightings import Freedom, Rig, Sighting, residuals_of
from .view_equations import known_gradient, view_equations

FIRST_SCALE = 5.0  # pixels: errors beyond this count little while the lens is not known yet
NORMAL_SCALE = 1.0  # pixels: never less than this
SPREADS = 4.0  # the robust scale, in standard deviations of an error's coordinate
ROUNDS = 3
REJECT = 5.0  # standard deviations of a camera's residuals beyond which a point is wrong
REJECT_LEAST = 0.5  # pixels: a smaller error is never called wrong
SURE = 2.0  # standard errors by which a richer lens must foretell views better
WORTH = 0.01  # and by which share of the squared error
FEWEST_TO_JUDGE = 3  # views: fewer say nothing of each other
UNJUDGED = "k1"  # the lens then: nearly all bend the image, and what is usual keeps this one number in its place
MUCH = 0.1  # share of the squared error by which it is better without a doubt, whichever view is left aside
HALF_AS_MUCH_AGAIN = 1.5  # and how many times as large the other's squared error is where few views tell: in a corner
COVERED = 0.35  # share of the image that boards must reach for more than two numbers of distortion
WIDE = 0.6  # tangent of the angle between the axis and a corner from which on a lens may be a fisheye
BENT = 0.05  # or by how much the distortion moves a corner
FOCAL_RANGE = (0.3, 30.0)  # of the image's longer side
USUAL_FOCAL = 1.2
_MEDIAN_NORM = 1.1774  # median length of a 2-vector of independent unit normals


@dataclass(frozen=True, eq=False)
class LensRequest:
    """How a camera's lens is to be found. model: see ``lens.MODELS``, or ``auto``: the views choose.

    known: (12,) parameters to start from, or None. held: they stay as they are; without known ones, those stay that the
    camera's own views give. focal_assumed: the views do not tell the focal length, a usual one stays.
    """

    model: str = AUTO
    square_pixels: bool = False
    known: np.ndarray | None = None
    held: bool = False
    focal_assumed: bool = False


@dataclass(frozen=True, eq=False)
class Alone:
    """A camera that was calibrated on its own. model: chosen or asked for. held_out: by each model that was tried, root
    mean square error of views that were left out, pixels. centered, square: whether the image's middle and square
    pixels were believed in to the end. request: what was asked for, and what it came to.
    """

    fit: Fit
    model: str
    request: LensRequest
    held_out: Mapping[str, float]
    centered: bool = True
    square: bool = True


def basis_of(request: LensRequest, model: str, alone: bool) -> np.ndarray:
    """(12, m) what is free of a lens. alone: while the camera is on its own, before all are joined."""
    held = request.held and (request.known is not None or not alone)
    basis = np.zeros((PARAMETERS, 0)) if held else free_basis(model, request.square_pixels)
    return basis[:, ~basis[[FX, FY]].any(0)] if request.focal_assumed else basis


def calibrate_alone(sightings: Sequence[Sighting], size: tuple[int, int], request: LensRequest) -> Alone:
    """The lens of one camera and the pose of the board in each of its views; the camera stands at the world's origin.

    sightings: all of camera 0; sighting i has view i. Wrong points lose their say (robust loss) but stay in.
    """
    fisheye = kind_of(request.model) == FISHEYE
    lens = first_lens(sightings, size) if request.known is None else request.known.copy()
    boards = np.stack([board_pose(sighting, lens, fisheye and request.known is not None) for sighting in sightings])
    alone = _Alone(sightings, size, request)
    fisheyes, shape = (fisheye,) if request.known is not None else None, np.zeros(alone.shape)
    rig = Rig(lens[None], np.eye(4)[None], boards, fisheyes, shape)
    scale = max(FIRST_SCALE, max(size) / 200)
    if request.held and request.known is not None:
        return Alone(alone.fitted(rig, request.model, scale), request.model, request, {})
    first = rig
    if request.known is None and not request.focal_assumed:
        rig = alone.simple(rig, "none", scale).rig
        if request.model != "none":
            rig = alone.simple(rig, "k1", scale).rig
    if request.model != AUTO:
        fit = alone.fitted(replace(rig, fisheye=(fisheye,)) if fisheye else rig, request.model, scale)
        found = alone.believed(fit, request.model, {})
    else:
        found = _chosen(alone, rig, scale)
    focal = found.fit.rig.lenses[0, :2] / max(size)
    if request.known is None and not (FOCAL_RANGE[0] <= focal.min() and focal.max() <= FOCAL_RANGE[1]):
        return calibrate_alone(
            sightings, size, replace(request, known=_usual(first.lenses[0], size), focal_assumed=True)
        )
    return found


def _usual(lens: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The lens (12,) with a usual focal length: views that are all alike tell none."""
    usual = lens.copy()
    usual[[FX, FY]] = USUAL_FOCAL * max(size)
    return usual


@dataclass(frozen=True, eq=False)
class _Alone:
    """The views of one camera, and fits to them."""

    sightings: Sequence[Sighting]
    size: tuple[int, int]
    request: LensRequest

    @property
    def shape(self) -> int:
        """How many numbers the boards' shape has."""
        modes = self.sightings[0].modes
        return 0 if modes is None else modes.shape[2]

    def simple(self, rig: Rig, model: str, scale: float) -> Fit:
        """A first fit with square pixels and the center in the middle."""
        return self._rounds(rig, free_basis(model, True, False), scale, None, None)

    def fitted(self, rig: Rig, model: str, scale: float, centered: bool = True, square: bool = True) -> Fit:
        """The fit of a lens model, begun at ``rig``, kept to what lenses are."""
        return self._rounds(rig, basis_of(self.request, model, True), scale, centered, square)

    def believed(self, fit: Fit, model: str, tried: Mapping[str, float]) -> Alone:
        """The fit as it is, or without those expectations that the views contradict."""
        off_center, off_square = contradicted(fit.rig.lenses[0], self.size)
        if off_center or off_square:
            scale = max(NORMAL_SCALE, SPREADS * spread(fit.residuals))
            fit = self.fitted(fit.rig, model, scale, not off_center, not off_square)
        return Alone(fit, model, self.request, tried, not off_center, not off_square)

    def _rounds(self, rig: Rig, basis: np.ndarray, scale: float, centered: bool | None, square: bool | None) -> Fit:
        used = [np.ones(len(sighting.points), bool) for sighting in self.sightings]
        shape = 0 if centered is None else self.shape
        freedom = Freedom([basis], np.array([False]), np.ones(len(rig.boards), bool), shape)
        fit = None
        for _ in range(ROUNDS):
            noise = spread(residuals_of(self.sightings, rig))
            prior = None
            if centered is not None and square is not None:
                prior = lens_prior(rig.lenses, [self.size], [rig.bends(0)], [noise], [centered], [square])
            fit = adjust(self.sightings, used, rig, freedom, scale, prior)
            rig, before = fit.rig, scale
            scale = max(NORMAL_SCALE, SPREADS * spread(fit.residuals))
            if scale == before:
                break
        assert fit is not None
        return fit

    def used(self, fit: Fit) -> list[np.ndarray]:
        """Per sighting (n,) bool: points that are not wrong."""
        limit = max(REJECT_LEAST, REJECT * spread(fit.residuals))
        return [np.linalg.norm(residual, axis=1) < limit for residual in fit.residuals]

    def view_errors(self, fit: Fit, used: Sequence[np.ndarray], models: Sequence[str]) -> dict[str, np.ndarray]:
        """(V,) squared errors of each view's points, summed, when it is left out: of the fit's model, the last, and of
        simpler ones as seen from there."""
        basis = basis_of(self.request, models[-1], True)
        freedom = Freedom([basis], np.array([False]), np.ones(len(fit.rig.boards), bool), self.shape)
        prior = lens_prior(fit.rig.lenses, [self.size], [fit.rig.bends(0)], [spread(fit.residuals)])
        whole = view_equations(self.sightings, used, fit.rig, freedom, prior)
        values, slope = (
            np.concatenate([basis.T @ fit.rig.lenses[0], fit.rig.shape]),
            known_gradient(fit.rig, freedom, prior),
        )
        found = {}
        for model in models:
            own = basis_of(self.request, model, True)
            left_out = np.append(~(own.T @ basis).any(0), np.zeros(self.shape, bool))
            equations = without(whole, left_out, values, slope)
            found[model] = np.array([(errors**2).sum() for errors in held_out(equations).errors])
        return found


def _chosen(alone: _Alone, rig: Rig, scale: float) -> Alone:
    """The simplest lens whose errors in views left out are as small as any's: never more than the views support."""
    covered = hull_share(alone.sightings, alone.size) >= COVERED
    models = ("none", "k1", "k1k2", "brown")[: None if covered else 3]
    fit = alone.fitted(rig, models[-1], scale)
    used = alone.used(fit)
    errors, fits = alone.view_errors(fit, used, models), {models[-1]: fit}
    widest = np.hypot(*alone.size) / 2 / fit.rig.lenses[0, :2].mean()
    bend = abs(rig.lenses[0, K1]) * widest**2
    if covered and (widest > WIDE or bend > BENT):
        round_lens = replace(rig, lenses=restricted(rig.lenses[0], "none", False)[None], fisheye=(True,))
        for model, start in (("fisheye", round_lens), ("rational", fit.rig)):
            fits[model] = alone.fitted(start, model, scale)
            errors |= alone.view_errors(fits[model], used, (model,))
    # neither of the richest two holds the other: the one that foretells a usual view better stands against simpler ones
    worse = max(set(errors) - set(models), key=lambda name: np.log(errors[name] + 1e-12).mean(), default=None)
    model = simplest({name: own for name, own in errors.items() if name != worse})
    count = sum(int(keep.sum()) for keep in used)
    if model not in fits:
        start = replace(fit.rig, lenses=restricted(fit.rig.lenses[0], model, False)[None])
        fits[model] = alone.fitted(start, model, max(NORMAL_SCALE, SPREADS * spread(fit.residuals)))
    return alone.believed(fits[model], model, {name: float(np.sqrt(e.sum() / count)) for name, e in errors.items()})


def hull_share(sightings: Sequence[Sighting], size: tuple[int, int]) -> float:
    """Share of the image inside the convex hull of all points."""
    hull = cv2.convexHull(np.concatenate([sighting.pixels for sighting in sightings]).astype(np.float32))
    return float(cv2.contourArea(hull)) / (size[0] * size[1])


def simplest(errors: Mapping[str, np.ndarray]) -> str:
    """The first of the models, simple ones first, that no other foretells views clearly better than.

    errors: (V,) of each model, squared errors of each view when it is left out.
    """
    names = list(errors)
    chosen = names[0]
    if len(errors[chosen]) < FEWEST_TO_JUDGE and UNJUDGED in errors:
        return UNJUDGED
    for name in names[1:]:
        if _clearly_better(errors[name], errors[chosen]):
            chosen = name
    return chosen


def _clearly_better(ours: np.ndarray, theirs: np.ndarray) -> bool:
    """Whether squared errors (V,) are smaller by much even without the view that gains most, or a little in most, or
    by far in all, if only because of a view or two where a lens bends most."""
    gain = theirs - ours
    if len(gain) < FEWEST_TO_JUDGE:
        return False
    if gain.sum() - gain.max() > MUCH * theirs.sum() or theirs.sum() > HALF_AS_MUCH_AGAIN * ours.sum():
        return True
    shares = np.log((theirs + 1e-12) / (ours + 1e-12))
    return bool(shares.mean() > max(SURE * shares.std(ddof=1) / np.sqrt(len(shares)), WORTH))


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


def board_pose(sighting: Sighting, lens: np.ndarray, fisheye: bool = False) -> np.ndarray:
    """(4, 4) board to camera, by the closed form for planes (Collins & Bartoli 2014) on the points that agree."""
    # the distortion is undone first: the closed form knows pinholes only
    undistorted = cv2.fisheye.undistortPoints if fisheye else cv2.undistortPoints
    coefficients = lens[4:8] if fisheye else lens[4:]
    pixels = undistorted(sighting.pixels[:, None], intrinsics(lens), coefficients, P=intrinsics(lens))
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
