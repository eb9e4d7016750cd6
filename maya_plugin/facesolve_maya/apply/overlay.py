"""The head's edges drawn over the footage in Maya's viewports, on and off. Knows no window.

A wireframe copy follows the rig while the rig's own mesh is not drawn. One undo takes either step back.
"""

from __future__ import annotations

from typing import List

import numpy as np
from maya import cmds

from facesolve_maya.export.footage import image_plane
from facesolve_maya.export.history import visible_meshes
from facesolve_maya.scene.findings import Report
from facesolve_maya.scene.geometry import shape_points, transformed, world_matrix
from facesolve_maya.scene.names import OVERLAY, overlays
from facesolve_maya.scene.plugs import driver_of, obstacle, short_name
from facesolve_maya.scene.undo import whole_edit
from facesolve_maya.scene.units import centimeters

_HIDDEN = "facesolveHidden"  # message attribute: connected to each mesh that is not drawn meanwhile
_WIRES_ALONE = (
    ("overrideEnabled", True),
    ("overrideShading", False),
    ("overrideDisplayType", 2),  # reference: a click goes through it
    ("overrideColor", 14),  # green
    ("castsShadows", False),
    ("primaryVisibility", False),
)


def toggle_overlay(mesh: str) -> str:
    """Draws ``mesh`` as edges alone, or as before when it is; returns a sentence. Raises TakeError."""
    present = overlays()
    if present:
        _remove(present)
        return "The edges over the footage are off."
    (shape,) = visible_meshes((mesh,))
    _draw(shape)
    text = "The edges of '{}' are drawn over the footage. Look through one of its cameras.".format(short_name(mesh))
    in_front = _planes_in_front_of(shape)
    if in_front:
        text += " Nearer than the head, and so in front of it: {}; raise its depth.".format(", ".join(in_front))
    return text


def _draw(shape: str) -> None:
    above = shape.rpartition("|")[0]
    drawn = shape + ".lodVisibility"
    with whole_edit("Facesolve: edges over the footage", "The edges cannot be drawn; the scene is unchanged."):
        transform = cmds.createNode("transform", name=OVERLAY, parent=above, skipSelect=True)
        copy = cmds.createNode("mesh", name=OVERLAY + "Shape", parent=transform, skipSelect=True)
        cmds.connectAttr(shape + ".outMesh", copy + ".inMesh")
        cmds.sets(copy, edit=True, forceElement="initialShadingGroup")  # without a material it may not be drawn
        for name, value in _WIRES_ALONE:
            cmds.setAttr("{}.{}".format(copy, name), value)
        cmds.addAttr(transform, longName=_HIDDEN, attributeType="message")
        if cmds.getAttr(drawn) and not obstacle(drawn) and driver_of(drawn) is None:
            cmds.setAttr(drawn, False)
            cmds.connectAttr(shape + ".message", "{}.{}".format(transform, _HIDDEN))


def _remove(shapes: List[str]) -> None:
    with whole_edit("Facesolve: no edges over the footage", "The edges cannot be removed."):
        for shape in shapes:
            transform = shape.rpartition("|")[0]
            hidden = cmds.listConnections(transform + "." + _HIDDEN, source=True, destination=False, shapes=True)
            for mesh in hidden or []:
                cmds.setAttr(mesh + ".lodVisibility", True)
            cmds.delete(transform)


def _planes_in_front_of(shape: str) -> List[str]:
    """Image planes that stand between their camera and the mesh, as things are now."""
    place = transformed(shape_points(shape), world_matrix(shape)).mean(axis=0)
    found = []
    for camera in cmds.ls(type="camera") or []:
        plane = image_plane(camera, Report())
        if plane is None:
            continue
        distance = np.linalg.norm(world_matrix(camera)[3, :3] - place)
        if float(cmds.getAttr(plane + ".depth")) * centimeters() < distance:
            found.append("'{}'".format(short_name(plane)))
    return found
