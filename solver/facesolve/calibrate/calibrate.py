"""A calibration from detections to cameras, in reading order: each camera alone, one world, everything jointly.

Wrong detections first lose their say (robust loss), then are left out, so that the result is plain least squares on
what remains. Opens no file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from facesolve.runtime.progress import Progress
from facesolve.take import Camera, TakeError

from .adjust import Fit, Freedom, Prior, Rig, Sighting, adjust, known_gradient, residuals_of, view_equations
from .board import Symmetry
from .dots import dot_bias
from .graph import BoardSeen, Connected, connect
from .held_out import held_out, inverted, without
from .lens import AUTO, P1, P2, distortion, intrinsics, kind_of
from .prior import converging, lens_prior
from .session import Detection, Session
from .single import (
    COVERED,
    NORMAL_SCALE,
    REJECT,
    REJECT_LEAST,
    SPREADS,
    Alone,
    LensRequest,
    basis_of,
    calibrate_alone,
    hull_share,
    spread,
)
from .trust import Certainty, certainty, doubt

KEEP_SHARE = 0.5  # a detection with fewer right points is wrong as a whole
FEWEST_POINTS = 6
# whose numbers are considered too when it is asked how sure a lens is
_CONSIDERED = {"none": "brown", "k1": "brown", "k1k2": "brown", "brown": "rational"}
CLEAR = 3.09  # of the normal distribution: exceeded by chance in one of a thousand cases
POSSIBLE_FOCAL = (0.1, 100.0)  # of the image's longer side
POSSIBLE_ERROR = 2.0  # pixels, root mean square of a camera's used points; of large images
POSSIBLE_SHARE = 1 / 1000  # of the longer side
ROBUST_ROUNDS = 3
REJECTION_ROUNDS = 8


@dataclass(frozen=True, eq=False)
class Request:
    """What to calibrate and how. lens: for all cameras; lenses: for some by name. origin: a view, or None to choose."""

    lens: LensRequest = field(default_factory=LensRequest)
    lenses: Mapping[str, LensRequest] = field(default_factory=dict)
    origin: str | None = None

    def of(self, camera: str) -> LensRequest:
        """What to do with one camera's lens."""
        return self.lenses.get(camera, self.lens)


@dataclass(frozen=True, eq=False)
class Checked:
    """A detection with what became of it. projected: (n, 2) pixels, center at .5; used: (n,) bool."""

    detection: Detection
    projected: np.ndarray
    used: np.ndarray

    @property
    def errors(self) -> np.ndarray:
        """(n,) pixels between detected and projected."""
        return np.linalg.norm(self.projected - self.detection.pixels, axis=1)


@dataclass(frozen=True, eq=False)
class CalibratedLens:
    """One camera of the result. model: of the lens. parameters, deviation: (12,), see ``lens``.

    center, center_deviation: (3,) centimeters in the world. held: the lens was given, not found. tried: errors, pixels
    (root mean square), of views left out by each lens model that was tried. focal_assumed: the views told none.
    """

    camera: Camera
    model: str
    parameters: np.ndarray
    deviation: np.ndarray
    center: np.ndarray
    center_deviation: np.ndarray
    held: bool
    tried: Mapping[str, float]
    focal_assumed: bool


@dataclass(frozen=True, eq=False)
class Calibration:
    """Cameras in the axes of the board at view ``origin``, and how well they explain the detections.

    boards: (4, 4) board to world of each view, centimeters. links: pairs of cameras that hold the rig together, with
    the number of views on which they agree. noise: pixels, standard deviation of one coordinate of the used points.
    sure: of what a solve uses. foretold: errors, pixels, of the used points of all views, each when its view is left
    out.
    """

    session: Session
    cameras: tuple[CalibratedLens, ...]
    boards: Mapping[str, np.ndarray]
    checked: tuple[Checked, ...]
    links: tuple[tuple[str, str, int], ...]
    origin: str
    noise: float
    sure: Certainty
    foretold: np.ndarray

    def of_camera(self, camera: str) -> list[Checked]:
        """The detections of one camera."""
        return [item for item in self.checked if item.detection.camera == camera]


