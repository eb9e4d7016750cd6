"""From a head roughly in place to a start pose: head and controls fitted to all cameras, and how well they agree."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch

from facesolve.footage.stream import FramePixels
from facesolve.geometry.pose import Pose
from facesolve.geometry.rig import RigModel
from facesolve.geometry.rigid import nearest_rotation
from facesolve.residuals.observation import observe
from facesolve.stages.align import improve
from facesolve.stages.setup import prepare
from facesolve.take import StartPose, Take

from .orientation import head_pixels
from .proxy import HeadProxy
from .scoring import camera_agreement

LARGE_HEAD = 300.0  # pixels across
LOOSE, LOOSER = 0.1, 0.2  # of a control's range: how far controls may go on each level, and at the end


@dataclass(frozen=True, eq=False)
class Settled:
    """A start pose and the agreement of the cameras there: the correlation between what they see at the same surface,
    at the finest level compared; NaN with one camera."""

    start: StartPose
    agreement: float


def settle(take: Take, model: RigModel, proxy: HeadProxy, frame: int, pixels: FramePixels, start: StartPose) -> Settled:
    """Improves ``start`` on take frame index ``frame``: the head alone, then the controls with it, level by level.

    Raises SolveError when no camera sees the rig there.
    """
    place = start.head[:3, :3] @ proxy.center.double().cpu().numpy() + start.head[:3, 3]
    # half resolution is enough of a large head; and a head that is only guessed must not be held
    quality = "draft" if head_pixels(take, frame, proxy.radius, place) > LARGE_HEAD else "standard"
    settings = replace(take.settings, quality=quality, head="transform", head_pins=())
    problem, pose, _ = prepare(replace(take, start=start, settings=settings), model.device, model)
    frames = torch.tensor([frame], device=model.device)
    if len(take.cameras) > 1 or problem.texture is not None:
        for level in range(problem.coarsest, problem.quality.finest - 1, -1):
            pose = improve(problem, pixels, pose, frames, level, free_controls=False)
            pose = improve(problem, pixels, pose, frames, level, free_controls=True, deviation=LOOSE)
        pose = improve(problem, pixels, pose, frames, problem.quality.finest, free_controls=True, deviation=LOOSER)
    level = problem.quality.finest
    views = problem.views.views(problem.samples, level, [frame], [pixels], pose.controls, pose.head)
    seen = observe(problem.samples, model, pose.controls, pose.head, views)
    agreement = float(camera_agreement(seen.values, seen.weights)[0]) if len(take.cameras) > 1 else float("nan")
    return Settled(_start_pose(start.frame, pose), agreement)


def _start_pose(frame: int, pose: Pose) -> StartPose:
    head = pose.head[0].double().cpu().numpy()
    head[:3, :3] = nearest_rotation(torch.from_numpy(head[:3, :3])).numpy()
    return StartPose(frame, pose.controls[0].double().cpu().numpy(), head)
