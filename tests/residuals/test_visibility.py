"""From footage to views: pixels at known places, pyramid levels, visibility, coverage, unseen images."""

from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from facesolve.footage.stream import FramePixels, TakeFootage
from facesolve.geometry.rig import RigModel
from facesolve.residuals.observation import Views, image_stacks, observe
from facesolve.review.pictures import write_picture
from facesolve.stages.problem import Problem
from facesolve.take import Camera, Footage, Rig
from tests.synthetic import (
    HEIGHT,
    WIDTH,
    Scene,
    film,
    head_rig,
    head_scene,
    make_problem,
    make_take,
    performance,
    texture,
    with_ball,
)


def broad(points):
    """Waves of 20 cm only, so that a pixel's mean is its center's color at every level."""
    return 0.5 + 0.2 * torch.sin(points @ points.new_tensor([0.2, 0.15, -0.18])) + 0.1 * torch.cos(points[..., 1] * 0.3)


def raw_views(scene: Scene, level: int, index: int = 0) -> Views:
    """Views of one frame at the truth whose images are the pixels themselves, not normalized."""
    views = scene.view(scene.truth, index, level)
    luminance = scene.pixels[index].level(level).luminance
    return replace(views, images=image_stacks([image[None] for image in luminance]))


def observed(scene: Scene, views: Views, index: int = 0):
    one = scene.truth.at([index])
    return observe(scene.problem.samples, scene.problem.model, one.controls, one.head, views)


@pytest.fixture(scope="module")
def broad_scene() -> Scene:
    problem, truth = make_problem(make_take(head_rig()), samples=800), performance()
    return Scene(problem, truth, film(problem.model, problem.take.cameras, truth, broad))


@pytest.mark.parametrize(("level", "limit"), [(0, 0.004), (1, 0.012), (2, 0.03)])
def test_a_sample_sees_its_own_color_at_every_level(broad_scene, level, limit):
    seen = observed(broad_scene, raw_views(broad_scene, level))
    true = broad(broad_scene.problem.samples.neutral)
    clear = seen.weights > 0.4  # away from the outline, where the background mixes in
    error = (seen.values - true).abs()[clear]
    assert clear.sum() > 300
    assert error.median() < 0.25 * limit
    assert error.quantile(0.95) < limit


def test_half_a_pixel_would_show(broad_scene):
    """The check above is worth something: with the camera half a pixel off, errors are many times as large."""
    views = raw_views(broad_scene, 0)
    intrinsics = views.cameras.intrinsics.clone()
    intrinsics[..., :2, 2] += 0.5
    true = broad(broad_scene.problem.samples.neutral)
    right, wrong = (
        (seen.values - true).abs()[seen.weights > 0.4].median()
        for seen in (
            observed(broad_scene, views),
            observed(broad_scene, replace(views, cameras=replace(views.cameras, intrinsics=intrinsics))),
        )
    )
    assert wrong > 5 * right


@pytest.mark.parametrize("level", [0, 1, 2])
def test_pyramid_levels_agree_with_their_cameras(level):
    """An image of pixel positions, halved, still tells each point its place in the full image."""
    scene = head_scene()
    y, x = torch.meshgrid(torch.arange(HEIGHT) + 0.5, torch.arange(WIDTH) + 0.5, indexing="ij")
    places = observed(scene, raw_views(scene, 0))
    cameras = scene.problem.views.cameras(0, [0])
    one = scene.truth.at([0])
    world = places.points @ one.head[:, :3, :3].mT.float() + one.head[:, None, :3, 3].float()
    expected = cameras.project(world[:, None]).pixels
    for axis, ramp in enumerate((x, y)):
        pixels = FramePixels((ramp,) * 3, (torch.ones_like(ramp),) * 3)
        seen = observed(scene, raw_views(Scene(scene.problem, scene.truth, [pixels]), level))
        torch.testing.assert_close(seen.values, expected[..., axis], atol=1e-3, rtol=0)


