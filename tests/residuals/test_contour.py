"""The contour against numeric derivatives, known displacements, backgrounds of every kind, and real footage."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from facesolve.evaluate.evaluation import read_truth
from facesolve.footage.matte import Matte, half_chroma
from facesolve.footage.stream import FramePixels, TakeFootage
from facesolve.geometry.camera import CameraModel, scaled
from facesolve.geometry.pose import Pose
from facesolve.geometry.rig import RigModel, apply_head
from facesolve.jobs.pack import pack_take
from facesolve.jobs.requests import PackRequest
from facesolve.render import opposite_vertices
from facesolve.render.rasterize_torch import rasterize
from facesolve.residuals.contour import ContourBuilder, ContourPoints, contour_distances, contour_quadratic
from facesolve.residuals.crossings import find_crossings
from facesolve.stages.problem import Problem
from facesolve.stages.setup import prepare
from facesolve.take import Camera, Rig, Settings
from tests.synthetic import FOCAL, HEIGHT, WIDTH, cameras, head_rig, make_problem, make_take, performance

SKIN, BACKGROUND = 0.4, 0.1  # linear light
SUPERSAMPLING = 5


def coverages(model: RigModel, pose: Pose, lenses: tuple[Camera, ...] = cameras()) -> list[Tensor]:
    """What share of each pixel the rig covers in each camera at a pose (B = 1)."""
    world = apply_head(pose.head.to(model.dtype), model.vertices(pose.controls.to(model.dtype)))
    images = []
    for lens in lenses:
        fine = scaled(lens, SUPERSAMPLING)
        matrix = CameraModel.from_cameras([fine], dtype=model.dtype).clip_matrices(10.0, 200.0)
        clip = F.pad(world, (0, 1), value=1.0) @ matrix.mT
        triangle, _, _ = rasterize(clip, model.triangles, (fine.height, fine.width))
        images.append(F.avg_pool2d((triangle >= 0).to(torch.float32), SUPERSAMPLING)[0])
    return images


def filmed(alphas: list[Tensor], background: float | Tensor = BACKGROUND) -> FramePixels:
    """Gray footage of an actor of even color before ``background``, linear light."""
    linear = [alpha * SKIN + (1 - alpha) * background for alpha in alphas]
    return FramePixels(tuple(image.sqrt() for image in linear), tuple(torch.ones_like(image) for image in linear))


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


class Contour:
    """The head of one frame, where it truly is and what was filmed of it."""

    def __init__(self, rig: Rig | None = None, dtype: torch.dtype = torch.float32, strength: float = 1.0) -> None:
        take = make_take(rig or head_rig(), Settings(contour=strength))
        self.problem: Problem = make_problem(take, dtype=dtype)
        self.truth = performance().at([0])
        self.builder = ContourBuilder(take, self.problem.model, self.problem.views)
        self.alphas = coverages(self.problem.model, self.truth)

    def points(self, pixels: FramePixels, pose: Pose, level: int = 0) -> ContourPoints:
        visibility = self.problem.views.visibility(self.problem.samples, level, [0], pose.controls, pose.head)
        mattes = self.builder.mattes([pixels], visibility.coverage, level)
        return self.builder.build(mattes, visibility.coverage, pose.controls, pose.head, [0], level)

    def distances(self, points: ContourPoints, pose: Pose) -> Tensor:
        model = self.problem.model
        deformation = model.deformation(pose.controls.to(model.dtype))
        return contour_distances(points, deformation, pose.head.to(model.dtype))[0][0]

    def shifted(self, *step: float) -> Pose:
        """The truth with the head moved by (w, u), radians and centimeters along its own axes."""
        free = torch.zeros(1, self.truth.controls.shape[1] + 6, dtype=torch.float64)
        free[0, -6:] = torch.tensor(step, dtype=torch.float64)
        return self.truth.stepped(free)

    def fitted(self, pixels: FramePixels, pose: Pose, rounds: int = 12) -> Pose:
        """Gauss-Newton on the head transform by the contour alone."""
        for _ in range(rounds):
            points = self.points(pixels, pose)
            A, b, _ = contour_quadratic(self.problem.model, points, pose.controls, pose.head)
            step = torch.zeros_like(b)
            step[:, -6:] = torch.linalg.solve(A[:, -6:, -6:] + 1e-6 * torch.eye(6), b[:, -6:])
            pose = pose.stepped(step)
        return pose

    def error_pixels(self, pose: Pose) -> float:
        """How far the head's center is from the truth, in pixels of the image."""
        center = torch.tensor([[[0.0, 0.0, 0.0]]], dtype=torch.float64)
        apart = apply_head(pose.head, center) - apply_head(self.truth.head, center)
        return float(apart.norm()) * FOCAL / 60.0


