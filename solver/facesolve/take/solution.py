"""A solution: what a solve found for each frame, how sure it is, and where it came from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, Tuple

import numpy as np

from .errors import TakeError


@dataclass(frozen=True)
class ConfusedPair:
    """Two controls that the footage cannot tell apart: correlation of their errors, -1..1, over the take."""

    first: str
    second: str
    correlation: float


@dataclass(frozen=True, eq=False)
class Solution:
    """Per-frame controls and head transforms with their standard deviations.

    frames: (F,) int64 take frame numbers; scene_times: (F,) float64, where to key; fps: frames a second.
    control_names: (K,); controls: (F, K) float64; control_std: (F, K) one standard deviation.
    head: (F, 4, 4) float64, ``x_world = head @ x_rig``, centimetres; head_std: (F, 6) rotation (radians) then
        translation (centimetres), in the head's own axes.
    residual: (F, C) root mean square of the robust photometric residual of each camera, NaN where it did not see.
    confused: control pairs that the footage cannot tell apart.
    provenance: version, device, backend, settings, take, times: anything JSON can hold.
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
