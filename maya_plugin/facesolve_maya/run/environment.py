"""The environment variables of the solver's process: Maya's own are taken out. Knows nothing about processes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Dict, Mapping, Optional

from facesolve_maya.install import installed_home

# Maya points these at its own Python, Qt and libraries; a foreign Python that inherits them fails at start-up.
_DROPPED_PREFIXES = ("PYTHON", "MAYA_", "QT_", "QML", "DYLD_", "MTOA_", "BIFROST_", "PXR_")
_DROPPED_NAMES = frozenset(
    (
        "LD_LIBRARY_PATH",
        "LD_PRELOAD",
        "XBMLANGPATH",
        "TCL_LIBRARY",
        "TK_LIBRARY",
        "VIRTUAL_ENV",
        "CONDA_PREFIX",
        "KMP_DUPLICATE_LIB_OK",
        "OPENSSL_CONF",
        "OPENSSL_MODULES",
        "SSL_CERT_FILE",
        "REQUESTS_CA_BUNDLE",
    )
)


def module_root() -> Path:
    """The folder of Maya's module: it holds ``maya_plugin``, ``solver``, ``shelf`` and ``icons``."""
    return Path(__file__).resolve().parents[3]


def own_folder() -> Path:
    """Where the solver's environment belongs: Facesolve's place in the Maya folder, or the folder of the module."""
    return installed_home(module_root()) or module_root()


def child_environment(parent: Mapping[str, str], root: Optional[Path] = None) -> Dict[str, str]:
    """``parent`` without Maya's Python, Qt and library settings, and with what the solver needs.

    PYTHONPATH becomes the module's ``solver`` folder and nothing else, so that the solver which reads a take is always
    the one that belongs to the plug-in which wrote it, whether or not the environment has Facesolve installed.
    """
    folder = module_root() if root is None else root
    kept = {
        name: value
        for name, value in parent.items()
        if name.upper() not in _DROPPED_NAMES and not name.upper().startswith(_DROPPED_PREFIXES)
    }
    location = parent.get("MAYA_LOCATION", "")
    for name in [name for name in kept if name.upper() == "PATH"]:
        kept[name] = _without_maya(kept[name], location)
    if "OCIO" in kept and _is_within(kept["OCIO"], location):
        del kept["OCIO"]  # Maya's own color configuration; a studio's is the solver's, too
    kept.update(PYTHONPATH=str(folder / "solver"), PYTHONUTF8="1", PYTHONIOENCODING="utf-8", PYTHONUNBUFFERED="1")
    return kept


def _without_maya(search_path: str, location: str) -> str:
    """``search_path`` without the folders under ``location``: on Windows libraries are found through PATH."""
    if not location:
        return search_path
    entries = [entry for entry in search_path.split(os.pathsep) if entry]
    return os.pathsep.join(entry for entry in entries if not _is_within(entry, location))


def _is_within(path: str, folder: str) -> bool:
    return bool(folder) and (_comparable(path) + os.sep).startswith(_comparable(folder) + os.sep)


def _comparable(path: str) -> str:
    return os.path.normcase(os.path.normpath(path))