@pytest.fixture(scope="module")
def contour() -> Contour:
    return Contour()


def test_gradient_is_that_of_the_cost() -> None:
    contour = Contour(dtype=torch.float64)
    near = contour.truth.stepped(
        torch.tensor([[0.03, -0.02, 0.05, 0.02, -0.04, 0.01, -0.02, 0.01, 0.1, -0.1, 0.2]]).double()
    )
    points = contour.points(filmed(contour.alphas), near)

    def cost(step: Tensor) -> float:
        moved = near.stepped(step[None])
        return float(contour_quadratic(contour.problem.model, points, moved.controls, moved.head)[2])

    _, b, _ = contour_quadratic(contour.problem.model, points, near.controls, near.head)
    numeric = [(cost(1e-5 * e) - cost(-1e-5 * e)) / 2e-5 for e in torch.eye(b.shape[1], dtype=torch.float64)]
    assert b.abs().max() > 1
    torch.testing.assert_close(b[0], -torch.tensor(numeric, dtype=torch.float64), rtol=1e-5, atol=1e-5)


def test_jacobian_is_that_of_the_distances() -> None:
    contour = Contour(dtype=torch.float64)
    points = contour.points(filmed(contour.alphas), contour.truth)
    model, pose = contour.problem.model, contour.truth
    deformation = model.deformation(pose.controls)
    slopes = deformation.J_unknown_control
    J = contour_distances(points, deformation, pose.head)[1][0]
    J = torch.cat([J[:, : model.shape_count] @ slopes[0], J[:, model.shape_count :]], 1)
    for column, direction in enumerate(torch.eye(J.shape[1], dtype=torch.float64)):
        ahead, behind = (contour.distances(points, pose.stepped(h * direction[None])) for h in (1e-5, -1e-5))
        torch.testing.assert_close(J[:, column], (ahead - behind) / 2e-5, rtol=1e-6, atol=1e-6)


def test_matrix_is_symmetric_and_without_negative_direction(contour: Contour) -> None:
    pose = contour.shifted(0, 0, 0, 0.2, 0, 0)
    A, _, _ = contour_quadratic(
        contour.problem.model, contour.points(filmed(contour.alphas), pose), pose.controls, pose.head
    )
    torch.testing.assert_close(A, A.mT)
    eigenvalues = torch.linalg.eigvalsh(A[0])
    assert eigenvalues[0] > -1e-6 * eigenvalues[-1]


@pytest.mark.parametrize("level", [0, 1])
def test_outline_meets_the_footage_at_the_truth(contour: Contour, level: int) -> None:
    points = contour.points(filmed(contour.alphas), contour.truth, level)
    distance = contour.distances(points, contour.truth)
    assert points.refusals == ("", "", "")
    assert len(distance) > 600 / 2**level  # three outlines of about 260 pixels
    assert abs(float(distance.median())) < 0.05
    assert float(distance.abs().quantile(0.95)) < 0.3


def test_distance_is_positive_where_the_rig_reaches_too_far(contour: Contour) -> None:
    nearer = contour.shifted(0, 0, 0, 0, 0, 3.0)
    distance = contour.distances(contour.points(filmed(contour.alphas), nearer), nearer)
    assert float(distance.median()) > 0.8


@pytest.mark.parametrize(
    "step",
    [
        pytest.param((0, 0, 0, 0.5, -0.3, 0), id="shift"),
        pytest.param((0, 0, 0, 0, 0, 3.0), id="size"),
        pytest.param((0.03, -0.02, 0.08, 0, 0, 0), id="turn"),
        pytest.param((0.02, 0.01, -0.05, 0.3, 0.4, 1.0), id="all"),
    ],
)
def test_contour_alone_brings_the_head_back(contour: Contour, step: tuple[float, ...]) -> None:
    start = contour.shifted(*step)
    pixels = filmed(contour.alphas)
    assert contour.error_pixels(contour.fitted(pixels, start)) < 0.1


