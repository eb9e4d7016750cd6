"""Maya cameras from a calibration file. One undo takes all of them away again."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Dict, List, Optional, Tuple

import numpy as np
from maya import cmds

from facesolve.take.calibration import CalibratedCamera, read_calibrated_cameras, read_world_up
from facesolve.take.camera import BROWN
from facesolve.take.errors import TakeError
from facesolve.take.film import FILM_FITS, FilmBack, film_back_from_intrinsics, maya_world_matrix_from_extrinsics
from facesolve_maya.export.cameras import (
    DISTORTION_ATTRIBUTE,
    LENS_ATTRIBUTE,
    NAME_ATTRIBUTE,
    PIXEL_ASPECT_ATTRIBUTE,
)
from facesolve_maya.export.footage import image_size
from facesolve_maya.scene.names import legal_name, node_name
from facesolve_maya.scene.plugs import short_name
from facesolve_maya.scene.rotate_order import euler_angles
from facesolve_maya.scene.undo import whole_edit
from facesolve_maya.scene.units import centimeters, radians

from .placement import fitting_unit
from .stage import Stage, mark_stage

_SQUARE = 1e-6
_UNDO = "Facesolve: cameras from calibration"


@dataclass(frozen=True)
class CreatedCamera:
    """Names of what was made for one camera; image_plane is empty without footage."""

    transform: str
    shape: str
    image_plane: str = ""


def create_cameras(
    calibration: Path,
    images: Optional[Dict[str, str]] = None,
    sizes: Optional[Dict[str, Tuple[int, int]]] = None,
    first_frame: float = 1.0,
    group: str = node_name("cameras"),
    stage: Optional[Stage] = None,
) -> List[CreatedCamera]:
    """Cameras with the calibration's lens, film back and place, below a new group.

    stage: where they stand in the scene; upright, the origin that of the file, in the unit that makes sense when left
    out.

    images: camera name -> first image of its footage, which belongs to scene frame ``first_frame``. sizes: camera
    name -> (width, height) pixels, for calibrations that do not say and cameras without images. Raises TakeError
    before anything is made when the file is bad or an image size is not known; when Maya refuses a step, what was made
    is taken away again.
    """
    images = images or {}
    records = read_calibrated_cameras(calibration)
    known = {record.name: _size(record, images, sizes or {}) for record in records}
    backs = {record.name: film_back_from_intrinsics(record.intrinsics, *known[record.name]) for record in records}
    selected = cmds.ls(selection=True, long=True) or []
    with whole_edit(_UNDO, "cameras: Maya could not create them; the scene is unchanged."):
        parent = cmds.createNode("transform", name=group, skipSelect=True)
        made = [
            _create(record, backs[record.name], known[record.name], parent, images.get(record.name, ""), first_frame)
            for record in records
        ]
        mark_stage(parent, stage or Stage(unit=fitting_unit(records)), read_world_up(calibration))
        # Maya selects an image plane that it makes.
        cmds.select(selected, replace=True) if selected else cmds.select(clear=True)
    return made


def _size(record: CalibratedCamera, images: Dict[str, str], sizes: Dict[str, Tuple[int, int]]) -> Tuple[int, int]:
    if record.size is not None:
        return record.size
    if record.name in sizes:
        return sizes[record.name]
    width, height = image_size(images[record.name]) if record.name in images else (0, 0)
    if not width:
        raise TakeError(
            "camera '{}': the calibration has no image size; choose its footage, or give the size.".format(record.name)
        )
    return width, height


def _create(
    record: CalibratedCamera, back: FilmBack, size: Tuple[int, int], parent: str, image: str, first_frame: float
) -> CreatedCamera:
    name = legal_name(record.name, "cam")
    transform = cmds.createNode("transform", name=name, parent=parent, skipSelect=True)
    shape = cmds.createNode("camera", name=name + "Shape", parent=transform, skipSelect=True)
    if short_name(transform) != record.name:
        cmds.addAttr(shape, longName=NAME_ATTRIBUTE, dataType="string")
        cmds.setAttr("{}.{}".format(shape, NAME_ATTRIBUTE), record.name, type="string")
    _set_place(transform, record)
    for attribute, value in (
        ("focalLength", back.focal_length),
        ("horizontalFilmAperture", back.horizontal_aperture),
        ("verticalFilmAperture", back.vertical_aperture),
        ("horizontalFilmOffset", back.horizontal_offset),
        ("verticalFilmOffset", back.vertical_offset),
        ("filmFit", FILM_FITS.index(back.fit)),
    ):
        cmds.setAttr("{}.{}".format(shape, attribute), value)
    if record.distortion.any():
        cmds.addAttr(shape, longName=DISTORTION_ATTRIBUTE, dataType="string")
        text = " ".join(repr(float(k)) for k in record.distortion)
        cmds.setAttr("{}.{}".format(shape, DISTORTION_ATTRIBUTE), text, type="string")
    if record.lens != BROWN:
        cmds.addAttr(shape, longName=LENS_ATTRIBUTE, dataType="string")
        cmds.setAttr("{}.{}".format(shape, LENS_ATTRIBUTE), record.lens, type="string")
    if abs(back.pixel_aspect - 1.0) > _SQUARE:
        cmds.addAttr(shape, longName=PIXEL_ASPECT_ATTRIBUTE, attributeType="double")
        cmds.setAttr("{}.{}".format(shape, PIXEL_ASPECT_ATTRIBUTE), back.pixel_aspect)
    for axis in "XYZ":
        for channel in ("translate", "rotate", "scale"):
            cmds.setAttr("{}.{}{}".format(transform, channel, axis), lock=True)
    plane = _image_plane(shape, image, back, size, first_frame) if image else ""
    return CreatedCamera(transform, shape, plane)


def _set_place(transform: str, record: CalibratedCamera) -> None:
    matrix = maya_world_matrix_from_extrinsics(record.rotation, record.translation)
    angles = euler_angles(matrix[:3, :3], "xyz") / radians()
    place = matrix[3, :3] / centimeters()
    cmds.setAttr(transform + ".translate", *[float(x) for x in place])
    cmds.setAttr(transform + ".rotate", *[float(x) for x in angles])


def _image_plane(shape: str, image: str, back: FilmBack, size: Tuple[int, int], first_frame: float) -> str:
    """An image plane that shows image ``number of image`` at ``first_frame`` and follows the timeline."""
    plane = cmds.imagePlane(camera=shape, fileName=image)[1]
    cmds.setAttr(plane + ".sizeX", back.horizontal_aperture)
    cmds.setAttr(plane + ".sizeY", back.vertical_aperture)
    cmds.setAttr(plane + ".offsetX", back.horizontal_offset)
    cmds.setAttr(plane + ".offsetY", back.vertical_offset)
    cmds.setAttr(plane + ".useFrameExtension", True)
    digits = [character if character.isdigit() else " " for character in Path(image).stem]
    number = int("".join(digits).split()[-1]) if any(d.isdigit() for d in digits) else 0
    cmds.setAttr(plane + ".frameOffset", int(number - np.rint(first_frame)))
    number = plane + ".frameExtension"
    if not cmds.listConnections(number, source=True, destination=False):
        # Maya drives it with the time as soon as the plane shows a sequence; a second driver would be an error.
        written = number.rpartition("->")[2]  # expressions do not know an image plane's name with its camera's
        cmds.expression(string=written + "=frame", object=plane, alwaysEvaluate=True)
    for attribute, value in zip(("coverageX", "coverageY"), size):
        cmds.setAttr("{}.{}".format(plane, attribute), value)
    return plane
