"""The scene as Maya ASCII text. References are not written."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from .errors import EmulatorError
from .graph import Plug
from .node import Node, Path
from .schema import COMPOUND, INTEGER, NUMERIC
from .session import Session
from .tokens import quote
from .units import ANGLE_NAMES, LINEAR_NAMES
from .values import KEY_FIELDS, Raw

_CHUNK = 500
_WHOLE = re.compile(r"\.0(?![0-9])")


def scene_text(session: Session) -> str:
    """The whole scene; EmulatorError when it has references."""
    if session.references:
        raise EmulatorError("scenes with references are not saved")
    units = session.units
    linear = {short: name for name, short in LINEAR_NAMES.items()}[units.linear]
    angle = {short: name for name, short in ANGLE_NAMES.items()}[units.angle]
    lines = [
        f"//Maya ASCII {session.version} scene",
        "//Codeset: UTF-8",
        f'requires maya "{session.version}";',
        f"currentUnit -l {linear} -a {angle} -t {units.time};",
    ]
    lines += [f"fileInfo {quote(key)} {quote(value)};" for key, value in session.file_info.items()]
    ordinary = [node for node in session.graph.order if not node.startup]
    for node in _parents_first(ordinary):
        parent = f" -p {quote(session.graph.shortest_path(node.parent))}" if node.parent else ""
        lines.append(f"createNode {node.type} -n {quote(node.name)}{parent};")
        lines.append(f'\trename -uid "{node.uuid}";')
        lines += _contents(session, node)
        if node.node_locked:
            lines.append("lockNode -l 1 ;")
    for node in (n for n in session.graph.order if n.startup and (n.values or n.inert or n.type == "time")):
        lines.append(f"select -ne {_startup_name(session, node)};")
        lines += _contents(session, node)
    for destination, source in session.graph.inputs.items():
        pair = f"{quote(_plug(session, source))} {quote(_plug(session, destination))}"
        lines.append(f"connectAttr {pair};")
    lines += [statement.strip() + ";" for statement in session.relationships]
    return "\n".join(lines) + "\n// End of scene\n"


def _startup_name(session: Session, node: Node) -> str:
    """``:name``, or the path of a node of Maya's own whose name another one has, too."""
    path = session.graph.shortest_path(node)
    return path if "|" in path else ":" + path


def _parents_first(nodes: list[Node]) -> list[Node]:
    done: dict[int, Node] = {}

    def add(node: Node) -> None:
        if node.parent is not None and not node.parent.startup:
            add(node.parent)
        done.setdefault(id(node), node)

    for node in nodes:
        add(node)
    return list(done.values())


def _plug(session: Session, plug: Plug) -> str:
    name = _startup_name(session, plug.node) if plug.node.startup else session.graph.shortest_path(plug.node)
    return f"{name}.{plug.node.short_path(plug.path)}"


def _contents(session: Session, node: Node) -> list[str]:
    lines = [_declaration(node, name) for name in node.dynamic]
    if node.aliases and "attributeAliasList" not in node.dynamic:
        lines.append('\taddAttr -ci true -h true -sn "aal" -ln "attributeAliasList" -dt "attributeAlias";')
    lines += [f"\t{statement.strip()};" for statement in node.inert]
    if node.type == "time":
        lines.append(f'\tsetAttr ".o" {session.time / session.units.ticks_per_frame!r};')
    for path in sorted({*node.locked, *node.keyable, *node.channel_box}, key=str):
        if len(path) == 1 and path[0][0] not in node.dynamic and node.attribute(path[0][0]) is None:
            continue
        lines.append(f'\tsetAttr{_flags(node, path)} ".{node.short_path(path)}";')
    for path, value in node.values.items():
        if node.type == "time":
            continue
        lines.append(_setting(session, node, path, value))
    for path, array in node.arrays.items():
        lines += _bulk(session, node, path, array)
    lines += [f'\tsetAttr ".fc[{i}]" -type "polyFaces" {text.strip()};' for i, text in enumerate(node.faces)]
    if node.keys:
        lines += _keys(session, node)
    if node.aliases:
        pairs = ",".join(f"{quote(name)},{quote(node.path_name(path))}" for name, path in node.aliases.items())
        lines.append(f'\tsetAttr ".aal" -type "attributeAlias" {{{pairs}}} ;')
    return lines


