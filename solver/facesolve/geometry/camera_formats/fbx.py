"""Cameras of FBX files, ASCII or binary, versions 6.1 to 7.7, that stand still.

Source: Autodesk's FBX SDK, FbxCamera and "Computing transformation matrices". The camera looks along its +x with y up;
focal length in millimeters, film back and offsets in inches; lengths are in ``UnitScaleFactor`` centimeters. FBX holds
no lens distortion, and no image size that can be relied upon.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from facesolve.take import TakeError
from facesolve.take.calibration import CalibratedCamera
from facesolve.take.film import FilmBack, intrinsics_from_film_back

from .fbx_tree import Node, read_tree
from .reading import Asked, Reading, calibrated, matrix_of, turn_about, understood

PROGRAM = "an FBX exporter"
STILL = 1e-5  # by how much a key may differ from the others: centimeters, degrees, millimeters
_CAMERA = np.array([[0.0, 0.0, 1.0], [0.0, -1.0, 0.0], [1.0, 0.0, 0.0]])  # OpenCV's axes, as rows, in the camera's own
_ORDERS = ((0, 1, 2), (0, 2, 1), (1, 2, 0), (1, 0, 2), (2, 0, 1), (2, 1, 0))  # RotationOrder: applied first to last
_FITS = {1: "vertical", 2: "horizontal", 3: "fill", 4: "overscan"}  # GateFit; 0: none, 5: stretched
_STRETCHED = 5
_BOTH, _HORIZONTAL, _VERTICAL = 0, 1, 2  # ApertureMode: which field of view tells the focal length; 3: it is given
_DEFAULTS = {"FilmWidth": 0.816, "FilmHeight": 0.612, "FocalLength": 34.8932762167263, "ApertureMode": 2}
_OF_THE_SDK = "Producer "  # cameras that every file of version 6 holds


def read(path: Path, asked: Asked) -> Reading:
    """The perspective cameras of a file; one that moves, zooms or follows a target is refused. Raises TakeError."""
    with understood(path, PROGRAM):
        scene = _Scene.of(read_tree(path))
        found = scene.cameras()
        cameras = tuple(_camera(scene, key, lens, path, asked) for key, lens in found)
        unit = _number(scene.settings, "UnitScaleFactor", 1.0)
        up = {1: "y", 2: "z"}.get(int(_number(scene.settings, "UpAxis", 1))) if scene.upright else None
        if not 0 < unit < np.inf:
            raise ValueError(f"a unit of {unit:g} cm")
    if not cameras:
        raise TakeError(f"calibration: '{path}' holds no perspective camera.")
    note = f"'{path}' holds no lens distortion, which FBX has no place for; the cameras fit undistorted footage."
    return Reading(cameras, unit, notes=(note,), up=up)


@dataclass(frozen=True, eq=False)
class _Scene:
    """Objects by their id (of version 6: their name), who belongs to whom, and the properties of each."""

    objects: dict[Any, Node]
    owners: dict[Any, list[tuple[Any, str]]]
    template: dict[str, list[Any]]
    settings: dict[str, list[Any]]
    moving: frozenset[Any]

    @staticmethod
    def of(root: Node) -> _Scene:
        listed = [child for node in root.all("Objects") for child in node.children if child.values]
        owners: dict[Any, list[tuple[Any, str]]] = {}
        for link in (child for node in root.all("Connections") for child in node.children):
            if link.name in ("C", "Connect") and len(link.values) >= 3:
                owners.setdefault(link.values[1], []).append((link.values[2], str((*link.values, "")[3])))
        template: dict[str, list[Any]] = {}
        for node in root.under("Definitions", "ObjectType", "PropertyTemplate"):
            if node.values[:1] == ["FbxCamera"]:
                template = node.properties()
        settings = next(root.under("GlobalSettings"), None) or next(root.under("Objects", "GlobalSettings"), Node(""))
        takes = root.under("Takes", "Take", "Model")
        moving = {model.values[0] for model in takes if model.values and _keyed(model)}
        return _Scene({n.values[0]: n for n in listed}, owners, template, settings.properties(), frozenset(moving))

    @property
    def upright(self) -> bool:
        return _number(self.settings, "UpAxisSign", 1) > 0

    def cameras(self) -> list[tuple[Any, dict[str, list[Any]]]]:
        """The model of each perspective camera, and its lens' properties."""
        found = []
        for key, node in self.objects.items():
            if node.name == "Model" and node.values[-1] == "Camera" and not _named(node).startswith(_OF_THE_SDK):
                own = node.properties()
                attributes = [
                    self.objects[child]
                    for child, links in self.owners.items()
                    if child in self.objects
                    and self.objects[child].name == "NodeAttribute"
                    and any(owner == key for owner, _ in links)
                ]
                lens = self.template | own | (attributes[0].properties() if attributes else {})
                if not int(_number(lens, "CameraProjectionType", 0)):
                    found.append((key, lens))
        return found

    def parent(self, key: Any) -> Any:
        """The model that a model hangs from; None for the scene itself."""
        owners = (owner for owner, where in self.owners.get(key, []) if not where)
        return next((o for o in owners if o in self.objects and self.objects[o].name == "Model"), None)

    def moves(self, key: Any) -> bool:
        """Whether an object is keyed to more than one value."""
        if key in self.moving:
            return True
        nodes = [child for child, links in self.owners.items() if any(owner == key and at for owner, at in links)]
        curves = [child for child, links in self.owners.items() if any(owner in nodes for owner, _ in links)]
        for curve in (self.objects[child] for child in curves if child in self.objects):
            for node in curve.all("KeyValueFloat"):
                values = _floats(node)
                if len(values) and np.ptp(values) > STILL:
                    return True
        return False


