"""Flags from a function's arguments and from the fields of its request dataclasses. Looks words up, runs nothing.

Arguments that are positional-only are inputs, the others are flags. One whose type is a dataclass stands for a flag for
each field; where it is not keyword-only, its first field is an input.
"""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields, is_dataclass, make_dataclass
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Group, Parameter, Token

from facesolve.take.documented import field_help

from .output import Verbosity
from .settings import SettingsFlags
from .words import WORDS, Word, names

ARGUMENTS = Group("Arguments", sort_key=1)
OPTIONS = Group("Options", sort_key=2)
SETTINGS = Group("Settings of the solve", sort_key=3)
OUTPUT = Group("Output", sort_key=4)


@dataclass(frozen=True)
class Flag:
    """A flag, or an input where ``is_input``, as help and the documentation show it.

    names: of a flag all that may be typed. value: what its value is called, empty for one that is on or off. kind: for
    cyclopts, which reads it.
    """

    names: tuple[str, ...]
    value: str
    help: str
    default: str
    required: bool
    group: Group
    is_input: bool
    kind: Any

    @property
    def usage(self) -> str:
        """As it is typed, without its help."""
        return self.value if self.is_input else " ".join(filter(None, (self.names[0], self.value)))


def flags_of(command: Callable[..., Any]) -> tuple[inspect.Signature, tuple[Flag, ...]]:
    """The command's signature with all that cyclopts needs to read it, and its flags in their order."""
    signature, hints = inspect.signature(command), typing.get_type_hints(command)
    texts = field_help(command, "Args")
    flags: list[Flag] = []
    shown = []
    for parameter in signature.parameters.values():
        kind = hints[parameter.name]
        if is_dataclass(kind):
            typed, found = _typed(kind, has_input=parameter.kind is parameter.POSITIONAL_OR_KEYWORD)
            flags += found
            kind = Annotated[typed, Parameter(name="*")]
        else:
            is_input = parameter.kind is parameter.POSITIONAL_ONLY
            default = MISSING if parameter.default is parameter.empty else parameter.default
            text = texts.get(parameter.name, "")
            flags.append(_flag(parameter.name, kind, default, text, {}, OPTIONS, is_input))
            kind = flags[-1].kind
        shown.append(parameter.replace(annotation=kind))
    return signature.replace(parameters=shown), tuple(flags)


def _typed(request: Any, has_input: bool) -> tuple[type, list[Flag]]:
    """A subclass of the dataclass whose fields say how they are read, so that a request is parsed; and its flags."""
    group = SETTINGS if issubclass(request, SettingsFlags) else OUTPUT if issubclass(request, Verbosity) else OPTIONS
    texts, hints = field_help(request), typing.get_type_hints(request)
    flags, typed = [], []
    for index, known in enumerate(fields(request)):
        is_input = has_input and index == 0
        text = known.metadata.get("help") or texts.get(known.name, "")
        own: dict[str, Any] = {} if known.default is MISSING else {"default": known.default}
        if known.default_factory is not MISSING:
            own["default_factory"] = known.default_factory
        default = known.default if known.default_factory is MISSING else ()
        flag = _flag(known.name, hints[known.name], default, text, known.metadata, group, is_input)
        flags.append(flag)
        typed.append((known.name, flag.kind, field(kw_only=not is_input, **own)))
    made = make_dataclass(request.__name__, typed, bases=(request,), frozen=True, eq=False)
    made.__module__ = request.__module__  # cyclopts takes classes of Python's own 'types' for built in
    return made, flags


def _flag(
    name: str, kind: Any, default: Any, text: str, about: Mapping[str, Any], group: Group, is_input: bool
) -> Flag:
    word = WORDS.get(name, Word())
    if name == "take" and not is_input:
        word = Word("TAKE", "folder of the take, if it is no longer where the solution recorded it")
    choices: Sequence[str] = about.get("choices") or _literal(kind)
    value = "|".join(choices) if choices else word.metavar or _value(kind)
    is_switch = kind is bool or kind == (bool | None)
    typed = f"--{name.replace('_', '-')}"
    negative = f"--no-{typed[2:]}" if is_switch and default is not False else ""
    told, required = (text or word.help).rstrip("."), default is MISSING
    group = ARGUMENTS if is_input else group
    parameter: dict[str, Any] = {
        "name": value if is_input else (typed, word.short) if word.short else typed,
        "help": told,
        "group": group,
        "negative": negative or (),
        "show_default": False,
        "show_choices": False,
    }
    return Flag(
        names=tuple(filter(None, (typed, word.short, negative))),
        value="" if is_switch else value,
        help=told,
        default=_default(default),
        required=required,
        group=group,
        is_input=is_input,
        kind=_kind(kind, word, choices, parameter),
    )


def _kind(kind: Any, word: Word, choices: Sequence[str], parameter: dict[str, Any]) -> Any:
    """The type with which cyclopts reads a flag: a text with a reader of ours, a choice, or as it is."""
    if choices:
        return Annotated[typing.Literal[tuple(choices)], Parameter(**parameter)]
    if word.several is not None:
        return Annotated[list[str], Parameter(converter=_reader(word.several), n_tokens=1, **parameter)]
    read = names if word.read is None and kind == tuple[str, ...] else word.read
    if read is not None:
        return Annotated[str, Parameter(converter=_reader_of_one(read), **parameter)]
    return Annotated[kind, Parameter(**parameter)]


def _reader(read: Callable[[Sequence[str]], Any]) -> Callable[[Any, Sequence[Token]], Any]:
    return lambda _, tokens: read([token.value for token in tokens])


def _reader_of_one(read: Callable[[str], Any]) -> Callable[[Any, Sequence[Token]], Any]:
    return lambda _, tokens: read(tokens[-1].value)


def _literal(kind: Any) -> tuple[str, ...]:
    literals = [one for one in _parts(kind) if typing.get_origin(one) is typing.Literal]
    return tuple(text for one in literals for text in typing.get_args(one))


def _parts(kind: Any) -> Iterator[Any]:
    yield kind
    yield from typing.get_args(kind)


def _value(kind: Any) -> str:
    for known, value in ((Path, "FILE"), (int, "N"), (float, "X")):
        if known in _parts(kind):
            return value
    return "TEXT"


def _default(default: Any) -> str:
    """The default as it would be typed; empty where there is none worth showing."""
    if default is MISSING or default is None or default == () or isinstance(default, bool):
        return ""
    if isinstance(default, tuple):
        return ",".join(default)
    return f"{default:g}" if isinstance(default, float) else str(default)
