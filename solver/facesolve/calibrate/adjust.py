"""Bundle adjustment: cameras and board poses that make projected board points meet the detected ones.

Levenberg-Marquardt; board poses are eliminated from the equations (Schur complement), so the cost of a step grows
linearly with the number of views (Triggs et al. 2000, "Bundle adjustment: a modern synthesis").
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from facesolve.geometry.rigid import rigid_step
from facesolve.optimize.levenberg_marquardt import Options, levenberg_marquardt

from .sightings import Freedom, Prior, Rig, Sighting, columns_of, jacobians, prior_equations, seen

OPTIONS = Options(
    iterations=60,
    first_damping=1e-3,
    up=8.0,
    down=0.2,
    least_damping=1e-12,
    most_damping=1e8,
    small_decrease=1e-7,
    floor=1e-15,
)


@dataclass(frozen=True, eq=False)
class Fit:
    """rig: the best found. residuals: per sighting (n, 2) pixels, projected minus detected. cost: robust.

    information: (P, P) of the free numbers with the boards' poses eliminated and with the prior, 1/px^2; slices: each
    camera's part.
    """

    rig: Rig
    residuals: list[np.ndarray]
    cost: float
    information: np.ndarray
    slices: tuple[slice, ...]


def adjust(
    sightings: Sequence[Sighting],
    used: Sequence[np.ndarray],
    rig: Rig,
    freedom: Freedom,
    scale: float | None,
    prior: Prior | None = None,
    iterations: int = OPTIONS.iterations,
) -> Fit:
    """Minimizes the squared reprojection errors of the used points.

    used: per sighting (n,) bool. scale: pixels, from which an error counts less and less (squared-Cauchy); None: plain
    least squares.
    """
    end = levenberg_marquardt(
        _Fit(sightings, used, freedom, scale, prior), rig, replace(OPTIONS, iterations=iterations)
    )
    model = end.model
    information, _, _ = reduced_equations(model, 0.0)
    return Fit(end.state, model.residuals, float(model.cost), information, model.slices)


@dataclass(frozen=True, eq=False)
class _Fit:
    """What is adjusted to what; see ``adjust``."""

    sightings: Sequence[Sighting]
    used: Sequence[np.ndarray]
    freedom: Freedom
    robust: float | None
    prior: Prior | None

    def linearize(self, rig: Rig, scale: Tensor | None) -> _Linear:
        return linearized(self.sightings, self.used, rig, self.freedom, self.robust, self.prior)

    def stepped(self, rig: Rig, step: Tensor) -> Rig:
        return _stepped(rig, self.freedom, step.numpy())

    def bounds(self, rig: Rig) -> None:
        return None


def robust_weights(residual: np.ndarray, scale: float | None) -> np.ndarray:
    """(n,) weight of iteratively reweighted least squares of residuals (n, 2)."""
    if scale is None:
        return np.ones(len(residual))
    return (1 + (residual**2).sum(1) / scale**2) ** -2


def rigid_motion(motion: np.ndarray) -> np.ndarray:
    """Rigid motions (..., 4, 4) of steps (..., 6): rotation vector in radians, translation in centimeters."""
    return np.asarray(rigid_step(torch.from_numpy(np.ascontiguousarray(motion))).numpy())


@dataclass(frozen=True, eq=False)
class _Linear:
    """Normal equations at a rig: free numbers U (P, P), b; boards' poses V (V, 6, 6), c (V, 6); between them W
    (V, P, 6).

    cost: () float64.
    """

    U: np.ndarray
    b: np.ndarray
    V: np.ndarray
    c: np.ndarray
    W: np.ndarray
    cost: Tensor
    residuals: list[np.ndarray]
    slices: tuple[slice, ...]
    scale: None = None

    def damped_step(self, damping: Tensor, bounds: object, options: Options) -> Tensor:
        """(P + 6 V,): of the free numbers, then of the boards' poses."""
        S, b, inverse = reduced_equations(self, float(damping))
        floor = options.floor * max(float(S.diagonal().max(initial=0.0)), 1e-12)
        step = np.linalg.lstsq(S + floor * np.eye(len(S)), b, rcond=None)[0] if len(S) else b
        boards = np.einsum("vij,vj->vi", inverse, self.c - np.einsum("vpi,p->vi", self.W, step))
        return torch.from_numpy(np.concatenate([step, boards.ravel()]))


