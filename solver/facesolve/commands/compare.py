"""``facesolve compare``."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .declare import EXIT_OK, add_command, print_json

if TYPE_CHECKING:
    from facesolve.take import Solution, Take


def add(commands: Any) -> None:
    parser = add_command(
        commands,
        "compare",
        _run,
        "say how two solutions of one rig differ",
        "Compares solution B with solution A on the frames that both have: distance of the vertices in millimetres,\n"
        "with and without the head transform, head rotation and movement, and every control. --out writes\n"
        "  compare.csv   a row for each frame\n"
        "  curves.png    the controls that differ most, A and B\n"
        "  heads.png     where on the head they differ, as the cameras see it",
        "  facesolve compare my_solution trial\n"
        "  facesolve compare my_solution trial --out difference --region 0:6706\n"
        "  facesolve compare my_solution trial --json",
    )
    parser.add_argument("a", type=Path, metavar="OUT_A", help="folder with solution.json")
    parser.add_argument("b", type=Path, metavar="OUT_B", help="folder with the other solution.json")
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder for the table and the pictures")
    parser.add_argument("--region", metavar="A:B", help="also measure vertices A up to, not including, B")
    parser.add_argument("--take", type=Path, help="the take of both, when it is not where the solutions say")
    parser.add_argument("--json", action="store_true", help="print one JSON object, with values for each frame")


def _run(arguments: argparse.Namespace) -> int:
    from facesolve.review.comparison import compare, write_csv
    from facesolve.review.measures import comparison_record, print_comparison
    from facesolve.take import read_solution, read_take
    from facesolve.take.files import check_folder
    from facesolve.take.frame_range import parse_region

    if arguments.out is not None:
        check_folder(arguments.out)
    region = None if arguments.region is None else parse_region(arguments.region)
    solutions = read_solution(arguments.a), read_solution(arguments.b)
    folders = arguments.a, arguments.b
    take, other, notes = _takes(solutions, folders) if arguments.take is None else (read_take(arguments.take), None, ())
    comparison = compare(*solutions, take, other, region)
    comparison = replace(comparison, notes=(*notes, *comparison.notes))
    if arguments.out is not None:
        from facesolve.review.comparison_pictures import draw_compared_curves, draw_compared_heads

        write_csv(comparison, arguments.out / "compare.csv")
        draw_compared_curves(comparison, arguments.out / "curves.png")
        draw_compared_heads(comparison, take, arguments.out / "heads.png")
    if arguments.json:
        print_json(comparison_record(comparison))
    else:
        print_comparison(comparison)
        if arguments.out is not None:
            print(f"{arguments.out}: compare.csv, curves.png, heads.png.")
    return EXIT_OK


def _takes(
    solutions: tuple[Solution, Solution], folders: tuple[Path, Path]
) -> tuple[Take, Take | None, tuple[str, ...]]:
    """The take of A, that of B when it is another one, and what had to be assumed.

    A take that is gone is replaced by the other's when both solutions have the same controls.
    """
    from facesolve.take import TakeError, read_take
    from facesolve.take.solved import find_take_folder

    found: list[Path | None] = []
    problems: list[TakeError] = []
    for solution, folder in zip(solutions, folders, strict=True):
        try:
            found.append(find_take_folder(solution, folder).resolve())
        except TakeError as problem:
            found.append(None)
            problems.append(problem)
    a, b = found
    if a is not None and b is not None:
        return read_take(a), None if a == b else read_take(b), ()
    either = b if a is None else a
    if either is None or set(solutions[0].control_names) != set(solutions[1].control_names):
        raise problems[0]
    gone = "A" if a is None else "B"
    return read_take(either), None, (f"The take of {gone} is gone; its rig is taken to be that of the other.",)