def calibrate(session: Session, request: Request, progress: Progress) -> Calibration:
    """Calibrates all cameras of ``session``. Raises TakeError with one sentence when the views do not allow it."""
    origin = _origin(session, request.origin)
    progress.stage("calibrate each camera", len(session.cameras))
    alone = []
    for camera in session.cameras:
        own = [_sighting(d, session, 0, i) for i, d in enumerate(session.of_camera(camera))]
        alone.append(calibrate_alone(own, session.sizes[camera], request.of(camera)))
        _check_lens(camera, alone[-1], session, request.of(camera))
        progress.advance()
    request = replace(request, lenses={camera: own.request for camera, own in zip(session.cameras, alone, strict=True)})
    session, world = _one_world(session, alone)
    progress.stage("calibrate all cameras together", 1)
    views = list(session.views)
    rig = _moved_origin(world.rig, views.index(origin))
    sightings = [
        _sighting(d, session, session.cameras.index(d.camera), views.index(d.view)) for d in session.detections
    ]
    free = np.array([view != origin for view in views])
    freedom = _freedom(session, request, alone, free)
    joint = _joint(sightings, world.fitting, rig, freedom, session, alone)
    richer = _richer(session, request, alone, joint, freedom)
    if richer != alone:
        alone, freedom = richer, _freedom(session, request, richer, free)
        joint = _joint(sightings, world.fitting, joint.fit.rig, freedom, session, alone)
    calibration = _result(session, request, joint, freedom, origin, world.links, alone)
    progress.advance()
    for camera in session.cameras:
        _check_error(camera, calibration)
    return calibration


def _freedom(session: Session, request: Request, alone: Sequence[Alone], boards: np.ndarray) -> Freedom:
    bases = [basis_of(request.of(camera), own.model, False) for camera, own in zip(session.cameras, alone, strict=True)]
    return Freedom(bases, np.ones(len(bases), bool), boards)


def _richer(session: Session, request: Request, alone: Sequence[Alone], joint: _Joint, freedom: Freedom) -> list[Alone]:
    """The cameras with a richer lens where all of them together show what the views of one alone did not.

    From the step that the numbers left out would take: it must be clear beyond errors that points of a view share.
    """
    wider = _freedom(session, request, [replace(own, model=_richest(own.model)) for own in alone], freedom.boards)
    equations = view_equations(joint.sightings, joint.used, joint.fit.rig, wider, joint.prior)
    gradient = equations.gradient.sum(0) + known_gradient(joint.fit.rig, wider, joint.prior)
    inverse = inverted(equations.information.sum(0) + equations.known)
    step, nothing = -inverse @ gradient, np.zeros(len(inverse), bool)
    stepped = without(equations, nothing, np.zeros(len(inverse)), known_gradient(joint.fit.rig, wider, joint.prior))
    design, noise = held_out(stepped).design, np.square(spread(joint.fit.residuals))
    result = []
    for index, (camera, own) in enumerate(zip(session.cameras, alone, strict=True)):
        part, basis = equations.slices[index], wider.bases[index]
        covered = hull_share([s for s in joint.sightings if s.camera == index], session.sizes[camera]) >= COVERED
        added = [
            part.start + column
            for column in range(basis.shape[1])
            if not (freedom.bases[index] * basis[:, column : column + 1]).any()
        ]
        if request.of(camera).model == AUTO and covered and added:
            covariance = noise * design[part].mean() * inverse
            sideways = [part.start + column for column in range(basis.shape[1]) if basis[[P1, P2], column].any()]
            if any(_differs(step, covariance, numbers) for numbers in (added, sideways) if set(numbers) <= set(added)):
                own = replace(own, model=_richest(own.model))
        result.append(own)
    return result


