"""A command from a function: its flags from its arguments, its help from its docstring."""

from __future__ import annotations

import inspect
import textwrap
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from cyclopts import App

from facesolve.take import FacesolveError

from .flags import ARGUMENTS, OPTIONS, Flag, flags_of
from .help_layout import filled, laid_out, paragraphs
from .output import Verbosity

Command = Callable[..., int]


@dataclass(frozen=True)
class Help:
    """A command's docstring in its parts. about: one sentence. details: paragraphs, and lists of lines that are
    indented. examples: one command each."""

    about: str
    details: str
    examples: tuple[str, ...]


def help_of(command: Command) -> Help:
    """The parts of the docstring: a sentence, details, and an ``Examples:`` section, where deeper lines continue."""
    text, _, rest = inspect.cleandoc(command.__doc__ or "").partition("\nExamples:\n")
    examples: list[str] = []
    for line in textwrap.dedent(rest).splitlines():
        if line.startswith(" "):
            examples[-1] += " " + line.strip()
        elif line:
            examples.append(line)
    about, _, details = text.partition("\nArgs:\n")[0].partition("\n\n")
    return Help(" ".join(about.split()), details.strip("\n"), tuple(examples))


def name_of(command: Command) -> str:
    """What the command is called on the command line."""
    return command.__name__.replace("_", "-")


def usage_of(command: Command, flags: Sequence[Flag]) -> str:
    """The command with what it cannot do without."""
    inputs = [flag.usage if flag.required else f"[{flag.usage}]" for flag in flags if flag.is_input]
    needed = [flag.usage for flag in flags if flag.required and not flag.is_input]
    return " ".join(["facesolve", name_of(command), *inputs, *needed, "[options]"])


def add_command(app: App, command: Command, width: int) -> App:
    """Adds the command to ``app``, its help laid out for a terminal of ``width`` columns; returns its own app."""
    told, (signature, flags) = help_of(command), flags_of(command)
    examples = "\n".join(filled(f"  {example}", width, "      ") for example in told.examples)
    own = App(
        name=name_of(command),
        usage="Usage: " + filled(usage_of(command, flags), width - len("Usage: "), "      "),
        help=f"{told.about}\n\n{paragraphs(told.details, width)}".strip(),
        help_epilogue=f"Examples:\n{examples}",
        help_format="plaintext",
        help_formatter=laid_out(flags),
        group_arguments=ARGUMENTS,
        group_parameters=OPTIONS,
        version_flags=(),  # that of the whole is asked of ``facesolve``
    )
    own.default(_readable(command, signature))
    app.command(own)
    return own


def _readable(command: Command, signature: inspect.Signature) -> Command:
    """``command`` with a signature that cyclopts reads; with ``--verbose`` it shows where an error arose."""

    def run(*arguments: Any, **flags: Any) -> int:
        try:
            return command(*arguments, **flags)
        except FacesolveError:
            if any(isinstance(flag, Verbosity) and flag.verbose for flag in flags.values()):
                traceback.print_exc()
            raise

    run.__signature__ = signature  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in signature.parameters.values()}
    return run
