"""Finds camera poses at which all views agree on surface color: of cameras that were bumped, from a solve.

Shapes are held as solved; the head's place in each frame is free, since a bumped camera pulls at it.

As in ``facesolve.stages.bundle`` the color is eliminated: an observation's residual is its difference from what all
cameras and frames agree on, and the derivative is centered the same way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from facesolve.footage.stream import FramePixels
from facesolve.geometry.camera import CameraModel
from facesolve.geometry.pose import Pose
from facesolve.geometry.rig import apply_head
from facesolve.geometry.rigid import inverse, retract, rigid, rigid_step, step_basis, step_of
from facesolve.optimize.levenberg_marquardt import Linearized, Options, levenberg_marquardt, regularized
from facesolve.optimize.robust import robust_loss, robust_weight
from facesolve.residuals.color_elimination import eliminated_rows
from facesolve.residuals.observation import Views, observe
from facesolve.residuals.photometric import template_covectors
from facesolve.residuals.template import agree
from facesolve.stages.frame_fit import COST_TOLERANCE
from facesolve.stages.problem import Problem
from facesolve.take import SolveError

ROUNDS, ITERATIONS = 2, 6  # at each pyramid level: times the views are made anew, steps between
SMALL_STEP = 2e-5  # radians and centimeters
OPTIONS = Options(ITERATIONS, cost_tolerance=COST_TOLERANCE, step_tolerance=SMALL_STEP, waits=True)
ROWS = 4096  # samples whose derivatives are held at once
# a camera is believed to stand where it was calibrated: the pull back, of the length of its motion in these units,
# does not grow with that length, so one bumped camera does not draw the others along
USUAL_TURN, USUAL_SHIFT = 0.02 * torch.pi / 180, 0.02  # radians, centimeters
SOFTENED = 0.1  # motion in those units below which the pull fades
BUMPED = 0.5  # pixels that the surface moves in a camera's image from which the camera is said to have moved
SHARE_OF_LARGEST = 0.15  # of the largest such motion: less is drawn along by shapes that were solved with it


def find_bumped(
    problem: Problem, pixels: Sequence[FramePixels], pose: Pose, frames: Tensor, named: Tensor | None
) -> tuple[Refined, Tensor]:
    """Where the cameras are, and which of them (C,) bool were bumped; the others stay exactly as calibrated.

    pose: M poses of a solve at take frame indices ``frames``. named: (C,) bool, cameras known to have moved, or None to
    find out. Raises SolveError when nothing is left to hold on to.
    """
    still = torch.tensor([not camera.moving for camera in problem.take.cameras], device=pose.head.device)
    if named is not None:
        free = named & still
        if not bool(free.any()):
            chosen = zip(problem.take.cameras, named.tolist(), strict=True)
            animated = ", ".join(f"'{camera.name}'" for camera, one_of_them in chosen if one_of_them)
            raise SolveError(f"cameras: animated in the take: {animated}; only static cameras can be refined.")
        if bool(free.all()) and problem.head_moves:
            raise SolveError("cameras: every camera is named; leave out at least one as the reference.")
        return refine(problem, pixels, pose, frames, free, believed=False), free
    if len(still) < 3 and problem.head_moves:
        raise SolveError(
            f"cameras: {len(still)} of them are too few to find out which one moved; with two, name it with "
            "--only-cameras."
        )
    first = refine(problem, pixels, pose, frames, still, believed=True)
    bumped = still & (first.shift > max(BUMPED, SHARE_OF_LARGEST * float(first.shift.max())))
    if bool(bumped.all()):
        bumped[first.shift.argmin()] = False
    if not bool(bumped.any()):
        return first, bumped
    return refine(problem, pixels, pose, frames, bumped, believed=False, start=first), bumped


@dataclass(frozen=True, eq=False)
class Refined:
    """places: (C, 4, 4) world to camera, centimeters; heads: (M, 4, 4). shift: (C,) pixels by which the surface moves.

    covariance: (C, 6, 6) of the motion of each camera as a turn (radians) and shift (cm) of the world before it about
    ``pivot`` (3,), world, cm, from the images' noise alone; zero for cameras that were held. residual: (C,) robust root
    mean square of the normalized colors' differences from what all agree on.
    """

    places: Tensor
    heads: Tensor
    shift: Tensor
    covariance: Tensor
    pivot: Tensor
    residual: Tensor


def refine(
    problem: Problem,
    pixels: Sequence[FramePixels],
    pose: Pose,
    frames: Tensor,
    free: Tensor,
    believed: bool,
    start: Refined | None = None,
) -> Refined:
    """Places of the cameras from M frames (take frame indices ``frames``), coarse to fine.

    free: (C,) bool, cameras that may have moved; still ones only. believed: cameras are pulled back to where they were
    calibrated, which tells the bumped ones from the others when all are free. start: what is known of the free ones.
    """
    begun = camera_places(problem)
    state = _State(begun, pose.head.clone())
    if start is not None:
        state = _State(torch.where(free[:, None, None], start.places, begun), start.heads)
    deformation = problem.model.deformation(pose.controls.to(problem.model.neutral.dtype))
    points = apply_head(pose.head.to(problem.model.neutral.dtype), problem.samples.positions(deformation))
    pivot = points.double().mean((0, 1))
    for level in range(problem.coarsest, problem.quality.finest - 1, -1):
        for _ in range(ROUNDS):
            state, fit = _round(problem, pixels, pose, frames, level, state, begun, pivot, free, believed)
    return Refined(
        places=state.places,
        heads=state.heads,
        shift=shifts_of(problem, begun, state.places, points.reshape(-1, 3).double()),
        covariance=_covariances(fit, len(frames), free),
        pivot=pivot,
        residual=fit.residual,
    )


def camera_places(problem: Problem) -> Tensor:
    """(C, 4, 4) float64 world to camera, at the take's first frame."""
    poses = [camera.at(0) for camera in problem.take.cameras]
    places = [rigid(torch.as_tensor(rotation), torch.as_tensor(translation)) for _, rotation, translation in poses]
    return torch.stack(places).to(problem.model.device)


