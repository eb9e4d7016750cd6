"""``facesolve inspect``."""

from __future__ import annotations

from pathlib import Path

from .output import EXIT_BAD_INPUT, EXIT_OK, Verbosity, print_json


def inspect(take: Path, /, *, json: bool = False, output: Verbosity = Verbosity()) -> int:  # noqa: B008  # frozen
    """Show what is in a take and what is wrong with it.

    Shows the rig, controls, cameras, footage, start pose and settings of a take, and every finding with what to do
    about it. Exit code 2 when something would stop a solve.

    Examples:
        facesolve inspect my_take
        facesolve inspect my_take --json
    """
    from facesolve.take import read_take

    read = read_take(take)
    # after reading: what follows loads torch, which takes seconds that a bad take need not cost
    from facesolve.review.inspection import inspect_take, inspection_record, print_inspection

    inspection = inspect_take(read)
    if json:
        print_json(inspection_record(read, inspection))
    elif not output.quiet:
        print_inspection(read, inspection)
    return EXIT_BAD_INPUT if inspection.stops_a_solve else EXIT_OK
