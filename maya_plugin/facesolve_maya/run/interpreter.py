"""Finds the Python that runs the solver. Looks at files and settings only; starts nothing."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import List, Mapping, Optional

from facesolve.take.reading import read_json
from facesolve_maya.install.folders import RECORD

from .environment import own_folder
from .errors import InterpreterError

PYTHON_VARIABLE = "FACESOLVE_PYTHON"
ENVIRONMENT_FOLDERS = ("facesolve_env", ".venv", "venv")


@dataclass(frozen=True)
class Interpreter:
    """A Python executable and, for messages, what named it: a setting, a variable or a folder."""

    path: Path
    source: str


def find_interpreter(
    setting: str = "",
    environment: Optional[Mapping[str, str]] = None,
    root: Optional[Path] = None,
) -> Interpreter:
    """The Python for the solver: ``setting``, then FACESOLVE_PYTHON, then the one that installed the module, then a
    virtual environment beside it.

    Setting and variable may name the executable or the folder of a virtual environment. A name that leads nowhere is
    an error rather than a reason to look further: the user asked for that one. Raises InterpreterError.
    """
    variables = os.environ if environment is None else environment
    for value, source in ((setting, "the setting 'solver Python'"), (variables.get(PYTHON_VARIABLE), PYTHON_VARIABLE)):
        if value and value.strip():
            return _named(value.strip(), source)
    folder = own_folder() if root is None else root
    recorded = _first_file(_recorded(folder))
    if recorded is not None:
        return Interpreter(recorded, "the installation")
    for name in ENVIRONMENT_FOLDERS:
        executable = _first_file(candidates(folder / name))
        if executable is not None:
            return Interpreter(executable, "the virtual environment '{}'".format(name))
    raise InterpreterError(
        "No Python is set up for the solver. Press 'Install the solver' in the panel, or name a Python that has "
        "Facesolve in {}.".format(PYTHON_VARIABLE)
    )


def _recorded(folder: Path) -> List[Path]:
    """The Python that ``facesolve maya install`` ran in."""
    if not (folder / RECORD).is_file():
        return []
    python = read_json(folder / RECORD, "installation").get("python")
    return [Path(python)] if isinstance(python, str) else []


def _named(value: str, source: str) -> Interpreter:
    path = Path(os.path.expandvars(os.path.expanduser(value)))
    executable = _first_file(candidates(path)) if path.is_dir() else _first_file([path])
    if executable is None:
        raise InterpreterError(
            "{} names '{}', where there is no Python. Correct it, or clear it to use the virtual environment "
            "beside the module.".format(source[0].upper() + source[1:], path)
        )
    return Interpreter(executable, source)


def candidates(folder: Path, windows: bool = os.name == "nt") -> List[Path]:
    """Where a virtual environment, or a plain installation on Windows, keeps its executable."""
    if windows:
        return [folder / "Scripts" / "python.exe", folder / "python.exe"]
    return [folder / "bin" / "python", folder / "bin" / "python3"]


def _first_file(paths: List[Path]) -> Optional[Path]:
    # absolute(), not resolve(): following the link out of a virtual environment would lose its packages.
    return next((path.absolute() for path in paths if path.is_file()), None)
