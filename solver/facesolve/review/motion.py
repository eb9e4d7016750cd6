"""Head motion as curves: rotation and translation against a reference frame, with their deviations. Draws nothing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from facesolve.geometry.rotation import tangent_from_rotation

MILLIMETERS = 10.0  # in a centimeter


@dataclass(frozen=True, eq=False)
class HeadMotion:
    """How the head moved away from a reference pose; all arrays (F, 3), deviations NaN where they are unknown.

    rotation: axis-angle vector in the reference head's axes, degrees. translation: of the head transform, in the
    world's axes, millimeters.
    """

    rotation: np.ndarray
    translation: np.ndarray
    rotation_std: np.ndarray
    translation_std: np.ndarray


def head_motion(head: np.ndarray, head_std: np.ndarray, reference: np.ndarray) -> HeadMotion:
    """Motion of ``head`` (F, 4, 4), world, cm, against ``reference`` (4, 4).

    head_std: (F, 6) as in a solution: rotation (radians) then translation (cm) in the head's own axes, each independent
    of the others; the small difference between the head's axes and the reference's is left out for the rotation.
    """
    relative = torch.from_numpy(np.einsum("ji,fjk->fik", reference[:3, :3], head[:, :3, :3]))
    variance = np.einsum("fij,fj->fi", head[:, :3, :3] ** 2, head_std[:, 3:] ** 2)
    return HeadMotion(
        rotation=np.degrees(tangent_from_rotation(relative).numpy()),
        translation=MILLIMETERS * (head[:, :3, 3] - reference[:3, 3]),
        rotation_std=np.degrees(head_std[:, :3]),
        translation_std=MILLIMETERS * np.sqrt(variance),
    )
