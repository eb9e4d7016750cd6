"""How good a solution is where nobody knows the truth: cameras are left out one by one, and predicted.

A solve of the other cameras is held against the camera that it never saw, and the surfaces of all these solves against
each other: what a single camera's evidence changes is not known better than that (Quenouille's jackknife, Tukey 1958).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from facesolve.footage.stream import FramePixels, TakeFootage
from facesolve.geometry.face_weight import photometric_weight
from facesolve.geometry.pose import Pose
from facesolve.runtime.checkpoint import NoCheckpoint
from facesolve.runtime.progress import Progress, Silent
from facesolve.solve.pipeline import solve_take
from facesolve.stages.problem import Problem
from facesolve.stages.setup import prepare
from facesolve.take import Solution, StartPose, Take, TakeError, read_solution
from facesolve.take.frame_range import part_of_take
from facesolve.take.rig_evaluation import RigEvaluator, control_columns
from facesolve.take.solved import find_take, fitted_take
from facesolve.take.verdict import CameraAgreement
from facesolve.verdict.agreement import agreement
from facesolve.verdict.judge import camera_agreements

from .opened_take import open_take

LEAST_CAMERAS = 3  # two are needed for a solve
HALVED_FROM = 4  # cameras of which two halves are solved
MILLIMETERS = 10.0


@dataclass(frozen=True)
class LeftOut:
    """One camera. predicted: how it agrees with the others at poses that it had no part in; seen: at those of the
    solution. moved_mm: how far the surface lies from the solution's without this camera, mean."""

    predicted: CameraAgreement
    seen: CameraAgreement
    moved_mm: float


@dataclass(frozen=True)
class WithoutTruth:
    """What can be said of a solution without the truth.

    Attributes:
        frames: Frame numbers that were solved again.
        cameras: Of each camera, by name.
        jackknife_mm: Standard error of the surface by leaving out one camera after the other, mean over frames and
            vertices that drive the solve, millimeters.
        halves_mm: Mean distance of the surfaces from two halves of the cameras; None with fewer than four.
    """

    frames: tuple[int, ...]
    cameras: dict[str, LeftOut]
    jackknife_mm: float
    halves_mm: float | None

    @property
    def predicted_correlation(self) -> float:
        """With which cameras that were left out show what the others predict, mean over the cameras: the figure that
        ranks solves of a take as their true errors do (``tests/bench/without_truth.py``); 1 is perfect."""
        return float(np.nanmean([camera.predicted.correlation for camera in self.cameras.values()]))

    @property
    def predicted_mm(self) -> float:
        """How far a camera that was left out is off, median over the face, mean over the cameras; millimeters."""
        return float(np.nanmean([camera.predicted.off_mm for camera in self.cameras.values()]))

    def record(self) -> dict[str, Any]:
        """As JSON values; figures that are not known are null."""
        cameras = {
            name: {
                "predicted": _known(asdict(camera.predicted)),
                "seen": _known(asdict(camera.seen)),
                "moved_mm": camera.moved_mm,
            }
            for name, camera in self.cameras.items()
        }
        numbers = {
            "predicted_correlation": self.predicted_correlation,
            "predicted_mm": self.predicted_mm,
            "jackknife_mm": self.jackknife_mm,
            "halves_mm": self.halves_mm,
        }
        return {"frames": list(self.frames), **_known(numbers), "cameras": cameras}


def _known(figures: dict[str, float | None]) -> dict[str, float | None]:
    return {name: None if value is None or math.isnan(value) else value for name, value in figures.items()}


def score_without_truth(
    folder: Path, *, take_folder: Path | None, device: str, frames: int, progress: Progress
) -> WithoutTruth:
    """Scores the solution in ``folder`` on so many of its frames, around the middle.

    take_folder: where the solution's own record is not right. Raises FacesolveError, with fewer than three cameras too.
    """
    solution = read_solution(folder)
    whole = fitted_take(find_take(solution, folder, take_folder), solution)
    check_cameras(whole)
    part = _middle(solution, frames)
    opened = open_take(part_of_take(whole, int(part.frames[0]), int(part.frames[-1])), device=device, progress=progress)
    return scored(part, opened.take, opened.device, progress)


