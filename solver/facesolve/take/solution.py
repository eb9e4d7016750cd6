"""A solution: what a solve found for each frame, how sure it is, and where it came from."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Dict, Tuple, Union

import numpy as np

from .errors import TakeError

if TYPE_CHECKING:
    from .rig import Rig


@dataclass(frozen=True)
class ConfusedPair:
    """Two controls that the footage cannot tell apart: correlation of their errors, -1..1, over the take."""

    first: str
    second: str
    correlation: float


@dataclass(frozen=True, eq=False, repr=False)
class Solution:
    """What a solve found: K controls and a head transform for each of F frames, and how certain they are.

    Attributes:
        frames: (F,) int64 take frame numbers.
        scene_times: (F,) float64 times on the rig's timeline, in scene frames, where the result is keyed.
        fps: Frames a second.
        control_names: K names, the columns of ``controls``.
        controls: (F, K) float64 control values in the rig's own units.
        head: (F, 4, 4) float64 rigid transforms, ``x_world = head @ x_rig``, centimeters.
        control_std: (F, K) float64 one standard deviation of each control value; 0 where the solve was not free.
        head_std: (F, 6) float64 one standard deviation of rotation (radians) and translation (centimeters) along the
            head's own axes.
        camera_names: C names, the columns of ``residual``.
        residual: (F, C) float64 root mean square of the robust photometric residual, NaN where a camera saw nothing.
        confused: Pairs of controls that the footage cannot tell apart.
        provenance: Versions, device, settings, take, seconds of each stage: anything JSON can hold.

    Raises:
        FacesolveError: For arrays of other shapes, or control values and heads that are not finite.
    """

    frames: np.ndarray
    scene_times: np.ndarray
    fps: float
    control_names: Tuple[str, ...]
    controls: np.ndarray
    head: np.ndarray
    control_std: np.ndarray
    head_std: np.ndarray
    camera_names: Tuple[str, ...]
    residual: np.ndarray
    confused: Tuple[ConfusedPair, ...] = ()
    provenance: Dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not isinstance(self.fps, (int, float)) or not (np.isfinite(self.fps) and self.fps > 0):
            raise TakeError("solution: {} frames a second is not a positive number.".format(self.fps))
        if not all(isinstance(name, str) for name in (*self.control_names, *self.camera_names)):
            raise TakeError("solution: the names of its controls and cameras must be text.")
        if not isinstance(self.provenance, dict):
            raise TakeError("solution: its provenance must be a JSON object.")
        if not len(self.frames):
            raise TakeError("solution: it has no frames.")
        count, controls, cameras = len(self.frames), len(self.control_names), len(self.camera_names)
        shapes = {
            "frames": (count,),
            "scene_times": (count,),
            "controls": (count, controls),
            "head": (count, 4, 4),
            "control_std": (count, controls),
            "head_std": (count, 6),
            "residual": (count, cameras),
        }
        for name, shape in shapes.items():
            value = np.ascontiguousarray(getattr(self, name), np.int64 if name == "frames" else np.float64)
            object.__setattr__(self, name, value)
            if value.shape != shape:
                raise TakeError("solution: {} has shape {}, expected {}.".format(name, value.shape, shape))
        for name in ("controls", "head"):
            bad = ~np.isfinite(getattr(self, name).reshape(count, -1)).all(axis=1)
            if bad.any():
                raise TakeError(
                    "solution: {} is not finite at frame {}.".format(name, self.frames[np.flatnonzero(bad)[0]])
                )

    def __repr__(self) -> str:
        from .in_words import solution_in_words  # which knows solutions

        return solution_in_words(self)

    def vertices(self, rig: Rig) -> np.ndarray:
        """The solved surface in world space.

        Args:
            rig: The take's, V vertices.

        Returns:
            (F, V, 3) float64 centimeters; the columns of ``controls`` may be in another order than the rig's controls.

        Raises:
            FacesolveError: When the rig's controls are not the solution's.
        """
        from .rig_evaluation import RigEvaluator
        from .solved import control_columns

        in_rig = RigEvaluator(rig).vertices(control_columns(self.controls, self.control_names, rig, "solution"))
        return in_rig @ self.head[:, :3, :3].transpose(0, 2, 1) + self.head[:, None, :3, 3]

    def save(self, folder: Union[str, os.PathLike[str]], overwrite: bool = False) -> None:
        """Writes ``solution.json`` and ``solution.npz``, which ``read_solution`` and the command line read.

        Args:
            folder: Is made if needed.
            overwrite: Replace a solution that is there.

        Raises:
            FacesolveError: When the folder holds a solution and ``overwrite`` is False, or cannot be written.
        """
        from .storage import write_solution

        if not overwrite and (Path(folder) / "solution.json").exists():
            raise TakeError("solution: '{}' holds a solution; give overwrite=True to replace it.".format(folder))
        write_solution(self, folder)
