"""Numpy for Mayas whose Python has none, next to the module: needs no administrator. Starts pip, knows no maya."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
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
# pip, which ends with the process that holds the other end of its stdin, however that dies
_PIP = """import os, runpy, sys, threading
threading.Thread(target=lambda: (sys.stdin.read(), os._exit(1)), daemon=True).start()
sys.argv = ["pip", *sys.argv[1:]]
runpy.run_module("pip", run_name="__main__")
"""


def command(python: Path, minor: Tuple[int, int], target: Path, wheels: Optional[Path] = None) -> List[str]:
    """The pip that downloads numpy for a Python of this version into ``target``, whatever Python runs it."""
    given = [str(python), "-c", _PIP, "install", "--disable-pip-version-check", "--upgrade", "--target", str(target)]
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
        code, errors = _run(given)
    except (OSError, subprocess.TimeoutExpired) as error:
        return "Numpy for Maya {} could not be downloaded ({}).".format(version, error)
    if code == 0:
        return ""
    said = [line for line in errors.splitlines() if line.strip()]
    return "Numpy for Maya {} could not be downloaded ({}).".format(version, said[-1] if said else "no reason given")


def _run(given: List[str]) -> Tuple[int, str]:
    """Exit code of a pip, and what it wrote to stderr; it does not outlive this process."""
    # the network's settings are in Maya's environment; nobody is there to be asked for a password
    environment = dict(os.environ, PIP_NO_INPUT="1", PYTHONNOUSERSITE="1")
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            given,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
        try:
            code = process.wait(SECONDS)
        finally:
            process.kill()
            process.wait()
            if process.stdin is not None:
                process.stdin.close()
        errors.seek(0)
        return code, errors.read().decode("utf-8", "replace")
