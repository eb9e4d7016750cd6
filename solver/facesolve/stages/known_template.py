"""The template of a rig whose texture is known: its own texture, drawn and observed exactly as footage is.

Unlike a template learned from footage it holds no misalignment, so it tells where the rig really is.
"""

from __future__ import annotations

import torch
from torch import Tensor

from facesolve.footage.normalize import encoded_luminance, normalize
from facesolve.geometry.pose import Pose
from facesolve.render import Texture
from facesolve.render.posed_rig import Rendering, has_texture, render_textured
from facesolve.render.texture import fill_unseen
from facesolve.residuals.observation import Views, image_stacks, observe
from facesolve.residuals.photometric import Template, surface_slopes
from facesolve.residuals.template import ENOUGH

from .problem import Problem


def known_template(problem: Problem, texture: Texture, pose: Pose, frames: Tensor, level: int) -> Template:
    """What the rig's texture looks like at the samples, seen by the cameras of M frames at a pyramid level.

    pose: M poses; frames: (M,) take frame indices; one is enough, more reach samples that one view hides. The texture
    is drawn unlit: normalization takes slow changes of light out of the footage it will be compared with. Values and
    slopes are means over all views, weighted by visibility; weight 0 where no camera looks or no tile of the texture
    lies. Raises SolveError when the rig has no UVs.
    """
    count = len(problem.samples.weight)
    sums = problem.samples.neutral.new_zeros(count, 3)  # weighted color and slopes
    weights = problem.samples.neutral.new_zeros(count)
    for m, frame in enumerate(frames.tolist()):
        one = pose.at([m])
        views = _drawn_views(problem, texture, one, frame, level)
        observation = observe(problem.samples, problem.model, one.controls, one.head, views)
        slopes = surface_slopes(observation, views.edges)
        weighted = (
            torch.cat([observation.values[..., None], slopes], -1) * observation.weights[..., None]
        )  # (1, C, N, 3)
        sums += weighted.sum((0, 1))
        weights += observation.weights.sum((0, 1))
    weights = weights * (weights > ENOUGH) * _textured(problem, texture)
    means = sums / weights.clamp_min(1e-6)[:, None] * (weights > 0)[:, None]
    return Template(means[:, 0], means[:, 1:], weights)


def _drawn_views(problem: Problem, texture: Texture, pose: Pose, frame: int, level: int) -> Views:
    """As ``ViewBuilder.views``, of the drawn rig instead of footage. pose: B = 1."""
    visibility = problem.views.visibility(problem.samples, level, [frame], pose.controls, pose.head)
    cameras = problem.views.cameras(level, [frame])
    renderings = render_textured(problem.model, texture, cameras, pose)
    return Views(image_stacks([_normalized(r) for r in renderings]), cameras, visibility.weights, visibility.edges)


def _normalized(rendering: Rendering) -> Tensor:
    """(B, H, W) as ``normalize`` gives. The surface's colors go on beyond its outline, so that none is drawn in."""
    inside = rendering.coverage >= 0.5
    colors = rendering.colors / rendering.coverage.clamp_min(0.5)[..., None]
    luminance = [
        fill_unseen(image[..., None], covered)[..., 0]
        for image, covered in zip(encoded_luminance(colors), inside, strict=True)
    ]
    return normalize(torch.stack(luminance), inside.to(colors.dtype))


def _textured(problem: Problem, texture: Texture) -> Tensor:
    """(N,) bool: samples that lie on a tile of the texture."""
    model, samples = problem.model, problem.samples
    assert model.triangle_uvs is not None  # render_textured
    corners = model.uvs[model.triangle_uvs[samples.triangles]]  # (N, 3, 2)
    return has_texture(texture, (corners * samples.barycentrics[..., None]).sum(1))
