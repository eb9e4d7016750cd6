"""Which devices a task runs on, from the names that people give them. Knows nothing about what runs there."""

from __future__ import annotations

import ctypes
import platform
import sys
from collections.abc import Sequence

import torch

from facesolve.take import SolveError


def choose_device(name: str) -> torch.device:
    """The device for ``auto``, ``cpu``, ``cuda`` or ``cuda:N``; a GPU becomes the current one of the calling thread.

    Recorded iterations run on the current GPU. Raises SolveError when CUDA is wanted and not there.
    """
    device = existing_device(name)
    make_current(device)
    return device


def existing_device(name: str) -> torch.device:
    """The device for ``auto``, ``cpu``, ``cuda`` or ``cuda:N``, a GPU with its index. Raises as ``choose_device``."""
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    kind, _, number = name.partition(":")
    if kind not in ("cpu", "cuda") or (number and not number.isdigit()):
        raise SolveError(f"device: '{name}' is not one of auto, cpu, cuda, cuda:N.")
    if kind != "cuda":
        return torch.device(kind)
    if not torch.cuda.is_available():
        raise SolveError("device: CUDA is not available to this PyTorch; use --device cpu, or see 'facesolve doctor'.")
    index, count = int(number or torch.cuda.current_device()), torch.cuda.device_count()
    if index >= count:
        there = "one CUDA device, cuda:0" if count == 1 else f"{count} CUDA devices, cuda:0 to cuda:{count - 1}"
        raise SolveError(f"device: there is no cuda:{index}; this machine has {there}.")
    return torch.device("cuda", index)


def idle_gpus() -> int:
    """NVIDIA GPUs that the machine's driver offers to a PyTorch that is built without CUDA; 0 where it can use them.

    On Windows, pip's default PyTorch is such a build.
    """
    return 0 if torch.version.cuda is not None else _gpus_of_driver()


def _gpus_of_driver() -> int:
    """GPUs of the CUDA driver, whatever PyTorch can do; 0 where there is no driver."""
    try:
        driver = ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:
        return 0  # no driver
    count = ctypes.c_int(0)
    if driver.cuInit(0) != 0 or driver.cuDeviceGetCount(ctypes.byref(count)) != 0:
        return 0
    return count.value


IDLE_GPU = (
    "this machine has an NVIDIA GPU, but this PyTorch is built without CUDA, so it is not used and solves take many "
    "times longer"
)
GET_CUDA = "install the CUDA build of PyTorch: https://pytorch.org/get-started/locally"


def make_current(device: torch.device) -> None:
    """Makes a GPU the one that the calling thread uses where none is named; every thread begins with the first."""
    if device.type == "cuda":
        torch.cuda.set_device(device)


def indices_on(device: torch.device, indices: Sequence[int]) -> torch.Tensor:
    """(n,) int64 on a device. A GPU is not waited for, as it would be for what does not come from pinned memory."""
    tensor = torch.tensor(list(indices), dtype=torch.int64)
    return tensor.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else tensor


def device_name(device: torch.device) -> str:
    """What a person calls the device."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{platform.machine()} CPU, {torch.get_num_threads()} threads"
