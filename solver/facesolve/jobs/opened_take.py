"""What every job on a take begins with: its frames and settings for this run, a device, and a look at its images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from facesolve.footage.check_pixels import check_images
from facesolve.render import choose_backend
from facesolve.runtime.devices import GET_CUDA, IDLE_GPU, choose_device, device_name, existing_device, idle_gpus
from facesolve.runtime.kernels import choose_kernels
from facesolve.runtime.progress import Progress
from facesolve.take import Take
from facesolve.take.frame_range import part_of_take
from facesolve.take.settings_record import SettingsChange
from facesolve.take.version import VERSION


@dataclass(frozen=True)
class OpenedTake:
    """A take as a job works on it, on ``device``, with ``others`` beside it."""

    take: Take
    device: torch.device
    others: tuple[torch.device, ...] = ()


def open_take(
    take: Take,
    *,
    device: str,
    progress: Progress,
    frames: tuple[int, int] | None = None,
    settings: SettingsChange | None = None,
    actor: Path | None = None,
    others: Sequence[str] = (),
) -> OpenedTake:
    """``take`` with its settings changed, cut to ``frames``, and with images that can be read.

    device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``; others: further devices. frames: first and last, both included.
    actor: profile instead of the take's.
    Says to ``progress`` which versions, devices, rasterizer and kernels are used. Raises FacesolveError.
    """
    take = taken_part(take, settings, frames, actor)
    where = choose_device(device)
    further = tuple(existing_device(name) for name in others)
    for finding in check_images(take):
        progress.message(str(finding))
    progress.message(f"facesolve {VERSION}, torch {torch.__version__} on {device_name(where)}")
    if device == "auto" and idle_gpus():
        progress.message(f"warning: {IDLE_GPU}; {GET_CUDA}")
    progress.message(f"rasterizer: {choose_backend(where).reason}")
    progress.message(f"kernels: {choose_kernels(where).reason}")
    return OpenedTake(take, where, further)


def taken_part(
    take: Take, settings: SettingsChange | None, frames: tuple[int, int] | None, actor: Path | None = None
) -> Take:
    """``take`` with its settings and its actor's profile changed, cut to ``frames``. Raises FacesolveError."""
    if actor is not None:
        take = replace(take, actor=str(actor))
    if settings is not None:
        take = replace(take, settings=settings.over(take.settings))
    return take if frames is None else part_of_take(take, *frames)
