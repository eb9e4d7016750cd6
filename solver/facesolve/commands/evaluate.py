"""``facesolve evaluate``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from .declare import EXIT_OK, add_command, print_json


def add(commands: Any) -> None:
    parser = add_command(
        commands,
        "evaluate",
        _run,
        "measure a solution against the truth",
        "Compares a solution with known weights and head transforms: vertex errors in millimetres, with and without\n"
        "the head transform, head rotation in degrees, weight error, active controls and jerk.",
        "  facesolve evaluate my_solution --truth truth.npz\n"
        "  facesolve evaluate my_solution --truth truth.npz --region 0:6706 --json",
    )
    parser.add_argument("out", type=Path, metavar="OUT", help="folder with solution.json")
    parser.add_argument(
        "--truth",
        type=Path,
        required=True,
        help="truth .npz: weights, names (of controls or of targets), head for each take frame",
    )
    parser.add_argument("--region", metavar="A:B", help="also measure vertices A up to, not including, B")
    parser.add_argument("--take", type=Path, help="the take, when it is not where the solution says")
    parser.add_argument(
        "--correctives", action="store_true", help="with the correctives in OUT; all that they move is face then"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object, with values for each frame")


def _run(arguments: argparse.Namespace) -> int:
    from facesolve.evaluate import evaluate
    from facesolve.evaluate.evaluation import read_truth, with_correctives
    from facesolve.review.measures import evaluation_record, print_evaluation
    from facesolve.take import read_solution
    from facesolve.take.frame_range import parse_region
    from facesolve.take.solved import find_take

    region = None if arguments.region is None else parse_region(arguments.region)
    solution = read_solution(arguments.out)
    take = find_take(solution, arguments.out, arguments.take)
    truth = read_truth(arguments.truth)
    if arguments.correctives:
        take, solution, truth = with_correctives(take, solution, truth, arguments.out)
    evaluation = evaluate(solution, take, truth, region)
    if arguments.json:
        print_json(evaluation_record(evaluation))
    else:
        print_evaluation(evaluation)
    return EXIT_OK
