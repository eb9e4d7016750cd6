"""From a take to the fixed parts of its solve: samples, views, contours, texture, start pose."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from facesolve.geometry.pose import Pose
from facesolve.geometry.rig import RigModel, apply_head
from facesolve.geometry.surface_samples import sample_surface
from facesolve.render import Texture, choose_backend
from facesolve.render.texture_files import read_texture
from facesolve.residuals.residual import Residual
from facesolve.residuals.visibility import ViewBuilder
from facesolve.take import SolveError, Take

from .problem import QUALITY, Problem

COARSEST_SIZE = 75  # pixels: no pyramid level is smaller than this in any camera
LEAST_SPACING = 2.5  # pixels of the finest level: samples closer than this see the same pixels


def check_solvable(take: Take) -> None:
    """SolveError when the take cannot determine a pose whatever the footage shows."""
    if len(take.cameras) == 1 and take.frame_count == 1 and take.texture is None:
        raise SolveError(
            f"take '{take.name}' has one camera, one frame and no texture, so there is nothing to compare; "
            "give more frames, another camera or the rig's texture."
        )


def prepare(
    take: Take, device: torch.device, model: RigModel | None = None, residuals: Sequence[Residual] = ()
) -> tuple[Problem, Pose, int]:
    """The problem, the start pose (B = 1) and its take frame index.

    model: of the take's rig, when there is one. residuals: further ones than the product's own.
    """
    quality = QUALITY[take.settings.quality]
    model = RigModel(take.rig, device) if model is None else model
    assert take.start is not None
    start = Pose(
        torch.as_tensor(take.start.controls, device=device)[None], torch.as_tensor(take.start.head, device=device)[None]
    )
    first = int(np.flatnonzero(take.frames == take.start.frame)[0])
    views = ViewBuilder(take, model, choose_backend(device), quality.finest_visibility)
    visible_triangles = views.seen_triangles(0, first, start.controls[0], start.head[0])
    if not bool(visible_triangles.any()):
        raise SolveError(
            f"take '{take.name}': no camera sees the rig at its start pose; move the head into view at the start frame."
        )
    samples = sample_surface(model, quality.samples, visible_triangles)
    cameras = views.cameras(0, [first])
    depth = cameras.project(apply_head(start.head.to(model.neutral.dtype), samples.neutral[None])[:, None]).depth
    pixels_per_cm = float((cameras.intrinsics[..., 0, 0] / depth.mean(-1)).mean())
    crowding = LEAST_SPACING * 2**quality.finest / (samples.spacing * pixels_per_cm)
    if crowding > 1:
        samples = sample_surface(model, int(quality.samples / crowding**2) + 1, visible_triangles)
    smallest = min(min(camera.width, camera.height) for camera in take.cameras)
    problem = Problem.of(
        take=take,
        model=model,
        samples=samples,
        quality=quality,
        coarsest=max(quality.finest, int(np.log2(max(smallest / COARSEST_SIZE, 1)))),
        pixels_per_cm=pixels_per_cm,
        texture=_own_texture(take, device),
        residuals=tuple(residuals),
    )
    frames = torch.tensor([first], device=device)
    return problem, problem.held(start, frames), first


def _own_texture(take: Take, device: torch.device) -> Texture | None:
    if take.texture is None or not take.settings.use_texture or not len(take.rig.face_uvs):
        return None
    return read_texture(take.texture).to(device)
