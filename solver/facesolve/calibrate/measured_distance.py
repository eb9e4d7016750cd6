"""Distances that were measured on the stage decide how large the boards are: printers stretch paper by some per mille.

The board's size changes no reprojection, so that all lengths of a calibration scale with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from facesolve.take import TakeError
from facesolve.take.finding import NOTE, WARNING, Finding

from .board import scaled_board
from .calibrate import Calibration
from .session import Session
from .trust import distance

USUAL = 0.005  # by how much printed boards are larger or smaller than meant, relative
TAPE = 0.1  # cm, standard deviation of a distance that was measured
CLEAR = 3.0  # standard deviations from which on a distance contradicts the others
MOST = 0.05  # beyond that it was another distance, or another board


def rescaled(
    session: Session, calibration: Calibration, distances: Sequence[tuple[str, str, float]]
) -> tuple[Session, tuple[Finding, ...]]:
    """The session with the boards as large as the measured distances say, and sentences about it.

    distances: two cameras and the centimeters between their lenses' centers. Each counts as much as it is known, by the
    tape and by the calibration. Raises TakeError for unknown cameras and for a board that would be of another size.
    """
    names = [lens.camera.name for lens in calibration.cameras]
    found = [_found(calibration, names, first, second) for first, second, _ in distances]
    factors = np.array([length / apart for (_, _, length), (apart, _) in zip(distances, found, strict=True)])
    doubts = factors * [np.hypot(TAPE, doubt) / apart for apart, doubt in found]
    factor = float((factors / doubts**2).sum() / (1 / doubts**2).sum())
    (first, second, length), (apart, _) = distances[0], found[0]
    if abs(factor - 1) > MOST:
        raise TakeError(
            f"distance: '{first}' and '{second}' would be {apart:.2f} cm apart by --board, you measured {length:g}; "
            "check the lengths of --board, and measure from the middle of one lens to that of the other."
        )
    by = f"{100 * abs(factor - 1):.2f} % {'larger' if factor > 1 else 'smaller'}"
    what = "distance" if len(distances) == 1 else "distances"
    text = f"by the {what} measured it is {by} than --board says; all lengths follow that."
    severity = WARNING if abs(factor - 1) > USUAL else NOTE
    told = [Finding(severity, "board", text, "Measure the board, too.")]
    for (first, second, length), (apart, _), own, doubt in zip(distances, found, factors, doubts, strict=True):
        if abs(own - factor) > CLEAR * doubt:
            text = f"you measured {length:g} cm between them, by all distances they are {apart * factor:.2f} cm apart."
            told.append(Finding(WARNING, f"cameras '{first}' and '{second}'", text, "Measure it again."))
    boards = [scaled_board(board, factor) for board in session.boards]
    return replace(session, board=boards[0], more=tuple(boards[1:])), tuple(told)


def _found(calibration: Calibration, names: Sequence[str], first: str, second: str) -> tuple[float, float]:
    """Centimeters between two cameras and their deviation."""
    for name in (first, second):
        if name not in names:
            raise TakeError(f"distance: there is no camera '{name}'; there are {', '.join(names)}.")
    if first == second:
        raise TakeError("distance: name two cameras.")
    return distance(calibration.sure, names.index(first), names.index(second))
