"""A take whose start pose is in its middle: tracked to the end, then back to the beginning, each from the start."""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module

import numpy as np
import pytest
import torch

import facesolve
from facesolve.geometry.pose import Pose
from facesolve.take import Footage, Settings, StartPose, Take
from tests.synthetic import cameras, film, head_rig, make_problem, make_take, performance

FRAMES, FIRST = 5, 2


class Tracked(Exception):
    """The last window was asked for."""


class FakeTracker:
    """Finds the pose it is given, and keeps what it is told of the motion before a window."""

    levels = (1,)

    def __init__(self, problem: object) -> None:
        self.asked: list[tuple[list[int], bool]] = []

    def start(self, frame: int, pixels: object, pose: Pose) -> None:
        assert frame == FIRST

    def state(self) -> dict[str, np.ndarray]:
        return {}

    def posed(self) -> torch.Tensor:
        return torch.ones(FRAMES, dtype=torch.bool)

    def follow(self, frames: list[int], pixels: object, last: Pose, before: Pose | None) -> Pose:
        self.asked.append((list(frames), before is not None))
        if 0 in frames:
            raise Tracked(self.asked)
        return last.at([0] * len(frames))


def take() -> Take:
    pose, lenses = performance(FRAMES), cameras()
    pixels = film(make_problem(make_take(head_rig())).model, lenses, pose)
    footage = tuple(
        Footage.from_arrays(lens.name, np.stack([frame.luminance[c].numpy() for frame in pixels]))
        for c, lens in enumerate(lenses)
    )
    start = StartPose(FIRST, pose.controls[FIRST].numpy(), pose.head[FIRST].numpy())
    settings = Settings("draft", contour=0.0)
    return replace(make_take(head_rig(), settings, FRAMES), footage=footage, start=start)


def test_motion_is_not_carried_across_the_start_frame_to_the_other_side(monkeypatch: pytest.MonkeyPatch) -> None:
    pipeline = import_module("facesolve.solve.pipeline")  # ``facesolve.solve`` is a function, too
    monkeypatch.setattr(pipeline, "Tracker", FakeTracker)
    monkeypatch.setattr(pipeline, "WINDOW", 1)
    monkeypatch.setattr(pipeline, "align", lambda problem, pixels, start, first: start)
    with pytest.raises(Tracked) as told:
        facesolve.solve(take(), device="cpu")
    assert told.value.args[0] == [([3], False), ([4], True), ([1], False), ([0], True)]
