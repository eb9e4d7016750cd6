"""Bundle adjustment: cameras and board poses that make projected board points meet the detected ones.

Levenberg-Marquardt; board poses are eliminated from the equations (Schur complement), so the cost of a step grows
linearly with the number of views (Triggs et al. 2000, "Bundle adjustment: a modern synthesis").
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from facesolve.geometry.rigid import rigid_step
from facesolve.optimize.levenberg_marquardt import Options, levenberg_marquardt

from .lens import project

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
BEHIND = 0.1  # cm: a point nearer than this to the camera's plane is not projected
MISSED = 1e4  # pixels: the residual of a point that is not projected


@dataclass(frozen=True, eq=False)
class Sighting:
    """One detection in numbers. camera, view: indices; points: (n, 3) board axes, cm; pixels: (n, 2)."""

    camera: int
    view: int
    points: np.ndarray
    pixels: np.ndarray


@dataclass(frozen=True, eq=False)
class Rig:
    """lenses: (C, 12); cameras: (C, 4, 4) world to camera; boards: (V, 4, 4) board to world; centimeters.

    fisheye: which cameras' lenses are fisheyes; None when none is.
    """

    lenses: np.ndarray
    cameras: np.ndarray
    boards: np.ndarray
    fisheye: tuple[bool, ...] | None = None

    def bends(self, camera: int) -> bool:
        """Whether a camera's lens is a fisheye."""
        return self.fisheye is not None and self.fisheye[camera]


@dataclass(frozen=True, eq=False)
class Prior:
    """What is known of the lenses without any view. expected: (C, 12); precision: (C, 12, 12), 1/px^2 of the cost.

    A lens costs ``(lens - expected)^T precision (lens - expected) / 2``.
    """

    expected: np.ndarray
    precision: np.ndarray


@dataclass(frozen=True, eq=False)
class Freedom:
    """What may change. bases: C of (12, m), see ``lens.free_basis``; cameras: (C,) bool; boards: (V,) bool."""

    bases: Sequence[np.ndarray]
    cameras: np.ndarray
    boards: np.ndarray


@dataclass(frozen=True, eq=False)
class Fit:
    """rig: the best found. residuals: per sighting (n, 2) pixels, projected minus detected. cost: robust.

    information: (P, P) of the cameras' free numbers with the boards eliminated and with the prior, 1/px^2; slices: each
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
    information, _, _ = _reduced(model, 0.0)
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
        return _linearize(self.sightings, self.used, rig, self.freedom, self.robust, self.prior)

    def stepped(self, rig: Rig, step: Tensor) -> Rig:
        return _stepped(rig, self.freedom, _slices(self.freedom), step.numpy())

    def bounds(self, rig: Rig) -> None:
        return None


@dataclass(frozen=True, eq=False)
class ViewEquations:
    """What each view says about the cameras with its board's pose eliminated.

    information: (V, P, P) and gradient: (V, P), 1/px^2. known: (P, P) of the prior. jacobian, residual: per sighting
    (2n, P) and (2n,) of its used points, what the board's pose can take up removed. views: of each sighting.
    """

    information: np.ndarray
    gradient: np.ndarray
    known: np.ndarray
    jacobian: list[np.ndarray]
    residual: list[np.ndarray]
    slices: tuple[slice, ...]
    views: list[int]


def known_gradient(rig: Rig, freedom: Freedom, prior: Prior | None) -> np.ndarray:
    """(P,) of the prior's cost by the cameras' free numbers."""
    return -_of_prior(rig, freedom, _slices(freedom), prior)[1]


def view_equations(
    sightings: Sequence[Sighting], used: Sequence[np.ndarray], rig: Rig, freedom: Freedom, prior: Prior | None
) -> ViewEquations:
    """The normal equations of plain least squares at ``rig``, view by view. Points that are not used say nothing."""
    slices = _slices(freedom)
    size, views = slices[-1].stop, len(rig.boards)
    information, gradient = np.zeros((views, size, size)), np.zeros((views, size))
    jacobians: list[np.ndarray] = [np.zeros((0, size)) for _ in sightings]
    residuals: list[np.ndarray] = [np.zeros(0) for _ in sightings]
    members: list[list[tuple[int, np.ndarray, np.ndarray, np.ndarray]]] = [[] for _ in range(views)]
    seen = _seen(sightings, rig)
    for index, (sighting, keep, image) in enumerate(zip(sightings, used, seen, strict=True)):
        keep, residual = keep & image.front, image.residual
        if keep.any():
            own, J_board = _jacobians(sighting, image, keep, rig, freedom)
            J_camera = np.zeros((len(own), size))
            J_camera[:, slices[sighting.camera]] = own
            members[sighting.view].append((index, J_camera, J_board, residual[keep].ravel()))
    for view, parts in enumerate(members):
        if not parts:
            continue
        J_camera, J_board, residual = (np.concatenate([part[i] for part in parts]) for i in (1, 2, 3))
        if freedom.boards[view]:
            Q = np.linalg.qr(J_board)[0]
            J_camera, residual = J_camera - Q @ (Q.T @ J_camera), residual - Q @ (Q.T @ residual)
        information[view], gradient[view] = J_camera.T @ J_camera, J_camera.T @ residual
        ends = np.cumsum([len(part[3]) for part in parts])[:-1]
        for part, J, r in zip(parts, np.split(J_camera, ends), np.split(residual, ends), strict=True):
            jacobians[part[0]], residuals[part[0]] = J, r
    known, _, _ = _of_prior(rig, freedom, slices, prior)
    views_of = [sighting.view for sighting in sightings]
    return ViewEquations(information, gradient, known, jacobians, residuals, slices, views_of)


def residuals_of(sightings: Sequence[Sighting], rig: Rig) -> list[np.ndarray]:
    """Per sighting (n, 2) pixels: projected minus detected; ``MISSED`` for points behind the camera."""
    return [image.residual for image in _seen(sightings, rig)]


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
    """Normal equations at a rig: cameras U (P, P), b; boards V (V, 6, 6), c (V, 6); W (V, P, 6) between them.

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
        """(P + 6 V,): of the cameras' free numbers, then of the boards."""
        S, b, inverse = _reduced(self, float(damping))
        floor = options.floor * max(float(S.diagonal().max(initial=0.0)), 1e-12)
        step = np.linalg.lstsq(S + floor * np.eye(len(S)), b, rcond=None)[0] if len(S) else b
        boards = np.einsum("vij,vj->vi", inverse, self.c - np.einsum("vpi,p->vi", self.W, step))
        return torch.from_numpy(np.concatenate([step, boards.ravel()]))


