"""A texture baked from footage is what was filmed, whatever the cameras' gains and whatever stood in the way."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor

from facesolve.appearance.bake import Appearance, NoTexture, bake_texture, fit_gains
from facesolve.geometry.pose import Pose
from facesolve.stages.problem import Problem
from facesolve.take import Camera, FootageError
from tests import synthetic, textured
from tests.textured import BACK, BALL_TILE, FRONT

SIZE = 96
FRAMES = torch.arange(3)


@pytest.fixture(scope="module")
def head(tmp_path_factory: pytest.TempPathFactory) -> tuple[Problem, Pose]:
    return textured.filmed(tmp_path_factory.mktemp("head"), textured.rig())


@pytest.fixture(scope="module")
def head_and_ball(tmp_path_factory: pytest.TempPathFactory) -> tuple[Problem, Pose]:
    return textured.filmed(tmp_path_factory.mktemp("ball"), textured.rig(ball=True))


def bake(problem: Problem, pose: Pose, frames: Tensor = FRAMES) -> Appearance:
    appearance = bake_texture(problem, pose.at(frames), frames, SIZE)
    assert isinstance(appearance, Appearance)
    return appearance


def texels(appearance: Appearance, tile: tuple[int, int] = FRONT) -> Tensor:
    """(SIZE, SIZE, 3)"""
    return appearance.texture.pyramids[tile][0][0].permute(1, 2, 0)


def errors(appearance: Appearance, truth: Tensor) -> Tensor:
    """(n,) largest difference over the channels of the front's seen texels."""
    return (texels(appearance) - truth).abs().amax(-1)[appearance.coverage[FRONT]]


def test_the_filmed_texture_comes_back_where_it_was_seen(head: tuple[Problem, Pose]) -> None:
    appearance = bake(*head)
    truth = textured.tile_colors(SIZE)
    found = errors(appearance, truth)
    assert appearance.coverage[FRONT].float().mean() > 0.4
    assert found.mean() < 0.004
    assert found.quantile(0.99) < 0.02
    # the picture has no symmetry: a texture that is upside down or mirrored is far off
    assert errors(appearance, truth.flip(0)).mean() > 0.1
    assert errors(appearance, truth.flip(1)).mean() > 0.1


def test_the_pose_matters(head: tuple[Problem, Pose]) -> None:
    problem, pose = head
    off = pose.stepped(torch.tensor([0.0] * 5 + [0.0, 0.0, 0.0, 0.5, 0.0, 0.0]).double().expand(3, -1))
    assert errors(bake(problem, off), textured.tile_colors(SIZE)).mean() > 0.02


def test_what_no_camera_saw_is_filled_from_its_neighbors(head: tuple[Problem, Pose]) -> None:
    appearance = bake(*head)
    seen = appearance.coverage[FRONT]
    colors = texels(appearance)
    assert not seen.all()
    assert colors.amin() >= colors[seen].amin() - 1e-6
    assert colors.amax() <= colors[seen].amax() + 1e-6
    for level in appearance.texture.pyramids[FRONT]:
        assert level.amin() > 0.15  # black does not bleed into the mip maps
    assert not appearance.coverage[BACK].any()
    back = texels(appearance, BACK)
    everything = torch.cat([texels(appearance, tile)[where] for tile, where in appearance.coverage.items()])
    torch.testing.assert_close(back, everything.mean(0).expand_as(back))


def test_gains_of_the_cameras_are_found_and_taken_out(tmp_path: Path) -> None:
    scales = {"left": (1.3, 1.0, 0.8), "right": (0.9, 1.1, 1.0)}
    problem, pose = textured.filmed(tmp_path, textured.rig(), scales)
    appearance = bake(problem, pose)
    scale = torch.tensor([scales.get(camera.name, (1.0, 1.0, 1.0)) for camera in problem.take.cameras])
    common = scale.log().mean(0).exp()
    torch.testing.assert_close(appearance.gains, scale / common, atol=0.01, rtol=0)
    torch.testing.assert_close(appearance.gains.log().mean(0), torch.zeros(3), atol=1e-5, rtol=0)
    assert errors(appearance, textured.tile_colors(SIZE) * common).mean() < 0.006


def test_an_occluder_does_not_color_what_it_hides(head_and_ball: tuple[Problem, Pose]) -> None:
    appearance = bake(*head_and_ball)
    found = errors(appearance, textured.tile_colors(SIZE))
    assert found.mean() < 0.006
    assert (found > 0.1).float().mean() < 0.002
    ball = texels(appearance, BALL_TILE)[appearance.coverage[BALL_TILE]]
    assert (ball - torch.tensor(textured.BALL)).abs().amax(-1).median() < 0.01


def test_an_occluder_missing_from_the_rig_shows_that_the_occlusion_test_can_fail(
    head_and_ball: tuple[Problem, Pose],
) -> None:
    filmed, pose = head_and_ball
    problem = synthetic.make_problem(replace(filmed.take, rig=textured.rig()))
    assert (errors(bake(problem, pose), textured.tile_colors(SIZE)) > 0.1).float().mean() > 0.01