def with_places(problem: Problem, places: Tensor, still: Tensor) -> Problem:
    """The problem with its still cameras, (C,) bool, at ``places`` (C, 4, 4)."""
    cameras = tuple(
        replace(camera, rotation=place[:3, :3].numpy(), translation=place[:3, 3].numpy()) if is_still else camera
        for camera, place, is_still in zip(problem.take.cameras, places.cpu(), still.tolist(), strict=True)
    )
    return problem.made_anew(replace(problem.take, cameras=cameras))


def motion(begun: Tensor, places: Tensor, pivot: Tensor) -> Tensor:
    """(C, 6) turn (radians) and shift (cm) about ``pivot`` of the world that take each camera's old view to its new."""
    return step_of(inverse(begun) @ places, pivot)


@dataclass(frozen=True, eq=False)
class _State:
    """places: (C, 4, 4) world to camera; heads: (M, 4, 4)."""

    places: Tensor
    heads: Tensor

    def stepped(self, step: Tensor, pivot: Tensor) -> _State:
        """step: (6M + 6C): of each head in its own axes, then of the world before each camera about the pivot."""
        count = len(self.heads)
        heads, cameras = step.view(-1, 6)[:count], step.view(-1, 6)[count:]
        return _State(self.places @ rigid_step(cameras, pivot), retract(self.heads, heads))


@dataclass(frozen=True, eq=False)
class JointModel(Linearized):
    """The cost around heads and cameras: A (6M+6C, 6M+6C), b, cost, all with the pull back; residual: (C,)."""

    residual: Tensor


def _round(
    problem: Problem,
    pixels: Sequence[FramePixels],
    pose: Pose,
    frames: Tensor,
    level: int,
    state: _State,
    begun: Tensor,
    pivot: Tensor,
    free: Tensor,
    believed: bool,
) -> tuple[_State, JointModel]:
    """One fit of heads and cameras to M frames at a pyramid level, with the visibility of where the round begins.

    pose: whose controls are held; its heads are not used. state: where heads and cameras are now, from which the fit
    goes on. begun: (C, 4, 4) cameras as calibrated, to which they are pulled back where ``believed``. pivot: (3,)
    world, cm, the middle of the face, about which the world before a camera turns. free: (C,) bool. Returns where the
    fit ended, and the joint model there, which holds the covariances.
    """
    here = with_places(problem, state.places, free)
    views = here.views.views(problem.samples, level, frames.tolist(), pixels, pose.controls, state.heads)
    pinned = problem.head_pins[0][frames] | (not problem.head_moves)
    held = torch.cat([pinned, ~free]).repeat_interleave(6)
    fit = _Fit(problem, views, pose.controls, level, begun, pivot, free, held, believed)
    end = levenberg_marquardt(fit, state, OPTIONS)
    return end.state, end.model


@dataclass(frozen=True, eq=False)
class _Fit:
    """Heads and cameras around what M frames show. held: (6M+6C,) bool, what does not move."""

    problem: Problem
    views: Views
    controls: Tensor
    level: int
    begun: Tensor
    pivot: Tensor
    free: Tensor
    held: Tensor
    believed: bool

    def linearize(self, at: _State, scale: Tensor | None) -> JointModel:
        placed = replace(self.views, cameras=_placed(self.views.cameras, at.places, self.free))
        joint = joint_model(self.problem, placed, Pose(self.controls, at.heads), self.level, self.pivot, scale)
        return _pulled(joint, motion(self.begun, at.places, self.pivot), self.free) if self.believed else joint

    def stepped(self, at: _State, step: Tensor) -> _State:
        return at.stepped(step, self.pivot)

    def bounds(self, at: _State) -> tuple[Tensor, Tensor]:
        reach = torch.where(self.held, 0.0, torch.inf).to(at.heads)
        return -reach, reach


