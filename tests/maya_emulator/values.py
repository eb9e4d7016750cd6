"""Values as a Maya ASCII file writes them: typed, ranged, in the file's units; and attribute declarations."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from .curve import Key
from .errors import EmulatorError
from .graph import Plug
from .node import Node, Path
from .schema import COMPOUND, INTEGER, NUMERIC, Attribute
from .session import Session
from .tokens import tokens

BULK = {"vrts": 3, "pnts": 3, "uvSetPoints": 2, "edge": 3}
NUMERIC_TYPES = COMPOUND | {"double4"}
KEY_FIELDS = {
    "keyTanLocked": "tangents_locked",
    "keyWeightLocked": "weights_locked",
    "keyTanInX": "in_x",
    "keyTanInY": "in_y",
    "keyTanOutX": "out_x",
    "keyTanOutY": "out_y",
    "keyTanInType": "in_type",
    "keyTanOutType": "out_type",
    "keyBreakdown": "breakdown",
}
_SPAN = re.compile(r"\[(\d+):(\d+)\]")
_WORDS = {"yes": 1.0, "on": 1.0, "true": 1.0, "no": 0.0, "off": 0.0, "false": 0.0}


class NameTaken(RuntimeError):
    """The node has an attribute of that name; a file that is being read goes on after it."""


class Raw(str):
    """Text of a data type that is carried along, never computed."""


def resolve_span(node: Node, text: str) -> tuple[Path, tuple[int, int] | None]:
    """The path that ``.vt[0:199]`` names with its first index, and the range; a range may stand on any level."""
    spans = _SPAN.findall(text)
    if len(spans) > 1:
        raise EmulatorError(f"two ranges in '{text}'")
    path = node.resolve(_SPAN.sub(lambda m: f"[{m.group(1)}]", text))
    return path, (int(spans[0][0]), int(spans[0][1])) if spans else None


def numbers(text: str) -> np.ndarray:
    """Numbers of a statement's tail; yes, no, on, off count as 1 and 0."""
    words = text.split()
    try:
        return np.array(words, np.float64)
    except ValueError:
        return np.array([_WORDS[w] if w in _WORDS else float(w) for w in words])


def store(session: Session, node: Node, path: Path, span: tuple[int, int] | None, type_name: str, text: str) -> None:
    """Stores what one ``setAttr`` statement gives."""
    attribute = node.leaf(path)
    if node.type.startswith("animCurve") and attribute.long in ("keyTimeValue", *KEY_FIELDS):
        _store_keys(session, node, attribute, span or (path[-1][1] or 0,) * 2, numbers(text))
    elif attribute.long in BULK:
        first, last = span or (path[-1][1] or 0,) * 2
        _store_bulk(session, node, (*path[:-1], (attribute.long, None)), first, last, numbers(text))
    elif attribute.type == "polyFaces":
        node.faces.append(text)
    elif type_name == "attributeAlias":
        words = [w for w in tokens(text) if w not in ("{", "}", ",")]
        for name, target in zip(words[::2], words[1::2], strict=True):
            node.aliases[name] = node.resolve(target)
    elif path[0][0] == "weightList" and span and path[-1][1] is None:
        _store_weights(node, span, numbers(text))
    elif type_name in ("", *NUMERIC_TYPES) or type_name in NUMERIC:
        _store_numbers(session, node, path, span, numbers(text))
    else:
        node.values[path] = parse(type_name, text)
        node.touch(path)


def parse(type_name: str, text: str) -> Any:
    """The value of a data type: str, list of str, ndarray, or ``Raw`` for what is only carried along."""
    if type_name == "string":
        return str(tokens(text)[0]) if text.strip() else ""
    if type_name == "matrix":
        words = text.split()
        if words[0].strip('"') == "xform":
            return Raw(text.strip())
        return np.array(words, np.float64).reshape(4, 4)
    if type_name == "pointArray":
        values = np.array(text.split(), np.float64)
        return values[1:].reshape(int(values[0]), 4)
    if type_name in ("componentList", "stringArray"):
        return [str(word) for word in tokens(text)[1:]]
    if type_name in ("Int32Array", "doubleArray", "floatArray"):
        return np.array(text.split()[1:], np.float64)
    return Raw(text.strip())


def _store_keys(session: Session, node: Node, attribute: Attribute, span: tuple[int, int], data: np.ndarray) -> None:
    first, last = span
    if last - first >= len(data):
        raise EmulatorError(f"'{node.name}' got {len(data)} numbers for more keys")
    while len(node.keys) <= last:
        node.keys.append(Key(0.0, 0.0))
    if attribute.long == "keyTimeValue":
        output = node.attribute("output")
        assert output is not None
        x_scale = session.units.ticks_per_frame if node.type[len("animCurve")] == "T" else 1.0
        y_scale = session.units.factor(output)
        for offset, (x, y) in enumerate(data.reshape(-1, 2)):
            key = node.keys[first + offset]
            ticks = x * x_scale
            key.time = float(round(ticks) if x_scale != 1.0 and abs(ticks - round(ticks)) < 1e-3 else ticks)
            key.value = float(y * y_scale)
        return
    name = KEY_FIELDS[attribute.long]
    for offset, value in enumerate(data):
        kind = type(getattr(node.keys[first + offset], name))
        setattr(node.keys[first + offset], name, kind(value))


