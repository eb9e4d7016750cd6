"""How far the surface moves when curves change, for tolerances in millimeters."""

from __future__ import annotations

from typing import Tuple

import numpy as np

from facesolve.take import Rig
from facesolve.take.rig_evaluation import RigEvaluator

_CHUNK = 16  # frames at once
MILLIMETERS = 10.0  # in a centimeter


class Surface:
    """The rig's surface. Its offsets are linear in the activations of the shapes, which follow from the controls."""

    def __init__(self, rig: Rig) -> None:
        self._rig = rig
        self._evaluator = RigEvaluator(rig)

    def activations(self, controls: np.ndarray) -> np.ndarray:
        """(F, S) activation of each shape for controls (F, K)."""
        return self._evaluator.activations(controls)

    def distance(self, difference: np.ndarray) -> np.ndarray:
        """(F,) largest vertex displacement in millimeters of a difference (F, S) of activations."""
        found = []
        for start in range(0, len(difference), _CHUNK):
            moved = self._evaluator.offsets(difference[start : start + _CHUNK])
            found.append(np.linalg.norm(moved, axis=2).max(axis=1))
        return np.concatenate(found) * MILLIMETERS

    def reach(self) -> np.ndarray:
        """(K,) largest vertex displacement in millimeters over each control's range, from its default."""
        default = self._rig.default_controls
        reach = np.zeros(len(default))
        for end in (0, 1):
            controls = np.tile(default, (len(default), 1))
            np.fill_diagonal(controls, self._rig.bounds[:, end])
            difference = self.activations(controls) - self.activations(default[None])
            reach = np.maximum(reach, self.distance(difference))
        return reach

    def head_distance(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        """(F,) largest displacement in millimeters of the neutral between head transforms (F, 4, 4)."""
        points = np.c_[self._rig.neutral, np.ones(self._rig.vertex_count)]
        found = [np.linalg.norm(points @ (a - b)[:3].T, axis=1).max() for a, b in zip(first, second)]
        return np.array(found) * MILLIMETERS

    @property
    def radius(self) -> float:
        """Largest distance of a neutral vertex from the head's origin, centimeters."""
        return float(np.linalg.norm(self._rig.neutral, axis=1).max())


def error_of(surface: Surface, controls: Tuple[np.ndarray, np.ndarray], heads: Tuple[np.ndarray, np.ndarray]) -> float:
    """Upper bound in millimeters of the surface error between two sets of controls (F, K) and heads (F, 4, 4)."""
    shape = surface.distance(surface.activations(controls[0]) - surface.activations(controls[1]))
    return float((shape + surface.head_distance(*heads)).max())
