"""A distance that was measured on the stage decides how large the board is: printers stretch paper by some per mille.

The board's size changes no reprojection, so that all lengths of a calibration scale with it.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from facesolve.take import TakeError
from facesolve.take.finding import NOTE, WARNING, Finding

from .board import scaled_board
from .calibrate import Calibration
from .session import Session

USUAL = 0.005  # by how much printed boards are larger or smaller than meant, relative
MOST = 0.05  # beyond that it was another distance, or another board


def rescaled(session: Session, calibration: Calibration, distance: tuple[str, str, float]) -> tuple[Session, Finding]:
    """The session with the board as large as the measured distance says, and a sentence about it.

    distance: two cameras and the centimeters between their lenses' centers. Raises TakeError for unknown cameras and
    for a board that would be of quite another size.
    """
    first, second, length = distance
    centers = {lens.camera.name: lens.center for lens in calibration.cameras}
    for name in (first, second):
        if name not in centers:
            raise TakeError(f"distance: there is no camera '{name}'; there are {', '.join(centers)}.")
    if first == second:
        raise TakeError("distance: name two cameras.")
    found = float(np.linalg.norm(centers[first] - centers[second]))
    factor = length / found
    if abs(factor - 1) > MOST:
        raise TakeError(
            f"distance: '{first}' and '{second}' would be {found:.2f} cm apart by --board, you measured {length:g}; "
            "check the lengths of --board, and measure from the middle of one lens to that of the other."
        )
    sized = scaled_board(session.board, factor)
    by = f"{100 * abs(factor - 1):.2f} % {'larger' if factor > 1 else 'smaller'}"
    text = f"by the distance measured it is {by} than --board says; all lengths follow that."
    severity = WARNING if abs(factor - 1) > USUAL else NOTE
    return replace(session, board=sized), Finding(severity, "board", text, "Measure the board, too.")