def _store_bulk(session: Session, node: Node, root: Path, first: int, last: int, data: np.ndarray) -> None:
    width = BULK[root[-1][0]]
    block = data.reshape(last - first + 1, width)
    if root[-1][0] == "pnts":
        block = block * session.units.factor(Attribute("pntx", "px", "floatLinear"))
    old = node.arrays.get(root, np.zeros((0, width)))
    size = max(len(old), last + 1)
    if size > len(old):
        grown = np.zeros((size, width))
        grown[: len(old)] = old
        old = grown
    old[first : last + 1] = block
    node.arrays[root] = old


def _store_weights(node: Node, span: tuple[int, int], data: np.ndarray) -> None:
    """``.wl[a:b].w``: for each vertex a count, then pairs of index and weight."""
    position = 0
    for vertex in range(span[0], span[1] + 1):
        count = int(data[position])
        for offset in range(count):
            index = int(data[position + 1 + 2 * offset])
            path = (("weightList", vertex), ("weights", index))
            node.values[path] = float(data[position + 2 + 2 * offset])
            node.touch(path)
        position += 1 + 2 * count


def _store_numbers(session: Session, node: Node, path: Path, span: tuple[int, int] | None, data: np.ndarray) -> None:
    position = next((i for i, step in enumerate(path) if step[1] is not None), 0)
    if span is not None:
        position = max(i for i, step in enumerate(path) if step[1] == span[0])
    if span is not None and span[1] - span[0] >= len(data):
        raise EmulatorError(f"'{node.name}.{node.path_name(path)}' got {len(data)} numbers for more places")
    used = 0
    for index in range(span[0], span[1] + 1) if span else [None]:
        place = path if index is None else (*path[:position], (path[position][0], index), *path[position + 1 :])
        used += _store_leaves(session, node, place, data[used:])
    if used != len(data) and node.leaf(path).dynamic:
        session.messages.append(f"'{node.name}.{node.path_name(path)}' lacks children for its {len(data)} numbers")
    elif used != len(data):
        raise EmulatorError(f"'{node.name}.{node.path_name(path)}' got {len(data)} numbers, {used} expected")


def _store_leaves(session: Session, node: Node, path: Path, data: np.ndarray) -> int:
    attribute = node.leaf(path)
    if attribute.type in COMPOUND:
        used = 0
        for child in node.child_paths(path):
            if used < len(data):
                used += _store_leaves(session, node, child, data[used:])
        return used
    if attribute.type not in NUMERIC | INTEGER:
        raise EmulatorError(f"'{node.name}.{node.path_name(path)}' ({attribute.type}) cannot hold a number")
    value = data[0] * session.units.factor(attribute)
    node.values[path] = round(value) if attribute.type in INTEGER else float(value)
    node.touch(path)
    if attribute.long == "outTime" and node.type == "time":
        session.time = float(round(value))
    return 1


def declared(words: list[str], node: Node) -> Attribute:
    """The attribute that the flags of ``addAttr`` declare."""
    single = {"-sn", "-ln", "-at", "-dt", "-min", "-max", "-dv", "-smn", "-smx", "-en", "-nc", "-p"}
    boolean = {"-ci", "-k", "-h", "-m", "-im", "-s", "-is", "-dcb", "-r", "-w", "-cb", "-ct", "-nn"}
    flags: dict[str, str] = {}
    position = 0
    while position < len(words):
        flag = words[position]
        if flag in single | boolean:
            if flag == "-m" and (position + 1 == len(words) or words[position + 1].startswith("-")):
                flags[flag], position = "true", position + 1
                continue
            flags[flag] = words[position + 1]
            position += 2
        elif flag in ("-uac", "-uap"):
            position += 1
        else:
            raise EmulatorError(f"addAttr flag '{flag}'")
    kind = flags.get("-at") or flags.get("-dt")
    if kind is None:
        raise EmulatorError("addAttr without a type")
    long = flags.get("-ln") or flags["-sn"]
    if node.attribute(long) is not None:
        raise NameTaken(f"Found an attribute of that name on '{node.name}': {long}")
    parent = flags.get("-p")
    owner = node.attribute(parent) if parent else None
    return Attribute(
        long,
        flags.get("-sn") or long,
        {"fltMatrix": "matrix"}.get(kind, kind),
        default=float(flags.get("-dv", 0)) if kind in NUMERIC | INTEGER else None,
        array=flags.get("-m") in ("true", "1", "on"),
        keyable=flags.get("-k") in ("true", "1", "on"),
        hidden=flags.get("-h") in ("true", "1", "on"),
        parent=owner.long if owner else None,
        minimum=float(flags["-min"]) if "-min" in flags else None,
        maximum=float(flags["-max"]) if "-max" in flags else None,
        dynamic=True,
        enum_names=flags.get("-en", ""),
    )


def plug_children(node: Node, path: Path) -> list[Plug]:
    """The leaves below ``path`` (itself, when it is one)."""
    children = node.child_paths(path)
    if not children:
        return [Plug(node, path)]
    return [leaf for child in children for leaf in plug_children(node, child)]