class _Image(NamedTuple):
    """A sighting's points (n, 3) in the camera's axes, (n,) in front of it, (n, 2) residuals, Jacobians."""

    points: np.ndarray
    front: np.ndarray
    residual: np.ndarray
    J_camera: np.ndarray
    J_lens: np.ndarray


def _seen(sightings: Sequence[Sighting], rig: Rig) -> list[_Image]:
    """The image of each sighting's points; all of a camera are projected at once."""
    images: list[_Image] = [None] * len(sightings)  # type: ignore[list-item]
    for camera in range(len(rig.cameras)):
        own = [index for index, sighting in enumerate(sightings) if sighting.camera == camera]
        if not own:
            continue
        matrices = [rig.cameras[camera] @ rig.boards[sightings[index].view] for index in own]
        points = np.concatenate(
            [sightings[i].points @ m[:3, :3].T + m[:3, 3] for i, m in zip(own, matrices, strict=True)]
        )
        front = points[:, 2] > BEHIND
        safe = np.where(front[:, None], points, (0.0, 0.0, 1.0))
        pixels, J_camera, J_lens = project(rig.lenses[camera], safe, rig.bends(camera))
        detected = np.concatenate([sightings[index].pixels for index in own])
        residual = np.where(front[:, None], pixels - detected, MISSED)
        ends = np.cumsum([len(sightings[index].points) for index in own])[:-1]
        parts = (np.split(values, ends) for values in (points, front, residual, J_camera, J_lens))
        for index, *values in zip(own, *parts, strict=True):
            images[index] = _Image(*values)
    return images


def _cost(residuals: Sequence[np.ndarray], used: Sequence[np.ndarray], scale: float | None) -> Tensor:
    squared = np.concatenate([(r[keep] ** 2).sum(1) for r, keep in zip(residuals, used, strict=True)])
    total = 0.5 * (squared if scale is None else squared / (1 + squared / scale**2)).sum()
    return torch.tensor(total, dtype=torch.float64)


def _slices(freedom: Freedom) -> tuple[slice, ...]:
    widths = [basis.shape[1] + 6 * int(free) for basis, free in zip(freedom.bases, freedom.cameras, strict=True)]
    ends = np.cumsum(widths)
    return tuple(slice(int(end - width), int(end)) for end, width in zip(ends, widths, strict=True))


