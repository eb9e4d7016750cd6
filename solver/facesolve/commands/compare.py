"""``facesolve compare``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from .output import EXIT_OK, Verbosity, print_json

if TYPE_CHECKING:
    from facesolve.take import Solution, Take

FILES = ("compare.csv", "curves.png", "heads.png")


def compare(
    solution: Path,
    other: Path,
    /,
    *,
    out: Path | None = None,
    overwrite: bool = False,
    region: str | None = None,
    take: Path | None = None,
    json: bool = False,
    output: Verbosity = Verbosity(),  # noqa: B008  # frozen
) -> int:
    """Report how two solutions of one rig differ.

    Compares OTHER with SOLUTION on the frames that both have: distance of the vertices in millimeters, with and without
    the head transform, head rotation and translation, and every control. Frames or controls that are present in only
    one solution are listed. --out writes

      compare.csv  a row for each frame
      curves.png   the controls that differ most, of both solutions
      heads.png    where on the head they differ, as the cameras see it

    Args:
        other: folder with the other solution.json.
        out: folder for the table and the pictures.

    Examples:
        facesolve compare my_solution trial
        facesolve compare my_solution trial --out difference --region 0:6706
        facesolve compare my_solution trial --json
    """
    from facesolve.review.comparison import compare as compare_solutions
    from facesolve.review.comparison import write_csv
    from facesolve.review.measures import comparison_record, print_comparison
    from facesolve.take import read_solution, read_take
    from facesolve.take.files import check_folder, check_new
    from facesolve.take.frame_range import parse_region

    if out is not None:
        check_folder(out)
        for name in FILES:
            check_new(out / name, overwrite)
    measured = None if region is None else parse_region(region)
    solutions = read_solution(solution), read_solution(other)
    first, second, notes = _takes(solutions, (solution, other)) if take is None else (read_take(take), None, ())
    comparison = compare_solutions(*solutions, first, second, measured)
    comparison = replace(comparison, notes=(*notes, *comparison.notes))
    if out is not None:
        from facesolve.review.comparison_pictures import draw_compared_curves, draw_compared_heads

        write_csv(comparison, out / FILES[0])
        draw_compared_curves(comparison, out / FILES[1])
        draw_compared_heads(comparison, first, out / FILES[2])
    if json:
        print_json(comparison_record(comparison))
    elif not output.quiet:
        print_comparison(comparison)
        if out is not None:
            output.say(f"{out}: {', '.join(FILES)}.")
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
    return read_take(either), None, (f"The take of {gone} was not found; its rig is assumed to be that of the other.",)
