"""Where keys came from, on a network node in the scene: take, version, date, settings, residual, layer, head.

What a layer holds is one solve of a whole take, and the ranges that were solved again since.
"""

from __future__ import annotations

import json
from dataclasses import astuple, dataclass
from datetime import datetime, timezone
from functools import partial
from typing import Dict, List, Optional, Tuple

import numpy as np
from maya import cmds

from facesolve.take import Solution
from facesolve.take.correctives import controls_key
from facesolve.take.errors import TakeError
from facesolve.take.provenance import read_provenance
from facesolve.take.reading import json_value
from facesolve_maya.scene.names import free_name, node_name
from facesolve_maya.scene.undo import Command

TEXTS = (
    "takeName",
    "takeFolder",
    "solutionFolder",
    "digest",
    "version",
    "solved",
    "applied",
    "settings",
    "frames",
    "residual",
)
RANGES = "ranges"
MARK = "facesolveProvenance"


@dataclass(frozen=True)
class AppliedRange:
    """A range that was solved again: its solution's folder and digest, first and last scene time."""

    solution_folder: str
    first: float
    last: float
    digest: str


@dataclass(frozen=True)
class Provenance:
    """A provenance node as it is found in a scene; ``head`` is empty when it was left alone or deleted.

    digest: of the solution that was applied, in case its folder holds another by now. ranges: what was solved again,
    oldest first.
    """

    node: str
    take_folder: str
    solution_folder: str
    layer: str
    head: str
    digest: str = ""
    ranges: Tuple[AppliedRange, ...] = ()


def now() -> str:
    """The present moment as the node records it."""
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds")


def provenance_commands(
    solution: Solution,
    take_name: str,
    take_folder: str,
    solution_folder: str,
    layer: str,
    head: str,
    applied: str,
    span: Optional[Tuple[float, float]] = None,
) -> List[Command]:
    """Commands that make the layer's provenance node, or rewrite the one it has; the layer need not exist yet.

    applied: when (``now``). span: scene times, when only they were keyed; a layer that has a node keeps what it says of
    the whole take.
    """
    existing = find_provenance(layer)
    node = existing.node if existing is not None else free_name(node_name("provenance"))
    commands: List[Command] = [] if existing is not None else _node_commands(node, layer, head)
    texts = dict(_texts(solution, take_name, take_folder, solution_folder), applied=applied, **{RANGES: "[]"})
    if existing is not None and span is not None:
        added = AppliedRange(texts["solutionFolder"], span[0], span[1], texts["digest"])
        ranges = [astuple(applied) for applied in (*existing.ranges, added)]
        texts = {"applied": applied, RANGES: json.dumps(ranges)}
    return commands + [
        partial(cmds.setAttr, "{}.{}".format(node, name), text, type="string") for name, text in texts.items()
    ]


def _node_commands(node: str, layer: str, head: str) -> List[Command]:
    commands: List[Command] = [partial(cmds.createNode, "network", name=node, skipSelect=True)]
    commands.append(partial(cmds.addAttr, node, longName=MARK, attributeType="bool", defaultValue=1))
    commands += [partial(cmds.addAttr, node, longName=name, dataType="string") for name in (*TEXTS, RANGES)]
    for name, target in (("layer", layer), ("head", head)):
        commands.append(partial(cmds.addAttr, node, longName=name, attributeType="message"))
        if target:
            commands.append(partial(cmds.connectAttr, target + ".message", "{}.{}".format(node, name)))
    return commands


def _texts(solution: Solution, take_name: str, take_folder: str, solution_folder: str) -> Dict[str, str]:
    made = read_provenance(solution.provenance)
    seen = solution.residual[np.isfinite(solution.residual)]
    return {
        "takeName": take_name,
        "takeFolder": take_folder.replace("\\", "/"),
        "solutionFolder": solution_folder.replace("\\", "/"),
        "digest": controls_key(solution),
        "version": made.facesolve,
        "solved": made.date,
        "settings": json.dumps(dict(made.settings), sort_keys=True),
        "frames": "{}-{}".format(solution.frames[0], solution.frames[-1]),
        "residual": "{:.6g}".format(float(seen.mean())) if len(seen) else "",
    }


def find_provenance(layer: str = "") -> Optional[Provenance]:
    """The provenance node of ``layer``, or with no layer given the one that was applied last; None without one.

    One whose layer was deleted tells of keys that are gone, and does not count. Raises TakeError for a node that
    an older version made.
    """
    found = []
    for node in cmds.ls(type="network") or []:
        if not cmds.attributeQuery(MARK, node=node, exists=True):
            continue
        if not cmds.attributeQuery("digest", node=node, exists=True):
            raise TakeError(
                "'{}' was written by an older version of Facesolve; delete it and apply the solution again.".format(
                    node
                )
            )
        entry = Provenance(
            node,
            _text(node, "takeFolder"),
            _text(node, "solutionFolder"),
            _connected(node + ".layer"),
            _connected(node + ".head"),
            _text(node, "digest"),
            _ranges(node),
        )
        if entry.layer and (not layer or entry.layer == layer):
            found.append((_text(node, "applied"), entry))
    return max(found, key=lambda item: item[0])[1] if found else None


def _ranges(node: str) -> Tuple[AppliedRange, ...]:
    """What was solved again. Raises TakeError for text that this version did not write."""
    try:
        entries = json_value(_text(node, RANGES) or "[]")
        return tuple(
            AppliedRange(str(folder), float(first), float(last), str(digest)) for folder, first, last, digest in entries
        )
    except (ValueError, TypeError):
        raise TakeError(
            "'{}' holds damaged text in '{}'; delete the node and apply the solution again.".format(node, RANGES)
        ) from None


def _text(node: str, name: str) -> str:
    return cmds.getAttr("{}.{}".format(node, name)) or ""


def _connected(plug: str) -> str:
    return (cmds.listConnections(plug, source=True, destination=False) or [""])[0]
