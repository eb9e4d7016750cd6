"""A device whose memory is full: as many frames as fit are done together, and what is found stays the same.

The full memory is pretended: a function raises what PyTorch's allocator raises.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from facesolve.runtime.memory import BatchLimit, halving, told_of_device
from facesolve.solve import solve
from facesolve.stages import refine_on_devices, windows
from facesolve.stages.batching import together
from facesolve.stages.problem import Problem
from facesolve.stages.refine_on_devices import refined_arrays
from facesolve.stages.track import Tracker
from facesolve.take import SolveError
from tests.stages.test_refine_on_devices import refined
from tests.synthetic import head_scene
from tests.textured import write_filmed_take


def full_above(most: int, tried: list[int]) -> Callable[[int], int]:
    def work(size: int) -> int:
        tried.append(size)
        if size > most:
            raise torch.OutOfMemoryError("pretended")
        return size

    return work


def test_half_as_many_are_tried_until_they_fit_and_no_more_from_then_on() -> None:
    limit, tried, given_back = BatchLimit(), [], []
    assert halving(16, limit, lambda: given_back.append(1), full_above(5, tried)) == 4
    assert tried == [16, 8, 4]
    assert len(given_back) == 2
    assert halving(16, limit, lambda: None, full_above(5, tried)) == 4
    assert halving(3, limit, lambda: None, full_above(5, tried)) == 3
    assert tried == [16, 8, 4, 4, 3]


def test_not_even_one_frame_is_one_sentence() -> None:
    device = torch.device("cpu")
    with (
        pytest.raises(SolveError, match=r"memory of .* is not enough .*--quality draft") as told,
        told_of_device(device),
    ):
        halving(4, BatchLimit(), lambda: None, full_above(0, []))
    assert told.value.__cause__ is None


def test_a_lost_device_is_one_sentence() -> None:
    device = torch.device("cpu")
    lost = RuntimeError("CUDA error: unspecified launch failure\nCUDA kernel errors might be reported later.")
    with pytest.raises(SolveError, match=r"failed \(unspecified .*--resume") as told, told_of_device(device):
        raise lost
    assert told.value.__cause__ is None
    with pytest.raises(RuntimeError, match=r"^an error of ours$"), told_of_device(device):
        raise RuntimeError("an error of ours")


def test_a_whole_solve_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def full(*_: object, **__: object) -> None:
        raise torch.OutOfMemoryError("pretended")

    write_filmed_take(tmp_path, 2)
    monkeypatch.setattr(import_module("facesolve.solve.pipeline"), "align", full)
    with pytest.raises(SolveError, match="is not enough for this take"):
        solve(tmp_path, device="cpu")


def test_frames_refined_in_smaller_batches_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    alone = refined(0, [1, 2, 3])
    sizes: list[int] = []
    truly = refine_on_devices.refine_frames

    def full(problem: Problem, target: Any, frames: Sequence[int], pixels: Any) -> Any:
        sizes.append(len(frames))
        if len(frames) > 1:
            raise torch.OutOfMemoryError("pretended")
        return truly(problem, target, frames, pixels)

    monkeypatch.setattr(refine_on_devices, "refine_frames", full)
    monkeypatch.setattr(refine_on_devices, "together", lambda *_: 3)
    try:
        (small,) = refined(0, [1, 2, 3])
        assert head_scene().problem.limit.most == 1
    finally:
        head_scene().problem.limit.most = None
    assert sizes[0] == 3
    assert sizes[-3:] == [1, 1, 1]
    assert small.frames == [1, 2, 3]
    for name, array in refined_arrays(alone).items():
        np.testing.assert_array_equal(refined_arrays([small])[name], array)


def test_a_window_is_followed_anew_and_learned_from_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The memory was full while the window was learned from: half of it had been."""
    scene = head_scene()
    frames, pixels, start = [1, 2], scene.pixels[1:3], scene.truth.at([0])
    monkeypatch.setattr(windows, "together", lambda problem, _: problem.limit.of(2))
    ends = []
    for failures in (0, 1):
        tracker = Tracker(scene.problem)
        tracker.start(0, scene.pixels[0], start)
        left = [failures]
        last = tracker.memory[tracker.levels[-1]]
        truly = last.add

        def add(parts: Any, left: list[int] = left, truly: Callable[[Any], None] = truly) -> None:
            if left[0]:
                left[0] -= 1
                raise torch.OutOfMemoryError("pretended")
            truly(parts)

        monkeypatch.setattr(last, "add", add)
        try:
            ends.append((tracker.follow(frames, pixels, start, None), {k: m.sums for k, m in tracker.memory.items()}))
        finally:
            scene.problem.limit.most = None
    (one, memory), (other, again) = ends
    torch.testing.assert_close(other.controls, one.controls, rtol=1e-4, atol=1e-4)
    for level, sums in memory.items():
        torch.testing.assert_close(again[level], sums, rtol=1e-3, atol=1e-3)


def test_a_limit_holds_for_every_batch_of_a_solve(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = head_scene().problem
    assert together(problem, 0) == 1  # a CPU does each frame by itself
    assert problem.with_samples(problem.samples.thinned(2)).limit is problem.limit
