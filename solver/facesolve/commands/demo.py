"""``facesolve demo``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from .declare import EXIT_OK, add_command, add_device, add_progress, reporting


def add(commands: Any) -> None:
    parser = add_command(
        commands,
        "demo",
        _run,
        "make a small take of a procedural head, solve it, show how well",
        "Builds a head, films a short performance with three cameras, solves it from a start pose that is slightly\n"
        "off, prints the errors, and writes curves.png and overlay pictures.",
        "  facesolve demo\n  facesolve demo --out try --frames 24",
    )
    parser.add_argument("--out", type=Path, default=Path("facesolve_demo"), metavar="DIR", help="default: %(default)s")
    parser.add_argument("--frames", type=int, default=16, metavar="N", help="length of the take, default %(default)s")
    add_device(parser)
    add_progress(parser)


def _run(arguments: argparse.Namespace) -> int:
    with reporting(arguments.progress) as progress:
        from facesolve.jobs.run_demo import run_demo
        from facesolve.review.measures import print_evaluation

        evaluation = run_demo(arguments.out, frames=arguments.frames, device=arguments.device, progress=progress)
        progress.done(arguments.out)
    if arguments.progress != "jsonl":
        print_evaluation(evaluation)
        print(f"Look at {arguments.out / 'curves.png'} and {arguments.out / 'overlay_front.png'}.")
    return EXIT_OK