def _differs(step: np.ndarray, covariance: np.ndarray, numbers: list[int]) -> bool:
    """Whether some numbers differ from zero beyond doubt: in one of a thousand cases by chance (Wilson & Hilferty)."""
    count = len(numbers)
    own = step[numbers]
    limit = count * (1 - 2 / (9 * count) + CLEAR * np.sqrt(2 / (9 * count))) ** 3
    return bool(count > 0 and own @ np.linalg.solve(covariance[np.ix_(numbers, numbers)], own) > limit)


def _check_error(camera: str, calibration: Calibration) -> None:
    """Raises TakeError when the error left is larger than that of any calibration."""
    errors = np.concatenate([item.errors[item.used] for item in calibration.of_camera(camera)])
    error = float(np.sqrt((errors**2).mean()))
    if error > max(POSSIBLE_ERROR, POSSIBLE_SHARE * max(calibration.session.sizes[camera])):
        raise TakeError(
            f"camera '{camera}': no lens and no place bring the board's points nearer than {error:.1f} pixels (RMS) to "
            "where they were found; check --board (columns, rows, lengths), --lens, and that the board is flat and "
            "stood still."
        )


def _check_lens(camera: str, own: Alone, session: Session, asked: LensRequest) -> None:
    """Raises TakeError when the lens found is none that a camera can have: the points are not those of the board."""
    size, focal = session.sizes[camera], own.fit.rig.lenses[0, :2]
    low, high = (bound * max(size) for bound in POSSIBLE_FOCAL)
    impossible = not (low <= focal.min() and focal.max() <= high)
    largest = max(POSSIBLE_ERROR, POSSIBLE_SHARE * max(size))
    impossible = impossible or (own.request.focal_assumed and spread(own.fit.residuals) > largest)
    if asked.known is None and impossible:
        count = len(session.of_camera(camera))
        raise TakeError(
            f"camera '{camera}': no lens explains where the board was found in {count} of its "
            f"{session.images.get(camera, count)} images (a focal length of {focal[0]:.3g} pixels); check --board "
            "(columns, rows)."
        )


def _origin(session: Session, wanted: str | None) -> str:
    """The view that becomes the world: the one wanted, or the first of those that most cameras see."""
    if wanted is None:
        counts = {view: sum(d.view == view for d in session.detections) for view in session.views}
        return max(session.views, key=lambda view: counts[view])
    if wanted not in session.views:
        raise TakeError(f"origin: no camera found the board in view '{wanted}'; views are {_some(session.views)}.")
    return wanted


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (f" ... {names[-1]}" if len(names) > 5 else "")


def _sighting(detection: Detection, session: Session, camera: int, view: int) -> Sighting:
    return Sighting(camera, view, session.board.points[detection.ids], detection.pixels)


@dataclass(frozen=True, eq=False)
class _World:
    """A first rig of all cameras, what holds it together, and for each detection whether it fits the others'."""

    rig: Rig
    links: tuple[tuple[str, str, int], ...]
    fitting: list[bool]


def _one_world(session: Session, alone: Sequence[Alone]) -> tuple[Session, _World]:
    """The session with labels turned alike, and a first rig."""
    views = list(session.views)
    seen, order = [], []
    for index, (camera, own) in enumerate(zip(session.cameras, alone, strict=True)):
        for detection, pose in zip(session.of_camera(camera), own.fit.rig.boards, strict=True):
            seen.append(BoardSeen(index, views.index(detection.view), pose))
            order.append(detection)
    connected = connect(seen, session.board, session.cameras, len(views))
    boards, upright = _upright(connected, session)
    labeled = []
    for detection, turn in zip(order, connected.turns, strict=True):
        label = np.argsort(session.board.symmetries[max(turn, 0)].order)
        label = np.argsort(upright[views.index(detection.view)].order)[label]
        labeled.append(replace(detection, ids=label[detection.ids]))
    links = tuple((session.cameras[a], session.cameras[b], count) for a, b, count in connected.links)
    lenses = np.concatenate([own.fit.rig.lenses for own in alone])
    rig = Rig(lenses, connected.cameras, np.stack(boards), tuple(own.fit.rig.bends(0) for own in alone))
    world = _World(rig, links, [turn >= 0 for turn in connected.turns])
    return replace(session, detections=tuple(labeled)), world


