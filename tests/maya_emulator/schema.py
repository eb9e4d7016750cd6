"""Node types and their attributes, read from ``node_types/*.txt``. Knows no scene."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

from .errors import EmulatorError

NUMERIC = {"double", "float", "doubleLinear", "floatLinear", "doubleAngle", "time", "generic"}
INTEGER = {"long", "short", "enum", "bool", "byte", "char"}
COMPOUND = {"double3", "float3", "long3", "double2", "float2", "short2", "long2", "compound"}
LINEAR = {"doubleLinear", "floatLinear"}
ANGLE = {"doubleAngle"}
TIME = {"time"}


@dataclass(frozen=True)
class Attribute:
    """One attribute of a node type; ``parent`` is the long name of the compound it belongs to."""

    long: str
    short: str
    type: str
    default: float | str | None = None
    array: bool = False
    output: bool = False
    keyable: bool = False
    parent: str | None = None
    children: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    hidden: bool = False
    dynamic: bool = False
    enum_names: str = ""
    nice: dict[str, Any] = field(default_factory=dict)


@dataclass
class NodeType:
    """A node type: its base's name and every attribute it has, inherited ones included, by long name."""

    name: str
    base: str | None
    attributes: dict[str, Attribute]
    inert: bool = False


@cache
def node_types() -> dict[str, NodeType]:
    """Every node type of the stand-in, by name."""
    types: dict[str, NodeType] = {}
    blocks: list[tuple[str, str | None, list[str]]] = []
    for path in sorted(Path(__file__).with_name("node_types").glob("*.txt")):
        for line in path.read_text(encoding="utf-8").splitlines():
            if not line.strip() or line.startswith("#"):
                continue
            words = line.split()
            if line.startswith("type "):
                blocks.append((words[1], words[3] if len(words) > 2 else None, []))
            elif line.startswith("inert "):
                for name in words[1:]:
                    types[name] = NodeType(name, "node", {}, inert=True)
            else:
                blocks[-1][2].append(line)
    waiting = blocks
    while waiting:
        later = []
        for name, base, lines in waiting:
            if base is not None and base not in types:
                later.append((name, base, lines))
                continue
            inherited = dict(types[base].attributes) if base else {}
            inherited.update(_attributes(lines))
            types[name] = NodeType(name, base, inherited)
        if len(later) == len(waiting):
            raise EmulatorError(f"node types with an unknown base: {[b[0] for b in later]}")
        waiting = later
    return types


def is_a(type_name: str, base: str) -> bool:
    """True when ``type_name`` is ``base`` or derived from it."""
    name: str | None = type_name
    while name is not None:
        if name == base:
            return True
        name = node_types()[name].base
    return False


def lineage(type_name: str) -> list[str]:
    """``type_name`` and its bases, nearest first."""
    names = []
    name: str | None = type_name
    while name is not None:
        names.append(name)
        name = node_types()[name].base
    return names


def _attributes(lines: list[str]) -> dict[str, Attribute]:
    found: dict[str, Attribute] = {}
    stack: list[str] = []
    for line in lines:
        depth = (len(line) - len(line.lstrip())) // 2 - 1
        words = line.split()
        kind, _, default = words[2].partition("=")
        flags = words[3] if len(words) > 3 else ""
        attribute = Attribute(
            words[0],
            words[1],
            kind,
            _default(kind, default),
            array="a" in flags,
            output="o" in flags,
            keyable="k" in flags,
            parent=stack[depth - 1] if depth else None,
        )
        del stack[depth:]
        stack.append(attribute.long)
        found[attribute.long] = attribute
        if attribute.parent:
            parent = found[attribute.parent]
            found[parent.long] = replace(parent, children=(*parent.children, attribute.long))
    return found


def _default(kind: str, text: str) -> float | str | None:
    if kind in NUMERIC:
        return float(text or 0)
    if kind in INTEGER:
        return int(text or 0)
    return text if text else None