def test_odd_sizes_drop_the_last_row_and_column():
    image = torch.rand(7, 10)
    pixels = FramePixels((image,), (torch.ones(7, 10),)).level(1)
    assert pixels.luminance[0].shape == (3, 5)
    torch.testing.assert_close(pixels.luminance[0][0, 0], image[:2, :2].mean())
    assert pixels.mask[0].shape == (3, 5)


def two_walls() -> Rig:
    """A wall of 16 x 12 cm at z = 0, and 2 cm before it one that hides its left half from the front."""
    corners = np.array([[-8, -6, 0], [8, -6, 0], [8, 6, 0], [-8, 6, 0], [-8, -6, 2], [0, -6, 2], [0, 6, 2], [-8, 6, 2]])
    return Rig.from_dense(
        corners.astype(float), np.zeros((1, 8, 3)), ["none"], np.array([4, 4]), np.array([0, 1, 2, 3, 4, 5, 6, 7])
    )


def test_a_sample_behind_another_surface_weighs_nothing():
    problem = make_problem(make_take(two_walls(), frames=1), samples=600)
    seen = problem.views.visibility(problem.samples, 0, [0], torch.zeros(1, 1), torch.eye(4)[None])
    place = problem.samples.neutral
    behind = (place[:, 2] == 0) & (place[:, 0] > -6.4) & (place[:, 0] < -1.6) & (place[:, 1].abs() < 5)
    beside = (place[:, 2] == 0) & (place[:, 0] > 1.5) & (place[:, 0] < 7.5)
    assert behind.sum() > 50
    assert not seen.weights[0, :, behind].any()
    assert (seen.weights[0, 1, beside] > 0.5).all()


def test_nothing_is_seen_of_the_back():
    scene = head_scene()
    seen = scene.problem.views.visibility(scene.problem.samples, 0, [0], scene.truth.controls[:1], scene.truth.head[:1])
    normals = scene.problem.model.vertex_normals(scene.problem.model.neutral[None])[0]
    normal = normals[scene.problem.model.triangles[scene.problem.samples.triangles]].mean(1)
    assert not seen.weights[:, :, normal[:, 2] < -0.7].any()
    assert (seen.weights[0, 1, (normal[:, 2] > 0.9)] > 0.5).all()


def test_grazing_views_weigh_less():
    """Three cameras at -32, 0 and 30 degrees before a wall: the front one counts most."""
    problem = make_problem(make_take(two_walls(), frames=1), samples=300)
    seen = problem.views.visibility(problem.samples, 0, [0], torch.zeros(1, 1), torch.eye(4)[None]).weights[0]
    right = (problem.samples.neutral[:, 0] > 3) & (problem.samples.neutral[:, 0] < 5)
    assert (seen[1, right] > 1.1 * seen[0, right]).all()


def test_photometric_weight_scales_visibility():
    rig = head_rig()
    half = replace(rig, photometric_weight=np.full(rig.vertex_count, 0.5, np.float32))
    scene = head_scene()
    weights = []
    for one in (rig, half):
        problem = make_problem(make_take(one, frames=1), samples=200)
        pose = scene.truth.at([0])
        weights.append(problem.views.visibility(problem.samples, 0, [0], pose.controls, pose.head).weights)
    torch.testing.assert_close(0.5 * weights[0], weights[1])


def test_edges_are_those_of_the_posed_triangles():
    scene = head_scene()
    problem, pose = scene.problem, scene.truth.at([1, 3])
    edges = problem.views.visibility(problem.samples, 1, [1, 3], pose.controls, pose.head).edges
    corners = problem.model.vertices(pose.controls.float())[:, problem.model.triangles[problem.samples.triangles]]
    torch.testing.assert_close(edges[:, :, 0], corners[:, :, 1] - corners[:, :, 0])
    torch.testing.assert_close(edges[:, :, 1], corners[:, :, 2] - corners[:, :, 0])


