"""The three lines that a solve ends with."""

from dataclasses import replace

import numpy as np

from facesolve.review.closing import closing_lines
from facesolve.take import Solution
from facesolve.take.verdict import DOUBTFUL, FITS, Verdict


def solved(verdict: Verdict | None) -> Solution:
    """Six frames of one camera, the fourth twice as bad as the others."""
    residual = np.full((6, 1), 0.1)
    residual[3] = 0.2
    return Solution(
        frames=np.arange(101, 107),
        scene_times=np.arange(6.0),
        fps=24.0,
        control_names=("jaw",),
        controls=np.zeros((6, 1)),
        head=np.tile(np.eye(4), (6, 1, 1)),
        control_std=np.zeros((6, 1)),
        head_std=np.zeros((6, 6)),
        camera_names=("front",),
        residual=residual,
        verdict=verdict,
    )


def test_verdict_worst_frames_and_what_to_do_next():
    doubt = Verdict(DOUBTFUL, "frame 106 shows something else.", frames=(106,), next_step="Leave it out.")
    first, worst, following = closing_lines(solved(doubt), "open out/report.html")
    assert first == "verdict: doubtful: frame 106 shows something else."
    assert worst == "worst frames: 104 (2.0 times the usual error), 106 (1.0 times the usual error)."
    assert following == "next: Leave it out."


def test_a_solution_that_fits_is_to_be_looked_at_in_the_report():
    fine = replace(solved(Verdict(FITS, "all is well.")), residual=np.full((6, 1), 0.1))
    assert closing_lines(fine, "open out/report.html")[1:] == [
        "worst frames: none stands out.",
        "next: open out/report.html",
    ]
