"""Poses head and controls at one frame, as a search for the head found them. One undo takes it back."""

from __future__ import annotations

from typing import List, Mapping, Tuple

import numpy as np
from maya import cmds

from facesolve.take.errors import TakeError
from facesolve_maya.scene.head import head_node
from facesolve_maya.scene.plugs import driver_of, short_name
from facesolve_maya.scene.undo import whole_edit
from facesolve_maya.scene.units import centimeters, radians

from .channels import CHANNELS, head_channels
from .layer import why_not_settable


def pose_rig(head: str, matrix: np.ndarray, controls: Mapping[str, float], time: float) -> str:
    """Moves the head transform to ``matrix`` (4, 4; world space, cm) and sets controls by plug, at a scene time.

    A channel that is animated gets a key there, others are set. Returns a sentence about what was done. Raises
    TakeError when the head cannot be moved; controls that cannot be set are named and left alone.
    """
    node = short_name(head_node(head))
    channels = ["{}.{}".format(node, channel) for channel in CHANNELS]
    for plug in channels:
        reason = why_not_settable(plug)
        if reason:
            raise TakeError("'{}' cannot be moved: it is {}. Choose another head transform.".format(plug, reason))
    found = head_channels(node, matrix[None], (time,))[0]
    found[:3] /= centimeters()
    found[3:] /= radians()
    wanted = list(zip(channels, found.tolist())) + list(controls.items())
    left = [plug for plug in controls if why_not_settable(plug)]
    _set([(plug, value) for plug, value in wanted if plug not in left], time)
    text = "Posed '{}' and {} controls at frame {:g}.".format(node, len(controls) - len(left), time)
    return text + (" Left alone: {}.".format(", ".join(left)) if left else "")


def _set(values: List[Tuple[str, float]], time: float) -> None:
    with whole_edit("Facesolve: find the head", "The head could not be posed."):
        for plug, value in values:
            if driver_of(plug) is None:
                cmds.setAttr(plug, value)
            else:
                cmds.setKeyframe(plug, time=time, value=value)
