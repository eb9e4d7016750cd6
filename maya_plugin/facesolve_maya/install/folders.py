"""Where things lie: the product's files, a user's Maya folder, and Facesolve's own place in it. Changes nothing."""

from __future__ import annotations

import os
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path
from typing import Mapping, Optional, Tuple

RECORD = "installation.json"  # in Facesolve's place: which version, which Python solves
MODULE_FILE = "facesolve.mod"
PACKAGES = "packages"  # numpy for those Mayas that have none, a folder for each Python
SHARED = ("share", "facesolve")  # below a Python's data folder: what a wheel brings for Maya


@dataclass(frozen=True)
class Places:
    """Facesolve's own place in a user's Maya folder, and the module files of the Mayas that are to see it."""

    maya: Path
    versions: Tuple[str, ...] = ()  # every one when empty

    @property
    def home(self) -> Path:
        """Module, solver's environment and packages, whatever the version."""
        return self.maya / "facesolve"

    @property
    def module_files(self) -> Tuple[Path, ...]:
        """Files to write; Maya looks into both kinds of folder."""
        folders = [self.maya / version for version in self.versions] or [self.maya]
        return tuple(folder / "modules" / MODULE_FILE for folder in folders)


def maya_folder(variables: Optional[Mapping[str, str]] = None, platform: str = sys.platform) -> Path:
    """The user's Maya folder (Maya's own ``internalVar -userAppDir``), there or not."""
    environment = os.environ if variables is None else variables
    named = environment.get("MAYA_APP_DIR")
    if named:
        return Path(named)
    if platform == "win32":
        return Path(environment.get("USERPROFILE") or os.path.expanduser("~")) / "Documents" / "maya"
    home = Path(environment.get("HOME") or os.path.expanduser("~"))
    return home / "Library" / "Preferences" / "Autodesk" / "maya" if platform == "darwin" else home / "maya"


def versions_of(maya: Path) -> Tuple[str, ...]:
    """Versions of Maya that have been started by this user."""
    folders = [path.name for path in maya.glob("20[0-9][0-9]") if path.is_dir()] if maya.is_dir() else []
    return tuple(sorted(folders))


def product_root() -> Path:
    """The folder with ``mod``, ``shelf``, ``icons`` and plug-in: a checkout, or what a wheel has put beside Python."""
    here = Path(__file__).resolve()
    for root in (here.parents[3], Path(sysconfig.get_path("data")).joinpath(*SHARED)):
        if (root / "mod" / MODULE_FILE).is_file():
            return root
    raise FileNotFoundError("The files for Maya are not part of this installation; install Facesolve's wheel again.")


def installed_home(module: Path) -> Optional[Path]:
    """Facesolve's place in a Maya folder if the module in the folder ``module`` is installed in one."""
    return module.parent if (module.parent / RECORD).is_file() else None