def check_cameras(take: Take) -> None:
    """Raises TakeError where no camera can be left out."""
    if len(take.cameras) < LEAST_CAMERAS:
        raise TakeError(
            f"take '{take.name}' has {len(take.cameras)} cameras; leaving one out needs at least three, so measure "
            "the solution against a known truth instead."
        )


def scored(solution: Solution, take: Take, device: torch.device, progress: Progress) -> WithoutTruth:
    """The score of a solution of all frames of a take, whose rig has the solution's neutral already."""
    take = replace(take, start=StartPose(int(solution.frames[0]), solution.controls[0], solution.head[0]))
    names = [camera.name for camera in take.cameras]
    halves = (names[::2], names[1::2]) if len(names) >= HALVED_FROM else ()
    progress.stage("leave out one camera after the other", len(names) + len(halves))

    def solved(kept: Sequence[str]) -> Pose:
        joint = solve_take(_only(take, kept), device, Silent(), NoCheckpoint()).joint
        progress.advance()
        return joint.pose

    without = {name: solved([other for other in names if other != name]) for name in names}
    surfaces = {name: _surface(take, pose) for name, pose in without.items()}
    weight = photometric_weight(take.rig)
    with TakeFootage(take, device) as footage:
        pixels = [image for _, image in footage.frames(range(take.frame_count))]
    problem, _, _ = prepare(take, device)
    final = Pose(torch.as_tensor(solution.controls).to(device), torch.as_tensor(solution.head).to(device))
    own, seen = _surface(take, final), _agreements(problem, pixels, final, names)
    cameras = {
        name: LeftOut(
            _agreements(problem, pixels, without[name], names)[name], seen[name], _distance(surfaces[name], own, weight)
        )
        for name in names
    }
    apart = None
    if halves:
        one, other = (_surface(take, solved(half)) for half in halves)
        apart = _distance(one, other, weight)
    return WithoutTruth(
        tuple(int(frame) for frame in solution.frames), cameras, _jackknife(list(surfaces.values()), weight), apart
    )


def _middle(solution: Solution, frames: int) -> Solution:
    """So many frames around the middle of a solution."""
    if frames < 1:
        raise TakeError("evaluate: give at least one frame to solve again.")
    count = min(frames, len(solution.frames))
    first = (len(solution.frames) - count) // 2
    return solution.part(slice(first, first + count))


def _only(take: Take, names: Sequence[str]) -> Take:
    chosen = [index for index, camera in enumerate(take.cameras) if camera.name in names]
    return replace(take, cameras=tuple(take.cameras[c] for c in chosen), footage=tuple(take.footage[c] for c in chosen))


def _agreements(
    problem: Problem, pixels: Sequence[FramePixels], pose: Pose, names: Sequence[str]
) -> dict[str, CameraAgreement]:
    frames = torch.arange(len(pixels), device=pose.head.device)
    return camera_agreements(agreement(problem, pixels, pose, frames, problem.rough_level), names)


def _surface(take: Take, pose: Pose) -> np.ndarray:
    """(F, V, 3) world space, cm."""
    rig, head = take.rig, pose.head.cpu().numpy()
    controls = control_columns(pose.controls.cpu().numpy(), tuple(rig.control_names), rig, "solution")
    in_rig = RigEvaluator(rig).vertices(controls)
    return np.asarray(np.einsum("fij,fvj->fvi", head[:, :3, :3], in_rig) + head[:, None, :3, 3])


def _distance(one: np.ndarray, other: np.ndarray, weight: np.ndarray) -> float:
    """Mean distance in mm of surfaces (F, V, 3) over vertices by ``weight`` (V,)."""
    return MILLIMETERS * float((np.linalg.norm(one - other, axis=2) @ weight).mean() / weight.sum())


def _jackknife(surfaces: Sequence[np.ndarray], weight: np.ndarray) -> float:
    """Standard error in mm of the surface from n solves (F, V, 3) with one camera left out each."""
    each = np.stack(surfaces)
    count = len(each)
    variance = (count - 1) / count * ((each - each.mean(0)) ** 2).sum((0, 3))  # (F, V)
    return MILLIMETERS * float((np.sqrt(variance) @ weight).mean() / weight.sum())
