"""One node of the scene: its attributes, stored values and place in the DAG. Computes nothing."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .curve import Key
from .errors import EmulatorError
from .schema import COMPOUND, Attribute, is_a, node_types

Step = tuple[str, int | None]
Path = tuple[Step, ...]

_INSTANCE = dict.fromkeys(
    (
        "instObjGroups",
        "worldMatrix",
        "worldInverseMatrix",
        "parentMatrix",
        "parentInverseMatrix",
        "worldMesh",
        "handlePath",
    ),
    0,
)  # arrays over a DAG node's instances: without an index the first instance is meant
_SEGMENT = re.compile(r"^([A-Za-z_]\w*)(?:\[(-?\d+)\])?$")


@dataclass(eq=False)
class Node:
    """A node. ``values`` holds what was set, by attribute path; everything else has its type's default."""

    name: str
    type: str
    parent: Node | None = None
    children: list[Node] = field(default_factory=list)
    uuid: str = ""
    values: dict[Path, Any] = field(default_factory=dict)
    arrays: dict[Path, np.ndarray] = field(default_factory=dict)
    faces: list[str] = field(default_factory=list)
    keys: list[Key] = field(default_factory=list)
    dynamic: dict[str, Attribute] = field(default_factory=dict)
    aliases: dict[str, Path] = field(default_factory=dict)
    locked: set[Path] = field(default_factory=set)
    keyable: dict[Path, bool] = field(default_factory=dict)
    channel_box: dict[Path, bool] = field(default_factory=dict)
    elements: dict[Path, set[int]] = field(default_factory=dict)
    inert: list[str] = field(default_factory=list)
    node_locked: bool = False
    startup: bool = False
    reference: str | None = None
    alive: bool = True

    @property
    def is_dag(self) -> bool:
        return is_a(self.type, "dagNode")

    @property
    def is_inert(self) -> bool:
        return node_types()[self.type].inert

    @property
    def full_path(self) -> str:
        """``|group|node`` for DAG nodes, the name for others."""
        if not self.is_dag:
            return self.name
        return (self.parent.full_path if self.parent else "") + "|" + self.name

    def attribute(self, name: str) -> Attribute | None:
        """The attribute of long or short ``name``, or None."""
        if name in self.dynamic:
            return self.dynamic[name]
        for attribute in self.dynamic.values():
            if attribute.short == name:
                return attribute
        table = node_types()[self.type].attributes
        return table.get(name) or _short_names(self.type).get(name)

    def ancestors(self, attribute: Attribute) -> list[Attribute]:
        """``attribute`` preceded by the compounds that hold it, outermost first."""
        chain = [attribute]
        while chain[0].parent:
            parent = self.attribute(chain[0].parent)
            assert parent is not None
            chain.insert(0, parent)
        return chain

    def resolve(self, text: str) -> Path:
        """The path that ``text`` (``inputTarget[0].itg[3]``, ``tx``, an alias) names; ValueError if there is none."""
        text = text.lstrip(".")
        if self.is_inert:
            return ((text, None),)
        indices: dict[str, int] = {}
        last: Attribute | None = None
        alias: Path = ()
        for segment in text.split("."):
            match = _SEGMENT.match(segment)
            if match is None:
                raise ValueError(text)
            if segment in self.aliases:
                alias = self.aliases[segment]
                continue
            last = self.attribute(match.group(1))
            if last is None:
                raise ValueError(text)
            if match.group(2) is not None:
                if not last.array:
                    raise ValueError(text)
                indices[last.long] = int(match.group(2))
        if last is None:
            return alias
        chain = self.ancestors(last)
        if set(indices) - {a.long for a in chain}:
            raise ValueError(text)
        path = []
        for attribute in chain:
            index = indices.get(attribute.long, _INSTANCE.get(attribute.long)) if attribute.array else None
            if attribute.array and index is None and attribute is not last:
                raise ValueError(text)
            path.append((attribute.long, index))
        return tuple(path)

    def leaf(self, path: Path) -> Attribute:
        """The attribute at the end of ``path``."""
        attribute = self.attribute(path[-1][0])
        if attribute is None:
            raise EmulatorError(f"{self.type} has no attribute '{path[-1][0]}'")
        return attribute

    def is_array_root(self, path: Path) -> bool:
        """True when ``path`` names an array attribute as a whole."""
        return self.leaf(path).array and path[-1][1] is None

    def child_paths(self, path: Path) -> list[Path]:
        """Paths of the children of the compound at ``path``."""
        return [
            (*path, (child, None)) for child in (self.leaf(path).children if self.leaf(path).type in COMPOUND else ())
        ]

    def path_name(self, path: Path, *, alias: bool = False) -> str:
        """``path`` as Maya prints it: long names, compounds that are not arrays left out."""
        if alias:
            for name, target in self.aliases.items():
                if target == path:
                    return name
        parts = []
        for position, (name, index) in enumerate(path):
            attribute = self.attribute(name)
            if position < len(path) - 1 and attribute is not None and not attribute.array:
                continue
            parts.append(name if index is None else f"{name}[{index}]")
        return ".".join(parts)

    def short_path(self, path: Path) -> str:
        """``path`` as a file holds it: short names and every level that the file needs."""
        parts = []
        for position, (name, index) in enumerate(path):
            attribute = self.attribute(name)
            if attribute is None:
                return ".".join(n if i is None else f"{n}[{i}]" for n, i in path)
            if position < len(path) - 1 and not attribute.array:
                continue
            parts.append(attribute.short if index is None else f"{attribute.short}[{index}]")
        return ".".join(parts)

    def touch(self, path: Path) -> None:
        """Notes the array elements that ``path`` brings into being."""
        for position, (name, index) in enumerate(path):
            if index is not None:
                self.elements.setdefault((*path[:position], (name, None)), set()).add(index)


def _short_names(type_name: str) -> dict[str, Attribute]:
    if type_name not in _SHORT:
        _SHORT[type_name] = {a.short: a for a in node_types()[type_name].attributes.values()}
    return _SHORT[type_name]


_SHORT: dict[str, dict[str, Attribute]] = {}