def _keyed(model: Node) -> bool:
    """Whether a model's track of version 6 has several keys."""
    stack = [model]
    while stack:
        node = stack.pop()
        if any(count.values and float(count.values[0]) > 1 for count in node.all("KeyCount")):
            return True
        stack += node.all("Channel")
    return False


def _floats(node: Node) -> np.ndarray:
    """The numbers of an array: binary, or written out below it (``*3 { a: 1,2,3 }``)."""
    if node.values and isinstance(node.values[0], np.ndarray):
        return node.values[0]
    inner = [value for child in node.all("a") for value in child.values]
    return np.array([v for v in inner or node.values if isinstance(v, (int, float))], np.float64)


def _named(node: Node) -> str:
    """An object's name: ``Model::left`` in ASCII, ``left`` before its class in binary."""
    text = str(node.values[-2] if len(node.values) > 1 else node.values[0])
    return text.partition("\0")[0] if "\0" in text else text.rpartition("::")[2]


def _number(properties: dict[str, list[Any]], name: str, default: float) -> float:
    values = properties.get(name)
    return float(values[0]) if values else default


def _three(properties: dict[str, list[Any]], name: str, default: float = 0.0) -> np.ndarray:
    return np.array([float(value) for value in properties.get(name, [default] * 3)[:3]], np.float64)


def _camera(scene: _Scene, key: Any, lens: dict[str, list[Any]], path: Path, asked: Asked) -> CalibratedCamera:
    name = _named(scene.objects[key])
    where = f"calibration: camera '{name}' in '{path}'"
    chain = [key]
    while (above := scene.parent(chain[-1])) is not None and above not in chain:
        chain.append(above)
    attributes = [child for child, links in scene.owners.items() if any(owner == key for owner, _ in links)]
    if any(scene.moves(part) for part in (*chain, *attributes)):
        raise TakeError(f"{where} moves or zooms; import it into Maya and export the take from there.")
    if any(at == "LookAtProperty" for links in scene.owners.values() for owner, at in links if owner == key):
        raise TakeError(f"{where} follows a target; bake its rotation and export it again.")
    if abs(_number(lens, "Roll", 0.0)) > STILL or abs(_number(lens, "FilmSqueezeRatio", 1.0) - 1) > STILL:
        raise TakeError(f"{where} has a roll or squeezes the image; bake the rotation, and export it without squeeze.")
    to_world = np.eye(4)
    for part in reversed(chain):
        to_world = to_world @ _transform(scene.objects[part].properties())
    axes = to_world[:3, :3] / np.linalg.norm(to_world[:3, :3], axis=0)
    rotation = _CAMERA @ axes.T
    size = asked.size(name, where)
    return calibrated(name, _intrinsics(lens, *size), rotation, -rotation @ to_world[:3, 3], np.zeros(0), size)


