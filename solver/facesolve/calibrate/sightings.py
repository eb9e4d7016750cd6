"""What a calibration is made of: points seen, cameras, lenses and boards, what may change and what is known before.

Projection of all points and its derivatives; solves nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from .lens import project
from .session import Detection, Session

BEHIND = 0.1  # cm: a point nearer than this to the camera's plane is not projected
MISSED = 1e4  # pixels: the residual of a point that is not projected


@dataclass(frozen=True, eq=False)
class Sighting:
    """One detection in numbers. camera, view: indices; points: (n, 3) board axes, cm; pixels: (n, 2).

    modes: (n, 3, S) cm by which each number of the boards' shape moves the points; None: the board is as it was meant.
    """

    camera: int
    view: int
    points: np.ndarray
    pixels: np.ndarray
    modes: np.ndarray | None = None

    def shaped(self, shape: np.ndarray) -> np.ndarray:
        """(n, 3) the points of a board of this shape (S,)."""
        return self.points if self.modes is None or not len(shape) else self.points + self.modes @ shape


@dataclass(frozen=True, eq=False)
class Rig:
    """lenses: (C, 12); cameras: (C, 4, 4) world to camera; boards: (V, 4, 4) board to world; centimeters.

    fisheye: which cameras' lenses are fisheyes; None when none is. shape: (S,) of all boards, see ``board_shape``.
    """

    lenses: np.ndarray
    cameras: np.ndarray
    boards: np.ndarray
    fisheye: tuple[bool, ...] | None = None
    shape: np.ndarray = field(default_factory=lambda: np.zeros(0))

    def bends(self, camera: int) -> bool:
        """Whether a camera's lens is a fisheye."""
        return self.fisheye is not None and self.fisheye[camera]


@dataclass(frozen=True, eq=False)
class Prior:
    """What is known of the lenses without any view. expected: (C, 12); precision: (C, 12, 12), 1/px^2 of the cost.

    A lens costs ``(lens - expected)^T precision (lens - expected) / 2``, and each number of the boards' shape
    ``shape * number^2 / 2``.
    """

    expected: np.ndarray
    precision: np.ndarray
    shape: float = 0.0


@dataclass(frozen=True, eq=False)
class Freedom:
    """What may change. bases: C of (12, m), see ``lens.free_basis``; cameras: (C,) bool; boards: (V,) bool.

    shape: how many numbers of the boards' shape, none or all.
    """

    bases: Sequence[np.ndarray]
    cameras: np.ndarray
    boards: np.ndarray
    shape: int = 0

    @property
    def slices(self) -> tuple[slice, ...]:
        """Each camera's free numbers: those of its lens, then of its pose. The boards' shape comes behind."""
        widths = [basis.shape[1] + 6 * int(free) for basis, free in zip(self.bases, self.cameras, strict=True)]
        ends = np.cumsum(widths)
        return tuple(slice(int(end - width), int(end)) for end, width in zip(ends, widths, strict=True))

    @property
    def of_shape(self) -> slice:
        """The numbers of the boards' shape."""
        end = self.slices[-1].stop
        return slice(end, end + self.shape)

    @property
    def size(self) -> int:
        """How many numbers are free, poses of boards left aside."""
        return self.of_shape.stop


def sighting_of(detection: Detection, session: Session, camera: int, view: int) -> Sighting:
    """A detection as numbers of the camera and view of these indices."""
    points, modes = session.board_of(detection).points, session.modes[detection.board]
    return Sighting(camera, view, points[detection.ids], detection.pixels, modes[detection.ids])


class Image(NamedTuple):
    """A sighting's points (n, 3) in the camera's axes, (n,) in front of it, (n, 2) residuals, Jacobians."""

    points: np.ndarray
    front: np.ndarray
    residual: np.ndarray
    J_camera: np.ndarray
    J_lens: np.ndarray


def residuals_of(sightings: Sequence[Sighting], rig: Rig) -> list[np.ndarray]:
    """Per sighting (n, 2) pixels: projected minus detected; ``MISSED`` for points behind the camera."""
    return [image.residual for image in seen(sightings, rig)]


