"""``facesolve solve``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from solver.commands.declare import EXIT_INTERRUPTED, EXIT_OK, add_command, add_device, add_progress, quoted, reporting
from solver.progress import StopsOnFile
from solver.take.settings import QUALITIES

CANCEL_FILE = "cancel"  # in the output folder: asks a solve to stop as Ctrl-C does


def add(commands: Any) -> None:
    parser = add_command(
        commands,
        "solve",
        _run,
        "turn a take into control curves and head transforms",
        "Solves a take and writes solution.npz, solution.json, the texture and a log. Ctrl-C, a file named\n"
        "'cancel' in OUT, or a crash leave a state from which --resume goes on.\n"
        "With --progress jsonl stdout carries one JSON object a line:\n"
        '  {"event": "stage", "name", "total"}   {"event": "progress", "stage", "done", "total", "seconds_left"}\n'
        '  {"event": "message", "text"}          {"event": "picture", "path"}\n'
        '  last {"event": "done", "path", "seconds"} or {"event": "error", "text"}',
        "  facesolve solve my_take --out my_solution\n"
        "  facesolve solve my_take --out trial --quality draft --frames 10-20\n"
        "  facesolve solve my_take --out my_solution --resume --progress jsonl",
    )
    parser.add_argument("take", type=Path, metavar="TAKE", help="folder with take.json")
    parser.add_argument("--out", type=Path, required=True, metavar="OUT", help="folder of the solution")
    add_device(parser)
    parser.add_argument("--quality", choices=QUALITIES, help="instead of the quality in the take's settings")
    parser.add_argument("--frames", metavar="A-B", help="solve only these frames of the take, both included")
    parser.add_argument("--resume", action="store_true", help="go on from an interrupted solve in OUT")
    add_progress(parser)


def _run(arguments: argparse.Namespace) -> int:
    from solver.pack import parse_frames

    frames = None if arguments.frames is None else parse_frames(arguments.frames)
    try:
        with reporting(arguments.progress) as progress:
            from solver.job import solve_take_folder

            solve_take_folder(
                arguments.take,
                arguments.out,
                device=arguments.device,
                quality=arguments.quality,
                frames=frames,
                resume=arguments.resume,
                progress=StopsOnFile(progress, arguments.out / CANCEL_FILE),
            )
            progress.done(arguments.out)
    except KeyboardInterrupt:
        resume = f"facesolve solve {quoted(arguments.take)} --out {quoted(arguments.out)} --resume"
        print(f"facesolve: interrupted; go on with: {resume}", file=sys.stderr)
        return EXIT_INTERRUPTED
    if arguments.progress == "bar":
        print(f"{arguments.out}: solved.", file=sys.stderr)
    return EXIT_OK
