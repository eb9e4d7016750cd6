"""What the subcommands share: exit codes, the parser that raises, declaring a command, progress and JSON output."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

from solver.progress import PROGRESS_MODES, Reporter, open_reporter
from solver.take import FacesolveError

EXIT_OK, EXIT_BAD_INPUT, EXIT_INTERRUPTED = 0, 2, 130
DEVICES = ("auto", "cpu", "cuda")

Command = Callable[[argparse.Namespace], int]


class UsageError(FacesolveError):
    """The command line itself is wrong."""


class Parser(argparse.ArgumentParser):
    """An argument parser that raises UsageError with one sentence instead of ending the process."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}; see '{self.prog} --help'.")


def add_command(
    commands: Any, name: str, run: Command, about: str, detail: str, examples: str
) -> argparse.ArgumentParser:
    """Declares a subcommand whose help shows what it does in detail and examples; run returns the exit code."""
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        help=about,
        description=detail,
        epilog=f"examples:\n{examples}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run)
    return parser


def add_progress(parser: argparse.ArgumentParser) -> None:
    """Adds ``--progress``."""
    parser.add_argument(
        "--progress", choices=PROGRESS_MODES, default="bar", help="bars on stderr, JSON lines on stdout, or nothing"
    )


@contextmanager
def reporting(mode: str) -> Iterator[Reporter]:
    """A progress display that also hears how the command ended when it ended badly."""
    with open_reporter(mode) as reporter:
        try:
            yield reporter
        except FacesolveError as error:
            reporter.error(str(error))
            raise
        except KeyboardInterrupt:
            reporter.error("interrupted")
            raise


def print_json(record: dict[str, Any]) -> None:
    """Prints one JSON object; raises ValueError for a value that JSON does not have."""
    print(json.dumps(record, indent=1, allow_nan=False))


def quoted(path: Path) -> str:
    """The path as one would type it in a shell."""
    text = os.fspath(path)
    return f'"{text}"' if " " in text else text