def seen(sightings: Sequence[Sighting], rig: Rig) -> list[Image]:
    """The image of each sighting's points; all of a camera are projected at once."""
    images: list[Image] = [None] * len(sightings)  # type: ignore[list-item]
    for camera in range(len(rig.cameras)):
        own = [index for index, sighting in enumerate(sightings) if sighting.camera == camera]
        if not own:
            continue
        matrices = [rig.cameras[camera] @ rig.boards[sightings[index].view] for index in own]
        points = np.concatenate(
            [sightings[i].shaped(rig.shape) @ m[:3, :3].T + m[:3, 3] for i, m in zip(own, matrices, strict=True)]
        )
        front = points[:, 2] > BEHIND
        safe = np.where(front[:, None], points, (0.0, 0.0, 1.0))
        pixels, J_camera, J_lens = project(rig.lenses[camera], safe, rig.bends(camera))
        detected = np.concatenate([sightings[index].pixels for index in own])
        residual = np.where(front[:, None], pixels - detected, MISSED)
        ends = np.cumsum([len(sightings[index].points) for index in own])[:-1]
        parts = (np.split(values, ends) for values in (points, front, residual, J_camera, J_lens))
        for index, *values in zip(own, *parts, strict=True):
            images[index] = Image(*values)
    return images


def jacobians(
    sighting: Sighting, image: Image, keep: np.ndarray, rig: Rig, freedom: Freedom
) -> tuple[np.ndarray, np.ndarray]:
    """d residual / d the camera's free numbers and those of the shape (2n, m + S), and by the board's step (2n, 6), of
    the points to keep; ``columns_of`` says which numbers.

    A camera's step moves points in its own axes (``moved(step) @ camera``), a board's in the board's (``board @ ...``).
    """
    camera = sighting.camera
    points, J_point = image.points[keep], image.J_camera[keep]
    columns = [image.J_lens[keep] @ freedom.bases[camera]]
    if freedom.cameras[camera]:
        columns.append(J_point @ _step_basis(points))
    to_camera = J_point @ (rig.cameras[camera] @ rig.boards[sighting.view])[:3, :3]
    if freedom.shape:
        assert sighting.modes is not None
        columns.append(to_camera @ sighting.modes[keep])
    J_board = to_camera @ _step_basis(sighting.shaped(rig.shape)[keep])
    return np.concatenate(columns, 2).reshape(2 * len(points), -1), J_board.reshape(-1, 6)


def columns_of(freedom: Freedom) -> list[np.ndarray]:
    """Per camera: which of all free numbers the columns of its sightings' Jacobians are."""
    shape = np.arange(freedom.of_shape.start, freedom.of_shape.stop)
    return [np.concatenate([np.arange(part.start, part.stop), shape]) for part in freedom.slices]


def prior_equations(rig: Rig, freedom: Freedom, prior: Prior | None) -> tuple[np.ndarray, np.ndarray, float]:
    """The prior's part of the equations (P, P), (P,), and of the cost."""
    size = freedom.size
    U, b, cost = np.zeros((size, size)), np.zeros(size), 0.0
    if prior is None:
        return U, b, cost
    for index, (part, basis) in enumerate(zip(freedom.slices, freedom.bases, strict=True)):
        if not basis.shape[1]:
            continue
        own = slice(part.start, part.start + basis.shape[1])
        offset = rig.lenses[index] - prior.expected[index]
        U[own, own] = basis.T @ prior.precision[index] @ basis
        b[own] = -basis.T @ prior.precision[index] @ offset
        cost += 0.5 * float(offset @ prior.precision[index] @ offset)
    if freedom.shape:
        shape = freedom.of_shape
        U[shape, shape] = prior.shape * np.eye(freedom.shape)
        b[shape] = -prior.shape * rig.shape
        cost += 0.5 * prior.shape * float(rig.shape @ rig.shape)
    return U, b, cost


def _step_basis(points: np.ndarray) -> np.ndarray:
    """(n, 3, 6) d (exp(w) p + u) / d (w, u) at zero: ``rigid.step_basis``, which is slow for few points."""
    basis = np.zeros((len(points), 3, 6))
    basis[:, [1, 2, 0], [2, 0, 1]] = points
    basis[:, [2, 0, 1], [1, 2, 0]] = -points
    basis[:, [0, 1, 2], [3, 4, 5]] = 1.0
    return basis
