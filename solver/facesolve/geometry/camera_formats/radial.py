"""Radial lens models that OpenCV's does not hold, as the rational one that fits them all over the image. Pure maths."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from facesolve.take import TakeError

_SAMPLES, _ROUNDS = 400, 10
_MOST = 0.1  # pixels that the fitted lens may be off


def rational_radial(
    where: str, growth: Callable[[np.ndarray], np.ndarray], focal: float, corner: float
) -> tuple[float, ...]:
    """k1 k2 k3 k4 k5 k6 of the rational model whose radial factor is that of another lens.

    growth: the factor by which that lens moves points at tangents (n,) off the axis outwards. focal: pixels. corner:
    pixels from the principal point to the corner of the image farthest from it. Raises TakeError, about ``where``, when
    no rational model is within 0.1 pixels of it everywhere in the image, or the lens folds inside it.
    """
    widest = corner / focal
    for _ in range(60):  # the undistorted radius that the corner shows
        reach = np.linspace(0, widest, _SAMPLES)[1:]
        shown = reach * growth(reach)
        if (np.diff(shown) <= 0).any():
            raise TakeError(f"{where} has a lens model that turns back inside its image; calibrate it again.")
        if shown[-1] >= corner / focal:
            break
        widest *= 1.1
    inside = reach[: int(np.searchsorted(shown, corner / focal)) + 1]
    factor, u = growth(inside), inside**2
    scale = u[-1]
    powers = np.stack([(u / scale) ** n for n in (1, 2, 3)], 1)
    system, weight, error = np.concatenate([powers, -factor[:, None] * powers], 1), inside.copy(), np.ones_like(inside)
    for _ in range(_ROUNDS):  # linear but for the denominator, whose last value weights; large errors weight more
        found = np.linalg.lstsq(system * weight[:, None], (factor - 1) * weight, rcond=None)[0]
        below = 1 + powers @ found[3:]
        error = inside * ((1 + powers @ found[:3]) / below - factor)
        weight = weight * np.sqrt(0.1 + np.abs(error) / np.abs(error).max()) if error.any() else weight
    off = np.abs(error).max() * focal
    if not off <= _MOST:
        raise TakeError(f"{where} has a lens that no supported model fits within {_MOST} pixels (off by {off:.3f}).")
    return tuple(float(value) for value in found / scale ** np.array([1, 2, 3, 1, 2, 3]))


def inverted(
    wanted: np.ndarray, inputs: np.ndarray, outputs: np.ndarray, function: Callable[[np.ndarray], np.ndarray]
) -> np.ndarray:
    """Where a rising ``function`` has the values ``wanted`` (n,), by Newton's method from its table (m,)."""
    found = np.interp(wanted, outputs, inputs)
    for _ in range(4):
        step = 1e-6 * (1 + found)
        slope = (function(found + step) - function(found - step)) / (2 * step)
        found = found - (function(found) - wanted) / slope
    return found
