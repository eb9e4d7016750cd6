"""Puts Facesolve's module into a user's Maya folder, and takes it away. Knows folders only; starts nothing."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, Optional, Tuple

import facesolve
import facesolve_maya

from .folders import MODULE_FILE, RECORD, Places, product_root, versions_of

LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.pyc", "*.egg-info", "render_pngs.py")
SHELF = "shelf_Facesolve.mel"  # that Maya writes to a version's preferences


@dataclass(frozen=True)
class Installed:
    """What an installation did. module: the folder that Maya loads; mended: files that were missing or changed."""

    module: Path
    module_files: Tuple[Path, ...]
    mended: Tuple[str, ...] = ()


def install(places: Places, python: Optional[Path] = None) -> Installed:
    """Copies this Facesolve into ``places.home`` and writes the module files; an older version is replaced.

    The solver's environment and the packages for Maya stay. python: the Python that solves, when it is known. Nothing
    is half-installed: Maya sees the old version or the new one. Raises OSError.
    """
    places.home.mkdir(parents=True, exist_ok=True)
    module = places.home / "module_{}_{}".format(_version(), uuid.uuid4().hex[:8])
    try:
        copy_files(module)
    except OSError:
        shutil.rmtree(str(module), ignore_errors=True)
        raise
    kept = _record(places.home)
    record = {
        "version": _version(),
        "python": str(python) if python is not None else kept.get("python"),
        "files": _digests(module),
        "module": module.name,
    }
    _write(places.home / RECORD, json.dumps(record, indent=1))
    template = (module / "mod" / MODULE_FILE).read_text(encoding="utf-8")
    for path in places.module_files:
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(path, module_text(template, module))
    for old in places.home.glob("module_*"):
        if old != module:
            shutil.rmtree(str(old), ignore_errors=True)  # Windows keeps what a running Maya has open, till next time
    return Installed(module, places.module_files)


def repair(places: Places) -> Installed:
    """Installs again, and tells which files of the module were missing or had been changed."""
    record = _record(places.home)
    module = places.home / str(record.get("module") or "module")
    wanted: Dict[str, str] = record.get("files") or {}
    found = _digests(module) if module.is_dir() else {}
    mended = [name for name, digest in sorted(wanted.items()) if found.get(name) != digest]
    mended += [str(path) for path in places.module_files if not path.is_file()]
    made = install(places)
    return Installed(made.module, made.module_files, tuple(mended))


def uninstall(places: Places) -> Tuple[Path, ...]:
    """Removes module files, module, environment, packages and the shelf; returns what was removed. Solves stay."""
    everywhere = Places(places.maya, (*versions_of(places.maya),))
    files = [*Places(places.maya).module_files, *everywhere.module_files]
    files += [places.maya / version / "prefs" / "shelves" / SHELF for version in everywhere.versions]
    removed = [path for path in files if path.is_file()]
    for path in removed:
        path.unlink()
    if places.home.is_dir():
        shutil.rmtree(str(places.home))
        removed.append(places.home)
    return tuple(removed)


def module_text(template: str, root: Path) -> str:
    """The module file ``template``, whose paths are relative to itself, with the absolute path ``root``."""
    lines = [
        line[: -len(" ..\n")] + " " + root.as_posix() + "\n"
        if line.startswith("+ ") and line.endswith(" ..\n")
        else line
        for line in template.splitlines(True)
    ]
    return "".join(lines)


def copy_files(module: Path) -> None:
    """Everything that Maya and the solver need of the product, laid out as in a checkout."""
    root = product_root()
    for source, target in (
        (Path(facesolve.__file__).parent, Path("solver", "facesolve")),
        (Path(facesolve_maya.__file__).parent, Path("maya_plugin", "facesolve_maya")),
        (root / "maya_plugin" / "plug-ins", Path("maya_plugin", "plug-ins")),
        (root / "shelf", Path("shelf")),
        (root / "icons", Path("icons")),
        (root / "mod", Path("mod")),
    ):
        shutil.copytree(str(source), str(module / target), ignore=LEFT_OUT)


def _version() -> str:
    """Read as text: the package that holds it needs numpy."""
    text = (Path(facesolve.__file__).parent / "take" / "version.py").read_text(encoding="utf-8")
    return next(line.split('"')[1] for line in text.splitlines() if line.startswith("VERSION"))


def _digests(module: Path) -> Dict[str, str]:
    """SHA-256 of each file by its place in the module; what Python compiles is left out."""
    found = {}
    for path in sorted(module.rglob("*")):
        if path.is_file() and path.suffix != ".pyc":
            found[path.relative_to(module).as_posix()] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def _record(home: Path) -> Dict[str, Any]:
    try:
        found = json.loads((home / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _write(path: Path, text: str) -> None:
    """Writes ``text`` whole or not at all. What is unfinished lies above: Maya reads each file there as a module."""
    unfinished = path.parent.parent / "{}.{}.part".format(path.name, uuid.uuid4().hex)
    unfinished.write_bytes(text.encode("utf-8"))
    os.replace(str(unfinished), str(path))
