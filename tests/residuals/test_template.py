"""The colors that cameras and frames agree on, and the memory of a tracked template."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from facesolve.geometry.camera import CameraModel, Projection
from facesolve.geometry.rotation import rotation_from_tangent
from facesolve.residuals.observation import ImageStack, Observation, image_stacks
from facesolve.residuals.photometric import Template
from facesolve.residuals.template import KNOWN_WEIGHT, KnownColors, TemplateMemory, agree
from facesolve.take import Camera

from .test_normal_equations import placed_at

FRAMES, CAMERAS, SAMPLES = 3, 4, 60


def observation(values: torch.Tensor, weights: torch.Tensor | None = None) -> Observation:
    """values (B, C, N) of points 50 cm before cameras at different places, of images of noise."""
    frames, cameras, count = values.shape
    generator = torch.manual_seed(0)
    rotation = rotation_from_tangent(0.3 * torch.randn(cameras, 3, dtype=torch.float64, generator=generator))
    lenses = [
        Camera(str(c), 100, 100, np.diag([90.0, 90, 1]), rotation[c].numpy(), np.array([0.0, 0, 50]))
        for c in range(cameras)
    ]
    model = CameraModel.from_cameras(lenses, [0] * frames, dtype=torch.float64)
    points = 5 * torch.randn(count, 3, dtype=torch.float64, generator=generator)
    pixels = 100 * torch.rand(*values.shape, 2, dtype=torch.float64, generator=generator)
    return Observation(
        values=values,
        projection=model.project(points)._replace(pixels=pixels),
        rays=torch.zeros(*values.shape, 3, dtype=torch.float64),
        weights=torch.ones_like(values) if weights is None else weights,
        placed=placed_at(points.expand(frames, -1, -1), torch.zeros(count, 3, 0, dtype=torch.float64)),
        cameras=model,
        images=image_stacks(torch.randn(cameras, frames, 100, 100, dtype=torch.float64, generator=generator).unbind()),
    )


def part_of(whole: Observation, rows: slice) -> Observation:
    """What some of the frames saw."""
    stacks = tuple(ImageStack(stack.cameras, stack.values[rows]) for stack in whole.images)
    frames = torch.arange(len(whole.values))[rows]
    parts = {name: getattr(whole, name)[rows] for name in ("values", "rays", "weights")}
    projection = Projection(*(part[rows] for part in whole.projection))
    placed = replace(whole.placed, points=whole.points[rows])
    return replace(
        whole, **parts, projection=projection, placed=placed, cameras=whole.cameras.at(frames), images=stacks
    )


def edges(frames: int = FRAMES) -> torch.Tensor:
    return torch.randn(SAMPLES, 2, 3, dtype=torch.float64, generator=torch.manual_seed(9)).expand(frames, -1, -1, -1)


def colors(noise: float = 0.05) -> tuple[torch.Tensor, torch.Tensor]:
    """True colors (N,) and what was seen of them (B, C, N)."""
    generator = torch.manual_seed(1)
    true = torch.randn(SAMPLES, dtype=torch.float64, generator=generator)
    return true, true + noise * torch.randn(FRAMES, CAMERAS, SAMPLES, dtype=torch.float64, generator=generator)


def random_weights() -> torch.Tensor:
    return torch.rand(FRAMES, CAMERAS, SAMPLES, dtype=torch.float64, generator=torch.manual_seed(2))


def test_without_outliers_it_is_the_weighted_mean():
    _, values = colors()
    weights = random_weights()
    template, used, _ = agree(observation(values, weights), edges(), torch.tensor(1e6).double())
    torch.testing.assert_close(used, weights)
    torch.testing.assert_close(template.values, (weights * values).sum((0, 1)) / weights.sum((0, 1)))
    torch.testing.assert_close(template.weights, weights.sum((0, 1)))


def test_slopes_are_the_mean_of_the_covectors_along_the_edges():
    _, values = colors()
    seen = observation(values, random_weights())
    template, weights, _ = agree(seen, edges())
    slopes = torch.einsum("bcni,nji->bcnj", seen.covectors, edges()[0])
    expected = (weights[..., None] * slopes).sum((0, 1)) / weights.sum((0, 1))[:, None]
    torch.testing.assert_close(template.slopes, expected)


def test_a_camera_that_disagrees_is_not_believed():
    """One observation of twelve is off by 40 deviations: the mean moves by less than one of them."""
    _, values = colors(0.05)
    clean, _, _ = agree(observation(values), edges())
    values[1, 2] += 2.0
    template, weights, scale = agree(observation(values), edges())
    assert (template.values - clean.values).abs().max() < 0.05
    assert weights[1, 2].max() < 0.02
    assert weights[0].median() > 0.8
    assert float(scale) == pytest.approx(0.1, rel=0.3), "two deviations of the noise"


def test_a_given_scale_is_kept():
    _, values = colors()
    scale = torch.tensor(0.37).double()
    assert agree(observation(values), edges(), scale)[2] is scale


def test_samples_seen_once_say_nothing():
    _, values = colors()
    weights = torch.zeros_like(values)
    weights[0, 1] = 1
    weights[2, 3, ::2] = 1
    template, used, _ = agree(observation(values, weights), edges())
    assert (template.weights[::2] > 0).all()
    assert not template.weights[1::2].any()
    assert not used[:, :, 1::2].any()
    assert template.values.isfinite().all()
    assert template.slopes.isfinite().all()


def test_samples_hardly_seen_are_unknown():
    _, values = colors()
    template, weights, _ = agree(observation(values, torch.full_like(values, 0.01)), edges())
    assert not template.weights.any()
    assert not weights.any()


def test_the_weights_are_those_of_the_agreed_color():
    """They belong to the returned template (residuals centered by them sum to zero) up to the last reweighting."""
    _, values = colors()
    template, weights, _ = agree(observation(values, random_weights()), edges())
    centered = (weights * (values - template.values)).sum((0, 1))
    torch.testing.assert_close(centered, torch.zeros_like(centered), atol=1e-12, rtol=0)


def test_a_known_texture_votes_and_is_overruled_where_it_is_wrong():
    true, values = colors(0.05)
    wrong = torch.arange(SAMPLES) % 2 == 0
    own = torch.where(wrong, true + 3.0, true)
    known = Template(own, torch.zeros(SAMPLES, 2, dtype=torch.float64), torch.ones(SAMPLES, dtype=torch.float64))
    scale = torch.tensor(0.2).double()
    plain, _, _ = agree(observation(values), edges(), scale)
    template, _, _ = agree(observation(values), edges(), scale, KnownColors.of(known))
    error, before = (template.values - true).abs(), (plain.values - true).abs()
    assert error[~wrong].mean() < before[~wrong].mean()
    torch.testing.assert_close(template.values[wrong], plain.values[wrong], atol=0.02, rtol=0)


def test_a_known_texture_makes_one_observation_enough():
    _, values = colors()
    weights = torch.zeros_like(values)
    weights[0, 1] = 1
    slopes = torch.zeros(SAMPLES, 2, dtype=torch.float64)
    known = Template(values[0, 1] + 0.1, slopes, (torch.arange(SAMPLES) % 2).double())
    template, used, _ = agree(observation(values, weights), edges(), torch.tensor(1e6).double(), KnownColors.of(known))
    assert (used[0, 1, 1::2] > 0.999).all()
    assert not used[:, :, ::2].any()
    expected = (values[0, 1] + KNOWN_WEIGHT * known.values) / (1 + KNOWN_WEIGHT)
    torch.testing.assert_close(template.values[1::2], expected[1::2])


def memory() -> TemplateMemory:
    return TemplateMemory(SAMPLES, torch.zeros((), dtype=torch.float64))


def frame(seen: torch.Tensor, weights: torch.Tensor | None = None) -> Observation:
    """One frame (C, N) as a batch."""
    return observation(seen[None], None if weights is None else weights[None])


def test_an_empty_memory_knows_nothing():
    template = memory().template()
    assert isinstance(template, Template)
    assert not template.weights.any()
    assert template.values.isfinite().all()


def test_the_first_frame_is_taken_as_it_is():
    _, values = colors(0.3)
    weights = random_weights()[0]
    remembered = memory()
    remembered.add([(frame(values[0], weights), edges(1))])
    template = remembered.template()
    torch.testing.assert_close(template.values, (weights * values[0]).sum(0) / weights.sum(0))
    slopes = torch.einsum("cni,nji->cnj", frame(values[0]).covectors[0], edges(1)[0])
    torch.testing.assert_close(template.slopes, (weights[..., None] * slopes).sum(0) / weights.sum(0)[:, None])


def test_the_memory_converges_to_the_true_colors():
    true, _ = colors()
    generator, remembered = torch.manual_seed(7), memory()
    errors = []
    for _ in range(16):
        seen = true + 0.1 * torch.randn(CAMERAS, SAMPLES, dtype=torch.float64, generator=generator)
        remembered.add([(frame(seen), edges(1))])
        errors.append(float((remembered.template().values - true).square().mean().sqrt()))
    # a plain mean would come to a quarter; robust weights hold on to the first frames' colors
    assert errors[-1] < 0.7 * errors[0]


def test_what_disagrees_with_the_memory_counts_little():
    """A hand before half of the face for one frame leaves less than a twentieth of itself in the template."""
    _, values = colors(0.05)
    remembered = memory()
    for one in values:
        remembered.add([(frame(one), edges(1))])
    before = remembered.template().values
    hidden = values[0].clone()
    hidden[:, ::3] += 3.0
    remembered.add([(frame(hidden), edges(1))])
    assert (remembered.template().values - before).abs()[::3].max() < 0.05 * 3.0


def test_a_memory_that_trusts_a_texture_begins_with_it():
    true, _ = colors()
    slopes = torch.randn(SAMPLES, 2, dtype=torch.float64, generator=torch.manual_seed(5))
    remembered = memory()
    remembered.trust(Template(true, slopes, (torch.arange(SAMPLES) % 3).double()))
    template = remembered.template()
    has = torch.arange(SAMPLES) % 3 > 0
    torch.testing.assert_close(template.values[has], true[has])
    torch.testing.assert_close(template.slopes[has], slopes[has])
    assert not template.weights[~has].any()


def test_unseen_samples_stay_unknown():
    _, values = colors()
    weights = torch.ones(CAMERAS, SAMPLES, dtype=torch.float64)
    weights[:, ::2] = 0
    remembered = memory()
    remembered.add([(frame(values[0], weights), edges(1))])
    template = remembered.template()
    assert not template.weights[::2].any()
    assert (template.weights[1::2] > 0).all()
    remembered.add([(frame(values[1]), edges(1))])
    torch.testing.assert_close(remembered.template().values[::2], values[1].mean(0)[::2])


def test_it_does_not_matter_in_how_many_parts_frames_are_remembered():
    true, values = colors(0.3)
    first = torch.rand(values[:1].shape, dtype=torch.float64, generator=torch.manual_seed(3))
    memories = []
    for parts in ([slice(0, FRAMES)], [slice(0, 1), slice(1, FRAMES)]):
        memory = TemplateMemory(SAMPLES, true)
        memory.add([(observation(values[:1], first), edges(1))])
        whole, along = observation(values), edges()
        memory.add([(part_of(whole, part), along[part]) for part in parts])
        memories.append(memory)
    torch.testing.assert_close(memories[0].sums, memories[1].sums)
    torch.testing.assert_close(memories[0].weights, memories[1].weights)
    alone = TemplateMemory(SAMPLES, true)
    alone.add([(observation(values[:1], first), edges(1))])
    for frame in range(FRAMES):  # each against what the ones before it have taught
        alone.add([(part_of(observation(values), slice(frame, frame + 1)), edges(1))])
    assert not torch.allclose(alone.sums, memories[0].sums)
