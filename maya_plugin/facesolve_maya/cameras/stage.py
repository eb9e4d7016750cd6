"""Where the stage of a calibration stands in the scene: up axis, origin, unit. Moves the cameras' group, nothing else.

What was chosen is kept with the group, so that the next choice begins there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import List, Optional, Sequence, Tuple

import numpy as np
from maya import cmds

from facesolve.take.errors import TakeError
from facesolve_maya.scene.geometry import shape_points, transformed, world_matrix
from facesolve_maya.scene.plugs import has_attribute, short_name
from facesolve_maya.scene.rotate_order import euler_angles
from facesolve_maya.scene.undo import whole_edit
from facesolve_maya.scene.units import centimeters, radians

from .placement import UNITS, looked_at, upright

UPRIGHT, AS_IN_FILE = "upright", "file"
AT_HEAD, AT_FIRST_CAMERA, ON_RIG = "head", "camera", "rig"
UPS = (UPRIGHT, AS_IN_FILE)
ORIGINS = (AS_IN_FILE, AT_HEAD, AT_FIRST_CAMERA, ON_RIG)
ATTRIBUTE = "facesolveStage"  # of the group: what was chosen, then the calibration's own up axis where its file says it
_UNDO = "Facesolve: place the stage"
_REFUSED = "The stage cannot be placed; the scene is unchanged."


@dataclass(frozen=True)
class Stage:
    """up: one of UPS. origin: one of ORIGINS; "head" is what the cameras look at. unit: of the file, one of UNITS."""

    up: str = UPRIGHT
    origin: str = AS_IN_FILE
    unit: str = "cm"

    def __post_init__(self) -> None:
        if self.up not in UPS or self.origin not in ORIGINS or self.unit not in UNITS:
            raise TakeError("stage: {} is no choice of up axis, origin and unit.".format(self))


@dataclass(frozen=True)
class PlacedStage:
    """A stage in the scene. distance: centimeters from its cameras to what they look at, None where they look apart."""

    group: str
    stage: Stage
    distance: Optional[float] = None


def placed_stage() -> Optional[PlacedStage]:
    """The stage of the cameras that came from a calibration last, None where there is none."""
    group = _last_group()
    if not group:
        return None
    matrices = np.array([world_matrix(camera) for camera in _cameras(group)])
    distance = None
    if len(matrices):
        point = looked_at(matrices[:, 3, :3], -matrices[:, 2, :3])
        distance = None if point is None else float(np.median(np.linalg.norm(matrices[:, 3, :3] - point, axis=1)))
    return PlacedStage(short_name(group), _stored(group)[0], distance)


def mark_stage(group: str, stage: Stage, world_up: Optional[str]) -> None:
    """Makes ``group`` the stage of the cameras below it and places it. world_up: of its calibration's file."""
    cmds.addAttr(group, longName=ATTRIBUTE, dataType="string")
    _place(group, stage, world_up, ())


def place_stage(group: str, stage: Stage, rig: Sequence[str] = ()) -> str:
    """Places the cameras' group as ``stage`` says, in one undo; returns a sentence. Raises TakeError.

    rig: the head's meshes, for the origin "rig".
    """
    with whole_edit(_UNDO, _REFUSED):
        _place(group, stage, _stored(group)[1], rig)
    found = placed_stage()
    if found is None or found.distance is None:
        return "The stage is placed."
    return "The stage is placed: its cameras are {:.0f} cm from what they look at.".format(found.distance)


def _place(group: str, stage: Stage, world_up: Optional[str], rig: Sequence[str]) -> None:
    outside = np.linalg.inv(world_matrix(group))
    local = np.array([world_matrix(camera) @ outside for camera in _cameras(group)])
    local[:, :3, :3] /= np.linalg.norm(local[:, :3, :3], axis=2, keepdims=True)
    turn = np.eye(3)
    if stage.up == UPRIGHT:
        turn = upright(local[:, 1, :3], str(cmds.upAxis(query=True, axis=True)), world_up)
    scale = UNITS[stage.unit]
    shift = _target(stage.origin, rig) - scale * (_pivot(stage.origin, local) @ turn)
    angles = euler_angles(turn, "xyz") / radians()
    for channel, values in (("translate", shift / centimeters()), ("rotate", angles), ("scale", np.full(3, scale))):
        cmds.setAttr("{}.{}".format(group, channel), *[float(value) for value in values])
    words = [stage.up, stage.origin, stage.unit, *([] if world_up is None else [world_up])]
    cmds.setAttr("{}.{}".format(group, ATTRIBUTE), " ".join(words), type="string")


def _pivot(origin: str, local: np.ndarray) -> np.ndarray:
    """(3,) the point of the stage that is to be at the target, in the file's unit."""
    if origin == AS_IN_FILE:
        return np.zeros(3)
    if origin == AT_FIRST_CAMERA:
        first: np.ndarray = local[0, 3, :3]
        return first
    point = looked_at(local[:, 3, :3], -local[:, 2, :3])
    if point is None:
        raise TakeError("The cameras do not look at one place, so nothing says where the head is.")
    return point


def _target(origin: str, rig: Sequence[str]) -> np.ndarray:
    """(3,) where that point goes, centimeters."""
    if origin != ON_RIG:
        return np.zeros(3)
    below = [cmds.listRelatives(mesh, shapes=True, noIntermediate=True, path=True) or [] for mesh in rig]
    shapes = [shape for found in below for shape in found]
    points = [transformed(shape_points(shape), world_matrix(shape)) for shape in shapes]
    if not points:
        raise TakeError("There is no head to place the stage on; choose one in Set-up.")
    corners = np.concatenate(points)
    middle: np.ndarray = 0.5 * (corners.min(axis=0) + corners.max(axis=0))
    return middle


def _last_group() -> str:
    """Of the groups above the scene's cameras, the last one that is a stage; empty when there is none."""
    for shape in reversed(cmds.ls(type="camera", long=True) or []):
        node = shape
        while node:
            if has_attribute(node, ATTRIBUTE):
                return str(node)
            node = node.rpartition("|")[0]
    return ""


def _cameras(group: str) -> List[str]:
    """Transforms of the cameras below ``group``, in the file's order."""
    shapes = cmds.listRelatives(group, allDescendents=True, type="camera", path=True) or []
    transforms = [(cmds.listRelatives(shape, parent=True, path=True) or [shape])[0] for shape in shapes]
    children = cmds.listRelatives(group, children=True, path=True) or []
    return sorted(transforms, key=lambda name: children.index(name) if name in children else len(children))


def _stored(group: str) -> Tuple[Stage, Optional[str]]:
    """What was chosen last, and the calibration's own up axis; what somebody else wrote there counts as nothing."""
    words = str(cmds.getAttr("{}.{}".format(group, ATTRIBUTE)) or "").split()
    try:
        return Stage(*words[:3]), words[3] if len(words) > 3 else None
    except TakeError:
        return Stage(), None
