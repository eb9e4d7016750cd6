"""What a solution says about where it came from: versions, device, date, take and settings."""

from __future__ import annotations

import os
import platform
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import torch

from facesolve.render import choose_backend
from facesolve.runtime.devices import device_name
from facesolve.take import Take
from facesolve.take.provenance import Provenance
from facesolve.take.settings_record import settings_record
from facesolve.take.version import VERSION


def origin(take: Take, take_folder: Path | None, out: Path | None, device: torch.device) -> dict[str, Any]:
    """What a solution says about where it came from: versions, device, date, take and settings.

    take_folder: None for a take that lies in no folder. out: the solution's folder, None while it has none.
    """
    return Provenance(
        facesolve=VERSION,
        torch=torch.__version__,
        python=platform.python_version(),
        device=device_name(device),
        rasterizer=choose_backend(device).name,
        date=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        take="" if take_folder is None else _path(take_folder, out),
        take_name=take.name,
        actor="" if take.actor is None else _path(Path(take.actor), out),
        settings=settings_record(take.settings),
    ).record()


def _path(take_folder: Path, out: Path | None) -> str:
    """Where the take lies: relative to ``out``, so that both can be moved together, or absolute."""
    take_folder = take_folder.resolve()
    if out is None:
        return take_folder.as_posix()
    try:
        return Path(os.path.relpath(take_folder, out.resolve())).as_posix()
    except ValueError:  # another drive on Windows
        return take_folder.as_posix()
