"""A run in stages: progress hears of each, and what a stage saved is there when the run is taken up again."""

from pathlib import Path

import numpy as np

from facesolve.runtime.checkpoint import Checkpoint
from facesolve.runtime.progress import Silent
from facesolve.runtime.run import Run


class Heard(Silent):
    def __init__(self) -> None:
        self.all: list[tuple[object, ...]] = []

    def stage(self, name: str, total: int) -> None:
        self.all.append((name, total))

    def advance(self, count: int = 1) -> None:
        self.all.append((count,))


def test_a_stage_is_announced_counted_and_found_again_by_a_run_that_resumes(tmp_path: Path):
    heard = Heard()
    stage = Run(heard, Checkpoint(tmp_path, "same", resume=False)).stage("track", "track the head", 7)
    assert stage.saved is None
    stage.save(lambda: {"done": np.array(3)}, now=True)
    stage.advance(3)
    assert heard.all == [("track the head", 7), (3,)]
    again = Run(Silent(), Checkpoint(tmp_path, "same", resume=True))
    resumed = again.stage("track", "track the head", 7).saved
    assert resumed is not None
    assert int(resumed["done"]) == 3
    assert again.stage("bundle", "bundle", 1).saved is None


def test_saving_in_between_waits_for_its_time(tmp_path: Path):
    stage = Run(Silent(), Checkpoint(tmp_path, "same", resume=False)).stage("track", "track", 2)
    stage.save(lambda: {"done": np.array(1)})
    assert stage.saved is None
