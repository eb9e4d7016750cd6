"""How many frames are processed together, by the memory that is free."""

from __future__ import annotations

import itertools
import math

from facesolve.runtime.memory import planned

from .problem import Problem


def together(problem: Problem, level: int) -> int:
    """How many frames are best compared together at a pyramid level; no result depends on it.

    On a CPU each by itself: one that has converged then costs nothing. On a GPU as many as its free memory allows.
    """
    if problem.model.device.type != "cuda":
        return 1
    return problem.limit.of(max(1, planned(problem.model.device) // _frame_memory(problem, level)))


def split(count: int, most: int) -> list[slice]:
    """Parts of ``count`` things with up to ``most`` in each, all of about one size."""
    parts = math.ceil(count / most)
    ends = [round(count * part / parts) for part in range(parts + 1)]
    return [slice(first, last) for first, last in itertools.pairwise(ends)]


def _frame_memory(problem: Problem, level: int) -> int:
    """Bytes that comparing one frame takes at a pyramid level: about 4 numbers a pixel and 80 a sample and camera."""
    pixels = sum(camera.width * camera.height for camera in problem.take.cameras) // 4**level
    return 4 * (4 * pixels + 80 * len(problem.samples.weight) * len(problem.take.cameras))
