"""World matrices over time as Maya shows them, constraints and IK included. Leaves the scene as it is.

``getAttr -time`` is quick, but what constraints and IK drive may answer with the present pose. Where more than keys
moves a node, the answers are held against real changes of time, and replaced by them when they differ.
"""

from __future__ import annotations

from typing import Dict, List, Sequence

import numpy as np
from maya import cmds

from .geometry import world_matrix
from .plugs import driver_of, kinds_of
from .undisturbed import undisturbed

_HARMLESS = ("animCurveT", "displayLayer")
_CONVERSIONS = ("timeToUnitConversion", "unitConversion", "unitToTimeConversion")
_SAME = 1e-6  # relative to the size of a matrix


def world_matrices(nodes: Sequence[str], times: Sequence[float]) -> Dict[str, np.ndarray]:
    """(F, 4, 4) world matrices of each node at scene times, Maya's layout (row vectors), centimeters.

    All nodes share one pass over the timeline where one is needed.
    """
    asked = {node: np.stack([world_matrix(node, time) for time in times]) for node in nodes}
    doubtful = [node for node in asked if not _moved_by_keys_alone(node)]
    if not doubtful:
        return asked
    probes = sorted({0, len(times) // 2, len(times) - 1})
    with undisturbed((), times[0]):
        seen = visited(doubtful, [times[row] for row in probes])
        if any(_apart(asked[node][probes], seen[node]) for node in doubtful):
            asked.update(visited(doubtful, times))
    return asked


def plug_values(plug: str, times: Sequence[float]) -> np.ndarray:
    """(F,) shown values of a scalar plug at scene times; the scene goes there where more than keys drives it."""
    if _driven_by_keys_alone(plug):
        return np.array([float(cmds.getAttr(plug, time=time)) for time in times])
    found = []
    with undisturbed((), times[0]):
        for time in times:
            cmds.currentTime(time, edit=True)
            found.append(float(cmds.getAttr(plug)))
    return np.array(found)


def visited(nodes: Sequence[str], times: Sequence[float]) -> Dict[str, np.ndarray]:
    found: Dict[str, List[np.ndarray]] = {node: [] for node in nodes}
    for time in times:
        cmds.currentTime(time, edit=True)
        for node in nodes:
            found[node].append(world_matrix(node))
    return {node: np.stack(matrices) for node, matrices in found.items()}


def _apart(asked: np.ndarray, seen: np.ndarray) -> bool:
    return bool(np.abs(asked - seen).max() > _SAME * max(1.0, float(np.abs(seen).max())))


def _driven_by_keys_alone(plug: str) -> bool:
    """True when nothing but time, animation curves, changes of unit and expressions of these feeds ``plug``."""
    waiting, seen = [plug], set()
    while waiting:
        driver = driver_of(waiting.pop())
        if driver is None or driver in seen:
            continue
        seen.add(driver)
        node = driver.partition(".")[0]
        kind = cmds.nodeType(node)
        if kind == "time" or kind.startswith(("animCurveT", "animBlendNode")):
            continue
        if kind in _CONVERSIONS:
            waiting.append(node + ".input")
        elif kind == "expression":
            pairs = cmds.listConnections(node, source=True, destination=False, plugs=True, connections=True) or []
            waiting += pairs[::2]  # its inputs
        elif "transform" in kinds_of(node) and cmds.attributeQuery(_attribute(driver), node=node, keyable=True):
            waiting.append(driver)  # a control's own channel
        else:
            return False
    return True


def _attribute(plug: str) -> str:
    return plug.rpartition(".")[2].partition("[")[0]


def _moved_by_keys_alone(node: str) -> bool:
    """True when nothing but animation curves feeds ``node`` and the transforms above it. A joint may be posed by IK."""
    above = [node]
    while above:
        here = above.pop()
        kinds = kinds_of(here)
        if "joint" in kinds:
            return False
        above += cmds.listRelatives(here, parent=True, fullPath=True) or []
        if "transform" not in kinds:  # a shape is where its transform is
            continue
        feeding = cmds.listConnections(here, source=True, destination=False) or []
        if any(not cmds.nodeType(other).startswith(_HARMLESS) for other in feeding):
            return False
    return True
