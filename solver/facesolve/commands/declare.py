"""A command from a function: flags from its arguments and request dataclasses, help from its docstring.

A command's parameters are its arguments: positional-only ones are inputs, the others flags. One whose type is a
dataclass stands for a flag for each field. What a flag is called and how it is read is looked up in ``words``.
"""

from __future__ import annotations

import inspect
import textwrap
import traceback
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields, is_dataclass, make_dataclass
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, Group, Parameter, Token

from facesolve.take import FacesolveError
from facesolve.take.documented import field_help

from .output import Verbosity
from .settings import SettingsFlags
from .words import WORDS, Word, names

Command = Callable[..., int]

GROUPS = {
    SettingsFlags: Group("Settings of the solve", sort_key=3),
    Verbosity: Group("Output", sort_key=4),
}
OPTIONS = Group("Options", sort_key=2)
ARGUMENTS = Group("Arguments", sort_key=1)


@dataclass(frozen=True)
class Help:
    """A command's docstring in its parts. about: one sentence. details: paragraphs; lines that are indented stand as
    they are. examples: one command each."""

    about: str
    details: str
    examples: tuple[str, ...]


def help_of(command: Command) -> Help:
    """The parts of the docstring: a sentence, details, and an ``Examples:`` section."""
    text = inspect.cleandoc(command.__doc__ or "")
    text, _, rest = text.partition("\nExamples:\n")
    examples = textwrap.dedent(rest.split("\n\n")[0]).replace("\\\n", " ").splitlines()
    text = text.partition("\nArgs:\n")[0]
    about, _, details = text.partition("\n\n")
    return Help(" ".join(about.split()), details.strip(), tuple(" ".join(line.split()) for line in examples))


def name_of(command: Command) -> str:
    """What the command is called on the command line."""
    return command.__name__.removesuffix("_").replace("_", "-")


def add_command(app: App, command: Command, width: int) -> App:
    """Adds the command to ``app``, its help laid out for a terminal of ``width`` columns; returns its own app."""
    told = help_of(command)
    metavars: dict[str, str] = {}
    examples = "\n".join(_wrapped(f"  {example}", width, "      ") for example in told.examples)
    from .help_layout import layout

    own = App(
        name=name_of(command),
        help=f"{told.about}\n\n{paragraphs(told.details, width)}".strip(),
        help_epilogue=f"Examples:\n{examples}",
        help_format="plaintext",
        help_formatter=layout(metavars),
        group_arguments=ARGUMENTS,
        group_parameters=OPTIONS,
    )
    own.default(_with_flags(command, metavars))
    app.command(own)
    return own


def paragraphs(text: str, width: int) -> str:
    """``text`` with its paragraphs filled to ``width``; a line that is indented begins an entry of a list."""
    blocks: list[str] = []
    for block in text.split("\n\n"):
        entries: list[str] = []
        for line in block.splitlines():
            if line.startswith("  ") and not line.startswith("      "):
                entries.append(line.rstrip())
            elif entries:
                entries[-1] += " " + line.strip()
            else:
                entries.append(line.strip())
        blocks.append("\n".join(_wrapped(entry, width, _hanging(entry)) for entry in entries))
    return "\n\n".join(blocks)


def _hanging(entry: str) -> str:
    """The indent of the further lines of an entry ``  name   text``: that of its text."""
    if not entry.startswith("  "):
        return ""
    name, gap, _ = entry[2:].partition("  ")
    start = 2 + len(name)
    return " " * (start + len(entry[start:]) - len(entry[start:].lstrip())) if gap else "    "


def _wrapped(text: str, width: int, indent: str) -> str:
    return textwrap.fill(
        text,
        width,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
        drop_whitespace=True,
        replace_whitespace=False,
    )


