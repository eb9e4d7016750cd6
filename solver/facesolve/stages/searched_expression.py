"""An expression looked for anew: after a stretch of frames that show nothing, the face may have become another.

Steps along gradients find an expression that is near. From closed lips to bared teeth there is none: the lip that went
away is taken for one that rolled in. Here one control after the other is set to other places in its range, and the one
that explains most of what is seen is kept, which gradients then refine. Knows no footage.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from facesolve.geometry.pose import Pose

from .problem import Problem

TRIED = (0.0, 0.4, 0.8)  # places in a control's range
LEAST_CHANGE = 0.2  # of the range: nearer values are found by steps
ROUNDS = 5  # controls that are changed
GAIN = 0.01  # of the disagreement, that a control must explain to be kept


def searched_expression(
    problem: Problem, pose: Pose, frame: int, disagreement: Callable[[Pose], Tensor]
) -> tuple[Pose, bool]:
    """The pose (B = 1) of take frame index ``frame`` with some controls elsewhere in their ranges; whether any is.

    disagreement: (n,) of n poses of this frame with what is known of the surface. Locked controls stay.
    """
    lower, upper = problem.prior.lower[frame], problem.prior.upper[frame]
    places = torch.stack([torch.lerp(lower, upper, place) for place in TRIED])  # (T, K)
    least, changed = disagreement(pose)[0], False
    for _ in range(ROUNDS):
        far = (places - pose.controls[0]).abs() > LEAST_CHANGE * (upper - lower)
        place, control = far.nonzero().unbind(1)
        if not len(control):
            break
        controls = pose.controls.repeat(len(control), 1)
        controls[torch.arange(len(control), device=control.device), control] = places[place, control]
        found = disagreement(Pose(controls, pose.head.repeat(len(control), 1, 1)))
        best = int(found.argmin())
        if not bool(found[best] < (1 - GAIN) * least):
            break
        least, changed = found[best], True
        pose = Pose(controls[best : best + 1], pose.head)
    return pose, changed