def _upright(connected: Connected, session: Session) -> tuple[list[np.ndarray], list[Symmetry]]:
    """Board to world (4, 4) of each view with a board that looks alike when turned turned the right way up, and how.

    The right way up: its x axis points to the right, as the cameras have it on average.
    """
    boards, turns = [], []
    right = connected.cameras[:, 0, :3].sum(0)
    for pose in connected.boards:
        best = max(session.board.symmetries, key=lambda s: float(right @ (pose @ s.motion)[:3, 0]))
        boards.append(pose @ best.motion)
        turns.append(best)
    return boards, turns


def _moved_origin(rig: Rig, view: int) -> Rig:
    """The same rig with the board of ``view`` as the world."""
    origin = rig.boards[view]
    return replace(rig, cameras=rig.cameras @ origin, boards=np.linalg.inv(origin) @ rig.boards)


@dataclass(frozen=True, eq=False)
class _Joint:
    """The joint fit, which points it used, the sightings without the perspective's bias of their dots, the prior."""

    fit: Fit
    used: list[np.ndarray]
    sightings: list[Sighting]
    prior: Prior


def _joint(
    sightings: list[Sighting],
    fitting: Sequence[bool],
    rig: Rig,
    freedom: Freedom,
    session: Session,
    alone: Sequence[Alone],
) -> _Joint:
    """All free numbers together. fitting: sightings to begin with; the others may come back if they fit in the end."""
    used = [np.full(len(sighting.points), fits) for sighting, fits in zip(sightings, fitting, strict=True)]
    for _ in range(ROBUST_ROUNDS):
        residuals = [r for r, fits in zip(residuals_of(sightings, rig), fitting, strict=True) if fits]
        prior = _prior(rig, session, alone)
        rig = adjust(sightings, used, rig, freedom, max(NORMAL_SCALE, SPREADS * spread(residuals)), prior).rig
    detected = sightings
    prior = _prior(rig, session, alone)
    for _ in range(REJECTION_ROUNDS):
        if session.board.diameter > 0:
            sightings = [replace(s, pixels=s.pixels - dot_bias(s, rig, session.board.diameter)) for s in detected]
        before, used = used, _right(sightings, fitting, residuals_of(sightings, rig), session)
        fit = adjust(sightings, used, rig, freedom, None, prior)
        change = np.abs(fit.rig.lenses[:, :4] - rig.lenses[:, :4]).max()
        rig = fit.rig
        if all((a == b).all() for a, b in zip(before, used, strict=True)) and change < 1e-3:
            break
    return _Joint(fit, used, sightings, prior)


def _prior(rig: Rig, session: Session, alone: Sequence[Alone]) -> Prior:
    """Of all lenses, as strong as a camera's own errors say."""
    sizes = [session.sizes[camera] for camera in session.cameras]
    fisheye = [rig.bends(index) for index in range(len(sizes))]
    noise = [spread(own.fit.residuals) for own in alone]
    return lens_prior(rig.lenses, sizes, fisheye, noise, [a.centered for a in alone], [a.square for a in alone])


