"""``facesolve evaluate``."""

from __future__ import annotations

from pathlib import Path

from .output import EXIT_OK, Verbosity, print_json


def evaluate(
    solution: Path,
    /,
    *,
    truth: Path,
    region: str | None = None,
    take: Path | None = None,
    correctives: bool = False,
    json: bool = False,
    output: Verbosity = Verbosity(),  # noqa: B008  # frozen
) -> int:
    """Measure a solution against the truth.

    Compares a solution with known weights and head transforms: vertex errors in millimeters, with and without the head
    transform, head rotation in degrees, weight error, active controls, how many true controls lie within the stated
    standard deviations, roughness of the curves, jitter where the true pose is held, and jerk.

    Args:
        truth: .npz with weights, names (of controls or of targets) and head for each take frame.
        correctives: include the correctives in SOLUTION; vertices they move count as face.

    Examples:
        facesolve evaluate my_solution --truth truth.npz
        facesolve evaluate my_solution --truth truth.npz --region 0:6706 --json
    """
    from facesolve.evaluate.evaluation import compare, read_truth, with_correctives
    from facesolve.review.measures import evaluation_record, print_evaluation
    from facesolve.take import read_solution, read_take
    from facesolve.take.frame_range import parse_region
    from facesolve.take.solved import find_take

    measured = None if region is None else parse_region(region)
    solved = read_solution(solution)
    filmed = read_take(take) if take is not None else find_take(solved, solution)
    known = read_truth(truth)
    if correctives:
        filmed, solved, known = with_correctives(filmed, solved, known, solution)
    evaluation = compare(solved, filmed, known, measured)
    if json:
        verdict = None if solved.verdict is None else solved.verdict.record()
        print_json({**evaluation_record(evaluation), "verdict": verdict})
    elif not output.quiet:
        print_evaluation(evaluation)
        if solved.verdict is not None:
            print(f"verdict: {solved.verdict.text}")
    return EXIT_OK
