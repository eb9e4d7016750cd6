"""Normal equations view by view: what each view says about the cameras, its board's pose removed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .sightings import Freedom, Prior, Rig, Sighting, columns_of, jacobians, prior_equations, seen


@dataclass(frozen=True, eq=False)
class ViewEquations:
    """What each view says about the free numbers with its board's pose eliminated.

    information: (V, P, P) and gradient: (V, P), 1/px^2. known: (P, P) of the prior. jacobian, residual: per sighting
    (2n, P) and (2n,) of its used points, what the board's pose can take up removed. views: of each sighting. slices:
    each camera's numbers; those of the boards' shape come behind.
    """

    information: np.ndarray
    gradient: np.ndarray
    known: np.ndarray
    jacobian: list[np.ndarray]
    residual: list[np.ndarray]
    slices: tuple[slice, ...]
    views: list[int]


def known_gradient(rig: Rig, freedom: Freedom, prior: Prior | None) -> np.ndarray:
    """(P,) of the prior's cost by the free numbers."""
    return -prior_equations(rig, freedom, prior)[1]


def view_equations(
    sightings: Sequence[Sighting], used: Sequence[np.ndarray], rig: Rig, freedom: Freedom, prior: Prior | None
) -> ViewEquations:
    """The equations of plain least squares at ``rig``. Points that are not used say nothing."""
    size, views = freedom.size, len(rig.boards)
    columns = columns_of(freedom)
    information, gradient = np.zeros((views, size, size)), np.zeros((views, size))
    jacobian: list[np.ndarray] = [np.zeros((0, size)) for _ in sightings]
    residuals: list[np.ndarray] = [np.zeros(0) for _ in sightings]
    members: list[list[tuple[int, np.ndarray, np.ndarray, np.ndarray]]] = [[] for _ in range(views)]
    for index, (sighting, keep, image) in enumerate(zip(sightings, used, seen(sightings, rig), strict=True)):
        keep, residual = keep & image.front, image.residual
        if keep.any():
            own, J_board = jacobians(sighting, image, keep, rig, freedom)
            J = np.zeros((len(own), size))
            J[:, columns[sighting.camera]] = own
            members[sighting.view].append((index, J, J_board, residual[keep].ravel()))
    for view, parts in enumerate(members):
        if not parts:
            continue
        J, J_board, residual = (np.concatenate([part[i] for part in parts]) for i in (1, 2, 3))
        if freedom.boards[view]:
            Q = np.linalg.qr(J_board)[0]
            J, residual = J - Q @ (Q.T @ J), residual - Q @ (Q.T @ residual)
        information[view], gradient[view] = J.T @ J, J.T @ residual
        ends = np.cumsum([len(part[3]) for part in parts])[:-1]
        for part, own, r in zip(parts, np.split(J, ends), np.split(residual, ends), strict=True):
            jacobian[part[0]], residuals[part[0]] = own, r
    known, _, _ = prior_equations(rig, freedom, prior)
    views_of = [sighting.view for sighting in sightings]
    return ViewEquations(information, gradient, known, jacobian, residuals, freedom.slices, views_of)