def _right(
    sightings: Sequence[Sighting], fitting: Sequence[bool], residuals: Sequence[np.ndarray], session: Session
) -> list[np.ndarray]:
    """Per sighting (n,) bool: points that are not wrong. Raises TakeError when nothing of a camera is left."""
    used: list[np.ndarray] = []
    limits = []
    for index in range(len(session.cameras)):
        own = [r for s, r, fits in zip(sightings, residuals, fitting, strict=True) if s.camera == index and fits]
        limits.append(max(REJECT_LEAST, REJECT * spread(own)) if own else 0.0)
    for sighting, residual in zip(sightings, residuals, strict=True):
        good = np.linalg.norm(residual, axis=1) < limits[sighting.camera]
        whole = good.sum() >= max(FEWEST_POINTS, KEEP_SHARE * len(good))
        used.append(good & whole)
    for index, camera in enumerate(session.cameras):
        if not any(keep.any() for s, keep in zip(sightings, used, strict=True) if s.camera == index):
            raise TakeError(
                f"camera '{camera}': none of its board views agrees with the other cameras; check --board, its "
                "lens, and that images taken at the same moment have the same view name."
            )
    return used


def _result(
    session: Session,
    request: Request,
    joint: _Joint,
    freedom: Freedom,
    origin: str,
    links: tuple[tuple[str, str, int], ...],
    alone: Sequence[Alone],
) -> Calibration:
    fit, views = joint.fit, session.views
    checked = tuple(
        # where the dot should have been detected: the perspective's bias put back
        Checked(detection, residual + detection.pixels, keep)
        for detection, residual, keep in zip(session.detections, fit.residuals, joint.used, strict=True)
    )
    boards_used = {s.view for s, keep in zip(joint.sightings, joint.used, strict=True) if keep.any()}
    considered = [
        basis_of(request.of(camera), _CONSIDERED.get(own.model, own.model), False)
        for camera, own in zip(session.cameras, alone, strict=True)
    ]
    sizes = [session.sizes[camera] for camera in session.cameras]
    noise = [spread(own.fit.residuals) for own in alone]
    prior = converging(joint.prior, fit.rig, freedom.bases, sizes, noise)
    sure = certainty(joint.sightings, joint.used, fit.rig, freedom.bases, considered, prior, sizes)
    fixed = replace(freedom, bases=considered)
    equations = view_equations(joint.sightings, joint.used, fit.rig, fixed, prior)
    covariance = doubt(equations, known_gradient(fit.rig, fixed, prior), sure.noise, sure.inflation)
    lenses = tuple(
        _lens(
            session,
            request,
            fit.rig,
            covariance[part, part],
            considered[index],
            index,
            alone,
        )
        for index, part in enumerate(equations.slices)
    )
    boards = {view: fit.rig.boards[index] for index, view in enumerate(views) if index in boards_used}
    foretold = np.concatenate(sure.held_out.errors)
    return Calibration(session, lenses, boards, checked, links, origin, sure.noise, sure, foretold)


def _richest(model: str) -> str:
    """The model that a lens may turn out to be when all cameras are seen together."""
    return model if model in ("rational", "fisheye") else "brown"


def _lens(
    session: Session,
    request: Request,
    rig: Rig,
    covariance: np.ndarray,
    basis: np.ndarray,
    index: int,
    alone: Sequence[Alone],
) -> CalibratedLens:
    name, model = session.cameras[index], alone[index].model
    width, height = session.sizes[name]
    parameters, pose = rig.lenses[index], rig.cameras[index]
    count = basis.shape[1]
    rotation = pose[:3, :3]
    coefficients = distortion(parameters, model)
    camera = Camera(name, width, height, intrinsics(parameters), rotation, pose[:3, 3], coefficients, kind_of(model))
    deviation = np.sqrt(np.clip(((basis @ covariance[:count, :count]) * basis).sum(1), 0, None))
    center_covariance = rotation.T @ covariance[count + 3 :, count + 3 :] @ rotation  # d center = -R^T d translation
    return CalibratedLens(
        camera=camera,
        model=model,
        parameters=parameters,
        deviation=deviation,
        center=-rotation.T @ pose[:3, 3],
        center_deviation=np.sqrt(np.clip(center_covariance.diagonal(), 0, None)),
        held=request.of(name).held,
        tried=alone[index].held_out,
        focal_assumed=request.of(name).focal_assumed,
    )
