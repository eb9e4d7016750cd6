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

from .board_shape import FoundShape, found_shape
from .joint import Joint, freedom_of, joined
from .lens import distortion, intrinsics, kind_of
from .possible import check_error, check_lens
from .prior import converging
from .richer import richer
from .session import Detection, Session
from .sightings import Freedom, Rig, sighting_of
from .single import Alone, LensRequest, basis_of, calibrate_alone
from .trust import Certainty, centers_from_head, certainty, doubt
from .view_equations import known_gradient, view_equations
from .world import moved_origin, one_world

# whose numbers are considered too when it is asked how sure a lens is
_CONSIDERED = {"none": "brown", "k1": "brown", "k1k2": "brown", "brown": "rational"}


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

    center: (3,) centimeters in the world. center_deviation: (3,) seen from the head's place, without what would move
    all cameras together; of a single camera None. world_deviation: (3,) seen from the board at the world's origin.
    held: the lens was given, not found. tried: errors, pixels (root mean square), of views left out by each lens model
    that was tried. focal_assumed: the views told none.
    """

    camera: Camera
    model: str
    parameters: np.ndarray
    deviation: np.ndarray
    center: np.ndarray
    center_deviation: np.ndarray | None
    world_deviation: np.ndarray
    held: bool
    tried: Mapping[str, float]
    focal_assumed: bool


@dataclass(frozen=True, eq=False)
class Calibration:
    """Cameras in the axes of the board at view ``origin``, and how well they explain the detections.

    boards: (4, 4) board to world of each view, centimeters. links: pairs of cameras that hold the rig together, with
    the number of views on which they agree. noise: pixels, standard deviation of one coordinate of the used points.
    sure: of what a solve uses. foretold: errors, pixels, of the used points of all views, each when its view is left
    out. shapes: how each of the session's boards differs from what was meant.
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
    shapes: tuple[FoundShape, ...]

    def of_camera(self, camera: str) -> list[Checked]:
        """The detections of one camera."""
        return [item for item in self.checked if item.detection.camera == camera]


def calibrate(session: Session, request: Request, progress: Progress) -> Calibration:
    """Calibrates all cameras of ``session``. Raises TakeError with one sentence when the views do not allow it."""
    origin = _origin(session, request.origin)
    progress.stage("calibrate each camera", len(session.cameras))
    alone = []
    for camera in session.cameras:
        own = [sighting_of(d, session, 0, i) for i, d in enumerate(session.of_camera(camera))]
        alone.append(calibrate_alone(own, session.sizes[camera], request.of(camera)))
        check_lens(camera, alone[-1], session, request.of(camera))
        progress.advance()
    request = replace(request, lenses={camera: own.request for camera, own in zip(session.cameras, alone, strict=True)})
    session, world = one_world(session, alone)
    progress.stage("calibrate all cameras together", 1)
    views = list(session.views)
    rig = moved_origin(world.rig, views.index(origin))
    sightings = [
        sighting_of(d, session, session.cameras.index(d.camera), views.index(d.pose)) for d in session.detections
    ]
    free = np.array([view != origin for view in views])
    freedom = freedom_of(alone, free, len(rig.shape))
    joint = joined(sightings, world.fitting, rig, freedom, session, alone)
    wider = richer(session, alone, joint, freedom)
    if wider != alone:
        alone, freedom = wider, freedom_of(wider, free, len(rig.shape))
        joint = joined(sightings, world.fitting, joint.fit.rig, freedom, session, alone)
    calibration = _result(session, request, joint, freedom, origin, world.links, alone)
    progress.advance()
    for camera in session.cameras:
        errors = np.concatenate([item.errors[item.used] for item in calibration.of_camera(camera)])
        check_error(camera, errors, session.sizes[camera])
    return calibration


def _origin(session: Session, wanted: str | None) -> str:
    """The view that becomes the world: the one wanted, or the first of those that most cameras see."""
    if wanted is None:
        counts = {view: sum(d.pose == view for d in session.detections) for view in session.views}
        return max(session.views, key=lambda view: counts[view])
    if wanted not in session.views:
        raise TakeError(f"origin: no camera found the board in view '{wanted}'; views are {_some(session.views)}.")
    return wanted


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (f" ... {names[-1]}" if len(names) > 5 else "")


def _result(
    session: Session,
    request: Request,
    joint: Joint,
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
    prior = converging(joint.prior, fit.rig, freedom.bases, sizes, joint.noise.tolist())
    sure = certainty(joint.sightings, joint.used, fit.rig, freedom, considered, prior, sizes)
    fixed = replace(freedom, bases=considered)
    equations = view_equations(joint.sightings, joint.used, fit.rig, fixed, prior)
    covariance = doubt(equations, known_gradient(fit.rig, fixed, prior), sure.noise, sure.inflation)
    from_head = centers_from_head(sure)
    lenses = tuple(
        _lens(
            session,
            request,
            fit.rig,
            covariance[part, part],
            considered[index],
            index,
            alone,
            None if from_head is None else from_head[index],
        )
        for index, part in enumerate(equations.slices)
    )
    boards = {view: fit.rig.boards[index] for index, view in enumerate(views) if index in boards_used}
    foretold = np.concatenate(sure.held_out.errors)
    shapes = tuple(
        found_shape(board, modes, fit.rig.shape, sure.shape)
        for board, modes in zip(session.boards, session.modes, strict=True)
    )
    return Calibration(session, lenses, boards, checked, links, origin, sure.noise, sure, foretold, shapes)


def _lens(
    session: Session,
    request: Request,
    rig: Rig,
    covariance: np.ndarray,
    basis: np.ndarray,
    index: int,
    alone: Sequence[Alone],
    from_head: np.ndarray | None,
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
        center_deviation=from_head,
        world_deviation=np.sqrt(np.clip(center_covariance.diagonal(), 0, None)),
        held=request.of(name).held,
        tried=alone[index].held_out,
        focal_assumed=request.of(name).focal_assumed,
    )
