"""``facesolve correctives``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from facesolve.take import TakeError
from facesolve.take.settings import QUALITIES

from .declare import EXIT_OK, add_command, add_device, add_progress, reporting


def add(commands: Any) -> None:
    parser = add_command(
        commands,
        "correctives",
        _run,
        "find shapes that the footage shows and the rig lacks",
        "Finds a few smooth shapes on top of a solution, with an activation for every frame, where the rig alone\n"
        "leaves the cameras in disagreement. Curves and head stay as they were solved; the shapes hold nothing that\n"
        "the rig's own shapes or the head transform can do. Writes correctives.npz and correctives.json into OUT;\n"
        "in Maya they become blendshape targets with keyed weights. Where the rig explains the footage it finds none.",
        "  facesolve correctives my_solution\n"
        "  facesolve correctives my_solution --shapes 5 --spacing 0.8 --mask cheeks.txt\n"
        "  facesolve evaluate my_solution --truth truth.npz --correctives",
    )
    parser.add_argument("out", type=Path, metavar="OUT", help="folder with solution.json")
    parser.add_argument("--shapes", type=int, default=3, help="at most so many; default 3")
    parser.add_argument(
        "--spacing", type=float, default=1.2, metavar="CM", help="how fine shapes may be, centimetres; default 1.2"
    )
    parser.add_argument("--mask", type=Path, help="vertices to centre shapes at: .npy of V numbers, or a list")
    parser.add_argument("--take", type=Path, help="the take, when it is not where the solution says")
    parser.add_argument("--quality", choices=QUALITIES, help="instead of that of the solve")
    add_device(parser)
    add_progress(parser)


def _run(arguments: argparse.Namespace) -> int:
    from facesolve.correctives.learn import Search
    from facesolve.jobs.find_correctives import find_correctives

    try:
        search = Search(arguments.shapes, arguments.spacing)
    except ValueError as error:
        raise TakeError(f"correctives: give {error}.") from None
    with reporting(arguments.progress) as progress:
        result = find_correctives(
            arguments.out,
            search=search,
            take_folder=arguments.take,
            quality=arguments.quality,
            mask=arguments.mask,
            device=arguments.device,
            progress=progress,
        )
        progress.done(arguments.out)
    if arguments.progress == "bar":
        found = "none needed" if result.correctives is None else f"{len(result.correctives.targets)} found"
        print(f"{arguments.out}: correctives: {found}.", file=sys.stderr)
    return EXIT_OK
