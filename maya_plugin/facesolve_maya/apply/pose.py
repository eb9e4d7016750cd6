"""Poses head and controls at one frame, as a search for the head found them. One undo takes it back."""

from __future__ import annotations

from functools import partial
from typing import Any, Callable, List, Mapping, Tuple

import numpy as np
from maya import cmds

from facesolve.take import Take
from facesolve.take.errors import TakeError
from facesolve_maya.scene.head import head_node
from facesolve_maya.scene.plugs import driver_of, short_name
from facesolve_maya.scene.undo import SceneEdit, whole_edit
from facesolve_maya.scene.units import centimeters, radians

from .channels import CHANNELS, head_channels
from .layer import why_not_settable
from .namespaces import in_this_scene


def pose_rig(head: str, matrix: np.ndarray, controls: Mapping[str, float], time: float) -> str:
    """Moves the head transform to ``matrix`` (4, 4; world space, cm) and sets controls by plug, at a scene time.

    A channel that is animated gets a key there, others are set; the timeline goes there. Returns a sentence about what
    was done. Raises TakeError when the head cannot be moved; controls that cannot be set are named and left alone.
    """
    commands, text = _planned(head, matrix, controls, time)
    with whole_edit("Facesolve: find the head", "The head could not be posed."):
        cmds.currentTime(time)
        for command in commands:
            command()
    return text


def pose_at_start(head: str, take: Take) -> Tuple[SceneEdit, str]:
    """An edit that poses the rig as ``pose_rig`` does, as the take's start pose says, and the sentence about it."""
    take = in_this_scene(take, None, head)
    if take.start is None:
        raise TakeError("take '{}' has no start pose.".format(take.name))
    row = int(np.flatnonzero(take.frames == take.start.frame)[0])
    plugs = {
        control.plug: float(value) for control, value in zip(take.rig.controls, take.start.controls) if control.plug
    }
    commands, text = _planned(head, take.start.head, plugs, float(take.scene_times[row]))
    return SceneEdit(lambda: commands, lambda change: None), text


def _planned(
    head: str, matrix: np.ndarray, controls: Mapping[str, float], time: float
) -> Tuple[List[Callable[[], Any]], str]:
    """The commands that pose the rig, and a sentence about them."""
    node = short_name(head_node(head))
    channels = ["{}.{}".format(node, channel) for channel in CHANNELS]
    for plug in channels:
        reason = why_not_settable(plug)
        if reason:
            raise TakeError("'{}' cannot be moved: it is {}. Choose another head transform.".format(plug, reason))
    found = head_channels(node, matrix[None], (time,))[0]
    found[:3] /= centimeters()
    found[3:] /= radians()
    left = [plug for plug in controls if why_not_settable(plug)]
    wanted = list(zip(channels, found.tolist())) + [pair for pair in controls.items() if pair[0] not in left]
    text = "Posed '{}' and {} controls at frame {:g}.".format(node, len(controls) - len(left), time)
    text += " Left alone: {}.".format(", ".join(left)) if left else ""
    return [_setting(plug, value, time) for plug, value in wanted], text


def _setting(plug: str, value: float, time: float) -> Callable[[], Any]:
    if driver_of(plug) is None:
        return partial(cmds.setAttr, plug, value)
    return partial(cmds.setKeyframe, plug, time=time, value=value)
