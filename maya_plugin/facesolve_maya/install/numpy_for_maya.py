"""Numpy for Mayas whose Python has none, next to the module: needs no administrator. Starts pip, knows no maya."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Dict, List, Optional, Tuple

from .folders import PACKAGES, Places

PYTHONS: Dict[str, Tuple[int, int]] = {
    "2022": (3, 7),
    "2023": (3, 9),
    "2024": (3, 10),
    "2025": (3, 11),
    "2026": (3, 11),
    "2027": (3, 13),
}
SECONDS = 600.0


def command(python: Path, minor: Tuple[int, int], target: Path, wheels: Optional[Path] = None) -> List[str]:
    """The pip that downloads numpy for a Python of this version into ``target``, whatever Python runs it."""
    given = [str(python), "-m", "pip", "install", "--disable-pip-version-check", "--upgrade", "--target", str(target)]
    given += ["--only-binary=:all:", "--python-version", "{}.{}".format(*minor), "--implementation", "cp"]
    return given + ([] if wheels is None else ["--no-index", "--find-links", str(wheels)]) + ["numpy"]


def bring(places: Places, version: str, wheels: Optional[Path] = None, python: Optional[Path] = None) -> str:
    """Downloads numpy for a version of Maya; a sentence when that failed, which only a Maya without numpy minds."""
    minor = PYTHONS.get(version)
    if minor is None:
        return "Maya {} is not known; if its Python has no numpy, install it with its mayapy.".format(version)
    target = places.home / PACKAGES / "cp{}{}".format(*minor)
    if (target / "numpy").is_dir():
        return ""
    given = command(Path(sys.executable) if python is None else python, minor, target, wheels)
    try:
        # the network's settings are in Maya's environment; nobody is there to be asked for a password
        environment = dict(os.environ, PIP_NO_INPUT="1", PYTHONNOUSERSITE="1")
        done = subprocess.run(
            given, env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return "Numpy for Maya {} could not be downloaded ({}).".format(version, error)
    if done.returncode == 0:
        return ""
    said = [line for line in done.stderr.decode("utf-8", "replace").splitlines() if line.strip()]
    return "Numpy for Maya {} could not be downloaded ({}).".format(version, said[-1] if said else "no reason given")