def _linearize(
    sightings: Sequence[Sighting],
    used: Sequence[np.ndarray],
    rig: Rig,
    freedom: Freedom,
    scale: float | None,
    prior: Prior | None,
) -> _Linear:
    slices = _slices(freedom)
    size, views = slices[-1].stop, len(rig.boards)
    U, b, known = _of_prior(rig, freedom, slices, prior)
    V, c, W = np.zeros((views, 6, 6)), np.zeros((views, 6)), np.zeros((views, size, 6))
    images = _seen(sightings, rig)
    residuals = [image.residual for image in images]
    for sighting, keep, image in zip(sightings, used, images, strict=True):
        keep, residual = keep & image.front, image.residual
        if not keep.any():
            continue
        J_camera, J_board = _jacobians(sighting, image, keep, rig, freedom)
        weight = robust_weights(residual[keep], scale).repeat(2)
        weighted = J_camera * weight[:, None]
        flat = residual[keep].reshape(-1)
        part, view = slices[sighting.camera], sighting.view
        U[part, part] += weighted.T @ J_camera
        b[part] -= weighted.T @ flat
        if freedom.boards[view]:
            W[view, part] += weighted.T @ J_board
            V[view] += (J_board * weight[:, None]).T @ J_board
            c[view] -= (J_board * weight[:, None]).T @ flat
    return _Linear(U, b, V, c, W, _cost(residuals, used, scale) + known, residuals, slices)


def _of_prior(
    rig: Rig, freedom: Freedom, slices: Sequence[slice], prior: Prior | None
) -> tuple[np.ndarray, np.ndarray, float]:
    """The prior's part of the cameras' equations (P, P), (P,), and of the cost."""
    size = slices[-1].stop
    U, b, cost = np.zeros((size, size)), np.zeros(size), 0.0
    for index, (part, basis) in enumerate(zip(slices, freedom.bases, strict=True)):
        if prior is None or not basis.shape[1]:
            continue
        own = slice(part.start, part.start + basis.shape[1])
        offset = rig.lenses[index] - prior.expected[index]
        U[own, own] = basis.T @ prior.precision[index] @ basis
        b[own] = -basis.T @ prior.precision[index] @ offset
        cost += 0.5 * float(offset @ prior.precision[index] @ offset)
    return U, b, cost


def _jacobians(
    sighting: Sighting, image: _Image, keep: np.ndarray, rig: Rig, freedom: Freedom
) -> tuple[np.ndarray, np.ndarray]:
    """d residual / d the camera's free numbers (2n, m), and by the board's step (2n, 6), of the points to keep.

    A camera's step moves points in its own axes (``moved(step) @ camera``), a board's in the board's (``board @ ...``).
    """
    camera = sighting.camera
    points, J_point = image.points[keep], image.J_camera[keep]
    columns = [image.J_lens[keep] @ freedom.bases[camera]]
    if freedom.cameras[camera]:
        columns.append(J_point @ _step_basis(points))
    to_camera = (rig.cameras[camera] @ rig.boards[sighting.view])[:3, :3]
    J_board = J_point @ to_camera @ _step_basis(sighting.points[keep])
    return np.concatenate(columns, 2).reshape(2 * len(points), -1), J_board.reshape(-1, 6)


def _step_basis(points: np.ndarray) -> np.ndarray:
    """(n, 3, 6) d (exp(w) p + u) / d (w, u) at zero: ``rigid.step_basis``, which is slow for few points."""
    basis = np.zeros((len(points), 3, 6))
    basis[:, [1, 2, 0], [2, 0, 1]] = points
    basis[:, [2, 0, 1], [1, 2, 0]] = -points
    basis[:, [0, 1, 2], [3, 4, 5]] = 1.0
    return basis


def _reduced(model: _Linear, damping: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The cameras' equations (P, P), (P,) with the boards eliminated, and the boards' inverses (V, 6, 6)."""
    V = model.V + damping * np.einsum("vii->vi", model.V)[:, :, None] * np.eye(6)
    unseen = np.abs(model.V).max((1, 2)) == 0
    V[unseen] = np.eye(6)  # held, or without a used point: no step
    inverse = np.linalg.inv(V + 1e-14 * np.einsum("vii->v", V)[:, None, None] * np.eye(6))
    S = model.U + damping * np.diag(model.U.diagonal())
    eliminated = model.W @ inverse
    S = S - np.einsum("vpi,vqi->pq", eliminated, model.W, optimize=True)
    return S, model.b - np.einsum("vpi,vi->p", eliminated, model.c), inverse


def _stepped(rig: Rig, freedom: Freedom, slices: Sequence[slice], step: np.ndarray) -> Rig:
    """step: as of ``_Linear.damped_step``."""
    lenses, cameras, boards = rig.lenses.copy(), rig.cameras.copy(), rig.boards.copy()
    for index, (part, basis) in enumerate(zip(slices, freedom.bases, strict=True)):
        count = basis.shape[1]
        own = step[part]
        lenses[index] += basis @ own[:count]
        if freedom.cameras[index]:
            cameras[index] = rigid_motion(own[count:]) @ cameras[index]
    board_steps = step[slices[-1].stop :].reshape(-1, 6)
    boards[freedom.boards] = boards[freedom.boards] @ rigid_motion(board_steps[freedom.boards])
    return replace(rig, lenses=lenses, cameras=cameras, boards=boards)
