"""Runs the statements of a Maya ASCII file on a session. Knows files, not user commands."""

from __future__ import annotations

import gzip
import itertools
import re
from dataclasses import replace
from pathlib import Path

from . import values
from .errors import EmulatorError
from .graph import Plug
from .node import Node
from .reference_edits import apply_edits
from .schema import node_types
from .session import Session
from .tokens import statements, tokens

_SET = re.compile(
    r'^setAttr\s+(?P<flags>(?:-(?:k|l|cb|s|ch|ca|dn)\s+\S+\s+|-(?:av|c|sz)\s+)*)"(?P<plug>\.[^"]+)"'
    r'\s*(?P<late>(?:-(?:k|l|s|cb)\s+\S+\s*)*)(?:-type\s+"(?P<type>\w+)"\s*)?(?P<rest>.*)$',
    re.DOTALL,
)
_TRUE = ("on", "yes", "true", "1")


def read_scene(session: Session, path: Path, namespace: str = "") -> None:
    """Executes the file ``path`` (``.ma`` or ``.ma.gz``); names get ``namespace:`` in front (references)."""
    data = path.read_bytes()
    text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode("utf-8", errors="replace")
    recorder, session.graph.recorder = session.graph.recorder, None
    try:
        reader = Reader(session, namespace)
        reader.run(text)
        for node in [n for n in reader.created if n.type == "reference"]:
            edits = node.values.get((("edits", None),))
            if edits:
                apply_edits(reader, node, edits)
    finally:
        session.graph.recorder = recorder


