"""What every command says and how it ends: exit codes, progress, closing sentences, JSON."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from facesolve.runtime.progress import PROGRESS_MODES, Reporter, open_reporter
from facesolve.take import FacesolveError

EXIT_OK, EXIT_BAD_INPUT, EXIT_INTERRUPTED, EXIT_NO_READER = 0, 2, 130, 1  # take.verdict has one more


@dataclass(frozen=True)
class Verbosity:
    """How much a command says.

    Attributes:
        verbose: on an error, also print where in the program it occurred.
        quiet: print nothing but errors, and what --json prints.
    """

    verbose: bool = False
    quiet: bool = False

    def say(self, sentence: str) -> None:
        """A closing sentence on stdout."""
        if not self.quiet:
            print(sentence)


@dataclass(frozen=True)
class Output(Verbosity):
    """How much a command that takes its time says.

    Attributes:
        verbose: instead of bars, show each stage and message with its time on stderr, for a solve the lines of
            solve.log; on an error, also print where in the program it occurred.
        quiet: print nothing but errors, and what --json prints; wins over --verbose.
        progress: bars on stderr; on stdout JSON lines, or what Open Job Description's farms read; or nothing.
    """

    progress: str = field(default="bar", metadata={"choices": PROGRESS_MODES})

    def say(self, sentence: str) -> None:
        """A closing sentence on stdout, which holds nothing else when a program reads JSON lines from it."""
        if not self.quiet and not self.in_lines:
            print(sentence)

    def note(self, sentence: str) -> None:
        """A closing sentence on stderr."""
        if self._mode == "bar":
            print(sentence, file=sys.stderr)

    @property
    def in_lines(self) -> bool:
        """Whether stdout is for JSON lines."""
        return self.progress == "jsonl" and not self.quiet

    @property
    def _mode(self) -> str:
        return "quiet" if self.quiet else self.progress

    @contextmanager
    def reporting(self) -> Iterator[Reporter]:
        """A progress display that also hears how the command ended when it ended badly."""
        with open_reporter(self._mode, log=self.verbose and not self.quiet) as reporter:
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
