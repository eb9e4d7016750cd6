"""Captured functions: what a recording is made for and serves, and that with a GPU it gives the same."""

import gc
import weakref
from dataclasses import dataclass, replace

import pytest
import torch
from torch import Tensor

from facesolve.optimize.levenberg_marquardt import Linearized, Options, Stop, levenberg_marquardt, uncaptured
from facesolve.runtime import cuda_graphs
from facesolve.runtime.cuda_graphs import FEW, CudaGraphs, key_of
from facesolve.stages import frame_fit
from facesolve.stages.problem import Problem
from facesolve.stages.refine import learn_template
from tests.synthetic import head_scene

from .imitated_graphs import imitate_graphs


@pytest.fixture
def imitated(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything but the CUDA graph itself, on the CPU."""
    imitate_graphs(monkeypatch)


DEVICES = ["cpu", pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU"))]


class Thing:
    """Something that is compared by which one it is."""


@dataclass(frozen=True, eq=False)
class Fixed:
    """Stands for its constants."""

    thing: Thing
    number: float = 1.0
    cache: object = None

    def constants(self) -> tuple[object, ...]:
        return self.thing, self.number


@dataclass(frozen=True, eq=False)
class Given:
    factor: Tensor
    fixed: Fixed
    level: int = 0


@dataclass(frozen=True, eq=False)
class State:
    value: Tensor
    steps: Tensor


THING = Thing()


def given(factor: float, device: str = "cpu") -> Given:
    return Given(torch.tensor(factor, device=device), Fixed(THING))


def begun(device: str = "cpu", value: float = 1.0) -> State:
    return State(torch.full((3,), value, device=device), torch.zeros((), device=device))


def begin(given: Given, now: Tensor) -> State:
    return State(now + 1, torch.zeros_like(now[0]))


def grow(given: Given, now: State) -> State:
    return State(now.value * given.factor, now.steps + 1)


def test_another_value_of_a_tensor_is_served_by_the_same_recording():
    assert key_of(given(2.0)) == key_of(given(3.0))


def test_other_shapes_strides_and_types_are_not():
    one = given(2.0)
    key = key_of(replace(one, factor=torch.zeros(2, 2)))
    for factor in (torch.zeros(2, 3), torch.zeros(2, 2).T, torch.zeros(2, 2).double()):
        assert key_of(replace(one, factor=factor)) != key
    assert key_of(torch.zeros(2, 3).T, strides=False) == key_of(torch.zeros(3, 2), strides=False)


def test_other_numbers_and_kinds_of_fits_are_not():
    @dataclass(frozen=True, eq=False)
    class Like(Given):
        pass

    one = given(2.0)
    assert key_of(replace(one, level=1)) != key_of(one)
    assert key_of(replace(one, level=True)) != key_of(replace(one, level=1))
    assert key_of(replace(one, fixed=replace(one.fixed, number=2.0))) != key_of(one)
    assert key_of(Like(one.factor, one.fixed, one.level)) != key_of(one)
    assert key_of((one, None)) != key_of((one, ()))


def test_another_object_is_not_though_it_be_equal():
    one = given(2.0)
    assert key_of(replace(one, fixed=Fixed(Thing()))) != key_of(one)
    assert key_of(replace(one, fixed=replace(one.fixed, cache=Thing()))) == key_of(one), "no constant"


def test_a_key_keeps_its_objects_alive_so_that_none_takes_their_place():
    thing = Thing()
    watched, key = weakref.ref(thing), key_of(replace(given(1.0), fixed=Fixed(thing)))
    del thing
    gc.collect()
    assert watched() is not None
    assert all(key_of(replace(given(1.0), fixed=Fixed(Thing()))) != key for _ in range(50))
    del key
    gc.collect()
    assert watched() is None


def test_every_problem_with_other_samples_has_recordings_of_its_own():
    """Fresh problems may well be at the address of an earlier one."""
    problem = head_scene().problem
    keys = [key_of(problem.with_samples(problem.samples.thinned(2))) for _ in range(20)]
    assert len(set(keys)) == 20
    assert key_of(problem) == key_of(replace(problem))
    for change in ({"prior": replace(problem.prior)}, {"pixels_per_cm": 3.0}, {"take": replace(problem.take)}):
        assert key_of(replace(problem, **change)) != key_of(problem)


def test_recordings_do_not_keep_the_problem_alive():
    problem = replace(head_scene().problem, graphs=CudaGraphs())
    problem.graphs.met.add(key_of(problem))
    watched = weakref.ref(problem.graphs)
    del problem
    assert watched() is None, "no circle that only the garbage collector finds"


def fitted(problem: Problem, frames: list[int]) -> frame_fit.FrameFit:
    """Frames from 2 mm off, as a tracker fits them."""
    scene = head_scene()
    step = torch.tensor([0.05, -0.04, 0.03, 0.0, 0.02, 0.01, -0.01, 0.0, 0.1, -0.1, 0.1], dtype=torch.float64)
    pose = scene.truth.at(frames).stepped(step.expand(len(frames), -1))
    template = learn_template(problem, scene.pixels, scene.truth, scene.frames, 0).template
    pixels = [scene.pixels[frame] for frame in frames]
    views = problem.views.views(problem.samples, 0, frames, pixels, pose.controls, pose.head)
    anchor = frame_fit.Anchor(pose.controls, torch.ones(5).double())
    options = frame_fit.FrameFitOptions(4, template_share=0.5)
    return frame_fit.fit_frames(problem, template, views, pose, torch.tensor(frames), 0, options, anchor)


def test_frames_that_are_fitted_again_are_served_by_the_recording_of_the_first(monkeypatch):
    """What differs from one fit to the next of a tracker are values of tensors only."""
    keys = []

    def captured(function):
        def called(given, now):
            keys.append((function, key_of(given), key_of(now, strides=False)))
            return function(given, now)

        return called

    monkeypatch.setattr(CudaGraphs, "kept", lambda _: captured)
    for frames in ([0, 1], [2, 3]):
        fitted(head_scene().problem, frames)
    first, second = keys[: len(keys) // 2], keys[len(keys) // 2 :]
    assert first == second
    assert len(set(keys)) == 2, "one recording of the beginning, one of all steps"


def test_a_run_on_a_cpu_records_nothing():
    graphs = CudaGraphs()
    run = graphs.kept()(grow)
    assert run(given(2.0), begun()).value.tolist() == [2.0] * 3
    assert not graphs.met


def test_few_steps_are_not_recorded():
    assert CudaGraphs().passing(FEW) is uncaptured
    assert CudaGraphs().passing(FEW + 1) is not uncaptured


@pytest.mark.parametrize("device", DEVICES)
def test_recordings_that_are_kept_give_what_the_steps_give_for_later_inputs_too(device):
    graphs, runs = CudaGraphs(), []
    for factor, times, value in ((2.0, 5, 1.0), (3.0, 2, 7.0), (0.5, 7, 2.0), (2.0, 1, 3.0)):
        captured = graphs.kept()
        first, step = captured(begin), captured(grow)
        held, start = given(factor, device), torch.full((3,), value, device=device)
        now = first(held, start)
        for _ in range(times):
            now = step(held, now)
        torch.testing.assert_close(now.value.cpu(), torch.full((3,), (value + 1) * factor**times))
        assert int(now.steps) == times
        assert start.tolist() == [value] * 3, "what a run begins with is left alone"
        runs.append((held, factor))
    assert all(float(held.factor) == factor for held, factor in runs), "and what it was given, by later runs"


@pytest.mark.parametrize("device", DEVICES)
def test_recordings_that_pass_give_what_the_steps_give(device):
    graphs = CudaGraphs()
    for factor in (2.0, 0.5):
        step = graphs.passing(6)(grow)
        held, now = given(factor, device), begun(device)
        for _ in range(6):
            now = step(held, now)
        torch.testing.assert_close(now.value.cpu(), torch.full((3,), factor**6))


@pytest.mark.usefixtures("imitated")
def test_what_is_loaded_and_read_gives_what_the_steps_give():
    test_recordings_that_are_kept_give_what_the_steps_give_for_later_inputs_too("cpu")
    test_recordings_that_pass_give_what_the_steps_give("cpu")


@dataclass(frozen=True, eq=False)
class Bowl:
    """Points (B, 2) towards targets (B, 2), over a rim that is not a parabola."""

    target: Tensor
    fixed: Fixed

    def linearize(self, at: Tensor, scale: Tensor | None) -> Linearized:
        off = at - self.target
        weight = (1 + off.square().sum(1)).rsqrt()
        A = weight[:, None, None] * torch.eye(2, dtype=at.dtype, device=at.device)
        return Linearized(A, -weight[:, None] * off, (1 + off.square().sum(1)).sqrt(), weight)

    def stepped(self, at: Tensor, step: Tensor) -> Tensor:
        return at + step

    def bounds(self, at: Tensor) -> tuple[Tensor, Tensor]:
        return -10 - at, 10 - at


def assert_recorded_fits_end_where_plain_ones_do(device: str, kept: bool) -> None:
    graphs = CudaGraphs()
    options = Options(12, step_tolerance=1e-6, box_rounds=3)
    for seed in range(4):
        start, target = (
            5 * torch.randn(6, 2, dtype=torch.float64, generator=torch.manual_seed(2 * seed + part)) for part in (0, 1)
        )
        plain = levenberg_marquardt(Bowl(target, Fixed(THING)), start, options)
        fit, captured = Bowl(target.to(device), Fixed(THING)), graphs.kept() if kept else graphs.passing(12)
        recorded = levenberg_marquardt(fit, start.to(device), options, captured)
        torch.testing.assert_close(recorded.state.cpu(), plain.state)
        torch.testing.assert_close(recorded.model.cost.cpu(), plain.model.cost)
        torch.testing.assert_close(recorded.costs[: len(plain.costs)].cpu(), plain.costs)
        assert recorded.reasons() == plain.reasons() == [Stop.CONVERGED] * 6
    assert len(graphs.graphs) == (2 if kept else 0)


@pytest.mark.parametrize("kept", [True, False])
@pytest.mark.usefixtures("imitated")
def test_a_fit_through_what_is_loaded_and_read_ends_where_a_plain_one_does(kept):
    assert_recorded_fits_end_where_plain_ones_do("cpu", kept)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("kept", [True, False])
def test_a_recorded_fit_ends_where_a_plain_one_does(kept):
    assert_recorded_fits_end_where_plain_ones_do("cuda", kept)


@pytest.mark.usefixtures("imitated")
def test_frames_fitted_through_a_recording_are_those_fitted_without(monkeypatch):
    """The real fit of frames, two windows with one set of recordings."""
    problem = replace(head_scene().problem, graphs=CudaGraphs())
    recorded = [fitted(problem, frames).pose for frames in ([0, 1], [2, 3], [3, 4])]
    assert len(problem.graphs.graphs) == 2, "one of the beginning, one of all steps"
    monkeypatch.setattr(cuda_graphs, "RECORDS", "cuda")
    for frames, found in zip(([0, 1], [2, 3], [3, 4]), recorded, strict=True):
        plain = fitted(head_scene().problem, frames).pose
        torch.testing.assert_close(found.controls, plain.controls)
        torch.testing.assert_close(found.head, plain.head)
