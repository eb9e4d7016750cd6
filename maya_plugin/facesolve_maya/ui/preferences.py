"""What belongs to the machine rather than the scene: the solver's Python and device. Knows neither Qt nor maya."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from facesolve.take.device_names import DEVICES

PYTHON, DEVICE, IN_PROCESS = "facesolve_python", "facesolve_device", "facesolve_in_process"


@dataclass(frozen=True)
class Preferences:
    """python: executable or environment folder, empty to find it. in_process: solve inside Maya when torch is there."""

    python: str = ""
    device: str = "auto"
    in_process: bool = False


def read_preferences(scene: Any) -> Preferences:
    """The preferences that ``scene`` (the scene adapter) keeps for this user; odd values fall back to the default."""
    device = scene.preference(DEVICE)
    return Preferences(
        python=scene.preference(PYTHON),
        device=device if device in DEVICES else Preferences.device,
        in_process=scene.preference(IN_PROCESS) == "1",
    )


def write_preferences(scene: Any, preferences: Preferences) -> None:
    """Stores ``preferences`` for this user."""
    scene.set_preference(PYTHON, preferences.python)
    scene.set_preference(DEVICE, preferences.device)
    scene.set_preference(IN_PROCESS, "1" if preferences.in_process else "")