def test_noisy_background_of_one_shade_is_clean(contour: Contour) -> None:
    shade = BACKGROUND + 0.03 * torch.linspace(0, 1, WIDTH) ** 2
    images = filmed(contour.alphas, shade)
    noisy = tuple(
        (image**2 + 0.006 * noise(HEIGHT, WIDTH, seed=k)).clamp_min(0).sqrt()
        for k, image in enumerate(images.luminance)
    )
    pixels = replace(images, luminance=noisy)
    assert contour.points(pixels, contour.truth).refusals == ("", "", "")
    assert contour.error_pixels(contour.fitted(pixels, contour.shifted(0, 0, 0, 0.4, 0.2, 0.5))) < 0.1


def textured() -> Tensor:
    return (
        BACKGROUND
        + 0.3
        * F.interpolate(torch.rand(1, 1, 12, 16, generator=torch.Generator().manual_seed(1)), (HEIGHT, WIDTH))[0, 0]
    )


def cluttered() -> Tensor:
    background = torch.full((HEIGHT, WIDTH), BACKGROUND)
    background[20:50, 2:22] = 0.6
    return background


@pytest.mark.parametrize(
    ("background", "reason"),
    [
        pytest.param(textured(), "uniform", id="texture"),
        pytest.param(cluttered(), "not clean", id="a lamp at the side"),
        pytest.param(torch.tensor(SKIN + 0.002), "separated from", id="of the skin's color"),
    ],
)
def test_other_backgrounds_give_no_contour(contour: Contour, background: Tensor, reason: str) -> None:
    points = contour.points(filmed(contour.alphas, background), contour.truth)
    assert all(reason in refusal for refusal in points.refusals)
    A, b, cost = contour_quadratic(contour.problem.model, points, contour.truth.controls, contour.truth.head)
    assert not A.any()
    assert not b.any()
    assert not cost.any()


def test_missing_image_gives_no_contour(contour: Contour) -> None:
    pixels = filmed(contour.alphas)
    blank = torch.zeros_like(pixels.mask[0])
    points = contour.points(
        replace(pixels, luminance=(blank, *pixels.luminance[1:]), mask=(blank, *pixels.mask[1:])), contour.truth
    )
    assert [bool(refusal) for refusal in points.refusals] == [True, False, False]


def test_color_tells_the_actor_where_luminance_does_not(contour: Contour) -> None:
    # green and red of the same luminance
    skin, background = torch.tensor([0.5, 0.2, 0.2]), torch.tensor([0.2, 0.2892, 0.2])
    weights = torch.tensor([0.2126, 0.7152, 0.0722])
    assert abs(float(weights @ (skin - background))) < 1e-3
    linear = [alpha[..., None] * skin + (1 - alpha[..., None]) * background for alpha in contour.alphas]
    gray = FramePixels(
        tuple((image @ weights).sqrt() for image in linear), tuple(torch.ones_like(a) for a in contour.alphas)
    )
    assert all("separated from" in refusal for refusal in contour.points(gray, contour.truth).refusals)
    pixels = replace(gray, chroma=tuple(half_chroma(image) for image in linear))
    for level in (0, 1):
        points = contour.points(pixels, contour.truth, level)
        assert points.refusals == ("", "", "")
        assert float(contour.distances(points, contour.truth).abs().median()) < 0.15


def test_image_border_is_no_contour() -> None:
    contour = Contour()
    contour.truth = contour.shifted(0, 0, 0, 0, -6.0, 0)  # the chin is below the lower border of every image
    contour.alphas = coverages(contour.problem.model, contour.truth)
    assert all(bool((alpha[-1] > 0.5).sum() > 20) for alpha in contour.alphas)
    points = contour.points(filmed(contour.alphas), contour.truth)
    assert points.refusals == ("", "", "")
    assert float(contour.distances(points, contour.truth).abs().max()) < 1
    assert not bool(((points.crossings[..., 1] > HEIGHT - 3) & (points.normals[..., 1] > 0.9)).any())
    start = contour.truth.stepped(contour.shifted(0, 0, 0, 0, 0, 0).controls.new_tensor([[0.0] * 8 + [0.4, 0.3, 0.0]]))
    assert contour.error_pixels(contour.fitted(filmed(contour.alphas), start)) < 0.1


