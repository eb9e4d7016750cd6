"""How well a calibration foretells a view that it has not seen, without fitting again for each view left out.

Around a least squares solution leaving a view out moves the cameras' numbers by a known step (the jackknife of linear
models; Cook & Weisberg 1982); its board is placed anew, its residuals then are those of a view never seen.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .view_equations import ViewEquations

NOTHING = 1e-9  # of what all views say of a number


@dataclass(frozen=True, eq=False)
class HeldOut:
    """errors: per sighting (n,) pixels of its used points when its view is left out. design: (P,) how many times the
    variance of each of the cameras' numbers exceeds what independent errors of points would give, 1 or more."""

    errors: list[np.ndarray]
    design: np.ndarray


def held_out(equations: ViewEquations) -> HeldOut:
    """What the cameras would have made of each view without it."""
    total = equations.information.sum(0) + equations.known
    steps = np.zeros_like(equations.gradient)
    for view, (information, gradient) in enumerate(zip(equations.information, equations.gradient, strict=True)):
        if gradient.any():
            rest = total - information
            # numbers of which no other view says anything stay as they are: the place of a camera with a single one
            told = np.diag(rest) > NOTHING * np.diag(total)
            steps[view, told] = _solved(rest[np.ix_(told, told)], gradient[told])
    errors = [
        np.linalg.norm((residual + jacobian @ steps[view]).reshape(-1, 2), axis=1)
        for jacobian, residual, view in zip(equations.jacobian, equations.residual, equations.views, strict=True)
    ]
    return HeldOut(errors, _design(equations, total, steps))


def without(equations: ViewEquations, left_out: np.ndarray, values: np.ndarray, slope: np.ndarray) -> ViewEquations:
    """The equations of a simpler model: some numbers become zero, the others take the step that makes up for it.

    left_out: (P,) bool. values: (P,) what the numbers left out are now. slope: (P,) of the prior's cost.
    """
    kept = ~left_out
    away = -values[left_out]
    residual = [r + J[:, left_out] @ away for r, J in zip(equations.residual, equations.jacobian, strict=True)]
    jacobian = [J[:, kept] for J in equations.jacobian]
    known = equations.known[np.ix_(kept, kept)]
    information = equations.information[np.ix_(np.arange(len(equations.information)), kept, kept)]
    gradient = slope[kept] + equations.known[np.ix_(kept, left_out)] @ away
    gradient = gradient + sum(J.T @ r for J, r in zip(jacobian, residual, strict=True))
    step = -_solved(information.sum(0) + known, gradient)
    residual = [r + J @ step for r, J in zip(residual, jacobian, strict=True)]
    by_view = np.zeros((len(information), kept.sum()))
    for view, J, r in zip(equations.views, jacobian, residual, strict=True):
        by_view[view] += J.T @ r
    part = slice(0, int(kept.sum()))
    return ViewEquations(information, by_view, known, jacobian, residual, (part,), equations.views)


def _design(equations: ViewEquations, total: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """The jackknife's variance of each number over the one of independent errors."""
    counted = int((np.abs(equations.gradient).max(1, initial=0.0) > 0).sum())
    residual = np.concatenate(equations.residual)
    unknowns = len(total) + 6 * counted
    variance = (residual**2).sum() / max(len(residual) - unknowns, 1)
    naive = np.diag(inverted(total)) * variance
    if counted < 3:
        return np.ones(len(total))
    jackknife = (counted - 1) / counted * (steps**2).sum(0)
    return np.maximum(jackknife / np.maximum(naive, 1e-300), 1.0)


def inverted(matrix: np.ndarray) -> np.ndarray:
    """The inverse of a matrix that may be singular."""
    return _solved(matrix, np.eye(len(matrix)))


def _solved(matrix: np.ndarray, vector: np.ndarray) -> np.ndarray:
    """``matrix^-1 vector`` of a matrix that may be singular, its numbers scaled alike first."""
    scale = 1 / np.sqrt(np.maximum(np.diag(matrix), 1e-300))
    shrunk = matrix * scale[:, None] * scale
    solution = np.linalg.lstsq(shrunk, (vector.T * scale).T, rcond=1e-12)[0]
    return np.asarray((solution.T * scale).T)
