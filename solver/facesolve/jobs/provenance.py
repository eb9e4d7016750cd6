"""What a solution says about where it came from: versions, device, date, take and settings."""

from __future__ import annotations

import os
import platform
from dataclasses import asdict
from datetime import datetime, timezone
from pathlib import Path

import torch

from facesolve import __version__
from facesolve.render import choose_backend
from facesolve.runtime.devices import device_name
from facesolve.take import Take


def origin(take: Take, take_folder: Path, out: Path, device: torch.device) -> dict[str, object]:
    """What a solution in ``out`` says about where it came from: versions, device, date, take and settings."""
    settings = take.settings
    try:
        where = Path(os.path.relpath(take_folder.resolve(), out.resolve())).as_posix()
    except ValueError:  # another drive on Windows
        where = take_folder.resolve().as_posix()
    return {
        "facesolve": __version__,
        "torch": torch.__version__,
        "python": platform.python_version(),
        "device": device_name(device),
        "rasterizer": choose_backend(device).name,
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "take": where,
        "take_name": take.name,
        "settings": {
            "quality": settings.quality,
            "head": settings.head,
            "smoothness": settings.smoothness,
            "stiffness": settings.stiffness,
            "sparsity": settings.sparsity,
            "contour": settings.contour,
            "controls": [{**asdict(c), "lock": None if c.lock is None else c.lock.tolist()} for c in settings.controls],
            "pins": [asdict(pin) for pin in settings.pins],
            "head_pins": [{"frame": pin.frame, "head": pin.head.tolist()} for pin in settings.head_pins],
        },
    }
