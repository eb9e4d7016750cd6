"""The ``facesolve`` command: arguments in, exit codes and sentences out.

Each command imports what it needs when it runs, so that ``facesolve --help`` starts at once.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from facesolve.commands.declare import EXIT_BAD_INPUT, EXIT_INTERRUPTED, Command, Parser
from facesolve.runtime.interrupts import interruptible

from . import __version__
from .commands import (
    align,
    baseline,
    calibrate,
    compare,
    convert_cameras,
    correctives,
    demo,
    doctor,
    evaluate,
    export,
    extract,
    inspect,
    pack,
    refine_cameras,
    render,
    report,
    solve,
    undistort,
)
from .take import FacesolveError

COMMANDS = (
    calibrate,
    undistort,
    convert_cameras,
    refine_cameras,
    pack,
    inspect,
    align,
    solve,
    correctives,
    evaluate,
    compare,
    render,
    report,
    export,
    extract,
    baseline,
    demo,
    doctor,
)  # in the order in which help lists them


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; returns the exit code: 0, 2 for bad input (one sentence on stderr), 130 when interrupted."""
    # must precede torch: threads that spin while they wait make a solve several times slower on a busy machine
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    try:
        chosen = _parser().parse_args(arguments)
        run: Command = chosen.run
        with interruptible():
            return run(chosen)
    except FacesolveError as error:
        return _fail(str(error))
    except OSError as error:
        if error.filename is None:
            raise
        return _fail(f"'{error.filename}': {error.strerror}.")
    except KeyboardInterrupt:
        print("facesolve: interrupted.", file=sys.stderr)
        return EXIT_INTERRUPTED


def _fail(sentence: str) -> int:
    print(f"facesolve: error: {' '.join(sentence.split())}", file=sys.stderr)
    return EXIT_BAD_INPUT


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="facesolve",
        description="Facial performance capture: multi-camera footage and a Maya blendshape rig in, control curves "
        "and head transforms out.",
        epilog="Exit codes: 0 done, 2 bad input (one sentence on stderr says what to do), 130 interrupted.\n"
        "Start with 'facesolve demo', or 'facesolve COMMAND --help'.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"facesolve {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True, parser_class=Parser)
    for command in COMMANDS:
        command.add(commands)
    return parser
