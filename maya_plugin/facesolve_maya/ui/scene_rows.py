"""What the scene holds, as the panel's rows: heads, controls, cameras. Reads through the export, changes nothing."""

from __future__ import annotations

import os
from typing import Dict, List, Optional, Tuple

from maya import cmds

from facesolve.take.errors import FacesolveError
from facesolve_maya.export.black_box import SAMPLED
from facesolve_maya.export.cameras import camera_name
from facesolve_maya.export.footage import CameraFootage, checked, footage_by_hand, footage_of_plane, image_plane
from facesolve_maya.export.history import deformation_chain
from facesolve_maya.export.rig import read_rig
from facesolve_maya.export.sampling import Recordings
from facesolve_maya.export.skin import carrying_joints
from facesolve_maya.scene.findings import ExportError, Report
from facesolve_maya.scene.geometry import shape_points
from facesolve_maya.scene.head import head_node
from facesolve_maya.scene.names import overlays
from facesolve_maya.scene.plugs import obstacle

from .model import CameraRow, ControlRow, HeadRow, PanelSettings

_STARTUP_CAMERAS = frozenset(("persp", "top", "front", "side"))


def read_heads() -> Tuple[HeadRow, ...]:
    """Meshes that a blendShape deforms, then those on joints alone, and what may be their heads, the most likely first:
    joints that carry a skinned one, then the transforms above it, nearest first."""
    deformers: Dict[str, List[str]] = {}
    skins: Dict[str, str] = {}
    if cmds.ls(type="blendShape") or cmds.ls(type="skinCluster"):
        copies = set(overlays())
        for shape in cmds.ls(type="mesh", noIntermediate=True, long=True) or []:
            for step in () if shape in copies else deformation_chain(shape):
                if step.kind == "blendShape":
                    deformers.setdefault(shape, []).append(step.node)
                elif step.kind == "skinCluster":
                    skins[shape] = step.node
    for shape, node in skins.items():  # faces on joints alone come after the others
        deformers.setdefault(shape, [node])
    rows = []
    for shape, nodes in deformers.items():
        mesh = (cmds.listRelatives(shape, parent=True, path=True) or [shape])[0]
        carrying = _carrying(skins[shape], shape) if shape in skins else []
        above = [node for node in _transforms_above(mesh) if node not in carrying]
        rows.append(HeadRow(mesh, tuple(nodes), (*carrying, *above)))
    return tuple(rows)


def _carrying(skin: str, shape: str) -> List[str]:
    """Short names of the joints that may be the head of a skinned mesh, nearest first."""
    try:
        count = len(shape_points(shape))
    except RuntimeError:  # nothing arrives at this mesh, and Maya has no points of it
        return []
    return [cmds.ls(name)[0] for name in carrying_joints(skin, shape, count)]


def _transforms_above(mesh: str) -> Tuple[str, ...]:
    """The parents of ``mesh`` from the nearest on; the mesh's own transform last."""
    found: List[str] = []
    node = mesh
    while True:
        parents = cmds.listRelatives(node, parent=True, path=True)
        if not parents:
            return (*found, mesh)
        node = parents[0]
        found.append(node)


def read_control_rows(settings: PanelSettings, recordings: Recordings) -> Tuple[ControlRow, ...]:
    """The controls of the chosen head; none where the rig cannot be read (the preflight says why)."""
    try:
        times = tuple(map(float, settings.frames()))  # those of the check, which then need not read the rig again
        meshes, head = (settings.mesh,), head_node(settings.head_transform)
        if settings.sampled:
            controls = recordings.rig(meshes, head, settings.sampled, times, Report()).controls
            kinds = (SAMPLED,) * len(controls)
        else:
            found = read_rig(meshes, head, times, Report())[1]
            controls, kinds = found.controls, found.kinds
    except FacesolveError:
        return ()
    return tuple(
        ControlRow(
            control.name,
            control.plug,
            kind,
            control.minimum,
            control.maximum,
            _obstacle(control.plug),
            control.default,
        )
        for control, kind in zip(controls, kinds)
    )


def _obstacle(plug: str) -> str:
    why = obstacle(plug)
    return "It is {}: the solve leaves it as it is.".format(why) if why else ""


def cameras_with_footage(settings: PanelSettings) -> Tuple[str, ...]:
    """Names of the cameras that take part: with footage, and not left out."""
    names = []
    for shape in cmds.ls(type="camera") or []:
        name = camera_name(shape)
        footage = settings.footage.get(name) or image_plane(shape, Report())
        if footage and name not in settings.skipped_cameras:
            names.append(name)
    return tuple(names)


def read_camera_rows(settings: PanelSettings) -> Tuple[CameraRow, ...]:
    """All cameras of the scene but Maya's own four, with their footage looked up on disk."""
    shapes = [shape for shape in cmds.ls(type="camera") or [] if camera_name(shape) not in _STARTUP_CAMERAS]
    return tuple(_camera_row(shape, settings) for shape in shapes)


def _camera_row(shape: str, settings: PanelSettings) -> CameraRow:
    name, report = camera_name(shape), Report()
    try:
        times = tuple(map(float, settings.frames()))
        found = _footage(shape, name, settings, times, report)
    except FacesolveError as error:
        return CameraRow(name, settings.footage.get(name, ""), problem=_first_sentence(error))
    if found is None:
        return CameraRow(name)
    problem = ""
    try:
        found = checked(found, settings.on_bad_frame, report)
    except FacesolveError as error:
        problem = _first_sentence(error)
    if report.findings and not problem:
        problem = report.findings[0].sentence
    picture = found.path(found.numbers[0])
    return CameraRow(
        name, found.pattern, picture if os.path.isfile(picture) else "", found.width, found.height, problem
    )


def _footage(
    shape: str, name: str, settings: PanelSettings, times: Tuple[float, ...], report: Report
) -> Optional[CameraFootage]:
    by_hand = settings.footage.get(name)
    if by_hand:
        return footage_by_hand(name, by_hand, times, ())
    plane = image_plane(shape, report)
    return None if plane is None else footage_of_plane(name, plane, times, (), report)


def _first_sentence(error: FacesolveError) -> str:
    return error.findings[0].sentence if isinstance(error, ExportError) and error.findings else str(error)
