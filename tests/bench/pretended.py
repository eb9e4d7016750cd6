"""The facesolve command on a machine that misbehaves from a moment on: its GPU is full or lost, its clock jumps.

    python -m tests.bench.pretended gpu_lost 1.5 solve TAKE --out OUT

The moment is in CPU seconds after the command's modules are there. From then on every step of PyTorch fails as CUDA's
steps do, or the clocks show another time. Knows nothing of what the command does.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from facesolve.cli import main

HOUR = 3600.0
# as PyTorch words it
LOST = "CUDA error: unspecified launch failure\nCUDA kernel errors might be asynchronously reported at some other call."
FULL = "CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 23.6 GiB of which 1 GiB is free."


class Failing(TorchDispatchMode):
    """Inside, each step of PyTorch raises ``failure`` from ``moment`` on, CPU seconds of the process."""

    def __init__(self, moment: float, failure: Callable[[], Exception]) -> None:
        super().__init__()
        self.moment, self.failure = moment, failure

    def __torch_dispatch__(self, step: Any, types: Any, given: Any = (), named: Mapping[str, Any] | None = None) -> Any:
        if time.process_time() >= self.moment:
            raise self.failure()
        return step(*given, **(named or {}))


def clock_jumps(moment: float, clocks: Mapping[str, float]) -> None:
    """From ``moment`` on each of the clocks, functions of ``time``, is off by so many seconds."""
    for name, seconds in clocks.items():
        real = getattr(time, name)
        setattr(time, name, lambda real=real, by=seconds: real() + (by if time.process_time() >= moment else 0.0))


def _lost() -> Exception:
    return RuntimeError(LOST)


def _full() -> Exception:
    return torch.OutOfMemoryError(FULL)


def pretending(what: str, moment: float) -> AbstractContextManager[Any]:
    """The machine with fault ``what`` from ``moment`` on, CPU seconds of the process."""
    if what == "gpu_lost":
        return Failing(moment, _lost)
    if what == "gpu_full":
        return Failing(moment, _full)
    if what == "clock_back":
        clock_jumps(moment, {"time": -HOUR})
    elif what == "hour_passes":  # what a process sees that was suspended
        clock_jumps(moment, {"time": HOUR, "monotonic": HOUR})
    else:
        raise SystemExit(f"{what} is no fault")
    return nullcontext()


if __name__ == "__main__":
    fault, after, *command = sys.argv[1:]
    with pretending(fault, time.process_time() + float(after)):
        code = main(command)
    sys.exit(code)
