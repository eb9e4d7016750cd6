"""``facesolve evaluate``."""

from __future__ import annotations

from pathlib import Path

from .output import EXIT_OK, Output, print_json
from .words import UsageError


def evaluate(
    solution: Path,
    /,
    *,
    truth: Path | None = None,
    region: str | None = None,
    take: Path | None = None,
    correctives: bool = False,
    without_truth: bool = False,
    most_frames: int = 8,
    device: str = "auto",
    json: bool = False,
    output: Output = Output(),  # noqa: B008  # frozen
) -> int:
    """Measure a solution against the truth, or without one.

    Compares a solution with known weights and head transforms: vertex errors in millimeters, with and without the head
    transform, head rotation in degrees, weight error, active controls, how many true controls lie within the stated
    standard deviations, roughness of the curves, jitter where the true pose is held, jerk, and how far open eyes look
    elsewhere.

    With --without-truth some frames are solved again, each time without one of the cameras: what that camera shows is
    compared with what the others predict, and the surfaces of all these solves with each other. It takes as many short
    solves as there are cameras.

    Args:
        truth: .npz with weights, names (of controls or of targets) and head for each take frame.
        correctives: include the correctives in SOLUTION; vertices they move count as face.
        without_truth: leave cameras out and predict them, instead of a comparison with the truth.
        most_frames: how many frames around the middle are solved again for --without-truth.

    Examples:
        facesolve evaluate my_solution --truth truth.npz
        facesolve evaluate my_solution --truth truth.npz --region 0:6706 --json
        facesolve evaluate my_solution --without-truth
    """
    if (truth is not None) == without_truth:
        raise UsageError("evaluate: give either --truth FILE or --without-truth.")
    if truth is None:
        return _without_truth(solution, take, device, most_frames, json, output)
    return _against(truth, solution, region, take, correctives, json, output)


def _against(
    truth: Path, solution: Path, region: str | None, take: Path | None, correctives: bool, json: bool, output: Output
) -> int:
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
    if len(known.weights) > filmed.frame_count:
        first, last = filmed.frames[[0, -1]].tolist()
        rows = len(known.weights)
        output.note(f"the truth has {rows} rows, of frame 0 on; those of frames {first} to {last} are used.")
    if json:
        verdict = None if solved.verdict is None else solved.verdict.record()
        print_json({**evaluation_record(evaluation), "verdict": verdict})
    elif not output.quiet:
        print_evaluation(evaluation)
        if solved.verdict is not None:
            print(f"verdict: {solved.verdict.text}")
    return EXIT_OK


def _without_truth(solution: Path, take: Path | None, device: str, most_frames: int, json: bool, output: Output) -> int:
    from facesolve.jobs.score_without_truth import score_without_truth
    from facesolve.review.measures import print_without_truth

    with output.reporting() as progress:
        score = score_without_truth(solution, take_folder=take, device=device, frames=most_frames, progress=progress)
        progress.done(solution)
    if json:
        print_json(score.record())
    elif not output.quiet and not output.in_lines:
        print_without_truth(score.record())
    return EXIT_OK