def _flags(node: Node, path: Path) -> str:
    text = " -l on" if path in node.locked else ""
    if path in node.keyable:
        text += " -k on" if node.keyable[path] else " -k off"
    if path in node.channel_box:
        text += " -cb on" if node.channel_box[path] else " -cb off"
    return text


def _declaration(node: Node, name: str) -> str:
    attribute = node.dynamic[name]
    kind = "-at" if attribute.type in NUMERIC | INTEGER | COMPOUND | {"message"} else "-dt"
    words = [f"-sn {quote(attribute.short)} -ln {quote(attribute.long)}"]
    if attribute.type in NUMERIC | INTEGER and attribute.default:
        words.append(f"-dv {attribute.default!r}")
    words += [f"-min {attribute.minimum!r}"] if attribute.minimum is not None else []
    words += [f"-max {attribute.maximum!r}"] if attribute.maximum is not None else []
    words += [f"-en {quote(attribute.enum_names)}"] if attribute.enum_names else []
    words += [f"-nc {len(attribute.children)}"] if attribute.children else []
    words += [f"-p {quote(attribute.parent)}"] if attribute.parent else []
    words += ["-k true"] if attribute.keyable else []
    words += ["-h true"] if attribute.hidden else []
    words += ["-m"] if attribute.array else []
    return f"\taddAttr -ci true {' '.join(words)} {kind} {quote(attribute.type)};"


def _setting(session: Session, node: Node, path: Path, value: Any) -> str:
    attribute = node.leaf(path)
    head = f'\tsetAttr ".{node.short_path(path)}"'
    if attribute.type in NUMERIC | INTEGER:
        return f"{head} {_number(value / session.units.factor(attribute))};"
    if isinstance(value, Raw):
        return f'{head} -type "{attribute.type}" {value} ;'
    if attribute.type == "string":
        return f'{head} -type "string" {quote(value)};'
    if attribute.type == "matrix":
        return f'{head} -type "matrix" {_numbers(np.ravel(value))} ;'
    if attribute.type == "pointArray":
        return f'{head} -type "pointArray" {len(value)} {_numbers(np.ravel(value))} ;'
    if attribute.type in ("componentList", "stringArray"):
        return f'{head} -type "{attribute.type}" {len(value)} {" ".join(quote(v) for v in value)};'
    if attribute.type in ("Int32Array", "doubleArray"):
        return f'{head} -type "{attribute.type}" {len(value)} {_numbers(value)} ;'
    raise EmulatorError(f"'{node.name}.{node.path_name(path)}': {attribute.type} is not written")


def _number(value: float) -> str:
    text = repr(float(value))
    return text[:-2] if text.endswith(".0") else text


def _numbers(values: Any) -> str:
    """As ``_number``, of a scene's hundred thousands at once."""
    return _WHOLE.sub("", " ".join(map(repr, np.asarray(values, np.float64).tolist())))


def _bulk(session: Session, node: Node, path: Path, array: np.ndarray) -> list[str]:
    name = node.short_path(path)
    kind = {"pnts": ' -type "float3"', "uvSetPoints": ' -type "float2"'}.get(path[-1][0], "")
    lines = [f'\tsetAttr -s {len(array)} ".{name}";']
    for start in range(0, len(array), _CHUNK):
        block = array[start : start + _CHUNK]
        lines.append(f'\tsetAttr ".{name}[{start}:{start + len(block) - 1}]"{kind} {_numbers(block.ravel())};')
    return lines


def _keys(session: Session, node: Node) -> list[str]:
    output = node.attribute("output")
    assert output is not None
    over_time = node.type[len("animCurve")] == "T"
    x_scale = session.units.ticks_per_frame if over_time else 1.0
    y_scale = session.units.factor(output)
    span = f"[0:{len(node.keys) - 1}]"
    pairs = [number for key in node.keys for number in (key.time / x_scale, key.value / y_scale)]
    lines = [f'\tsetAttr -s {len(node.keys)} ".ktv{span}" {_numbers(pairs)};']
    for long, field in KEY_FIELDS.items():
        attribute = node.attribute(long)
        assert attribute is not None
        values = [float(getattr(key, field)) for key in node.keys]
        if long in ("keyTanInType", "keyTanOutType"):
            default = node.values.get((("tangentType", None),), 9)
            values = [value or float(default) for value in values]
        elif all(value == attribute.default for value in values):
            continue
        lines.append(f'\tsetAttr -s {len(values)} ".{attribute.short}{span}" {_numbers(values)};')
    return lines