def test_a_highlight_in_one_image_is_left_out(tmp_path: Path) -> None:
    problem, pose = textured.filmed(tmp_path, textured.rig())
    clean = bake(problem, pose)
    path = problem.take.footage[1].image_path(1)
    image = cv2.imread(path, cv2.IMREAD_UNCHANGED)
    image[50:62, 70:86] = 65535
    assert cv2.imwrite(path, image)
    change = (texels(bake(problem, pose)) - texels(clean)).abs().amax(-1)[clean.coverage[FRONT]]
    assert change.max() < 0.05  # nine images see the patch: a plain mean would move by 0.06


def test_the_matte_keeps_texels_unseen(tmp_path: Path) -> None:
    take, pose = textured.make_take(tmp_path, textured.rig()), synthetic.performance(3)
    textured.film(take, pose)
    matte = np.zeros((synthetic.HEIGHT, synthetic.WIDTH), np.uint8)
    matte[:, : synthetic.WIDTH // 2] = 255
    assert cv2.imwrite(str(tmp_path / "matte.png"), matte)
    pattern = str(tmp_path / "matte.{frame}.png")
    for frame in take.frames.tolist():
        assert cv2.imwrite(pattern.format(frame=frame), matte)
    half = replace(take, footage=tuple(replace(footage, matte=pattern) for footage in take.footage))
    seen = bake(synthetic.make_problem(half), pose).coverage[FRONT]
    everything = bake(synthetic.make_problem(take), pose).coverage[FRONT]
    assert 0.2 < seen.sum() / everything.sum() < 0.8
    assert not (seen & ~everything).any()


def test_an_image_that_may_be_missing_is_done_without(tmp_path: Path) -> None:
    problem, pose = textured.filmed(tmp_path, textured.rig())
    Path(problem.take.footage[0].image_path(1)).unlink()
    with pytest.raises(FootageError, match="left"):
        bake(problem, pose)
    lenient = synthetic.make_problem(replace(problem.take, on_bad_frame="unseen"))
    assert errors(bake(lenient, pose), textured.tile_colors(SIZE)).mean() < 0.004


def test_cameras_may_move(tmp_path: Path) -> None:
    still = textured.make_take(tmp_path, textured.rig())
    slide = np.array([[0.0, 0.0, 0.0], [1.5, 0.5, 0.0], [-1.0, 1.0, 2.0]])  # cm
    moving = tuple(replace(camera, translation=camera.translation + slide) for camera in still.cameras)
    take, pose = replace(still, cameras=moving), synthetic.performance(3)
    textured.film(take, pose)
    assert errors(bake(synthetic.make_problem(take), pose), textured.tile_colors(SIZE)).mean() < 0.006


def test_only_the_given_frames_are_used(head: tuple[Problem, Pose]) -> None:
    problem, pose = head
    one = bake(problem, pose, torch.tensor([2]))
    assert errors(one, textured.tile_colors(SIZE)).mean() < 0.005
    assert one.coverage[FRONT].sum() < bake(problem, pose).coverage[FRONT].sum()


def test_a_rig_without_uvs_gets_a_reason_instead_of_a_texture(head: tuple[Problem, Pose]) -> None:
    problem, pose = head
    plain = replace(problem.take.rig, uvs=np.zeros((0, 2)), face_uvs=np.zeros(0))
    result = bake_texture(synthetic.make_problem(replace(problem.take, rig=plain)), pose, FRAMES)
    assert isinstance(result, NoTexture)
    assert "no UVs" in result.reason


def test_cameras_that_look_away_get_a_reason(head: tuple[Problem, Pose]) -> None:
    problem, pose = head

    def turned(camera: Camera) -> Camera:
        about = np.diag((-1.0, 1.0, -1.0))
        return replace(camera, rotation=about @ camera.rotation, translation=about @ camera.translation)

    away = replace(problem.take, cameras=tuple(turned(camera) for camera in problem.take.cameras))
    result = bake_texture(synthetic.make_problem(away), pose, FRAMES)
    assert isinstance(result, NoTexture)
    assert "no camera sees" in result.reason


def test_gains_reconcile_pairs_of_cameras_and_outliers_do_not_count() -> None:
    generator = torch.Generator().manual_seed(0)
    albedo = 0.2 + 0.2 * torch.rand(1, 900, 3, generator=generator)
    truth = torch.tensor([[1.2, 1.0, 1.0], [1.0, 0.8, 1.0], [0.9, 1.0, 1.1], [1.0, 1.0, 1.0]])
    colors = albedo * truth[:, None]
    colors[0, ::5] = 0.85  # a highlight
    weights = torch.zeros(4, 900)
    weights[0, :600] = weights[1, 300:] = weights[2, 550:] = 1  # 0 and 2 share few points; 3 shares none
    weights[3, :0] = 1
    gains = fit_gains(colors, weights)
    linked = truth[:3] / truth[:3].log().mean(0).exp()
    torch.testing.assert_close(gains[:3], linked, atol=1e-3, rtol=0)
    torch.testing.assert_close(gains[3], torch.ones(3))
