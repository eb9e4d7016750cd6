"""``facesolve solve``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from facesolve.runtime.progress import Reporter, StopsOnFile
from facesolve.take import SolveError
from facesolve.take.names import CANCEL
from facesolve.take.settings import QUALITIES

from .declare import (
    EXIT_INTERRUPTED,
    EXIT_OK,
    add_command,
    add_device,
    add_progress,
    quoted,
    reporting,
    several_devices,
)


def add(commands: Any) -> None:
    parser = add_command(
        commands,
        "solve",
        _run,
        "turn a take into control curves and head transforms",
        "Solves a take and writes solution.npz, solution.json, the texture and a log. Ctrl-C, a file named\n"
        "'cancel' in OUT, or a crash leave a state from which --resume goes on.\n"
        "Several takes are solved each in a process of its own, one at a time on each device, into OUT/<folder of the\n"
        "take>; one that fails does not stop the others. --resume then leaves those that are solved as they are.\n"
        'With --progress jsonl stdout carries one JSON object a line; of several takes, with the folder as "task":\n'
        '  {"event": "stage", "name", "total"}   {"event": "progress", "stage", "done", "total", "seconds_left"}\n'
        '  {"event": "message", "text"}          {"event": "picture", "path"}\n'
        '  last {"event": "done", "path", "seconds"} or {"event": "error", "text"}',
        "  facesolve solve my_take --out my_solution\n"
        "  facesolve solve my_take --out trial --quality draft --frames 10-20\n"
        "  facesolve solve my_take --out my_solution --resume --progress jsonl\n"
        "  facesolve solve my_take --out my_solution --devices 0,1\n"
        "  facesolve solve take_a take_b take_c --out solutions --devices 0,1",
    )
    parser.add_argument("takes", type=Path, nargs="+", metavar="TAKE", help="folder with take.json")
    parser.add_argument(
        "--out",
        type=Path,
        required=True,
        metavar="OUT",
        help="folder of the solution, or of several",
    )
    where = parser.add_mutually_exclusive_group()
    add_device(where)
    where.add_argument(
        "--devices",
        type=several_devices,
        metavar="0,1",
        help="several GPUs by their numbers: one take's refinement is shared out over them, takes are spread over them",
    )
    parser.add_argument("--quality", choices=QUALITIES, help="instead of the quality in the take's settings")
    parser.add_argument("--frames", metavar="A-B", help="solve only these frames of the take, both included")
    parser.add_argument("--resume", action="store_true", help="go on from an interrupted solve in OUT")
    add_progress(parser)


def _run(arguments: argparse.Namespace) -> int:
    solve = _solve_one if len(arguments.takes) == 1 else _solve_several
    try:
        with reporting(arguments.progress) as progress:
            solve(arguments, arguments.devices or (arguments.device,), progress)
            progress.done(arguments.out)
    except KeyboardInterrupt:
        takes = " ".join(quoted(take) for take in arguments.takes)
        devices = [] if arguments.devices is None else ["--devices", ",".join(arguments.devices)]
        options = " ".join(["--resume", *_options(arguments), *devices])
        command = f"facesolve solve {takes} --out {quoted(arguments.out)} {options}"
        print(f"facesolve: interrupted; go on with: {command}", file=sys.stderr)
        return EXIT_INTERRUPTED
    if arguments.progress == "bar":
        print(f"{arguments.out}: solved.", file=sys.stderr)
    return EXIT_OK


def _options(arguments: argparse.Namespace) -> list[str]:
    """What decides which solve it is, as arguments."""
    chosen = {"--quality": arguments.quality, "--frames": arguments.frames}
    return [text for name, value in chosen.items() if value is not None for text in (name, value)]


def _solve_one(arguments: argparse.Namespace, devices: tuple[str, ...], progress: Reporter) -> None:
    from facesolve.jobs.solve_folder import solve_take_folder
    from facesolve.take.frame_range import parse_frames

    solve_take_folder(
        arguments.takes[0],
        arguments.out,
        device=devices[0],
        quality=arguments.quality,
        frames=None if arguments.frames is None else parse_frames(arguments.frames),
        resume=arguments.resume,
        progress=StopsOnFile(progress, arguments.out / CANCEL),
        beside=devices[1:],
    )


def _solve_several(arguments: argparse.Namespace, devices: tuple[str, ...], progress: Reporter) -> None:
    from facesolve.jobs.many_takes import solve_takes, take_jobs
    from facesolve.runtime.devices import existing_device
    from facesolve.take.frame_range import parse_frames

    jobs = take_jobs(arguments.takes, arguments.out)
    for device in devices:
        existing_device(device)
    if arguments.frames is not None:
        parse_frames(arguments.frames)
    failed = solve_takes(
        jobs,
        devices,
        _options(arguments),
        resume=arguments.resume,
        cancel=arguments.out / CANCEL,
        progress=progress,
    )
    if failed:
        reasons = " ".join(f"'{name}': {text}" for name, text in failed.items())
        raise SolveError(f"{len(failed)} of {len(jobs)} takes could not be solved. {reasons}")
