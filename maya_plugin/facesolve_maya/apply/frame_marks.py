"""Frames that stand out, as colored bands in Maya's time slider: bookmarks, of Maya's own plug-in. Knows no window.

One undo takes them back.
"""

from __future__ import annotations

from typing import List, Sequence, Tuple

from maya import cmds

from facesolve.take.errors import TakeError
from facesolve.take.summary import FrameError
from facesolve_maya.scene.names import node_name
from facesolve_maya.scene.undo import whole_edit

_PLUGIN = _KIND = "timeSliderBookmark"
_NODE = node_name("mark")
_LOOKS = {1: ("worth a look", (0.88, 0.65, 0.24)), 2: ("likely wrong", (0.88, 0.38, 0.31))}  # colors of the strip
_NEXT = 1.5  # frames: what is farther apart is no run

Run = Tuple[float, float, int]  # first and last time, level


def mark_frames(frames: Sequence[FrameError]) -> int:
    """Colors the frames that stand out, in place of earlier marks; returns how many. Raises TakeError."""
    runs = runs_of(frames)
    try:
        if not cmds.pluginInfo(_PLUGIN, query=True, loaded=True):
            cmds.loadPlugin(_PLUGIN, quiet=True)
    except RuntimeError:
        raise TakeError("This Maya has no bookmarks for the time slider; the panel's strip shows the frames.") from None
    with whole_edit("Facesolve: color frames", "The frames cannot be colored; the scene is unchanged."):
        _delete()
        for first, last, level in runs:
            words, color = _LOOKS[level]
            node = cmds.createNode(_KIND, name=_NODE + "1", skipSelect=True)
            cmds.setAttr(node + ".name", "Facesolve: " + words, type="string")
            cmds.setAttr(node + ".color", *color, type="float3")
            cmds.setAttr(node + ".timeRangeStart", first)
            cmds.setAttr(node + ".timeRangeStop", last)
    return sum(1 for frame in frames if frame.level)


def remove_marks() -> bool:
    """Takes the marks away again; False where there are none."""
    if not _marks():
        return False
    with whole_edit("Facesolve: no colored frames", "The colored frames cannot be removed."):
        _delete()
    return True


def runs_of(frames: Sequence[FrameError]) -> List[Run]:
    """Neighboring frames of one level that stand out, in order of time."""
    runs: List[Run] = []
    for frame in sorted((frame for frame in frames if frame.level), key=lambda frame: frame.time):
        if runs and runs[-1][2] == frame.level and frame.time - runs[-1][1] < _NEXT:
            runs[-1] = (runs[-1][0], frame.time, frame.level)
        else:
            runs.append((frame.time, frame.time, frame.level))
    return runs


def _marks() -> List[str]:
    if not cmds.pluginInfo(_PLUGIN, query=True, loaded=True):
        return []
    return cmds.ls(_NODE + "*", type=_KIND) or []


def _delete() -> None:
    marks = _marks()
    if marks:
        cmds.delete(marks)
