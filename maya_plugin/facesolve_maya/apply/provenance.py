"""Where keys came from, on a network node in the scene: take, version, date, settings, residual, layer, head.

What a layer holds is one solve of a whole take, the ranges that were solved again since, and solves of other ranges of
the scene: a second layer would hide those of the first.
"""

from __future__ import annotations

import json
from dataclasses import astuple, dataclass
from datetime import datetime, timezone
from functools import partial
from typing import Dict, List, Optional, Sequence, Tuple

import numpy as np
from maya import cmds

from facesolve.take import Solution
from facesolve.take.correctives import controls_key
from facesolve.take.errors import TakeError
from facesolve.take.provenance import read_provenance
from facesolve.take.reading import json_value
from facesolve.take.retime import timeline
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
    "span",
    "residual",
)
RANGES = "ranges"
MARK = "facesolveProvenance"


@dataclass(frozen=True)
class AppliedRange:
    """A range that was solved by itself: its solution's folder and digest, first and last scene time."""

    solution_folder: str
    first: float
    last: float
    digest: str

    def overlaps(self, first: float, last: float) -> bool:
        """Whether the two have a time in common."""
        return self.first <= last + 1e-6 and first <= self.last + 1e-6


@dataclass(frozen=True)
class Provenance:
    """A provenance node as it is found in a scene; ``head`` is empty when it was left alone or deleted.

    digest: of the solution that was applied, in case its folder holds another by now. span: its first and last scene
    time. ranges: what else was applied, oldest first.
    """

    node: str
    take_folder: str
    solution_folder: str
    layer: str
    head: str
    digest: str = ""
    span: Tuple[float, float] = (-np.inf, np.inf)
    ranges: Tuple[AppliedRange, ...] = ()

    def all(self) -> Tuple[AppliedRange, ...]:
        """Everything that was applied: the last whole take as a range like the others, and these, oldest first."""
        return (AppliedRange(self.solution_folder, *self.span, self.digest), *self.ranges)


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
    the whole take. A whole take, too, leaves what it does not overlap.
    """
    existing = find_provenance(layer)
    node = existing.node if existing is not None else free_name(node_name("provenance"))
    commands: List[Command] = [] if existing is not None else _node_commands(node, layer, head)
    texts = dict(_texts(solution, take_name, take_folder, solution_folder), applied=applied, **{RANGES: "[]"})
    if existing is not None and span is not None:
        added = AppliedRange(texts["solutionFolder"], span[0], span[1], texts["digest"])
        texts = {"applied": applied, RANGES: _ranges_text((*existing.ranges, added))}
    elif existing is not None:
        times = timeline(solution)[0]
        kept = [part for part in existing.all() if not part.overlaps(float(times[0]), float(times[-1]))]
        texts[RANGES] = _ranges_text(kept)
    return commands + [
        partial(cmds.setAttr, "{}.{}".format(node, name), text, type="string") for name, text in texts.items()
    ]


def layer_beside(times: np.ndarray) -> str:
    """The layer of the solve applied last, if nothing in it has a time in common with ``times``; else empty."""
    origin = find_provenance()
    first, last = float(times[0]), float(times[-1])
    return "" if origin is None or any(part.overlaps(first, last) for part in origin.all()) else origin.layer


def _ranges_text(ranges: Sequence[AppliedRange]) -> str:
    return json.dumps([astuple(part) for part in ranges])


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
        "span": json.dumps([float(time) for time in timeline(solution)[0][[0, -1]]]),
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
        if not cmds.attributeQuery("span", node=node, exists=True):
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
            _span(node),
            _ranges(node),
        )
        if entry.layer and (not layer or entry.layer == layer):
            found.append((_text(node, "applied"), entry))
    return max(found, key=lambda item: item[0])[1] if found else None


def _span(node: str) -> Tuple[float, float]:
    """First and last scene time of the whole take. Raises TakeError for text that this version did not write."""
    try:
        first, last = json_value(_text(node, "span"))
        return float(first), float(last)
    except (ValueError, TypeError):
        raise _damaged(node, "span") from None


def _ranges(node: str) -> Tuple[AppliedRange, ...]:
    """What was solved again. Raises TakeError for text that this version did not write."""
    try:
        entries = json_value(_text(node, RANGES) or "[]")
        return tuple(
            AppliedRange(str(folder), float(first), float(last), str(digest)) for folder, first, last, digest in entries
        )
    except (ValueError, TypeError):
        raise _damaged(node, RANGES) from None


def _damaged(node: str, name: str) -> TakeError:
    return TakeError(
        "'{}' holds damaged text in '{}'; delete the node and apply the solution again.".format(node, name)
    )


def _text(node: str, name: str) -> str:
    return cmds.getAttr("{}.{}".format(node, name)) or ""


def _connected(plug: str) -> str:
    return (cmds.listConnections(plug, source=True, destination=False) or [""])[0]
