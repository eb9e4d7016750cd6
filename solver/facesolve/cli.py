"""The ``facesolve`` command: arguments in, exit codes and sentences out.

Each command imports what it needs when it runs, so that ``facesolve --help`` starts at once.
"""

from __future__ import annotations

import io
import os
import shutil
import sys
from collections.abc import Sequence
from typing import Literal

from cyclopts import App, CycloptsError, Parameter
from rich.console import Console

from facesolve.runtime.interrupts import interruptible

from .commands.align import align
from .commands.baseline import baseline
from .commands.bugreport import bugreport
from .commands.calibrate import calibrate
from .commands.compare import compare
from .commands.convert_cameras import convert_cameras
from .commands.correctives import correctives
from .commands.declare import Command, add_command
from .commands.demo import demo
from .commands.doctor import doctor
from .commands.evaluate import evaluate
from .commands.export import export
from .commands.extract import extract
from .commands.farm import farm
from .commands.index import index
from .commands.inspect import inspect
from .commands.manifest import manifest
from .commands.maya import maya
from .commands.output import EXIT_BAD_INPUT, EXIT_INTERRUPTED, EXIT_NO_READER, EXIT_OK
from .commands.pack import pack
from .commands.personalize import personalize
from .commands.refine_cameras import refine_cameras
from .commands.render import render
from .commands.repair import repair
from .commands.report import report
from .commands.serve import serve
from .commands.solve import solve
from .commands.undistort import undistort
from .commands.usage import usage_error
from .commands.words import UsageError
from .take import FacesolveError
from .take.checks import printable
from .take.errors import ERROR_LEAD
from .take.version import VERSION


def completion(shell: Literal["bash", "zsh", "fish"], /) -> int:
    """Print a script that completes commands and flags in a shell.

    Write the script where the shell looks for completions.

    Args:
        shell: shell to complete in.

    Examples:
        facesolve completion bash > ~/.local/share/bash-completion/completions/facesolve
        facesolve completion zsh > ~/.zfunc/_facesolve
        facesolve completion fish > ~/.config/fish/completions/facesolve.fish
    """
    print(build_app().generate_completion(prog_name="facesolve", shell=shell))
    return EXIT_OK


COMMANDS: tuple[Command, ...] = (
    calibrate,
    undistort,
    convert_cameras,
    refine_cameras,
    pack,
    inspect,
    repair,
    align,
    solve,
    manifest,
    farm,
    correctives,
    personalize,
    evaluate,
    compare,
    render,
    report,
    index,
    serve,
    export,
    extract,
    baseline,
    demo,
    doctor,
    bugreport,
    maya,
    completion,
)  # in the order in which help lists them
WIDEST = 110  # columns of help: longer lines are hard to read


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; returns the exit code: 0, 2 for bad input (one sentence on stderr), 130 when interrupted."""
    # must precede torch: threads that spin while they wait make a solve several times slower on a busy machine
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a name that the terminal cannot show must not end a command
            stream.reconfigure(errors="backslashreplace")
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        if not given:
            raise UsageError("name a command; see 'facesolve --help'.")
        width = min(shutil.get_terminal_size().columns, WIDEST)
        with interruptible():
            code = build_app(width)(
                given,
                console=Console(width=width, highlight=False),
                exit_on_error=False,
                print_error=False,
                result_action="return_value",
            )
        sys.stdout.flush()  # so that a reader that is gone is noticed here, and not while Python shuts down
        return code if isinstance(code, int) else 0
    except CycloptsError as error:
        return _fail(str(usage_error(error, given)))
    except FacesolveError as error:
        return _fail(str(error))
    except BrokenPipeError:
        # 'facesolve evaluate ... | head': the reader has had enough, which needs no traceback; rich does the same
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_NO_READER
    except OSError as error:
        if error.filename is None:
            raise
        return _fail(f"'{error.filename}': {error.strerror}.")
    except KeyboardInterrupt:
        print("facesolve: interrupted.", file=sys.stderr)
        return EXIT_INTERRUPTED


def build_app(width: int = 80) -> App:
    """The command line with all commands, its help laid out for a terminal of ``width`` columns."""
    app = App(
        name="facesolve",
        version=f"facesolve {VERSION}",
        help="Facial performance capture: multi-camera footage and a Maya blendshape rig in, control curves and head "
        "transforms out.",
        help_epilogue="Exit codes: 0 done, 2 bad input (one sentence on stderr says what to do), 3 a solve that was "
        "written but does not fit, 130 interrupted.\n\n"
        "Start with 'facesolve demo', or 'facesolve COMMAND --help'.",
        help_format="plaintext",
        default_parameter=Parameter(negative=()),
        suppress_keyboard_interrupt=False,
    )
    for position, command in enumerate(COMMANDS):
        add_command(app, command, width).sort_key = position
    return app


def _fail(sentence: str) -> int:
    print(ERROR_LEAD + printable(sentence), file=sys.stderr)
    return EXIT_BAD_INPUT
