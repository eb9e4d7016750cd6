"""Whether fused kernels run on a device. They are written in Triton, which comes with PyTorch for CUDA on Linux.

Each has a twin in plain PyTorch, with the same arguments and results, for everywhere else. Knows none of them.
"""

from __future__ import annotations

import importlib.util
import os
from dataclasses import dataclass
from functools import cache

import torch

from facesolve.take import SolveError

CHOICE = "FACESOLVE_KERNELS"  # environment variable
OLDEST = (8, 0)  # compute capability that Triton compiles for


@dataclass(frozen=True)
class Kernels:
    """fused: whether Triton's kernels run. reason: a sentence for the user."""

    fused: bool
    reason: str


def choose_kernels(device: torch.device | str) -> Kernels:
    """What computes on ``device``: Triton's kernels where they can, else plain PyTorch.

    The environment variable FACESOLVE_KERNELS, ``auto``, ``torch`` or ``triton``, names one of them. Raises SolveError
    when Triton's are named where they cannot run.
    """
    device = torch.device(device)
    wanted = os.environ.get(CHOICE, "auto")
    if wanted not in ("auto", "torch", "triton"):
        raise SolveError(f"{CHOICE} is '{wanted}'; set it to auto, torch or triton.")
    if wanted == "torch" or (wanted == "auto" and device.type != "cuda"):
        return Kernels(False, "plain PyTorch")
    obstacle = _obstacle(device)
    if obstacle is None:
        return Kernels(True, f"Triton's ({CHOICE}=torch does without them)")
    if wanted == "triton":
        raise SolveError(f"{CHOICE} is triton, but its kernels cannot run on {device}: {obstacle}.")
    return Kernels(False, f"plain PyTorch, because Triton's, which are faster, cannot be used ({obstacle})")


def fused(device: torch.device) -> bool:
    """Whether Triton's kernels run on ``device``."""
    return device.type == "cuda" and choose_kernels(device).fused


def _obstacle(device: torch.device) -> str | None:
    """Why Triton cannot run on a device, None where it can."""
    if device.type != "cuda":
        return "they need an NVIDIA GPU"
    return trial(torch.cuda.current_device() if device.index is None else device.index)


@cache
def trial(index: int) -> str | None:
    """What hinders a kernel from being compiled and run on a GPU: it needs a compiler for C, for example."""
    if importlib.util.find_spec("triton") is None:
        return "Triton is not installed"
    capability = torch.cuda.get_device_capability(index)
    if capability < OLDEST:
        return f"the GPU's compute capability is {capability[0]}.{capability[1]}, and Triton needs {OLDEST[0]}.0"
    try:
        from .kernel_trial import doubled

        with torch.cuda.device(index):
            done = doubled(torch.arange(4.0, device="cuda")).tolist()
    except Exception as error:  # whatever a compiler raises, plain PyTorch does the work
        lines = str(error).splitlines()
        return f"{type(error).__name__}: {lines[0] if lines else 'no reason given'}"
    return None if done == [0.0, 2.0, 4.0, 6.0] else "a trial computed wrong numbers"
