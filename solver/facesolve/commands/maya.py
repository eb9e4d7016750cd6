"""``facesolve maya``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Literal

from facesolve.take import TakeError

from .output import EXIT_OK, Verbosity


def maya(
    action: Literal["install", "repair", "uninstall"],
    /,
    *,
    version: tuple[str, ...] = (),
    maya_folder: Path | None = None,
    wheels: Path | None = None,
    output: Verbosity = Verbosity(),  # noqa: B008  # frozen
) -> int:
    """Install Facesolve into Maya, repair it, or remove it.

    Copies the module with its plug-in, shelf and icons into your Maya folder, where Maya finds it at the next start.
    This Python becomes the one that solves. Installing again upgrades; nothing that was solved is touched.

    Args:
        action: install, repair or uninstall.
        version: Maya version that is to see the module, such as 2025; every version if omitted. May be given several
            times.
        maya_folder: your Maya folder, if it is not where Maya has it by default.
        wheels: folder with wheels of numpy, for a computer without a network.

    Examples:
        facesolve maya install
        facesolve maya install --version 2025
        facesolve maya repair
        facesolve maya uninstall
    """
    from facesolve_maya.install import Places, install, repair, uninstall, versions_of
    from facesolve_maya.install import maya_folder as default_folder
    from facesolve_maya.install.numpy_for_maya import bring

    places = Places(default_folder() if maya_folder is None else maya_folder, version)
    try:
        if action == "uninstall":
            removed = uninstall(places)
            output.say(f"Removed {', '.join(map(str, removed))}." if removed else "Nothing was installed.")
            return EXIT_OK
        made = install(places, Path(sys.executable)) if action == "install" else repair(places)
    except OSError as error:
        raise TakeError(f"maya: '{error.filename or places.home}' cannot be written ({error.strerror}).") from None
    for name in made.mended:
        output.say(f"Mended {name}.")
    for each in version or versions_of(places.maya):
        problem = bring(places, each, wheels)
        if problem:
            output.say(problem)
    output.say(f"Installed in {made.module}. Restart Maya, then press Solve on the Facesolve shelf.")
    return EXIT_OK