def test_coverage_is_the_silhouette():
    """Where the film shows background there is no coverage, and the other way round, but for the outline's pixels."""
    scene = head_scene()
    pose = scene.truth.at([2])
    seen = scene.problem.views.visibility(scene.problem.samples, 0, [2], pose.controls, pose.head)
    for coverage, image in zip(seen.coverage, scene.pixels[2].luminance, strict=True):
        shown = (image != image[0, 0]).float()
        inner = -F.max_pool2d(-shown[None], 3, 1, 1)[0]
        outer = F.max_pool2d(shown[None], 3, 1, 1)[0]
        assert set(coverage.unique().tolist()) == {0.0, 1.0}
        assert (coverage[0] >= inner).all()
        assert (coverage[0] <= outer).all()


def test_the_background_does_not_reach_samples_away_from_the_outline():
    scene = head_scene()
    plain = scene.view(scene.truth, 0)
    noise = torch.rand(HEIGHT, WIDTH, generator=torch.manual_seed(0))
    images = tuple(
        torch.where(image == image[0, 0], noise, image) for image in scene.pixels[0].luminance
    )  # outline pixels keep their mixture
    noisy = Scene(scene.problem, scene.truth, [FramePixels(images, scene.pixels[0].mask)]).view(scene.truth, 0)
    first, second = observed(scene, plain), observed(scene, noisy)
    clear = first.weights > 0.2
    assert (first.values - second.values).abs()[clear].max() < 1e-4


def test_a_camera_that_saw_nothing_weighs_nothing():
    scene = head_scene()
    pixels = scene.pixels[0]
    blank = torch.zeros(HEIGHT, WIDTH)
    unseen = FramePixels((pixels.luminance[0], blank, pixels.luminance[2]), (pixels.mask[0], blank, pixels.mask[2]))
    views = Scene(scene.problem, scene.truth, [unseen]).view(scene.truth, 0)
    assert not views.visibility[:, 1].any()
    assert all(stack.values.isfinite().all() for stack in views.images)
    torch.testing.assert_close(views.visibility[:, [0, 2]], scene.view(scene.truth, 0).visibility[:, [0, 2]])


def test_seen_triangles_are_those_the_cameras_see():
    problem: Problem = make_problem(make_take(with_ball(head_rig()), frames=1), samples=50)
    model, pose = problem.model, performance(1)
    seen = problem.views.seen_triangles(0, 0, pose.controls[0], pose.head[0])
    normals = model.vertex_normals(model.neutral[None])[0][model.triangles].mean(1)
    center = model.neutral[model.triangles].mean(1)
    skin = center[:, 2] < 8
    assert not seen[skin & (normals[:, 2] < -0.8)].any()
    assert seen[skin & (normals[:, 2] > 0.8) & (center[:, :2].norm(dim=1) > 4)].all()


def test_frames_of_a_batch_do_not_mix():
    scene = head_scene()
    together = scene.problem.views.views(
        scene.problem.samples,
        1,
        [1, 4],
        [scene.pixels[1], scene.pixels[4]],
        *(getattr(scene.truth.at([1, 4]), name) for name in ("controls", "head")),
    )
    for row, index in enumerate((1, 4)):
        alone = scene.view(scene.truth, index, 1)
        torch.testing.assert_close(together.visibility[row : row + 1], alone.visibility)
        for stack, other in zip(together.images, alone.images, strict=True):
            torch.testing.assert_close(stack.values[row : row + 1], other.values)


def test_cameras_of_a_moving_camera_follow_its_frames():
    take = make_take(head_rig(), frames=3)
    still = take.cameras[0]
    moving = replace(still, translation=np.stack([still.translation + np.array([i, 0, 0]) for i in range(3)]))
    problem = make_problem(replace(take, cameras=(moving, *take.cameras[1:])), samples=20)
    cameras = problem.views.cameras(0, [2, 0])
    torch.testing.assert_close(cameras.translation[0, 0] - cameras.translation[1, 0], torch.tensor([2.0, 0, 0]))
    torch.testing.assert_close(cameras.translation[0, 1], cameras.translation[1, 1])


