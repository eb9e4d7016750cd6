"""The template of a known texture is the one that footage of it teaches, and it tells where the rig is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from facesolve.footage.normalize import encoded_luminance
from facesolve.footage.stream import FramePixels
from facesolve.geometry.pose import Pose
from facesolve.render import Texture
from facesolve.residuals.photometric import Template
from facesolve.stages.frame_fit import FrameFitOptions, fit_frames
from facesolve.stages.known_template import known_template
from facesolve.stages.problem import Problem
from facesolve.stages.refine import learn_template
from facesolve.take import SolveError
from tests import synthetic, textured
from tests.textured import BACK, FRONT, SIDE

FIRST = torch.tensor([0])


@pytest.fixture(scope="module")
def filmed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Problem, Pose, list[FramePixels]]:
    problem, pose = textured.filmed(tmp_path_factory.mktemp("film"), textured.rig())
    return problem, pose, pixels_of(textured.read_images(problem.take))


def pixels_of(images: Tensor) -> list[FramePixels]:
    """From (frames, cameras, H, W, 3) linear light, all of it valid."""
    luminance = encoded_luminance(images)
    mask = torch.ones_like(luminance[0, 0])
    return [FramePixels(tuple(frame), (mask,) * len(frame)) for frame in luminance]


def texture(*tiles: tuple[int, int]) -> Texture:
    return Texture.from_tiles({tile: textured.tile_colors(256) for tile in tiles or (FRONT, SIDE, BACK)})


def alike(a: Tensor, b: Tensor) -> float:
    """Correlation."""
    return float(torch.corrcoef(torch.stack([a.flatten(), b.flatten()]))[0, 1])


@pytest.mark.parametrize("level", [0, 1])
def test_it_is_what_footage_teaches(filmed: tuple[Problem, Pose, list[FramePixels]], level: int) -> None:
    problem, pose, pixels = filmed
    known = known_template(problem, texture(), pose.at([0]), FIRST, level)
    learned = learn_template(problem, pixels[:1], pose.at([0]), FIRST, level).template
    both = (known.weights > 0) & (learned.weights > 0)
    assert both.sum() > 300
    assert alike(known.values[both], learned.values[both]) > 0.97
    assert alike(known.slopes[both], learned.slopes[both]) > 0.9
    off = known_template(problem, texture(), pose.at([2]), FIRST, level)  # seen where the head is not: no difference
    assert alike(off.values[both], learned.values[both]) > 0.9


def test_a_pose_is_found_with_it_from_one_camera_and_one_frame(
    filmed: tuple[Problem, Pose, list[FramePixels]],
) -> None:
    problem, pose, pixels = filmed
    one = replace(problem.take, cameras=problem.take.cameras[1:2], footage=problem.take.footage[1:2])
    alone = synthetic.make_problem(one)
    scene = synthetic.Scene(alone, pose, [FramePixels(frame.luminance[1:2], frame.mask[1:2]) for frame in pixels])
    shift = torch.tensor([0.0] * 5 + [0.01, -0.02, 0.01, 0.15, -0.1, 0.0]).double()
    start = pose.at([0]).stepped(shift[None])
    found = start
    for level in (1, 0):
        template = known_template(alone, texture(), found, FIRST, level)
        views = scene.view(Pose(found.controls.repeat(3, 1), found.head.repeat(3, 1, 1)), 0, level)
        found = fit_frames(alone, template, views, found, FIRST, level, FrameFitOptions(6, free_controls=False)).pose
    assert scene.errors(found, [0]) < 0.3 * scene.errors(start, [0])


def test_more_frames_reach_more_samples(filmed: tuple[Problem, Pose, list[FramePixels]]) -> None:
    problem, pose, _ = filmed
    one, three = (known_template(problem, texture(), pose.at(frames), frames, 1) for frames in (FIRST, torch.arange(3)))
    assert (three.weights >= one.weights).all()
    assert (three.weights > 0).sum() > (one.weights > 0).sum()


def test_every_frame_is_drawn_in_its_own_pose(filmed: tuple[Problem, Pose, list[FramePixels]]) -> None:
    problem, pose, _ = filmed
    frames = torch.arange(3)
    together = known_template(problem, texture(), pose, frames, 0)
    alone = [known_template(problem, texture(), pose.at([m]), frames[[m]], 0) for m in range(3)]
    always = torch.stack([template.weights > 0 for template in alone]).all(0)
    mean = torch.stack([t.values * t.weights for t in alone]).sum(0) / torch.stack([t.weights for t in alone]).sum(0)
    torch.testing.assert_close(together.values[always], mean[always])


def test_an_even_texture_has_no_contrast_up_to_the_outline(
    filmed: tuple[Problem, Pose, list[FramePixels]],
) -> None:
    problem, pose, _ = filmed
    gray = Texture.from_tiles({tile: torch.full((2, 2, 3), 0.4) for tile in (FRONT, SIDE, BACK)})
    template = known_template(problem, gray, pose.at([0]), FIRST, 0)
    assert (template.weights > 0).sum() > 300
    assert template.values.abs().max() < 0.02


def test_samples_off_the_texture_or_hidden_are_unknown(filmed: tuple[Problem, Pose, list[FramePixels]]) -> None:
    problem, pose, _ = filmed
    template = known_template(problem, texture(FRONT), pose.at([0]), FIRST, 0)
    model, samples = problem.model, problem.samples
    z = model.neutral[model.triangles[samples.triangles], 2].mean(1)
    assert (template.weights[z < 0] == 0).all()
    assert (template.weights[z > 5] > 0).float().mean() > 0.7
    unknown = template.weights == 0
    assert (template.values[unknown] == 0).all()
    assert (template.slopes[unknown] == 0).all()
    assert_finite(template)


def assert_finite(template: Template) -> None:
    assert all(torch.isfinite(part).all() for part in (template.values, template.slopes, template.weights))


def test_a_rig_without_uvs_is_refused(filmed: tuple[Problem, Pose, list[FramePixels]], tmp_path: Path) -> None:
    problem, pose, _ = filmed
    bare = replace(problem.take.rig, uvs=np.zeros((0, 2)), face_uvs=np.zeros(0))
    plain = synthetic.make_problem(textured.make_take(tmp_path, bare))
    with pytest.raises(SolveError, match="no UVs"):
        known_template(plain, texture(), pose.at([0]), FIRST, 0)
