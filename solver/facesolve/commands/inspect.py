"""``facesolve inspect``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from .declare import EXIT_BAD_INPUT, EXIT_OK, add_command, print_json


def add(commands: Any) -> None:
    parser = add_command(
        commands,
        "inspect",
        _run,
        "show what is in a take and what is wrong with it",
        "Shows the rig, controls, cameras, footage, start pose and settings of a take, and every finding with what to\n"
        "do about it. Exit code 2 when something would stop a solve.",
        "  facesolve inspect my_take\n  facesolve inspect my_take --json",
    )
    parser.add_argument("take", type=Path, metavar="TAKE", help="folder with take.json")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of tables")


def _run(arguments: argparse.Namespace) -> int:
    from facesolve.review.inspection import inspect_take, inspection_record, print_inspection
    from facesolve.take import read_take

    take = read_take(arguments.take)
    inspection = inspect_take(take)
    if arguments.json:
        print_json(inspection_record(take, inspection))
    else:
        print_inspection(take, inspection)
    return EXIT_BAD_INPUT if inspection.stops_a_solve else EXIT_OK
