"""What every export is made from: a take's rig and cameras with the solved frames, checked against each other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from facesolve.take import Rig, Solution, Take, TakeError, read_solution
from facesolve.take.rig_evaluation import RigEvaluator, control_columns
from facesolve.take.solved import find_take, fitted_take, take_rows
from facesolve.take.take import check_rigid


@dataclass(frozen=True, eq=False)
class Performance:
    """The frames to export.

    solution: F frames, its controls in the order of the rig's. rows: (F,) index of each frame in ``take.frames``.
    folder: where the solution lies, with its texture.
    """

    take: Take
    solution: Solution
    rows: np.ndarray
    folder: Path

    @property
    def rig(self) -> Rig:
        return self.take.rig

    @property
    def frame_count(self) -> int:
        return len(self.solution.frames)

    @cached_property
    def evaluator(self) -> RigEvaluator:
        return RigEvaluator(self.rig)

    def target_weights(self) -> np.ndarray:
        """(F, T) weight of every target of the rig, combinations included."""
        return self.evaluator.target_weights(self.solution.controls)

    def activations(self) -> np.ndarray:
        """(F, S) activation of every shape of every target, in-betweens included."""
        return self.evaluator.activations(self.solution.controls)

    def head(self, stabilized: bool) -> np.ndarray:
        """(F, 4, 4) the head transform, centimeters; the identity when the head is held still."""
        return np.tile(np.eye(4), (self.frame_count, 1, 1)) if stabilized else self.solution.head

    def vertices(self, stabilized: bool) -> Iterator[tuple[int, np.ndarray]]:
        """Frame number and vertices (V, 3) float64, centimeters, of every frame: in the world, or in rig space."""
        heads = self.head(stabilized)
        for index, frame in enumerate(self.solution.frames):
            in_rig = self.evaluator.vertices(self.solution.controls[index : index + 1])[0]
            yield int(frame), in_rig @ heads[index, :3, :3].T + heads[index, :3, 3]


def load_performance(
    folder: Path, take_folder: Path | None = None, frames: tuple[int, int] | None = None
) -> Performance:
    """The solution in ``folder`` with the take that it names, or the one in ``take_folder``.

    frames: first and last frame number to keep, both included. Raises TakeError, one sentence, when a file is missing
    or damaged, the two do not belong together, or no frame is left.
    """
    solution = read_solution(folder)
    take = fitted_take(find_take(solution, folder, take_folder), solution)
    for frame, head in zip(solution.frames, solution.head, strict=True):
        check_rigid(head, f"solution: the head transform of frame {frame}")
    names = solution.control_names
    solution = replace(
        solution,
        control_names=tuple(take.rig.control_names),
        controls=control_columns(solution.controls, names, take.rig, "solution"),
        control_std=control_columns(solution.control_std, names, take.rig, "solution"),
    )
    if frames is not None:
        solution = _part(solution, *frames)
    return Performance(take, solution, take_rows(solution, take), folder)


def _part(solution: Solution, first: int, last: int) -> Solution:
    keep = (solution.frames >= first) & (solution.frames <= last)
    if not keep.any():
        raise TakeError(
            f"frames {first}-{last}: none of them is in the solution, which has {solution.frames[0]}-"
            f"{solution.frames[-1]}."
        )
    return solution.part(keep)
