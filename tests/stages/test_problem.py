"""Poses and what a problem says about them: steps, bounds, independent observations."""

import pytest
import torch

from facesolve.geometry.rigid import retract
from facesolve.take import HeadPin, Pin, Settings
from tests.synthetic import DISTANCE, FOCAL, head_rig, make_problem, make_take, performance


def test_a_step_adds_controls_and_moves_the_head_on_its_manifold():
    pose = performance(3)
    step = torch.randn(3, 11, dtype=torch.float64, generator=torch.manual_seed(0))
    moved = pose.stepped(step)
    torch.testing.assert_close(moved.controls, pose.controls + step[:, :5])
    torch.testing.assert_close(moved.head, retract(pose.head, step[:, 5:]))


def test_the_box_is_what_is_left_of_the_ranges():
    problem = make_problem(make_take(head_rig(), Settings(pins=(Pin(2, "jaw", 0.5),))), samples=10)
    pose = performance(3).at([0, 2])
    lower, upper = problem.box(pose, torch.tensor([0, 2]))
    torch.testing.assert_close(pose.controls + lower[:, :5], problem.prior.lower[[0, 2]])
    torch.testing.assert_close(pose.controls + upper[:, :5], problem.prior.upper[[0, 2]])
    assert lower[1, 2] == upper[1, 2]
    assert (lower[:, 5:] == -torch.inf).all()
    assert (upper[:, 5:] == torch.inf).all()


def test_a_pinned_head_is_put_there_and_held():
    pinned = performance(4).head[1]
    settings = Settings(pins=(Pin(2, "jaw", 0.5),), head_pins=(HeadPin(2, pinned.numpy()),))
    problem = make_problem(make_take(head_rig(), settings), samples=10)
    pose, frames = performance(3), torch.arange(3)
    held = problem.held(pose, frames)
    assert torch.equal(held.head[:2], pose.head[:2])
    assert torch.equal(held.head[2], pinned)
    assert float(held.controls[2, 2]) == 0.5
    lower, upper = problem.box(held, frames)
    assert torch.isinf(lower[:2, 5:]).all()
    assert not lower[2, 5:].any()
    assert not upper[2, 5:].any()


def test_the_box_holds_what_may_not_move():
    fixed = make_problem(make_take(head_rig(), Settings(head="fixed")), samples=10)
    lower, upper = fixed.box(performance(2), torch.tensor([0, 1]))
    assert not lower[:, 5:].any()
    assert not upper[:, 5:].any()
    free = make_problem(make_take(head_rig()), samples=10)
    lower, upper = free.box(performance(2), torch.tensor([0, 1]), free_controls=False)
    assert not lower[:, :5].any()
    assert not upper[:, :5].any()


def test_information_does_not_grow_with_samples_nearer_than_correlated_pixels():
    """Beyond a sample for every 16 pixels, N samples of variance N count as one."""
    scale = torch.tensor(0.2)
    problem = make_problem(make_take(head_rig()), samples=4000)
    few, some, many = (problem.with_samples(problem.samples.thinned(n)) for n in (2000, 2, 1))
    assert float(few.noise_variance(scale, 0)) == pytest.approx(0.01)
    ratio = float(many.noise_variance(scale, 0) / some.noise_variance(scale, 0))
    assert ratio == pytest.approx(2, rel=1e-3)
    spacing = many.samples.spacing * FOCAL / DISTANCE
    assert float(many.noise_variance(scale, 0)) == pytest.approx(0.01 * 16 / spacing**2, rel=1e-4)
    assert float(many.noise_variance(scale, 1)) == pytest.approx(0.01 * 16 * 4 / spacing**2, rel=1e-4)
