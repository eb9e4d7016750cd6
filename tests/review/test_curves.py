"""Curves become a readable file that grows with the controls that move."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from facesolve.evaluate.evaluation import Truth
from facesolve.review.curves import draw_curves
from tests.take import rigs


def test_curves_grow_with_the_controls_that_move(tmp_path: Path) -> None:
    still = rigs.solution(6, controls=np.zeros((6, 2)), residual=np.full((6, 1), np.nan))
    truth = Truth(np.zeros((6, 2)), ("jaw", "smile"), still.head)
    draw_curves(still, tmp_path / "still.png", truth)
    names = tuple(f"control{k}" for k in range(12))
    many = replace(
        still,
        control_names=names,
        controls=np.tile(np.linspace(0, 1, 6)[:, None], (1, 12)),
        control_std=np.full((6, 12), 0.05),
    )
    draw_curves(many, tmp_path / "new" / "many.png")
    heights = [cv2.imread(str(tmp_path / name)).shape[0] for name in ("still.png", "new/many.png")]
    assert heights[1] > 2 * heights[0]
