"""Maya's window around the stand-in's scene: shelves, dock, jobs, dropped files. The records are those of fake_maya."""

from __future__ import annotations

import sys
import types
from typing import Any

from maya import cmds

from tests.facesolve_maya.ui.fake_maya import FakeCommands
from tests.maya_emulator.session import Session

COMMANDS = (
    "tabLayout",
    "shelfLayout",
    "shelfButton",
    "runTimeCommand",
    "popupMenu",
    "menuItem",
    "workspaceControl",
    "workspaceControlState",
    "deleteUI",
    "confirmDialog",
    "internalVar",
    "loadModule",
    "moduleInfo",
    "scriptJob",
)


class MayaWindow(FakeCommands):
    """What an animator sees of Maya, on a scene of the stand-in. host: the widget that the dock's controls lie in."""

    def __init__(self, maya: Session, host: Any, pointer: int, app_dir: str) -> None:
        super().__init__()
        self.host, self.app_dir = host, app_dir
        maya.batch = False
        self._info, self._time = cmds.pluginInfo, cmds.currentTime
        for name in COMMANDS:
            setattr(cmds, name, getattr(self, name))
        cmds.pluginInfo, cmds.currentTime = self.plugin_info, self.current_time
        mel, ui = types.ModuleType("maya.mel"), types.ModuleType("maya.OpenMayaUI")
        mel.eval = lambda text: "ShelfLayout"
        ui.MQtUtil = types.SimpleNamespace(getCurrentParent=lambda: pointer, findControl=lambda name: pointer)
        for name, module in (("mel", mel), ("OpenMayaUI", ui)):
            sys.modules["maya." + name] = module
            setattr(sys.modules["maya"], name, module)
        api = sys.modules["maya.api.OpenMaya"]
        api.MSceneMessage = types.SimpleNamespace(kBeforeSave="before save", addCallback=self.add_callback)
        api.MMessage = types.SimpleNamespace(removeCallback=self.jobs.pop)

    def plugin_info(self, *args: Any, **flags: Any) -> Any:
        """Maya's, with loading at start-up, which the stand-in knows nothing of."""
        return None if flags.get("edit") else self._info(*args, **flags)

    def current_time(self, *args: Any, **flags: Any) -> Any:
        """Maya's, and who waits for it hears of another time."""
        found = self._time(*args, **flags)
        if args:
            self.fire("timeChanged")
        return found

    def open_scene(self, path: str) -> None:
        """File > Open Scene."""
        cmds.file(path, open=True, force=True)
        self.fire("SceneOpened")
