"""Metashape's (PhotoScan's) cameras as XML, "Export Cameras".

Source: Metashape's manual, appendix "Camera models". Camera to chunk, then chunk to world, OpenCV's axes; the first
pixel's center is (0.5, 0.5); the principal point is told from the image's middle; p1 and p2 the other way round than
OpenCV's. Lengths are meters where the chunk was scaled, and arbitrary else.
"""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from facesolve.take import TakeError
from facesolve.take.calibration import CalibratedCamera

from .images import cameras_of_images
from .reading import Asked, PosedImage, Reading, calibrated, matrix_of, polynomial_of, posed, understood, words
from .xml import parsed

PROGRAM = "Metashape"
_METERS = 100.0


def is_document(root: ElementTree.Element) -> bool:
    """Whether an XML document is Metashape's."""
    return root.tag == "document" and root.find("chunk") is not None


def read(path: Path, asked: Asked) -> Reading:
    """The cameras that are aligned and enabled. Raises TakeError."""
    with understood(path, PROGRAM):
        chunk = parsed(path).find("chunk")
        if chunk is None:
            raise ValueError("no chunk")
        sensors = {sensor.attrib["id"]: sensor for sensor in chunk.iter("sensor")}
        whole = _transform(chunk.find("transform"))
        parts = {part.attrib["id"]: _transform(part.find("transform")) for part in chunk.iter("component")}
        images, scaled = [], False
        for camera in chunk.iter("camera"):
            place = camera.find("transform")
            if place is None or camera.get("enabled") == "false":
                continue
            to_chunk = words(place.text, 4, 4)
            to_world = parts.get(camera.get("component_id", ""))
            to_world = whole if to_world is None else to_world
            scaled |= to_world is not None
            label = camera.attrib["label"]
            sensor = sensors[camera.attrib["sensor_id"]]
            images.append(PosedImage(label, _camera(label, sensor, _placed(to_chunk, to_world), path)))
    cameras, notes = cameras_of_images(images, asked.images, path)
    return Reading(cameras, _METERS if scaled else None, scaled, notes)


def _transform(element: ElementTree.Element | None) -> tuple[np.ndarray, np.ndarray, float] | None:
    """Rotation, translation and scale from the chunk to the world; None where it was never placed."""
    if element is None or element.find("rotation") is None:
        return None
    scale = element.findtext("scale")
    return (
        words(element.findtext("rotation"), 3, 3),
        words(element.findtext("translation"), 3),
        1.0 if scale is None else float(scale),
    )


def _placed(to_chunk: np.ndarray, to_world: tuple[np.ndarray, np.ndarray, float] | None) -> np.ndarray:
    if to_world is None:
        return to_chunk
    rotation, translation, scale = to_world
    placed = np.eye(4)
    placed[:3, :3] = rotation @ to_chunk[:3, :3]
    placed[:3, 3] = scale * rotation @ to_chunk[:3, 3] + translation
    return placed


def _camera(label: str, sensor: ElementTree.Element, to_world: np.ndarray, path: Path) -> CalibratedCamera:
    where = f"calibration: camera '{label}' in '{path}'"
    known = sorted(sensor.iter("calibration"), key=lambda found: found.get("class") == "adjusted")
    if not known:
        raise TakeError(f"{where} has a sensor without a calibration; align the photos first.")
    calibration = known[-1]
    kind = calibration.get("type", sensor.get("type", "frame"))
    resolution = calibration.find("resolution")
    if resolution is None:
        resolution = sensor.find("resolution")
    if resolution is None:
        raise KeyError("resolution")
    size = int(resolution.attrib["width"]), int(resolution.attrib["height"])
    given = {element.tag: float(element.text or "nan") for element in calibration if element.tag != "resolution"}
    if kind not in ("frame", "fisheye", "equidistant_fisheye"):
        raise TakeError(f"{where} is of the type '{kind}'; only frame and fisheye cameras are supported.")
    focal = given["f"] if "f" in given else given["fy"]
    skew = given.get("b2", given.get("skew", 0.0))
    middle = (0.0, 0.0) if "fx" in given else (size[0] / 2, size[1] / 2)  # old PhotoScan's, from the corner
    matrix = matrix_of(
        given.get("fx", focal + given.get("b1", 0.0)),
        given.get("fy", focal),
        middle[0] + given.get("cx", 0.0),
        middle[1] + given.get("cy", 0.0),
        skew,
    )
    k = [given.get(f"k{n}", 0.0) for n in (1, 2, 3, 4)]
    tangential = given.get("p2", 0.0), given.get("p1", 0.0)
    if any(given.get(key) for key in ("p3", "p4")):
        raise TakeError(f"{where} has p3 and p4, which are not supported; optimize without them and export again.")
    if kind == "frame":
        return calibrated(label, matrix, *posed(to_world), polynomial_of(where, k, tangential, matrix, size), size)
    if any(tangential):
        raise TakeError(f"{where} is a fisheye with p1 and p2, which are not supported; optimize without them.")
    return calibrated(label, matrix, *posed(to_world), np.array(k), size, fisheye=True)