def test_hair_matters_only_where_it_is(contour: Contour) -> None:
    rows, columns = torch.meshgrid(torch.arange(HEIGHT), torch.arange(WIDTH), indexing="ij")
    tuft = ((rows - 22) ** 2 + (columns - 80) ** 2 < 12**2).float()  # on top of the front camera's head
    alphas = [contour.alphas[0], torch.maximum(contour.alphas[1], tuft), contour.alphas[2]]
    grown = alphas[1] > contour.alphas[1] + 0.5
    assert 60 < int(grown.sum()) < 400
    pixels = filmed(alphas)
    points = contour.points(pixels, contour.truth)
    assert points.refusals == ("", "", "")
    bald = contour.points(filmed(contour.alphas), contour.truth)
    far = contour.distances(points, contour.truth).abs() > 1
    assert int(far.sum()) < 0.06 * bald.weight.numel()
    assert contour.error_pixels(contour.fitted(pixels, contour.shifted(0, 0, 0, 0.2, -0.2, 0.2))) < 0.2


def test_matte_is_used_whatever_the_background(contour: Contour) -> None:
    pixels = filmed(contour.alphas, textured())
    with_matte = replace(pixels, mask=tuple(contour.alphas), matte=tuple(contour.alphas))
    for level in (0, 1):
        points = contour.points(with_matte, contour.truth, level)
        assert points.refusals == ("", "", "")
        assert float(contour.distances(points, contour.truth).abs().median()) < 0.1


def test_edge_of_what_the_camera_saw_is_no_contour(contour: Contour) -> None:
    unseen = [alpha.clone() for alpha in contour.alphas]
    for alpha in unseen:
        alpha[:, :80] = torch.nan
    pixels = replace(filmed(contour.alphas), matte=tuple(unseen))
    points = contour.points(pixels, contour.truth)
    assert points.weight.numel()
    assert bool((points.crossings[..., 0] > 80).all())
    assert float(contour.distances(points, contour.truth).abs().quantile(0.99)) < 0.5


def test_strength_scales_and_zero_turns_it_off(contour: Contour) -> None:
    pose = contour.shifted(0, 0, 0, 0.2, 0, 0)
    single, triple, off = (
        contour_quadratic(c.problem.model, c.points(filmed(contour.alphas), pose), pose.controls, pose.head)
        for c in (contour, Contour(strength=3.0), Contour(strength=0.0))
    )
    for one, three, none in zip(single, triple, off, strict=True):
        torch.testing.assert_close(three, 3 * one, rtol=1e-4, atol=1e-3)
        assert one.any()
        assert not none.any()


def test_information_does_not_depend_on_how_densely_points_lie(contour: Contour) -> None:
    """Coverage of half the resolution gives half the points, each for twice the outline."""
    fine = contour.points(filmed(contour.alphas), contour.truth)
    visibility = contour.problem.views.visibility(
        contour.problem.samples, 1, [0], contour.truth.controls, contour.truth.head
    )
    mattes = contour.builder.mattes([filmed(contour.alphas)], visibility.coverage, 0)
    coarse = contour.builder.build(mattes, visibility.coverage, contour.truth.controls, contour.truth.head, [0], 0)
    assert 0.4 < coarse.weight.numel() / fine.weight.numel() < 0.6
    assert 0.8 < float(coarse.weight.sum() / fine.weight.sum()) < 1.2


def test_mattes_of_a_pose_nearby_are_taken_over_unless_they_were_refused(contour: Contour) -> None:
    pose = contour.shifted(0, 0, 0, 0.3, 0, 0)
    coverage = contour.problem.views.visibility(contour.problem.samples, 0, [0], pose.controls, pose.head).coverage
    pixels = [filmed(contour.alphas)]
    first = contour.builder.mattes(pixels, coverage, 0)
    again = contour.builder.mattes(pixels, coverage, 0, [first[0], Matte(None, "not yet"), first[2]])
    assert again[0] is first[0]
    assert again[2] is first[2]
    assert again[1].alpha is not None
    assert first[1].alpha is not None
    torch.testing.assert_close(again[1].alpha, first[1].alpha)


def test_surface_without_photometric_weight_takes_no_part() -> None:
    rig = head_rig()
    lower = rig.neutral[:, 1] < 0
    contour = Contour(replace(rig, photometric_weight=lower.astype(np.float32)))
    points = contour.points(filmed(contour.alphas), contour.truth)
    assert points.weight.numel() > 200
    assert bool((points.neutral[..., 1] < 0).all())