def _cost(residuals: Sequence[np.ndarray], used: Sequence[np.ndarray], scale: float | None) -> Tensor:
    squared = np.concatenate([(r[keep] ** 2).sum(1) for r, keep in zip(residuals, used, strict=True)])
    total = 0.5 * (squared if scale is None else squared / (1 + squared / scale**2)).sum()
    return torch.tensor(total, dtype=torch.float64)


def linearized(
    sightings: Sequence[Sighting],
    used: Sequence[np.ndarray],
    rig: Rig,
    freedom: Freedom,
    scale: float | None,
    prior: Prior | None,
) -> _Linear:
    columns, size, views = columns_of(freedom), freedom.size, len(rig.boards)
    U, b, known = prior_equations(rig, freedom, prior)
    V, c, W = np.zeros((views, 6, 6)), np.zeros((views, 6)), np.zeros((views, size, 6))
    images = seen(sightings, rig)
    residuals = [image.residual for image in images]
    for sighting, keep, image in zip(sightings, used, images, strict=True):
        keep, residual = keep & image.front, image.residual
        if not keep.any():
            continue
        J_camera, J_board = jacobians(sighting, image, keep, rig, freedom)
        weight = robust_weights(residual[keep], scale).repeat(2)
        weighted = J_camera * weight[:, None]
        flat = residual[keep].reshape(-1)
        part, view = columns[sighting.camera], sighting.view
        U[np.ix_(part, part)] += weighted.T @ J_camera
        b[part] -= weighted.T @ flat
        if freedom.boards[view]:
            W[view, part] += weighted.T @ J_board
            V[view] += (J_board * weight[:, None]).T @ J_board
            c[view] -= (J_board * weight[:, None]).T @ flat
    return _Linear(U, b, V, c, W, _cost(residuals, used, scale) + known, residuals, freedom.slices)


def reduced_equations(model: _Linear, damping: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The cameras' equations (P, P), (P,) with the boards eliminated, and the boards' inverses (V, 6, 6)."""
    V = model.V + damping * np.einsum("vii->vi", model.V)[:, :, None] * np.eye(6)
    unseen = np.abs(model.V).max((1, 2)) == 0
    V[unseen] = np.eye(6)  # held, or without a used point: no step
    inverse = np.linalg.inv(V + 1e-14 * np.einsum("vii->v", V)[:, None, None] * np.eye(6))
    S = model.U + damping * np.diag(model.U.diagonal())
    eliminated = model.W @ inverse
    S = S - np.einsum("vpi,vqi->pq", eliminated, model.W, optimize=True)
    return S, model.b - np.einsum("vpi,vi->p", eliminated, model.c), inverse


def _stepped(rig: Rig, freedom: Freedom, step: np.ndarray) -> Rig:
    """step: as of ``_Linear.damped_step``."""
    lenses, cameras, boards = rig.lenses.copy(), rig.cameras.copy(), rig.boards.copy()
    for index, (part, basis) in enumerate(zip(freedom.slices, freedom.bases, strict=True)):
        count = basis.shape[1]
        own = step[part]
        lenses[index] += basis @ own[:count]
        if freedom.cameras[index]:
            cameras[index] = rigid_motion(own[count:]) @ cameras[index]
    shape = rig.shape + step[freedom.of_shape] if freedom.shape else rig.shape
    board_steps = step[freedom.size :].reshape(-1, 6)
    boards[freedom.boards] = boards[freedom.boards] @ rigid_motion(board_steps[freedom.boards])
    return replace(rig, lenses=lenses, cameras=cameras, boards=boards, shape=shape)