def small_take(folder, matte=False):
    """One 8 x 6 camera and two frames on disk, of which frame 1 is missing."""
    image = np.zeros((6, 8, 3), np.uint8)
    image[:, 4:] = 255
    write_picture(folder / "cam.0000.png", image)
    write_picture(folder / "matte.0000.png", np.full((6, 8, 3), 255, np.uint8) * (np.arange(8) < 2)[None, :, None])
    take = make_take(head_rig(), frames=2)
    camera = Camera("cam", 8, 6, np.array([[9.0, 0, 4], [0, 9, 3], [0, 0, 1]]), np.eye(3), np.array([0.0, 0, 60]))
    mattes = str(folder / "matte.{frame:04d}.png") if matte else None
    footage = Footage("cam", str(folder / "cam.{frame:04d}.png"), matte=mattes)
    return replace(take, cameras=(camera,), footage=(footage,), on_bad_frame="unseen")


def test_footage_as_tensors(tmp_path):
    with TakeFootage(small_take(tmp_path), torch.device("cpu")) as footage:
        (index, first), (_, missing) = footage.frames([0, 1])
        assert index == 0
        assert first.luminance[0].tolist() == [pytest.approx([0.0] * 4 + [1.0] * 4, abs=1e-4)] * 6
        assert (first.mask[0] == 1).all()
        assert not missing.mask[0].any()
        assert list(footage.unseen) == [("cam", 1)]


def test_a_matte_is_the_mask(tmp_path):
    with TakeFootage(small_take(tmp_path, matte=True), torch.device("cpu")) as footage:
        ((_, first),) = footage.frames([0])
        assert first.mask[0].tolist() == [pytest.approx([1.0] * 2 + [0.0] * 6, abs=1e-4)] * 6


@pytest.mark.parametrize("matte", [False, True])
def test_footage_read_at_a_level_is_that_level_of_the_footage(tmp_path, matte):
    with TakeFootage(small_take(tmp_path, matte), torch.device("cpu")) as footage:
        for finest in (1, 2):
            (_, whole), (_, missing) = footage.frames([0, 1])
            (_, coarse), (_, still_missing) = footage.frames([0, 1], finest)
            for parts in ("luminance", "mask", "chroma"):
                for expected, given in ((whole, coarse), (missing, still_missing)):
                    torch.testing.assert_close(getattr(given, parts)[0], getattr(expected.level(finest), parts)[0])
            assert coarse.level(finest) is coarse


def test_batches_hold_the_frames_asked_for_in_their_order(tmp_path):
    with TakeFootage(small_take(tmp_path), torch.device("cpu")) as footage:
        batches = list(footage.batches([[1, 0], [0]]))
    assert [frames for frames, _ in batches] == [[1, 0], [0]]
    assert [[bool(pixels.mask[0].any()) for pixels in images] for _, images in batches] == [[False, True], [True]]


def test_batches_are_asked_for_when_they_are_decoded(tmp_path):
    """So that several devices can share one list of batches."""
    asked = []

    def batches():
        for number in range(10):
            asked.append(number)
            yield [0, 1]

    with TakeFootage(small_take(tmp_path), torch.device("cpu")) as footage, closing(footage.batches(batches())) as used:
        next(used)
        next(used)
        assert asked == [0, 1, 2, 3]


def test_the_synthetic_texture_is_in_range():
    """The scene of these tests is a sound one: no color is clipped, and it is rich everywhere."""
    color = texture(RigModel(head_rig()).neutral)
    assert 0 < color.min() < color.max() < 1
    assert color.std() > 0.1