def test_end_of_the_mesh_is_no_contour() -> None:
    rig = head_rig()
    faces = rig.face_vertices.reshape(-1, 3)
    kept = faces[(rig.neutral[faces, 1] < 3.0).all(1)]  # without the skull's top
    contour = Contour(replace(rig, face_counts=np.full(len(kept), 3), face_vertices=kept.reshape(-1), meshes=()))
    used = contour.builder.outline_edges
    assert not bool((used & (opposite_vertices(contour.problem.model.triangles) < 0)).any())
    whole = Contour()
    points = contour.points(filmed(whole.alphas), whole.truth)
    distance = contour.distances(points, whole.truth)
    assert len(distance) > 300
    assert float(distance.abs().quantile(0.95)) < 0.3


def test_crossing_is_sub_pixel_and_must_face_the_same_way() -> None:
    alpha = (torch.arange(40.0).expand(30, 40) < 20).float()
    alpha[:, 20] = 0.3  # the outline is at x = 20.3
    points = torch.tensor([[18.0, 15.0], [25.0, 10.2], [18.0, 15.0], [18.0, 15.0], [5.0, 15.0]])
    slanted = [0.54, 0.84]  # 57 degrees
    normals = torch.tensor([[1.0, 0.0], [1.0, 0.0], [-1.0, 0.0], slanted, [1.0, 0.0]])
    crossings, found = (part[0] for part in find_crossings(alpha[None], points[None], normals[None]))
    assert found.tolist() == [True, True, False, False, False]
    assert crossings[:2, 0].tolist() == pytest.approx([20.3, 20.3], abs=0.1)


def test_chroma_follows_the_levels() -> None:
    linear = torch.rand(11, 14, 3)
    pixels = FramePixels((linear[..., 0],), (torch.ones(11, 14),), (half_chroma(linear),), (None,))
    for level, size in ((0, (5, 7)), (1, (5, 7)), (2, (2, 3))):
        assert tuple(pixels.level(level).chroma[0].shape[1:]) == size
    assert pixels.level(1).level(2).chroma[0].equal(pixels.level(2).chroma[0])


def test_outline_of_the_real_head_meets_its_footage(facesolve_data: Path, tmp_path: Path) -> None:
    folder = facesolve_data / "ict_rom"
    names = list(json.loads((folder / "calibration.json").read_text()))
    source = str(folder / "footage" / "{camera}" / "{camera}_{frame:04d}.jpg")
    request = PackRequest(
        rig=folder / "rig.npz",
        cameras=folder / "calibration.json",
        footage=source,
        frames=(0, 1),
        fps=30.0,
        start=folder / "start.json",
    )
    take = pack_take(request, tmp_path / "take")
    problem, _, _ = prepare(take, torch.device("cpu"))
    truth = read_truth(folder / "truth.npz")
    columns = [truth.names.index(name) for name in take.rig.control_names]
    pose = Pose(torch.tensor(truth.weights[:1, columns]), torch.tensor(truth.head[:1]))
    builder = ContourBuilder(take, problem.model, problem.views)
    with TakeFootage(take, torch.device("cpu")) as footage:
        ((_, pixels),) = footage.frames([0])
    visibility = problem.views.visibility(problem.samples, 0, [0], pose.controls, pose.head)
    mattes = builder.mattes([pixels], visibility.coverage, 0)
    points = builder.build(mattes, visibility.coverage, pose.controls, pose.head, [0], 0)
    deformation = problem.model.deformation(pose.controls.float())
    distance, _ = contour_distances(points, deformation, pose.head.float())
    assert points.refusals == ("",) * len(names)
    assert float(distance.abs().median()) < 0.3


def test_coverage_may_be_finer_than_the_level(contour: Contour) -> None:
    pose = contour.truth
    fine = contour.problem.views.visibility(contour.problem.samples, 0, [0], pose.controls, pose.head).coverage
    mattes = contour.builder.mattes([filmed(contour.alphas)], fine, 1)
    points = contour.builder.build(mattes, fine, pose.controls, pose.head, [0], 1)
    usual = contour.points(filmed(contour.alphas), pose, 1)
    assert abs(float(contour.distances(points, pose).median())) < 0.05
    assert 0.8 < float(points.weight.sum() / usual.weight.sum()) < 1.2
