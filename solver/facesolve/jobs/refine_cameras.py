"""The refinement of a take's cameras as a job on disk: take and solution in, a new take with the bumped cameras out."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from facesolve.calibrate.bumped import Refined, camera_places, find_bumped, motion
from facesolve.footage.stream import TakeFootage
from facesolve.geometry.pose import Pose
from facesolve.runtime.devices import choose_device
from facesolve.runtime.progress import Progress
from facesolve.stages.keyframes import choose_keyframes
from facesolve.stages.setup import prepare
from facesolve.take import Solution, StartPose, Take, TakeError, read_solution, read_take, write_take
from facesolve.take.files import check_new, new_folder
from facesolve.take.frame_range import part_of_take
from facesolve.take.settings_record import SettingsChange
from facesolve.take.solved import fitted_take

from .solve_folder import solve_take_folder

DRAFT = "draft"


@dataclass(frozen=True)
class CameraMotion:
    """How far one camera moved. turn: degrees; shift: mm, of its center; pixels: by which the face moves in its image.

    ..._deviation: one standard deviation from the images' noise alone; errors of the solved shapes come on top, and
    turn and shift can make up for each other. moved: whether the new take has it elsewhere. residual: robust difference
    of its normalized colors from what all cameras agree on, after the refinement.
    """

    camera: str
    moved: bool
    turn: float
    turn_deviation: float
    shift: float
    shift_deviation: float
    pixels: float
    residual: float


def refine_take_cameras(
    take_folder: Path,
    solution_folder: Path | None,
    out: Path,
    *,
    cameras: Sequence[str],
    device: str,
    progress: Progress,
    overwrite: bool = False,
) -> tuple[CameraMotion, ...]:
    """Finds which cameras of the take were bumped since calibration, and writes a new take into ``out``.

    solution_folder: a solve of the take, or None to make one in draft quality first. cameras: names of those that
    moved, empty to find out. When none has moved nothing is written. Raises FacesolveError.
    """
    check_new(out, overwrite)
    whole = read_take(take_folder)
    named = _named(whole, cameras)
    solution = _solved(take_folder, device, progress) if solution_folder is None else read_solution(solution_folder)
    take = _solved_part(fitted_take(whole, solution), solution)
    where = choose_device(device)
    problem, _, _ = prepare(take, where)
    pose = Pose(torch.as_tensor(solution.controls, device=where), torch.as_tensor(solution.head, device=where))
    keyframes = choose_keyframes(problem, pose, [0])
    progress.stage("refine the cameras", 1)
    with TakeFootage(take, where) as footage:
        pixels = [frame for _, frame in footage.frames(keyframes.tolist())]
    refined, moved = find_bumped(problem, pixels, pose.at(keyframes), keyframes, named)
    progress.advance()
    if bool(moved.any()):
        with new_folder(out, overwrite) as folder:
            write_take(_with_places(whole, refined.places, moved, out.name), folder)
    return _motions(whole, refined, camera_places(problem), moved)


def _named(take: Take, names: Sequence[str]) -> Tensor | None:
    if not names:
        return None
    known = [camera.name for camera in take.cameras]
    for name in names:
        if name not in known:
            raise TakeError(f"cameras: the take has no camera '{name}'; it has {', '.join(known)}.")
    return torch.tensor([name in names for name in known])


def _solved(take_folder: Path, device: str, progress: Progress) -> Solution:
    with tempfile.TemporaryDirectory(prefix="facesolve_") as folder:
        draft = SettingsChange(values={"quality": DRAFT})
        return solve_take_folder(
            take_folder,
            Path(folder),
            device=device,
            settings=draft,
            frames=None,
            resume=False,
            progress=progress,
            texture=False,
        )


def _solved_part(take: Take, solution: Solution) -> Take:
    """The frames of the take that are solved, beginning at the solved pose. TakeError when they do not belong."""
    take = part_of_take(take, int(solution.frames[0]), int(solution.frames[-1]))
    if not np.array_equal(take.frames, solution.frames) or tuple(take.rig.control_names) != solution.control_names:
        raise TakeError(
            f"solution: its frames or controls differ from those of take '{take.name}'; give the solution of this take."
        )
    start = StartPose(int(solution.frames[0]), solution.controls[0], solution.head[0])
    return replace(take, start=start)


def _with_places(take: Take, places: Tensor, moved: Tensor, name: str) -> Take:
    cameras = tuple(
        replace(camera, rotation=place[:3, :3], translation=place[:3, 3]) if bumped else camera
        for camera, place, bumped in zip(take.cameras, places.cpu().numpy(), moved.tolist(), strict=True)
    )
    return replace(take, cameras=cameras, name=name)


def _motions(take: Take, refined: Refined, begun: Tensor, moved: Tensor) -> tuple[CameraMotion, ...]:
    steps = motion(begun, refined.places, refined.pivot)
    return tuple(
        CameraMotion(
            camera=camera.name,
            moved=bool(moved[index]),
            turn=float(torch.rad2deg(steps[index, :3].norm())),
            turn_deviation=float(torch.rad2deg(refined.covariance[index, :3, :3].trace().sqrt())),
            shift=10 * float((_center(refined.places[index]) - _center(begun[index])).norm()),
            shift_deviation=10 * _center_deviation(refined, index),
            pixels=float(refined.shift[index]),
            residual=float(refined.residual[index]),
        )
        for index, camera in enumerate(take.cameras)
    )


def _center(place: Tensor) -> Tensor:
    return -place[:3, :3].mT @ place[:3, 3]


def _center_deviation(refined: Refined, index: int) -> float:
    """Standard deviation of the camera's center in cm: the world turns about the pivot, so the center swings."""
    arm = _center(refined.places[index]) - refined.pivot
    x, y, z = arm.tolist()
    swing = arm.new_tensor([[0, z, -y], [-z, 0, x], [y, -x, 0]])
    J = torch.cat([swing, torch.eye(3, dtype=arm.dtype, device=arm.device)], 1)
    return float((J @ refined.covariance[index] @ J.mT).trace().clamp_min(0).sqrt())
