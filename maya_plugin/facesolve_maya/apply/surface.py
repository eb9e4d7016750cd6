"""How far the surface moves when curves change: the rig evaluated with numpy, for tolerances in millimetres."""

from __future__ import annotations

from typing import Tuple

import numpy as np

from facesolve.take import Rig
from facesolve.take.rig import LOWEST

_CHUNK = 16  # frames at once
MILLIMETRES = 10.0  # in a centimetre


class Surface:
    """The rig's shapes as one matrix. Offsets are linear in shape coefficients, which follow from the controls."""

    def __init__(self, rig: Rig) -> None:
        self._rig = rig
        shapes = [shape for target in rig.targets for shape in target.shapes]
        self._offsets = np.zeros((len(shapes), rig.vertex_count, 3), np.float32)
        for row, shape in enumerate(shapes):
            self._offsets[row, shape.vertices] = shape.deltas

    def coefficients(self, controls: np.ndarray) -> np.ndarray:
        """(F, S) share of each shape for controls (F, K): drivers, combinations, piecewise-linear in-betweens."""
        activations = np.zeros((len(controls), len(self._rig.targets)))
        for driver in self._rig.drivers:
            activations[:, driver.target] += _piecewise(controls[:, driver.control], driver.inputs, driver.outputs)
        for combination in self._rig.combinations:
            inputs = activations[:, list(combination.drivers)]
            lowest = combination.method == LOWEST
            activations[:, combination.target] = inputs.min(axis=1) if lowest else inputs.prod(axis=1)
        columns = []
        for index, target in enumerate(self._rig.targets):
            stops = np.array(sorted([0.0, *(shape.weight for shape in target.shapes)]))
            for shape in target.shapes:
                columns.append(_piecewise(activations[:, index], stops, (stops == shape.weight).astype(float)))
        return np.stack(columns, axis=1)

    def distance(self, difference: np.ndarray) -> np.ndarray:
        """(F,) largest vertex displacement in millimetres of a difference (F, S) of coefficients."""
        flat = self._offsets.reshape(len(self._offsets), -1)
        found = []
        for start in range(0, len(difference), _CHUNK):
            moved = (difference[start : start + _CHUNK].astype(np.float32) @ flat).reshape(
                -1, self._rig.vertex_count, 3
            )
            found.append(np.linalg.norm(moved, axis=2).max(axis=1))
        return np.concatenate(found) * MILLIMETRES

    def reach(self) -> np.ndarray:
        """(K,) largest vertex displacement in millimetres over each control's range, from its default."""
        default = self._rig.default_controls
        reach = np.zeros(len(default))
        for end in (0, 1):
            controls = np.tile(default, (len(default), 1))
            np.fill_diagonal(controls, self._rig.bounds[:, end])
            difference = self.coefficients(controls) - self.coefficients(default[None])
            reach = np.maximum(reach, self.distance(difference))
        return reach

    def head_distance(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        """(F,) largest displacement in millimetres of the neutral between head transforms (F, 4, 4)."""
        points = np.c_[self._rig.neutral, np.ones(self._rig.vertex_count)]
        found = [np.linalg.norm(points @ (a - b)[:3].T, axis=1).max() for a, b in zip(first, second)]
        return np.array(found) * MILLIMETRES

    @property
    def radius(self) -> float:
        """Largest distance of a neutral vertex from the head's origin, centimetres."""
        return float(np.linalg.norm(self._rig.neutral, axis=1).max())


def _piecewise(x: np.ndarray, stops: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Piecewise linear through (stops, values), end segments extrapolate."""
    place = np.clip(np.searchsorted(stops, x) - 1, 0, len(stops) - 2)
    share = (x - stops[place]) / (stops[place + 1] - stops[place])
    return values[place] + share * (values[place + 1] - values[place])


def error_of(surface: Surface, controls: Tuple[np.ndarray, np.ndarray], heads: Tuple[np.ndarray, np.ndarray]) -> float:
    """Upper bound in millimetres of the surface error between two sets of controls (F, K) and heads (F, 4, 4)."""
    shape = surface.distance(surface.coefficients(controls[0]) - surface.coefficients(controls[1]))
    return float((shape + surface.head_distance(*heads)).max())
