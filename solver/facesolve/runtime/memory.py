"""The memory of the device at work: how much of it is planned with, what is done when it was not enough or it is lost.

Knows nothing about what is computed.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import torch

from facesolve.take import SolveError

from .devices import device_name

MOST_MEMORY = 12 * 2**30  # bytes of a GPU's memory that a solve plans with
_CUDA_ERROR = "CUDA error:"  # how PyTorch begins what CUDA and its libraries report
MEMORY_SHARE = 0.5  # of it, that one batch may take: the next one is made while it is still there

Result = TypeVar("Result")


class BatchLimit:
    """How many frames may be worked on together: fewer once so many did not fit. most: None while all did."""

    most: int | None = None

    def of(self, count: int) -> int:
        """``count``, or as many as may be."""
        return count if self.most is None else min(count, self.most)


def planned(device: torch.device) -> int:
    """Bytes of a GPU's memory that one batch may take now."""
    idle = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    return int(min(torch.cuda.mem_get_info(device)[0] + idle, MOST_MEMORY) * MEMORY_SHARE)


def halving(count: int, limit: BatchLimit, give_back: Callable[[], None], work: Callable[[int], Result]) -> Result:
    """``work(size)`` with ``count`` frames together, or half as many each time the device runs out of memory.

    What did not fit once is not tried again by who asks ``limit``. give_back: frees what can be made anew. Raises
    ``torch.OutOfMemoryError`` when not even one frame fits.
    """
    size = limit.of(count)
    while True:
        try:
            return work(size)
        except torch.OutOfMemoryError:
            if size == 1:
                raise
        # behind the handler: there, the error still holds the tensors of all functions that it passed through
        size = -(-size // 2)
        limit.most = size
        give_back()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


def give_back() -> None:
    """Gives the system what no task uses any more: a process that stays must not hold a GPU's memory while it waits."""
    gc.collect()  # recordings and what they were made for
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


@contextmanager
def told_of_device(device: torch.device) -> Iterator[None]:
    """Raises SolveError, one sentence, where the device's memory is not enough whatever is done, or it is lost."""
    try:
        yield
    except torch.OutOfMemoryError:
        raise SolveError(
            f"solve: the memory of {device_name(device)} is not enough for this take even a frame at a time; close "
            "what else uses it, or solve with --quality draft, fewer cameras or --device cpu."
        ) from None
    except RuntimeError as error:
        if not str(error).startswith(_CUDA_ERROR):
            raise
        why = str(error).removeprefix(_CUDA_ERROR).split("\n")[0].strip()
        raise SolveError(
            f"solve: {_named(device)} failed ({why}); what was done is kept: look at it with nvidia-smi, then give "
            "--resume."
        ) from None


def _named(device: torch.device) -> str:
    """The device's name, or its number where it does not even tell its name any more."""
    try:
        return device_name(device)
    except RuntimeError:
        return f"device {device}"
