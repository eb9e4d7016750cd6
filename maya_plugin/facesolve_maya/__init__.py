"""Facesolve inside Maya: scene to take, take to solver, solution to keys. maya, numpy and Qt only; never torch."""

import importlib.util
import sys
from pathlib import Path

from .install.folders import PACKAGES, installed_home


def find_numpy() -> None:
    """Where Maya's Python has no numpy, the one that the installer put next to the module."""
    home = installed_home(Path(__file__).resolve().parents[2])
    if home is not None and importlib.util.find_spec("numpy") is None:
        sys.path.append(str(home / PACKAGES / "cp{}{}".format(*sys.version_info[:2])))


find_numpy()
