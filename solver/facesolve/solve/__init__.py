"""``solve``: the public door to a solve. ``pipeline`` tells its stages in order; this file imports no torch.

Python 3.7: Maya imports it together with the contract.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Callable, Dict, Optional, Sequence, Union

if TYPE_CHECKING:
    from facesolve.residuals.residual import Residual
    from facesolve.take import Settings, Solution, Take

__all__ = ["solve"]


def solve(
    take: Union[Take, str, os.PathLike[str]],
    *,
    device: str = "auto",
    settings: Optional[Settings] = None,
    residuals: Sequence[Residual] = (),
    progress: Union[bool, str, Callable[[Dict[str, Any]], None], None] = None,
) -> Solution:
    """Solves a take: F frames of C cameras become K control values and a head transform for each frame.

    Writes nothing; keep the result with ``Solution.save``. No texture is baked; ``facesolve solve`` does that, too. The
    same take, settings and device give the same result.

    Args:
        take: The folder of a take, which the solution then remembers, or a ``Take``, its footage in files or in memory.
        device: ``auto`` (a GPU where there is one), ``cpu``, ``cuda`` or ``cuda:N``.
        settings: Used instead of the take's own.
        residuals: Further costs of the poses, added to the product's own; docs/examples/landmark_residual.py is one.
        progress: None is silent; True or ``"bar"`` shows a bar on stderr; a function is called with each event, a
            dictionary with the key ``event``: ``stage``, ``progress`` or ``message`` (docs/reference/events.md).

    Returns:
        Controls (F, K), head transforms (F, 4, 4) in world space, centimeters, and their standard deviations.

    Raises:
        FacesolveError: One sentence: the take cannot be read or solved, an image of its footage is missing or damaged,
            or the device does not exist.
    """
    from .in_memory import solve_in_memory

    return solve_in_memory(take, device, settings, residuals, progress)
