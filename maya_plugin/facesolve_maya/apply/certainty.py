"""How sure the solve is of each control, as locked curves in the Graph Editor. One undo takes them back.

Knows no window.
"""

from __future__ import annotations

from functools import partial
from typing import List, Sequence

import maya.api.OpenMayaAnim as oma
import numpy as np
from maya import cmds

from facesolve.take import Solution
from facesolve.take.retime import timeline
from facesolve_maya.scene.names import legal_name, node_name
from facesolve_maya.scene.undo import Command, SceneEdit, run_edit, undo_chunk, whole_edit

from .curves import key_all

_NODE = node_name("certainty")
PERCENT = 100.0


def show_certainty(solution: Solution, ranges: Sequence[float]) -> str:
    """A node whose locked curves are the standard deviation of each control, percent of its range; returns its name.

    An older one is replaced. ranges: (K,) length of each control's range.
    """
    found, rows = timeline(solution)
    times = tuple(float(time) for time in found)
    share = PERCENT * np.nan_to_num(solution.control_std[rows]) / np.where(np.asarray(ranges) > 0, ranges, 1.0)
    plugs = ["{}.{}".format(_NODE, legal_name(name, "control")) for name in solution.control_names]

    def nodes() -> List[Command]:
        commands: List[Command] = [partial(cmds.createNode, "network", name=_NODE, skipSelect=True)]
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

    with undo_chunk("Facesolve: certainty curves"):
        remove_certainty()
        run_edit(SceneEdit(nodes, keys), "Facesolve: certainty curves")
    return _NODE


def remove_certainty() -> bool:
    """Takes the curves away again; False where there are none."""
    if not cmds.objExists(_NODE):
        return False
    with whole_edit("Facesolve: no certainty curves", "The certainty curves cannot be removed."):
        for name in cmds.listAttr(_NODE, userDefined=True) or []:
            cmds.setAttr("{}.{}".format(_NODE, name), lock=False)
        curves = cmds.listConnections(_NODE, source=True, destination=False, type="animCurve") or []
        cmds.delete([*curves, _NODE])
    return True
