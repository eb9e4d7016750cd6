"""The edits that a scene makes to its references: parenting, values, connections through placeholders."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .errors import EmulatorError
from .graph import Plug
from .node import Node
from .tokens import Quoted, tokens

if TYPE_CHECKING:
    from .reader import Reader

_STRINGS = {"0": 3, "2": 3, "5": 4}


def apply_edits(reader: Reader, reference: Node, text: str) -> None:
    """Applies the ``dataReferenceEdits`` of one reference node."""
    words = tokens(text)
    position = 1
    while position < len(words):
        if isinstance(words[position], Quoted):
            position += 2
            continue
        code = words[position]
        position += 1
        kind = ""
        if code == "5":
            kind = words[position]
            position += 1
        if code not in _STRINGS or kind not in ("", "3", "4"):
            raise EmulatorError(f"reference edit {code} {kind} is not applied")
        strings = words[position : position + _STRINGS[code]]
        position += _STRINGS[code]
        if code == "0":
            reader.graph.reparent(reader.session.node(strings[0]), reader.session.node(strings[1]))
        elif code == "2":
            _set(reader, strings)
        else:
            _connect(reader, reference, kind, strings)


def _set(reader: Reader, strings: list[str]) -> None:
    reader.node = reader.session.node(strings[0])
    flags, _, typed = strings[2].partition(" -type ")
    words = flags.split()
    flag_text, rest = [], []
    while words:
        word = words.pop(0)
        if word in ("-av",):
            flag_text.append(word)
        elif word in ("-k", "-l", "-cb"):
            flag_text += [word, words.pop(0)]
        else:
            rest.append(word)
    tail = f"-type {typed}" if typed else " ".join(rest)
    reader.run(f'setAttr {" ".join(flag_text)} ".{strings[1]}" {tail};')


def _connect(reader: Reader, reference: Node, kind: str, strings: list[str]) -> None:
    """4: what feeds the placeholder feeds the referenced plug. 3: the referenced plug feeds what it fed."""
    graph = reader.graph
    placeholder = Plug(reference, reference.resolve(strings[2].partition(".")[2]))
    plug = reader.session.plug(strings[1])
    if kind == "4":
        source = graph.inputs.get(placeholder)
        if source is not None:
            graph.disconnect(placeholder)
            graph.connect(source, plug)
        return
    for destination in graph.destinations(placeholder):
        graph.disconnect(destination)
        graph.connect(plug, destination)