def joint_model(
    problem: Problem, views: Views, pose: Pose, level: int, pivot: Tensor, scale: Tensor | None
) -> JointModel:
    """What M frames say about heads and cameras with the color eliminated."""
    seen = observe(problem.samples, problem.model, pose.controls, pose.head, views)
    template, weights, scale = agree(seen, views.edges, scale)
    residual = seen.values - template.values
    noise = problem.noise_variance(scale, level)
    covectors = template_covectors(template.slopes, seen.rays, views.edges)
    head = pose.head.to(seen.points)
    world = apply_head(head, seen.points) - pivot.to(seen.points)
    turned = covectors @ head[:, None, :3, :3].mT  # in the world
    frames, cameras, count = residual.shape
    columns, size = _columns(frames, cameras).to(residual.device), 6 * (frames + cameras)
    A = torch.zeros(size, size, dtype=torch.float64, device=residual.device)
    b = torch.zeros(size, dtype=torch.float64, device=residual.device)
    for some in (slice(first, first + ROWS) for first in range(0, count, ROWS)):
        by_head, by_camera = step_basis(seen.points[:, some]), step_basis(world[:, some])  # (M, n, 3, 6)
        J = torch.cat(
            [
                (covectors[:, :, some, None] @ by_head[:, None])[..., 0, :],
                (turned[:, :, some, None] @ by_camera[:, None])[..., 0, :],
            ],
            -1,
        )
        weight, off = (part[..., some].flatten(0, 1) for part in (weights, residual))
        part_A, part_b = eliminated_rows(J.flatten(0, 1), columns, size, weight, off, template.weights[some])
        A, b = A + part_A, b + part_b
    counted = seen.weights * (template.weights > 0)
    cost = (counted * robust_loss(residual, scale)).sum().double() / noise
    trusted = counted * robust_weight(residual, scale)
    own = torch.sqrt((trusted * residual**2).sum((0, 2)) / trusted.sum((0, 2)).clamp_min(1e-9))
    return JointModel(A / noise, b / noise, cost, scale, own)


def _columns(frames: int, cameras: int) -> Tensor:
    """(M*C, 12) unknowns that the view of each frame by each camera depends on: the frame's head, then the camera."""
    frame, camera = torch.cartesian_prod(torch.arange(frames), torch.arange(cameras)).view(-1, 2).unbind(1)
    own = torch.arange(6)
    return torch.cat([6 * frame[:, None] + own, 6 * (frames + camera[:, None]) + own], 1)


def _pulled(joint: JointModel, motion: Tensor, free: Tensor) -> JointModel:
    """The joint model with each free camera pulled back by a force that does not grow with its motion (C, 6)."""
    units = motion.new_tensor([USUAL_TURN] * 3 + [USUAL_SHIFT] * 3)
    length = torch.sqrt(((motion / units) ** 2).sum(1) + SOFTENED**2)
    stiffness = torch.where(free[:, None], 1 / (units**2 * length[:, None]), 0.0).flatten()
    A, b = joint.A.clone(), joint.b.clone()
    begin = len(b) - len(stiffness)
    A.diagonal()[begin:] += stiffness
    b[begin:] -= stiffness * motion.flatten()
    return replace(joint, A=A, b=b, cost=joint.cost + (length * free).sum())


def _covariances(joint: JointModel, frames: int, free: Tensor) -> Tensor:
    """(C, 6, 6) of each free camera's motion, heads and other cameras being free too; zero for the others."""
    keep = torch.cat([torch.ones(6 * frames, dtype=torch.bool, device=free.device), free.repeat_interleave(6)])
    A = joint.A[keep][:, keep]
    whole = torch.zeros_like(joint.A)
    where = keep.nonzero()[:, 0]
    whole[where[:, None], where] = torch.linalg.inv(regularized(A))
    blocks = [
        whole[6 * (frames + c) : 6 * (frames + c) + 6, 6 * (frames + c) : 6 * (frames + c) + 6]
        for c in range(len(free))
    ]
    return torch.stack(blocks)


def shifts_of(problem: Problem, begun: Tensor, places: Tensor, points: Tensor) -> Tensor:
    """(C,) root mean square pixels by which points (n, 3) of the surface move in each camera's image."""
    still = problem.views.cameras(0, [0])
    everywhere = torch.ones(len(begun), dtype=torch.bool, device=begun.device)
    before, after = (_placed(still, place, everywhere).project(points.to(still.rotation)) for place in (begun, places))
    both = before.valid & after.valid
    squared = ((after.pixels - before.pixels) ** 2).sum(-1) * both
    return torch.sqrt(squared.sum(-1) / both.sum(-1).clamp_min(1))[0]


def _placed(cameras: CameraModel, places: Tensor, free: Tensor) -> CameraModel:
    """The cameras (B, C) with the free ones at ``places`` (C, 4, 4)."""
    rotation = torch.where(free[:, None, None], places[:, :3, :3].to(cameras.rotation), cameras.rotation)
    translation = torch.where(free[:, None], places[:, :3, 3].to(cameras.translation), cameras.translation)
    return replace(cameras, rotation=rotation, translation=translation)