def _with_flags(command: Command, metavars: dict[str, str]) -> Command:
    """``command`` with a signature that tells cyclopts everything about its flags; shows where an error arose."""
    signature = inspect.signature(command)
    hints = typing.get_type_hints(command)
    texts = field_help(command, "Args")
    shown = []
    for parameter in signature.parameters.values():
        kind = hints[parameter.name]
        if is_dataclass(kind):
            typed = _typed(kind, metavars, first_is_input=parameter.kind is parameter.POSITIONAL_OR_KEYWORD)
            kind = Annotated[typed, Parameter(name="*", group=_group(kind))]
        else:
            positional = parameter.kind is parameter.POSITIONAL_ONLY
            kind = _flag(
                parameter.name, kind, parameter.default, texts.get(parameter.name, ""), {}, metavars, positional
            )
        shown.append(parameter.replace(annotation=kind))

    def run(*arguments: Any, **flags: Any) -> int:
        try:
            return command(*arguments, **flags)
        except FacesolveError:
            if any(isinstance(flag, Verbosity) and flag.verbose for flag in flags.values()):
                traceback.print_exc()
            raise

    run.__signature__ = signature.replace(parameters=shown)  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in shown}
    run.__name__ = command.__name__
    return run


def _group(kind: Any) -> Group | None:
    return next((group for base, group in GROUPS.items() if issubclass(kind, base)), None)


def _typed(request: Any, metavars: dict[str, str], first_is_input: bool) -> type:
    """A subclass of the dataclass whose fields say how they are read: what is parsed is a request."""
    texts, hints = field_help(request), typing.get_type_hints(request)
    typed = []
    for index, known in enumerate(fields(request)):
        positional = first_is_input and index == 0
        default = known.default
        text = known.metadata.get("help") or texts.get(known.name, "")
        kind = _flag(known.name, hints[known.name], default, text, known.metadata, metavars, positional)
        own: dict[str, Any] = {} if default is MISSING else {"default": default}
        if known.default_factory is not MISSING:
            own["default_factory"] = known.default_factory
        typed.append((known.name, kind, field(kw_only=not positional, **own)))
    made = make_dataclass(request.__name__, typed, bases=(request,), frozen=True, eq=False)
    made.__module__ = request.__module__  # cyclopts takes classes of Python's own 'types' for built in
    return made


def _flag(
    name: str, kind: Any, default: Any, text: str, about: Mapping[str, Any], metavars: dict[str, str], positional: bool
) -> Any:
    word = WORDS.get(name, Word())
    if name == "take" and not positional:
        word = Word("TAKE", "folder of the take, where the solution's own record is not right")
    flag = f"--{name.replace('_', '-')}"
    choices: Sequence[str] = about.get("choices") or _literal(kind)
    metavars[flag] = "|".join(choices) if choices else word.metavar or _metavar(kind)
    given: dict[str, Any] = {"help": (text or word.help).rstrip("."), "show_default": _shown(default)}
    if positional:
        given["name"] = word.metavar or name.upper()
    else:
        given["name"] = (flag, word.short) if word.short else flag
    if kind is bool or kind == (bool | None):
        metavars[flag] = ""
        negated = default is not False
        return Annotated[kind, Parameter(negative=f"--no-{flag[2:]}" if negated else (), **given)]
    if choices:
        return Annotated[typing.Literal[tuple(choices)], Parameter(show_choices=False, **given)]
    if word.several is not None:
        return Annotated[list[str], Parameter(converter=_reader(word.several), negative=(), n_tokens=1, **given)]
    read = names if word.read is None and kind == tuple[str, ...] else word.read
    if read is not None:
        return Annotated[str, Parameter(converter=_reader_of_one(read), **given)]
    return Annotated[kind, Parameter(negative=(), **given)]


def _literal(kind: Any) -> tuple[str, ...]:
    literals = [one for one in (kind, *typing.get_args(kind)) if typing.get_origin(one) is typing.Literal]
    return tuple(text for one in literals for text in typing.get_args(one))


def _reader(read: Callable[[Sequence[str]], Any]) -> Callable[[Any, Sequence[Token]], Any]:
    return lambda _, tokens: read([token.value for token in tokens])


def _reader_of_one(read: Callable[[str], Any]) -> Callable[[Any, Sequence[Token]], Any]:
    return lambda _, tokens: read(tokens[-1].value)


def _shown(default: Any) -> bool | Callable[[Any], str]:
    if default is MISSING or default is inspect.Parameter.empty or default in (None, (), False, True):
        return False
    return lambda value: (
        f"{value:g}" if isinstance(value, float) else ",".join(value) if isinstance(value, tuple) else str(value)
    )


def _metavar(kind: Any) -> str:
    kinds = [kind, *typing.get_args(kind)]
    for known, metavar in ((Path, "FILE"), (int, "N"), (float, "X")):
        if known in kinds:
            return metavar
    return "TEXT"
