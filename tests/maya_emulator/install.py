"""Puts the stand-in where ``import maya`` finds it."""

from __future__ import annotations

import os
import sys
import types
from typing import Any

from .commands import COMMANDS
from .openmaya import OPENMAYA, OPENMAYA_ANIM
from .session import Session, current, use


class _Commands(types.ModuleType):
    def __getattr__(self, name: str) -> Any:
        if name in COMMANDS:
            return COMMANDS[name]
        session = current()
        if name in session.plugin_commands:
            return session.plugin_commands[name]
        raise AttributeError(f"module 'maya.cmds' has no attribute '{name}' (or the stand-in does not offer it)")


def install(session: Session | None = None) -> Session:
    """Makes ``maya``, ``maya.cmds``, ``maya.api`` and friends importable; returns the session they work on."""
    use(session or Session())
    modules = {name: types.ModuleType(name) for name in ("maya", "maya.api", "maya.standalone", "maya.utils")}
    modules["maya.cmds"] = _Commands("maya.cmds")
    modules["maya.api.OpenMaya"] = _filled("maya.api.OpenMaya", OPENMAYA)
    modules["maya.api.OpenMayaAnim"] = _filled("maya.api.OpenMayaAnim", OPENMAYA_ANIM)
    modules["maya"].__path__ = []  # type: ignore[attr-defined]
    modules["maya.api"].__path__ = []  # type: ignore[attr-defined]
    for name, module in modules.items():
        parent, _, child = name.rpartition(".")
        if parent:
            setattr(modules[parent], child, module)
    vars(modules["maya.standalone"]).update(initialize=_initialize, uninitialize=_uninitialize)
    vars(modules["maya.utils"]).update(executeDeferred=_defer)
    sys.modules.update(modules)
    return current()


def uninstall() -> None:
    """Takes the stand-in and everything that imported it out of ``sys.modules``."""
    for name in [n for n in sys.modules if n == "maya" or n.startswith("maya.")]:
        del sys.modules[name]


def _filled(name: str, content: dict[str, Any]) -> types.ModuleType:
    module = types.ModuleType(name)
    vars(module).update(content)
    return module


def _initialize(name: str = "python") -> None:
    current()


def _uninitialize() -> None:
    """Maya was seen to crash here; the stand-in does where a test asks for it."""
    if os.environ.get("FACESOLVE_STAND_IN_CRASHES"):
        os._exit(139)


def _defer(function: Any, *args: Any, **kwargs: Any) -> None:
    """Maya runs it when it is idle: here ``Session.idle`` does. Batch has no idle events."""
    if current().batch:
        raise RuntimeError("idle events do not run in batch: deferred functions would never be called")
    current().deferred.append(lambda: function(*args, **kwargs))
