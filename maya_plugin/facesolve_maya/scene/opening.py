"""Opens scene files for batch: complaints about plug-ins, attributes or references do not stop what is there."""

from __future__ import annotations

from pathlib import Path
from typing import Tuple

from maya import cmds

from facesolve.take.errors import TakeError


def open_scene(path: Path) -> Tuple[str, ...]:
    """Opens a scene without questions; returns what Maya complained about. TakeError when the scene is not there then.

    Maya reports a missing plug-in, an unknown attribute or a lost reference as a failure, though the rest is loaded.
    """
    try:
        cmds.file(path.as_posix(), open=True, force=True, ignoreVersion=True, prompt=False)
    except RuntimeError as error:
        said = str(error).strip()
        opened = str(cmds.file(query=True, sceneName=True) or "")
        if not opened or Path(opened).name != path.name or not cmds.ls(type="mesh"):
            raise TakeError("scene: '{}' could not be opened: {}".format(path, said)) from None
        return tuple(line.strip() for line in said.splitlines() if line.strip())
    return ()
