"""How sure a calibration is of what a solve uses: millimeters at the head's place, degrees between cameras.

From the normal equations of the bundle adjustment, with the lens numbers that a simpler model leaves out considered as
far as priors allow them, and with errors that a view's points share counted as the jackknife finds them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
import torch

from facesolve.geometry.rigid import step_basis

from .held_out import HeldOut, held_out, inverted
from .lens import project
from .sightings import Freedom, Prior, Rig, Sighting
from .view_equations import ViewEquations, known_gradient, view_equations

HEAD = 7.0  # cm from a head's middle to the sides of the box whose points are looked at
FEWEST_POINTS = 4  # of a head that two cameras see
PARALLEL = 1e-3  # sine of the angle between two axes that are taken to be parallel


@dataclass(frozen=True, eq=False)
class Certainty:
    """What is known of C cameras together.

    covariance: (P, P) of their free numbers (each camera's lens numbers, then its pose's step), all boards free and the
    first camera held. held_out: errors of views left out. noise: pixels of one coordinate. head: (3,) world, cm: where
    the cameras look. inflation: how many times deviations exceed those that independent errors of points would give;
    one factor, since what cameras agree on is known better than each camera's numbers. sizes: (width, height) of each
    camera, pixels. shape: (S, S) covariance of the numbers of the boards' shape.
    """

    covariance: np.ndarray
    freedom: Freedom
    slices: tuple[slice, ...]
    held_out: HeldOut
    noise: float
    head: np.ndarray
    rig: Rig
    inflation: float
    sizes: Sequence[tuple[int, int]]
    shape: np.ndarray = field(default_factory=lambda: np.zeros((0, 0)))


def certainty(
    sightings: Sequence[Sighting],
    used: Sequence[np.ndarray],
    rig: Rig,
    chosen: Freedom,
    considered: Sequence[np.ndarray],
    prior: Prior,
    sizes: Sequence[tuple[int, int]],
) -> Certainty:
    """chosen: what was free. considered: (12, m) what could have been of each lens."""
    everywhere = np.ones(len(rig.boards), bool)
    moving = np.arange(len(rig.cameras)) > 0
    fitted = held_out(view_equations(sightings, used, rig, replace(chosen, cameras=moving, boards=everywhere), prior))
    freedom = Freedom(considered, moving, everywhere, chosen.shape)
    equations = view_equations(sightings, used, rig, freedom, prior)
    residual = np.concatenate(equations.residual)
    seen = {sighting.view for sighting, keep in zip(sightings, used, strict=True) if keep.any()}
    noise = float(np.sqrt((residual**2).sum() / max(len(residual) - len(fitted.design) - 6 * len(seen), 1)))
    design = fitted.design[: len(fitted.design) - chosen.shape]
    inflation = float(np.sqrt(design.mean())) if len(design) else 1.0
    covariance = doubt(equations, known_gradient(rig, freedom, prior), noise, inflation)
    cameras, shape = slice(0, freedom.of_shape.start), covariance[freedom.of_shape, freedom.of_shape]
    freedom = replace(freedom, shape=0)
    return Certainty(
        covariance[cameras, cameras], freedom, equations.slices, fitted, noise, meeting_point(rig), rig, inflation,
        sizes, shape,
    )  # fmt: skip


def doubt(equations: ViewEquations, slope: np.ndarray, noise: float, inflation: float) -> np.ndarray:
    """(P, P) covariance of the cameras' free numbers. slope: (P,) of the prior's cost; inflation: of what views say.

    Where the fit left numbers out, the step that they would take is counted as one standard deviation.
    """
    inverse = inverted(equations.information.sum(0) + equations.known)
    step = inverse @ (equations.gradient.sum(0) + slope)
    return np.asarray((noise * inflation) ** 2 * inverse + np.outer(step, step))


def meeting_point(rig: Rig) -> np.ndarray:
    """(3,) world: where the cameras' axes meet, or the boards' middle where they do not meet in front of all."""
    middle = rig.boards[:, :3, 3].mean(0)
    axes, centers = rig.cameras[:, 2, :3], -np.einsum("cji,cj->ci", rig.cameras[:, :3, :3], rig.cameras[:, :3, 3])
    across = np.eye(3) - axes[:, :, None] * axes[:, None]
    total = across.sum(0)
    if np.linalg.cond(total) > 1e3:
        return middle
    point = np.linalg.solve(total, np.einsum("cij,cj->i", across, centers))
    in_front = ((point - centers) * axes).sum(1) > 0
    return point if in_front.all() else middle


class Turn(NamedTuple):
    """How two cameras are turned to each other: degrees between their axes and the deviation of that, and the deviation
    of the whole turn (three components together)."""

    angle: float
    deviation: float
    whole: float


def orientation(sure: Certainty, a: int, b: int) -> Turn:
    """How camera ``b`` is turned from camera ``a``, with standard deviations, degrees."""
    first, second = sure.rig.cameras[a][:3, :3], sure.rig.cameras[b][:3, :3]
    angle = float(np.degrees(np.arccos(np.clip(first[2] @ second[2], -1, 1))))
    # R_b R_a^T under steps of both: exp(w_b) R_b R_a^T exp(-w_a)
    J = np.zeros((3, len(sure.covariance)))
    for camera, matrix in ((b, np.eye(3)), (a, -second @ first.T)):
        part = _pose_part(sure, camera)
        if part is not None:
            J[:, part.start : part.start + 3] = matrix
    covariance = J @ sure.covariance @ J.T
    hinge = np.cross(second @ first[2], (0.0, 0.0, 1.0))  # in b's axes: turning about it opens the angle
    length = np.linalg.norm(hinge)
    largest = np.linalg.eigvalsh(covariance)[-1]
    own = hinge @ covariance @ hinge / length**2 if length > PARALLEL else largest
    deviations = np.degrees(np.sqrt(np.clip((own, np.trace(covariance)), 0, None)))
    return Turn(angle, float(deviations[0]), float(deviations[1]))


def distance(sure: Certainty, a: int, b: int) -> tuple[float, float]:
    """Centimeters between the centers of two cameras, and its standard deviation."""
    centers = [-pose[:3, :3].T @ pose[:3, 3] for pose in sure.rig.cameras]
    along = centers[b] - centers[a]
    length = float(np.linalg.norm(along))
    J = np.zeros(len(sure.covariance))
    for camera, sign in ((b, 1.0), (a, -1.0)):
        part = _pose_part(sure, camera)
        if part is not None:  # a step moves the center by -R^T u
            J[part.start + 3 : part.stop] = -sign * sure.rig.cameras[camera][:3, :3] @ along / length
    return length, float(np.sqrt(max(J @ sure.covariance @ J, 0.0)))


def at_the_head(sure: Certainty) -> float | None:
    """Standard deviation, cm, of a point of a head where the cameras look, seen without error by all; None for one
    camera. Where the head stands as a whole is left out: only its shape and size count."""
    J = head_jacobian(sure)
    return None if J is None else float(np.sqrt(np.trace(J @ sure.covariance @ J.T) / (len(J) / 3)))


def head_jacobian(sure: Certainty) -> np.ndarray | None:
    """(3 N, P) d points of a head / d the cameras' free numbers, without a common motion.

    Points count that two cameras have in their images; None where there are few of them, so for a single camera.
    """
    head = _head(sure)
    return None if head is None else head.moved - head.whole @ head.motion


def centers_from_head(sure: Certainty) -> np.ndarray | None:
    """(C, 3) standard deviations, cm, of the cameras' centers, world axes, with the head where it is: a common motion
    of everything is left out. None for one camera."""
    head = _head(sure)
    if head is None:
        return None
    deviations = np.zeros((len(sure.rig.cameras), 3))
    for camera, pose in enumerate(sure.rig.cameras):
        center = -pose[:3, :3].T @ pose[:3, 3]
        own = np.asarray(step_basis(torch.from_numpy((center - sure.head)[None])).numpy())[0]
        J = -own @ head.motion
        part = _pose_part(sure, camera)
        if part is not None:  # a step moves the center by -R^T u
            J[:, part.start + 3 : part.stop] -= pose[:3, :3].T
        deviations[camera] = np.sqrt(np.clip(((J @ sure.covariance) * J).sum(1), 0, None))
    return deviations


class _Head(NamedTuple):
    """Points of a head as cameras place them: moved (3 N, P), d points / d the cameras' free numbers; whole (3 N, 6),
    the motions of all of them about the head's middle; motion (6, P), which of those is in ``moved``."""

    moved: np.ndarray
    whole: np.ndarray
    motion: np.ndarray


