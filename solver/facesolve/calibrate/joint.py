"""Lenses, cameras and boards found together; wrong points lose their say first, then are left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from facesolve.take import TakeError

from .adjust import Fit, adjust
from .dots import dot_bias
from .held_out import held_out
from .prior import lens_prior
from .session import Session
from .sightings import Freedom, Prior, Rig, Sighting, residuals_of
from .single import NORMAL_SCALE, REJECT, REJECT_LEAST, SPREADS, Alone, basis_of, spread
from .view_equations import view_equations

KEEP_SHARE = 0.5  # a detection with fewer right points is wrong as a whole
FEWEST_POINTS = 6
ROBUST_ROUNDS = 3
REJECTION_ROUNDS = 8


@dataclass(frozen=True, eq=False)
class Joint:
    """The joint fit, which points it used, the sightings without the perspective's bias of their dots, the prior.

    noise: (C,) pixels, of each camera the deviation of an error that is worth one independent point.
    """

    fit: Fit
    used: list[np.ndarray]
    sightings: list[Sighting]
    prior: Prior
    noise: np.ndarray


def freedom_of(alone: Sequence[Alone], boards: np.ndarray, shape: int) -> Freedom:
    """All cameras, their lenses as they are to be found, the boards (V,) that may move, and the boards' shape."""
    bases = [basis_of(own.request, own.model, False) for own in alone]
    return Freedom(bases, np.ones(len(bases), bool), boards, shape)


def joined(
    sightings: list[Sighting],
    fitting: Sequence[bool],
    rig: Rig,
    freedom: Freedom,
    session: Session,
    alone: Sequence[Alone],
) -> Joint:
    """All free numbers together. fitting: sightings to begin with; the others may come back if they fit in the end."""
    used = [np.full(len(sighting.points), fits) for sighting, fits in zip(sightings, fitting, strict=True)]
    noise = np.array([spread(own.fit.residuals) for own in alone])
    for _ in range(ROBUST_ROUNDS):
        residuals = [r for r, fits in zip(residuals_of(sightings, rig), fitting, strict=True) if fits]
        prior = prior_of(rig, session, alone, noise)
        rig = adjust(sightings, used, rig, freedom, max(NORMAL_SCALE, SPREADS * spread(residuals)), prior).rig
    detected = sightings
    prior = prior_of(rig, session, alone, noise)
    for attempt in range(REJECTION_ROUNDS):
        if session.boards[0].diameter > 0:
            sightings = [replace(s, pixels=s.pixels - dot_bias(s, rig, session.boards[0].diameter)) for s in detected]
        before, used = used, _right(sightings, fitting, residuals_of(sightings, rig), session)
        fit = adjust(sightings, used, rig, freedom, None, prior)
        change = np.abs(fit.rig.lenses[:, :4] - rig.lenses[:, :4]).max()
        rig = fit.rig
        if attempt == 0:
            noise = _worth_one_point(sightings, used, fit, freedom, prior)
            prior = prior_of(rig, session, alone, noise)
        elif all((a == b).all() for a, b in zip(before, used, strict=True)) and change < 1e-3:
            break
    return Joint(fit, used, sightings, prior, noise)


def prior_of(rig: Rig, session: Session, alone: Sequence[Alone], noise: np.ndarray) -> Prior:
    """Of all lenses. noise: (C,) of each camera, see ``lens_prior``."""
    sizes = [session.sizes[camera] for camera in session.cameras]
    fisheye = [rig.bends(index) for index in range(len(sizes))]
    centered, square = [own.centered for own in alone], [own.square for own in alone]
    return lens_prior(rig.lenses, sizes, fisheye, noise.tolist(), centered, square)


def _worth_one_point(
    sightings: Sequence[Sighting], used: Sequence[np.ndarray], fit: Fit, freedom: Freedom, prior: Prior
) -> np.ndarray:
    """(C,) pixels: the deviation of each camera's errors, larger where the points of a view share them.

    A board that moved between two exposures, or is not quite what it was meant to be, moves all points of a view
    alike: fifty of them then say no more than a few.
    """
    # no view is to hold the world: it could not be left out
    loose = replace(freedom, cameras=np.arange(len(freedom.cameras)) > 0, boards=np.ones(len(freedom.boards), bool))
    design = held_out(view_equations(sightings, used, fit.rig, loose, prior)).design[: loose.of_shape.start]
    noise = np.zeros(len(freedom.bases))
    for index in range(len(noise)):
        own = zip(sightings, fit.residuals, used, strict=True)
        noise[index] = spread([r[keep] for s, r, keep in own if s.camera == index])
    return noise * (np.sqrt(design.mean()) if len(design) else 1.0)


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
