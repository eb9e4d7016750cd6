"""What the subcommands share: exit codes, the parser that raises, declaring a command, progress and JSON output."""

from __future__ import annotations

import argparse
import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

from facesolve.runtime.progress import PROGRESS_MODES, Reporter, open_reporter
from facesolve.take import FacesolveError

EXIT_OK, EXIT_BAD_INPUT, EXIT_INTERRUPTED = 0, 2, 130

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


def add_device(parser: Any) -> None:
    """Adds ``--device``."""
    parser.add_argument(
        "--device", type=_device, default="auto", help="auto, cpu, cuda or cuda:N; auto takes CUDA when there is one"
    )


def _device(text: str) -> str:
    if text in ("auto", "cpu", "cuda"):
        return text
    index = re.fullmatch("cuda:([0-9]+)", text)
    if index is None:
        raise argparse.ArgumentTypeError(f"'{text}' is not auto, cpu, cuda or cuda:N")
    return f"cuda:{int(index[1])}"


def several_devices(text: str) -> tuple[str, ...]:
    """Names of devices of a text like ``0,1`` (CUDA indices) or ``cpu,cpu``. Raises ArgumentTypeError for others."""
    parts = text.replace(" ", "").split(",")
    if set(parts) == {"cpu"}:
        return tuple(parts)
    indices = [re.fullmatch("(?:cuda:)?([0-9]+)", part) for part in parts]
    names = [f"cuda:{int(index[1])}" for index in indices if index is not None]
    if len(names) < len(parts):
        raise argparse.ArgumentTypeError(f"'{text}' is neither CUDA indices, like 0,1, nor cpu,cpu")
    if len(set(names)) < len(names):
        raise argparse.ArgumentTypeError(f"'{text}' names a device twice")
    return tuple(names)


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
