"""Cameras of the scene to calibrated cameras of a take; formulas: ``facesolve.take.film``. Changes nothing."""

from __future__ import annotations

from typing import List, Optional, Tuple

import numpy as np
from maya import cmds

from facesolve.take import Camera
from facesolve.take.camera import BROWN
from facesolve.take.film import FILM_FITS, FilmBack, extrinsics_from_maya_world_matrix, intrinsics_from_film_back
from facesolve_maya.scene.findings import Refusal
from facesolve_maya.scene.motion import world_matrices
from facesolve_maya.scene.plugs import has_attribute, require_node, short_name, value_range

DISTORTION_ATTRIBUTE = "facesolveDistortion"
LENS_ATTRIBUTE = "facesolveLens"  # on a camera whose lens is no pinhole with distortion
PIXEL_ASPECT_ATTRIBUTE = "facesolvePixelAspect"
NAME_ATTRIBUTE = "facesolveCamera"  # a calibration's name for a camera where Maya does not allow it as a node's

_UNSUPPORTED = (
    ("lensSqueezeRatio", 1.0, "an anamorphic lens squeeze"),
    ("preScale", 1.0, "a pre scale"),
    ("postScale", 1.0, "a post scale"),
    ("filmTranslateH", 0.0, "a film translate"),
    ("filmTranslateV", 0.0, "a film translate"),
    ("filmRollValue", 0.0, "a film roll"),
    ("filmFitOffset", 0.0, "a film fit offset"),
    ("cameraScale", 1.0, "a camera scale"),
)


def camera_shape(name: str) -> str:
    """Long name of the camera shape that ``name`` (transform, shape, or the calibration's name for it) means."""
    named = [] if cmds.ls(name) else _called(name)
    if len(named) == 1:
        return named[0]
    node = require_node(name, "camera")
    candidates = (
        [node] if cmds.nodeType(node) != "transform" else (cmds.listRelatives(node, shapes=True, fullPath=True) or [])
    )
    shapes = [c for c in candidates if "camera" in (cmds.nodeType(c, inherited=True) or [])]
    if len(shapes) != 1:
        raise Refusal(short_name(node), "it is not a camera.", "Choose a camera.")
    return shapes[0]


def _called(name: str) -> List[str]:
    """Long names of the camera shapes that a calibration calls ``name``."""
    return [
        shape
        for shape in cmds.ls(type="camera", long=True) or []
        if has_attribute(shape, NAME_ATTRIBUTE) and cmds.getAttr("{}.{}".format(shape, NAME_ATTRIBUTE)) == name
    ]


def camera_name(shape: str) -> str:
    """The name of a camera in the take: the calibration's, where the scene has one such; else its transform's."""
    if has_attribute(shape, NAME_ATTRIBUTE):
        name = cmds.getAttr("{}.{}".format(shape, NAME_ATTRIBUTE))
        if name and not cmds.ls(name) and len(_called(name)) == 1:
            return name
    return short_name((cmds.listRelatives(shape, parent=True, fullPath=True) or [shape])[0])


def refuse_unsupported(shape: str, times: Tuple[float, ...]) -> None:
    """Refusal for settings that have no counterpart in a pinhole camera, all of them in one."""
    name = camera_name(shape)
    if cmds.nodeType(shape) != "camera":
        raise Refusal(name, "it is a {}.".format(cmds.nodeType(shape)), "Choose one of the stereo rig's plain cameras.")
    if cmds.getAttr(shape + ".orthographic"):
        raise Refusal(name, "it is orthographic.", "Choose a perspective camera.")
    found: List[str] = []
    for attribute, plain, what in _UNSUPPORTED:
        low, high = value_range("{}.{}".format(shape, attribute), times)
        if max(abs(low - plain), abs(high - plain)) > 1e-9 and what not in found:
            found.append(what)
    if cmds.getAttr(shape + ".panZoomEnabled") and cmds.getAttr(shape + ".renderPanZoom"):
        found.append("a rendered 2D pan and zoom")
    if cmds.getAttr(shape + ".shakeOverscanEnabled"):
        found.append("a shake overscan")
    if found:
        raise Refusal(name, "it has {}.".format(" and ".join(found)), "Reset it; put it into the lens or film back.")


def read_camera(
    shape: str, times: Tuple[float, ...], width: int, height: int, matrices: Optional[np.ndarray] = None
) -> Camera:
    """The camera at the take's times, for footage of ``width`` x ``height`` px. Refusal for unsupported settings.

    matrices: (F, 4, 4) world matrices (``scene.motion.world_matrices``) of a camera that is known to be supported.
    """
    name = camera_name(shape)
    if matrices is None:
        refuse_unsupported(shape, times)
        matrices = world_matrices((shape,), times)[shape]
    rotation, translation = extrinsics_from_maya_world_matrix(matrices)
    backs = [film_back(shape, time) for time in times]
    intrinsics = np.stack([intrinsics_from_film_back(back, width, height) for back in backs])
    return Camera(
        name=name,
        width=width,
        height=height,
        intrinsics=_still(intrinsics),
        rotation=_still(rotation),
        translation=_still(translation),
        distortion=read_distortion(shape),
        lens=read_lens(shape),
    )


def film_back(shape: str, time: float) -> FilmBack:
    """Lens and film back at a scene time (inches and millimeters in every scene unit); shake counts when it is on."""

    def get(attribute: str) -> float:
        return float(cmds.getAttr("{}.{}".format(shape, attribute), time=time))

    shaken = bool(cmds.getAttr(shape + ".shakeEnabled"))
    return FilmBack(
        focal_length=get("focalLength"),
        horizontal_aperture=get("horizontalFilmAperture"),
        vertical_aperture=get("verticalFilmAperture"),
        horizontal_offset=get("horizontalFilmOffset") + (get("horizontalShake") if shaken else 0.0),
        vertical_offset=get("verticalFilmOffset") + (get("verticalShake") if shaken else 0.0),
        fit=FILM_FITS[int(get("filmFit"))],
        pixel_aspect=_pixel_aspect(shape),
    )


def _pixel_aspect(shape: str) -> float:
    """The pixel aspect that a calibration gave the camera, else that of the render settings."""
    own = has_attribute(shape, PIXEL_ASPECT_ATTRIBUTE)
    return float(
        cmds.getAttr("{}.{}".format(shape, PIXEL_ASPECT_ATTRIBUTE) if own else "defaultResolution.pixelAspect")
    )


def read_distortion(shape: str) -> np.ndarray:
    """Brown-Conrady coefficients that were stored on the camera when it was made from a calibration; else none."""
    if not has_attribute(shape, DISTORTION_ATTRIBUTE):
        return np.zeros(0)
    text = cmds.getAttr("{}.{}".format(shape, DISTORTION_ATTRIBUTE)) or ""
    try:
        return np.array([float(word) for word in text.split()], np.float64)
    except ValueError:
        raise Refusal(
            camera_name(shape),
            "its attribute {} holds '{}'.".format(DISTORTION_ATTRIBUTE, text),
            "Give the coefficients k1 k2 p1 p2 k3 as numbers, or delete the attribute.",
        ) from None


def read_lens(shape: str) -> str:
    """The lens model that a calibration gave the camera; Maya's own cameras are pinholes."""
    stored = has_attribute(shape, LENS_ATTRIBUTE)
    return cmds.getAttr("{}.{}".format(shape, LENS_ATTRIBUTE)) or BROWN if stored else BROWN


def _still(values: np.ndarray) -> np.ndarray:
    """The first of per-frame values when all are the same."""
    return values[0] if np.abs(values - values[:1]).max() < 1e-9 else values
