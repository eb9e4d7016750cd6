"""What a solve has keyed: which channels, and their values at a frame as solved, whatever was edited since.

One undo takes the keys back.
"""

from __future__ import annotations

from pathlib import Path
from typing import Dict, Sequence, Tuple

import numpy as np
from maya import cmds

from facesolve.take import read_solution, read_take
from facesolve.take.errors import TakeError
from facesolve.take.solved import find_take_folder
from facesolve_maya.scene.plugs import api_plug, split
from facesolve_maya.scene.undo import whole_edit
from facesolve_maya.scene.units import centimeters, radians

from .applied_values import AppliedValues
from .channels import CHANNELS, head_channels
from .layer import check_layer, layer_members
from .namespaces import in_this_scene
from .provenance import Provenance, find_provenance


def applied_controls() -> Tuple[str, ...]:
    """Plugs that the solve applied last has keyed. Raises TakeError when none is applied."""
    return tuple(cmds.animLayer(_applied().layer, query=True, attribute=True) or ())


def key_as_solved(time: float, nodes: Sequence[str] = ()) -> Tuple[str, ...]:
    """Keys what was solved for a scene time into the layer of the solve applied last; returns the plugs.

    nodes: only channels of these, if any of them was solved. Raises TakeError, and then nothing is changed.
    """
    origin = _applied()
    check_layer(origin.layer)
    values = _solved_values(origin, time)
    chosen = {plug: value for plug, value in values.items() if split(plug)[0] in nodes} or values
    with whole_edit("Facesolve: key as solved", "The frame cannot be keyed; the scene is unchanged."):
        for plug, value in chosen.items():
            cmds.setKeyframe(plug, animLayer=origin.layer, time=time, value=value)
    return tuple(chosen)


def _applied() -> Provenance:
    origin = find_provenance()
    if origin is None:
        raise TakeError("No solve is applied in this scene.")
    return origin


def _solved_values(origin: Provenance, time: float) -> Dict[str, float]:
    """Values in shown units of the layer's plugs at a scene time, by plug."""
    found = AppliedValues(origin).latest(time)
    if found is None:
        raise TakeError("Frame {:g} was not solved; go to a frame that was.".format(time))
    folder = Path(origin.solution_folder)
    take = in_this_scene(read_take(find_take_folder(read_solution(folder), folder)), near=origin.head)
    controls, head = found
    plugs = {control.plug: controls[control.name] for control in take.rig.controls if control.name in controls}
    if origin.head:
        channels = head_channels(origin.head, np.asarray(head)[None], (time,))[0]
        channels[:3] /= centimeters()
        channels[3:] /= radians()
        plugs.update(zip(("{}.{}".format(origin.head, name) for name in CHANNELS), map(float, channels)))
    members = layer_members(origin.layer)
    return {plug: value for plug, value in plugs.items() if cmds.objExists(plug) and api_plug(plug).name() in members}
