"""How many frames are processed together, by the memory that is free."""

from __future__ import annotations

import itertools
import math

import torch

from .problem import Problem

MOST_MEMORY = 12 * 2**30  # bytes of a GPU's memory that a solve plans with
MEMORY_SHARE = 0.5  # of it, that one batch may take: the next one is made while it is still there


def together(problem: Problem, level: int) -> int:
    """How many frames are best compared together at a pyramid level; no result depends on it.

    On a CPU each by itself: one that has converged then costs nothing. On a GPU as many as its free memory allows.
    """
    if problem.model.device.type != "cuda":
        return 1
    return max(1, int(_free_memory(problem.model.device) * MEMORY_SHARE / _frame_memory(problem, level)))


def split(count: int, most: int) -> list[slice]:
    """Parts of ``count`` things with up to ``most`` in each, all of about one size."""
    parts = math.ceil(count / most)
    ends = [round(count * part / parts) for part in range(parts + 1)]
    return [slice(first, last) for first, last in itertools.pairwise(ends)]


def _free_memory(device: torch.device) -> int:
    """Bytes that may still be used."""
    idle = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    return min(torch.cuda.mem_get_info(device)[0] + idle, MOST_MEMORY)


def _frame_memory(problem: Problem, level: int) -> int:
    """Bytes that comparing one frame takes at a pyramid level: about 4 numbers a pixel and 80 a sample and camera."""
    pixels = sum(camera.width * camera.height for camera in problem.take.cameras) // 4**level
    return 4 * (4 * pixels + 80 * len(problem.samples.weight) * len(problem.take.cameras))
