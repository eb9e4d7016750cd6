"""A richer lens for cameras where all of them together show what the views of one alone did not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from .held_out import held_out, inverted, without
from .joint import Joint, freedom_of
from .lens import AUTO, P1, P2
from .session import Session
from .sightings import Freedom
from .single import COVERED, Alone, hull_share, spread
from .view_equations import known_gradient, view_equations

CLEAR = 3.09  # of the normal distribution: exceeded by chance in one of a thousand cases


def richer(session: Session, alone: Sequence[Alone], joint: Joint, freedom: Freedom) -> list[Alone]:
    """The cameras with a richer lens where all of them together show what the views of one alone did not.

    From the step that the numbers left out would take: it must be clear beyond errors that points of a view share.
    """
    widest = [replace(own, model=_richest(own.model)) for own in alone]
    wider = freedom_of(widest, freedom.boards, freedom.shape)
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
        if own.request.model == AUTO and covered and added:
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


def _richest(model: str) -> str:
    """The model that a lens may turn out to be when all cameras are seen together."""
    return model if model in ("rational", "fisheye") else "brown"
