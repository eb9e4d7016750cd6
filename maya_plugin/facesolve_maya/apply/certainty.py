"""How sure the applied solve is, in Maya's own windows: curves for the Graph Editor, ticks in the time slider.

One undo takes each back. Knows no window.
"""

from __future__ import annotations

from functools import partial
from typing import List, Sequence, Tuple

import maya.api.OpenMayaAnim as oma
import numpy as np
from maya import cmds

from facesolve.take import Solution
from facesolve.take.errors import TakeError
from facesolve_maya.scene.names import legal_name, node_name
from facesolve_maya.scene.undo import Command, SceneEdit, run_edit, undo_chunk

from .curves import key_all
from .layer import layer_curve
from .provenance import find_provenance

_NODE = node_name("certainty")
PERCENT = 100.0


def applied_controls() -> Tuple[str, ...]:
    """Plugs that the solve applied last has keyed. Raises TakeError when none is applied."""
    origin = find_provenance()
    if origin is None:
        raise TakeError("No solve is applied in this scene.")
    return tuple(cmds.animLayer(origin.layer, query=True, attribute=True) or ())


def show_certainty(solution: Solution, ranges: Sequence[float]) -> str:
    """A node whose locked curves are the standard deviation of each control, percent of its range; returns its name.

    An older one is replaced. ranges: (K,) length of each control's range.
    """
    share = PERCENT * np.nan_to_num(solution.control_std) / np.where(np.asarray(ranges) > 0, ranges, 1.0)
    times = tuple(float(time) for time in solution.scene_times)
    plugs = ["{}.{}".format(_NODE, legal_name(name, "control")) for name in solution.control_names]

    def nodes() -> List[Command]:
        commands: List[Command] = [partial(cmds.delete, _NODE)] if cmds.objExists(_NODE) else []
        commands.append(partial(cmds.createNode, "network", name=_NODE, skipSelect=True))
        for plug, column in zip(plugs, share.T):
            name = plug.partition(".")[2]
            commands.append(partial(cmds.addAttr, _NODE, longName=name, attributeType="double", keyable=True))
            commands.append(partial(cmds.setKeyframe, plug, time=times[0], value=float(column[0])))
            commands.append(partial(cmds.setAttr, plug, lock=True))
        return commands

    def keys(change: oma.MAnimCurveChange) -> None:
        for plug, column in zip(plugs, share.T):
            (curve,) = cmds.keyframe(plug, query=True, name=True)
            key_all(curve, times, column, change)

    run_edit(SceneEdit(nodes, keys), "Facesolve: certainty curves")
    return _NODE


def mark_frames(times: Sequence[float]) -> int:
    """Gives the applied solve's keys at these scene times the special tick color; returns how many frames got it."""
    origin = find_provenance()
    if origin is None:
        raise TakeError("No solve is applied in this scene.")
    curves = [curve for plug in applied_controls() for curve in [layer_curve(origin.layer, plug)] if curve]
    with undo_chunk("Facesolve: mark frames"):
        for time in times:
            cmds.keyframe(curves, edit=True, time=(time, time), tickDrawSpecial=True)
    return len(times)