class Reader:
    """State of one file being read: the node that ``setAttr ".x"`` means, the namespace."""

    def __init__(self, session: Session, namespace: str) -> None:
        self.session = session
        self.graph = session.graph
        self.namespace = namespace
        self.node: Node | None = None
        self.created: list[Node] = []

    def run(self, text: str) -> None:
        """Every statement in order; EmulatorError names the first that is unknown."""
        for statement in statements(text):
            word = statement.split(None, 1)[0]
            handler = getattr(self, "_" + word, None)
            if handler is None:
                raise EmulatorError(f"unknown statement '{word}' in a Maya ASCII file")
            try:
                handler(statement)
            except ValueError as error:
                raise EmulatorError(f"{error} in: {statement[:160]}") from error

    # ------------------------------------------------------------------ names

    def _name(self, name: str) -> str:
        if not self.namespace or name.startswith(":"):
            return name.lstrip(":")
        return "|".join(f"{self.namespace}:{part}" if part else "" for part in name.split("|"))

    def _find(self, name: str) -> Node:
        return self.session.node(self._name(name))

    def _plug(self, name: str) -> Plug:
        node_name, _, attribute = name.partition(".")
        node = self._find(node_name)
        return Plug(node, node.resolve(attribute))

    # ------------------------------------------------------------------ statements

    def _requires(self, statement: str) -> None:
        words = tokens(statement)[1:]
        self.session.required_plugins.add(str(words[-2]))
        for flag, name in itertools.pairwise(words):
            if flag == "-nodeType" and name not in node_types():
                raise EmulatorError(f"the plug-in node type '{name}' is not known to the stand-in")

    def _fileInfo(self, statement: str) -> None:
        if not self.namespace:
            key, value = tokens(statement)[1:3]
            self.session.file_info[key] = value

    def _currentUnit(self, statement: str) -> None:
        words = tokens(statement)[1:]
        flags = dict(zip(words[::2], words[1::2], strict=True))
        units = self.session.units
        if self.namespace:
            if (flags["-l"], flags["-a"]) != ("centimeter", "degree"):
                raise EmulatorError("a reference in other units is not converted")
            return
        units.__init__(flags["-l"], flags["-a"], flags["-t"])
        self.session.time = units.ticks_per_frame

    def _file(self, statement: str) -> None:
        words = tokens(statement)[1:]
        if "-rdi" in words:
            return
        if "-r" not in words:
            raise EmulatorError(f"file statement without -r: {statement[:120]}")
        namespace, node_name = words[words.index("-ns") + 1], words[words.index("-rfn") + 1]
        self.session.references[node_name] = words[-1]
        reader = Reader(self.session, self._name(namespace))
        data = self.session.resolve_file(words[-1]).read_text(encoding="utf-8", errors="replace")
        reader.run(data)
        for node in reader.created:
            node.reference = node.reference or node_name

    def _createNode(self, statement: str) -> None:
        words = tokens(statement)[1:]
        type_name, name, parent, shared = words[0], None, None, False
        position = 1
        while position < len(words):
            flag = words[position]
            if flag in ("-s", "-ss"):
                shared = True
                position += 1
            elif flag in ("-n", "-p"):
                name, parent = (words[position + 1], parent) if flag == "-n" else (name, words[position + 1])
                position += 2
            else:
                raise EmulatorError(f"createNode flag '{flag}'")
        if shared:
            existing = [n for n in self.graph.find(name or "") if n.type == type_name]
            if existing:
                self.node = existing[0]
                return
        owner = self._find(parent) if parent else None
        self.node = self.graph.create(type_name, self._name(name or type_name + "1"), owner)
        if not self.namespace and name and self.node.name != name:
            raise EmulatorError(f"'{name}' exists already while a scene is being read")
        self.created.append(self.node)

    def _rename(self, statement: str) -> None:
        words = tokens(statement)
        if words[1] != "-uid" or self.node is None:
            raise EmulatorError(f"rename statement: {statement[:120]}")
        self.node.uuid = words[2]

    def _select(self, statement: str) -> None:
        words = tokens(statement)
        if words[1] != "-ne":
            raise EmulatorError(f"select statement: {statement[:120]}")
        self.node = self._find(words[2])

    def _lockNode(self, statement: str) -> None:
        assert self.node is not None
        self.node.node_locked = True

    def _relationship(self, statement: str) -> None:
        self.session.relationships.append(statement)

    def _parent(self, statement: str) -> None:
        words = [w for w in tokens(statement)[1:] if w not in ("-s", "-nc", "-r", "-a", "-add")]
        self.graph.reparent(self._find(words[0]), self._find(words[1]))

    def _addAttr(self, statement: str) -> None:
        assert self.node is not None
        try:
            attribute = values.declared(tokens(statement)[1:], self.node)
        except values.NameTaken as error:
            self.session.messages.append(str(error))
            return
        self.node.dynamic[attribute.long] = attribute
        if attribute.parent:
            parent = self.node.dynamic[attribute.parent]
            self.node.dynamic[attribute.parent] = replace(parent, children=(*parent.children, attribute.long))

    def _connectAttr(self, statement: str) -> None:
        words = tokens(statement)[1:]
        source, destination = self._plug(words[0]), self._plug(words[1])
        if "-na" in words[2:]:
            destination = next_available(self.session, destination)
        self.graph.connect(source, destination)
        if "-l" in words[2:]:
            destination.node.locked.add(destination.path)

    def _setAttr(self, statement: str) -> None:
        node = self.node
        assert node is not None
        match = _SET.match(statement)
        if match is None:
            raise EmulatorError(f"setAttr statement: {statement[:160]}")
        if node.is_inert:
            node.inert.append(statement)
            return
        plug, rest = match.group("plug"), match.group("rest")
        path, span = values.resolve_span(node, plug)
        flags = (match.group("flags") + " " + match.group("late")).split()
        for flag, setting in itertools.pairwise(flags):
            if flag == "-l":
                (node.locked.add if setting in _TRUE else node.locked.discard)(path)
            elif flag == "-k":
                node.keyable[path] = setting in _TRUE
            elif flag == "-cb":
                node.channel_box[path] = setting in _TRUE
        if rest.strip() or match.group("type"):
            values.store(self.session, node, path, span, match.group("type") or "", rest)
        self.graph.version += 1


def next_available(session: Session, plug: Plug) -> Plug:
    """The first element of the array attribute ``plug`` that has no connection."""
    name = plug.path[-1][0]
    if not plug.node.is_inert and not plug.attribute.array:
        raise ValueError(f"'{name}' is not an array")
    index = 0
    while Plug(plug.node, (*plug.path[:-1], (name, index))) in session.graph.inputs:
        index += 1
    return Plug(plug.node, (*plug.path[:-1], (name, index)))