def _transform(own: dict[str, list[Any]]) -> np.ndarray:
    """(4, 4) of a model in its parent: T Roff Rp Rpre R Rpost^-1 Rp^-1 Soff Sp S Sp^-1."""
    active = bool(_number(own, "RotationActive", 0))
    order = int(_number(own, "RotationOrder", 0)) if active else 0
    if order >= len(_ORDERS):
        raise ValueError("a spherical rotation")
    before = _turn(_three(own, "PreRotation"), 0) if active else np.eye(3)
    after = _turn(_three(own, "PostRotation"), 0) if active else np.eye(3)
    turn = before @ _turn(_three(own, "Lcl Rotation"), order) @ after.T
    pivot, scale_pivot = _three(own, "RotationPivot"), _three(own, "ScalingPivot")
    scale = np.diag(_three(own, "Lcl Scaling", 1.0))
    inner = _three(own, "ScalingOffset") + scale_pivot - scale @ scale_pivot
    found = np.eye(4)
    found[:3, :3] = turn @ scale
    found[:3, 3] = _three(own, "Lcl Translation") + _three(own, "RotationOffset") + pivot + turn @ (inner - pivot)
    return found


def _turn(degrees: np.ndarray, order: int) -> np.ndarray:
    """(3, 3) of Euler angles about x, y, z."""
    found = np.eye(3)
    for axis in _ORDERS[order]:
        found = turn_about(axis, degrees[axis]) @ found
    return found


def _intrinsics(lens: dict[str, list[Any]], width: int, height: int) -> np.ndarray:
    """(3, 3) pixels."""
    number = {name: _number(lens, name, default) for name, default in _DEFAULTS.items()}
    film, fit = (number["FilmWidth"], number["FilmHeight"]), int(_number(lens, "GateFit", 0))
    offset = _number(lens, "FilmOffsetX", 0.0), _number(lens, "FilmOffsetY", 0.0)
    mode = int(number["ApertureMode"])
    focal = [number["FocalLength"] / 25.4] * 2  # inches
    if mode in (_BOTH, _HORIZONTAL, _VERTICAL):
        names = ("FieldOfViewX", "FieldOfViewY") if mode == _BOTH else ("FieldOfView", "FieldOfView")
        angles = [np.radians(_number(lens, name, 0.0)) for name in names]
        if not all(0 < angle < np.pi for angle in angles):
            raise ValueError("a field of view that no camera has")
        focal = [side / 2 / np.tan(angle / 2) for side, angle in zip(film, angles, strict=True)]
        if mode != _BOTH:
            focal = [focal[0 if mode == _HORIZONTAL else 1]] * 2
    if fit == _STRETCHED or mode == _BOTH:
        fx, fy = focal[0] / film[0] * width, focal[1] / film[1] * height
        return matrix_of(fx, fy, width * (0.5 - offset[0] / film[0]), height * (0.5 + offset[1] / film[1]))
    aspect = _number(lens, "PixelAspectRatio", 1.0)
    back = FilmBack(25.4 * focal[0], *film, *offset, fit=_FITS.get(fit, "horizontal"), pixel_aspect=aspect)
    return intrinsics_from_film_back(back, width, height)