def _head(sure: Certainty) -> _Head | None:
    corners = np.array([(x, y, z) for x in (-1, 0, 1) for y in (-1, 0, 1) for z in (-1, 0, 1)]) * HEAD
    points = sure.head + corners
    A, B = np.zeros((len(points), 3, 3)), np.zeros((len(points), 3, len(sure.covariance)))
    count = np.zeros(len(points), int)
    for camera, part in enumerate(sure.slices):
        seen, J_point, J_numbers = _by_point_and_numbers(sure, camera, points)
        across = seen[:, None, None] * J_point.swapaxes(1, 2)
        A, count = A + across @ J_point, count + seen
        B[:, :, part] += across @ J_numbers
    placed = count >= 2
    if placed.sum() < FEWEST_POINTS:
        return None
    moved = -np.linalg.solve(A[placed], B[placed]).reshape(3 * int(placed.sum()), -1)
    whole = np.asarray(step_basis(torch.from_numpy(corners[placed])).numpy()).reshape(-1, 6)
    return _Head(moved, whole, np.linalg.lstsq(whole, moved, rcond=None)[0])


def _by_point_and_numbers(
    sure: Certainty, camera: int, points: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(N,) whether a point is in the image, d pixel / d world point (N, 2, 3), and by the free numbers (N, 2, m)."""
    pose, basis = sure.rig.cameras[camera], sure.freedom.bases[camera]
    inside = points @ pose[:3, :3].T + pose[:3, 3]
    front = inside[:, 2] > 1
    inside = np.where(front[:, None], inside, (0.0, 0.0, 1.0))
    pixels, J_camera, J_lens = project(sure.rig.lenses[camera], inside, sure.rig.bends(camera))
    seen = front & (pixels > 0).all(1) & (pixels < np.array(sure.sizes[camera])).all(1)
    columns = [J_lens @ basis]
    if sure.freedom.cameras[camera]:
        columns.append(J_camera @ np.asarray(step_basis(torch.from_numpy(inside)).numpy()))
    return seen, J_camera @ pose[:3, :3], np.concatenate(columns, 2)


def _pose_part(sure: Certainty, camera: int) -> slice | None:
    """Where the six numbers of a camera's step are; None for the camera that is held."""
    if not sure.freedom.cameras[camera]:
        return None
    return slice(sure.slices[camera].stop - 6, sure.slices[camera].stop)
