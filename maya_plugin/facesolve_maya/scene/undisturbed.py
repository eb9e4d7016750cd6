"""Looking at the scene at other times, or with controls moved, without leaving a trace. Knows no rig."""

from __future__ import annotations

from contextlib import contextmanager
from typing import Iterator, Sequence

from maya import cmds

from .plugs import driver_of, keys_of


@contextmanager
def undisturbed(plugs: Sequence[str], time: float) -> Iterator[None]:
    """Lets controls be moved at a scene time, and time changed; the viewport does not follow.

    What has keys is taken off them meanwhile. Afterwards the values of ``plugs`` and their keys, the time and the undo
    queue are as before, come what may.
    """
    values = {plug: cmds.getAttr(plug) for plug in plugs}
    keys = {plug: curve for plug, curve in ((plug, keys_of(plug)) for plug in plugs) if curve is not None}
    taken_off = []
    now = cmds.currentTime(query=True)
    auto_key = cmds.autoKeyframe(query=True, state=True)
    undo = cmds.undoInfo(query=True, state=True)
    changed = cmds.file(query=True, modified=True)
    cmds.undoInfo(stateWithoutFlush=False)
    window = not cmds.about(batch=True)
    try:
        if window:
            cmds.refresh(suspend=True)
        cmds.autoKeyframe(state=False)
        cmds.currentTime(time, edit=True)
        for plug, curve in keys.items():
            cmds.disconnectAttr(curve, plug)
            taken_off.append(plug)
        yield
    finally:
        for plug in taken_off:
            cmds.connectAttr(keys[plug], plug)
        for plug, value in values.items():
            if driver_of(plug) is None:
                cmds.setAttr(plug, value)
        cmds.currentTime(now, edit=True)
        cmds.autoKeyframe(state=auto_key)
        if window:
            cmds.refresh(suspend=False)
        cmds.file(modified=changed)
        cmds.undoInfo(stateWithoutFlush=undo)
