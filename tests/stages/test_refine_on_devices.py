"""The refinement shared out over devices: what one device finds, the earliest error, an end that leaves nothing."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from typing import Any

import numpy as np
import pytest
import torch

from facesolve.footage.stream import FramePixels
from facesolve.stages import refine_on_devices as refine_batches
from facesolve.stages.problem import Problem
from facesolve.stages.refine import learn_template
from facesolve.stages.refine_on_devices import (
    Assistants,
    RefinedFrames,
    Target,
    gathered,
    refined_arrays,
    refined_batches,
    refined_from_arrays,
)
from facesolve.take import FootageError
from tests.synthetic import head_scene

CPU = torch.device("cpu")
KEYS = [0, 2, 4]
MANY = 40


class SceneFootage:
    """The scene's pixels where a take's footage is asked for."""

    def __init__(self, *_: object) -> None:
        pass

    def __enter__(self) -> "SceneFootage":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def batches(
        self, batches: Iterator[Sequence[int]], finest: int = 0
    ) -> Iterator[tuple[Sequence[int], list[FramePixels]]]:
        for batch in batches:
            yield batch, [head_scene().pixels[frame % 5] for frame in batch]


@pytest.fixture(autouse=True)
def _scene_footage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refine_batches, "TakeFootage", SceneFootage)


@pytest.fixture(autouse=True)
def _no_thread_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    assert not [thread for thread in threading.enumerate() if thread not in before]


@pytest.fixture
def instead(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[int], None]], None]:
    """Puts a function of the frame in the place of its refinement, whose result is then empty."""

    def replace(function: Callable[[int], None]) -> None:
        def refined(problem: Problem, target: Target, frames: Sequence[int], _: object) -> RefinedFrames:
            (frame,) = frames
            function(frame)
            return RefinedFrames(frames, *[None] * 3)  # type: ignore[arg-type]

        monkeypatch.setattr(refine_batches, "refined_batch", refined)

    return replace


def after(monkeypatch: pytest.MonkeyPatch, method: str) -> threading.Event:
    """Set once that method of the share was called."""
    event, truly = threading.Event(), getattr(refine_batches.Share, method)

    def called(*given: Any) -> None:
        truly(*given)
        event.set()

    monkeypatch.setattr(refine_batches.Share, method, called)
    return event


def target() -> Target:
    scene = head_scene()
    pixels, pose = [scene.pixels[key] for key in KEYS], scene.truth.at(KEYS)
    learned = learn_template(scene.problem, pixels, pose, torch.tensor(KEYS), 1)
    return Target(learned, 1, scene.disturbed())


def refined(beside: int, frames: Sequence[int]) -> list[RefinedFrames]:
    problem = head_scene().problem
    footage: Any = SceneFootage()
    with (
        Assistants(problem, [CPU] * beside) as assistants,
        closing(refined_batches(problem, footage, target(), frames, assistants)) as batches,
    ):
        return list(batches)


def test_frames_shared_out_are_those_of_one_device(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bit for bit, on a CPU; and each of three devices does a part with a problem of its own."""
    alone = gathered(refined(0, range(5)), CPU)
    together, models = threading.Barrier(3, timeout=30), []
    truly = refine_batches.refined_batch

    def counted(problem: Problem, *given: Any) -> RefinedFrames:
        if len(models) < 3:
            models.append(problem.model)
            together.wait()
        return truly(problem, *given)

    monkeypatch.setattr(refine_batches, "refined_batch", counted)
    shared = gathered(refined(2, range(5)), CPU)
    assert len(set(models[:3])) == 3
    assert shared.frames == alone.frames == list(range(5))
    for name, array in refined_arrays([alone]).items():
        np.testing.assert_array_equal(refined_arrays([shared])[name], array)
    assert float(head_scene().errors(shared.pose).mean() / head_scene().errors(head_scene().disturbed()).mean()) < 0.5


def test_nothing_left_to_refine_is_no_fault() -> None:
    assert refined(0, []) == refined(1, []) == []


@pytest.mark.parametrize("first", [2, 3])
def test_the_earliest_error_is_told_whichever_comes_first(
    instead: Any, monkeypatch: pytest.MonkeyPatch, first: int
) -> None:
    both, failed, done = threading.Barrier(2, timeout=30), after(monkeypatch, "fail"), []

    def step(frame: int) -> None:
        if frame < 2:
            done.append(frame)
            return
        both.wait()
        assert frame == first or failed.wait(30)
        raise FootageError(f"frame {frame}")

    instead(step)
    with pytest.raises(FootageError, match="frame 2"):
        refined(1, range(MANY))
    assert sorted(done) == [0, 1]


def test_an_error_waits_for_what_was_begun_before_it(instead: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    failed, done = after(monkeypatch, "fail"), []

    def step(frame: int) -> None:
        if frame == 1:
            raise ValueError("frame 1")
        assert failed.wait(30)
        done.append(frame)

    instead(step)
    with pytest.raises(ValueError, match="frame 1"):
        refined(1, range(MANY))
    assert done == [0]


def test_leaving_early_begins_nothing_more(instead: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    left, begun = after(monkeypatch, "end"), []

    def step(frame: int) -> None:
        begun.append(frame)
        assert frame < 2 or left.wait(30)

    instead(step)
    problem, footage = head_scene().problem, SceneFootage()

    def leaves() -> None:
        with Assistants(problem, [CPU]) as assistants:
            some: Any = refined_batches(problem, footage, target(), range(MANY), assistants)  # type: ignore[arg-type]
            with closing(some):
                next(some)
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        leaves()
    assert len(begun) <= 4


def test_a_device_that_cannot_be_used_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise RuntimeError("out of memory")

    monkeypatch.setattr(refine_batches, "RigModel", fails)
    with pytest.raises(RuntimeError, match="out of memory"):
        refined(1, range(5))


def test_footage_that_cannot_be_opened_again_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise FootageError("it was moved away")

    monkeypatch.setattr(refine_batches, "TakeFootage", fails)
    with pytest.raises(FootageError, match="moved away"):
        refined(1, range(5))


def test_a_checkpoint_holds_any_set_of_frames() -> None:
    parts = refined(0, [1, 3])
    arrays = refined_arrays(parts[::-1])
    assert arrays["frames"].tolist() == [1, 3]
    again = gathered([*refined(0, [0, 2, 4]), refined_from_arrays(arrays, CPU)], CPU)
    assert again.frames == list(range(5))
    torch.testing.assert_close(again.pose.head[[1, 3]], torch.cat([part.pose.head for part in parts]), rtol=0, atol=0)
    torch.testing.assert_close(again.seen.residual[3], parts[1].seen.residual[0], rtol=0, atol=0)


@pytest.mark.parametrize(("count", "most", "devices"), [(120, 9, 2), (40, 76, 2), (7, 2, 3), (1, 5, 4), (5, 1, 2)])
def test_batches_are_even_and_each_device_has_one(count: int, most: int, devices: int) -> None:
    parts = [range(count)[part] for part in refine_batches.even_split(count, most, devices)]
    assert [frame for part in parts for frame in part] == list(range(count))
    sizes = {len(part) for part in parts}
    assert max(sizes) <= most
    assert max(sizes) - min(sizes) <= 1
    assert len(parts) >= min(count, devices)
