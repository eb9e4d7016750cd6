"""RealityCapture's and RealityScan's cameras: the CSV of internal and external parameters, and XMP files.

Source: Epic's help, "RealityCapture XMP Camera Math". The world's z is up; an XMP's rotation goes from the world to
OpenCV's axes, a CSV's angles are heading (clockwise about z), pitch and roll of a camera that looks along -z with y up.
Focal length and principal point are parts of the longer side of the image, whose middle is the origin, so pixels have
their corner at 0. Lengths are meters where the scene was scaled, and arbitrary else.
"""

from __future__ import annotations

import csv
import io
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from facesolve.take import TakeError
from facesolve.take.reading import read_text

from .images import cameras_of_images
from .reading import (
    Asked,
    PosedImage,
    Reading,
    calibrated,
    matrix_of,
    numbers,
    polynomial_of,
    posed,
    turn_about,
    understood,
    words,
)
from .xml import parsed

PROGRAM = "RealityCapture"
NAMESPACE = "http://www.capturingreality.com/ns/xcr/1.1#"
_FILM = 36.0  # millimeters, the longer side of the film that focal lengths are told for
_NEEDED = ("x", "y", "alt", "heading", "pitch", "roll", "f")
_POLYNOMIAL = ("brown3", "brown4", "brown3t2", "brown4t2", "perspective")


def is_csv(text: str) -> bool:
    """Whether a file's beginning is the header of the CSV."""
    head = [name.strip().lstrip("#").lower() for name in _header(text).split(",")]
    return {"name", *_NEEDED} <= set(head)


def read_csv(path: Path, asked: Asked) -> Reading:
    """The cameras of the CSV. Raises TakeError."""
    with understood(path, PROGRAM):
        text = read_text(path, "calibration")
        rows = csv.DictReader(io.StringIO(text[text.index(_header(text)) :]))
        images = [_row({(k or "").strip().lstrip("#").lower(): v for k, v in row.items()}, path, asked) for row in rows]
    cameras, notes = cameras_of_images(images, asked.images, path)
    return Reading(cameras, scaled=False, notes=notes, up="z")


def read_xmp(paths: list[Path], folder: Path, asked: Asked) -> Reading:
    """The cameras of XMP files, one an image. Raises TakeError."""
    images = []
    for path in paths:
        with understood(path, PROGRAM):
            images.append(_description(path, asked))
    cameras, notes = cameras_of_images(images, asked.images, folder)
    return Reading(cameras, scaled=False, notes=notes, up="z")


def _header(text: str) -> str:
    lines = [line for line in text.splitlines()[:3] if line.strip() and not line.lower().startswith("#cameras")]
    return lines[0] if lines else ""


def _row(row: dict[str, str], path: Path, asked: Asked) -> PosedImage:
    name = row["name"]
    where = f"calibration: image '{name}' in '{path}'"

    def value(key: str) -> float:
        return float(row.get(key) or 0.0)

    turn = (
        turn_about(2, -float(row["heading"])) @ turn_about(0, float(row["pitch"])) @ turn_about(1, float(row["roll"]))
    )
    to_world = np.eye(4)
    to_world[:3, :3] = turn
    to_world[:3, 3] = numbers([row["x"], row["y"], row["alt"]], 3)
    size = asked.size(Path(name.replace("\\", "/")).stem, where)
    longer = max(size)
    focal = float(row["f"]) * longer / _FILM
    matrix = matrix_of(focal, focal, size[0] / 2 + value("px") * longer, size[1] / 2 + value("py") * longer)
    radial = [value(key) for key in ("k1", "k2", "k3", "k4")]
    distortion = polynomial_of(where, radial, (value("t1"), value("t2")), matrix, size)
    return PosedImage(name, calibrated(name, matrix, *posed(to_world, flipped=True), distortion, size))


def _description(path: Path, asked: Asked) -> PosedImage:
    where = f"calibration: '{path}'"
    found = {}
    for element in parsed(path).iter():
        found.update({key: text for key, text in element.attrib.items() if key.startswith(f"{{{NAMESPACE}}}")})
        if element.tag.startswith(f"{{{NAMESPACE}}}"):
            found[element.tag] = element.text or ""
    given = {key.rpartition("}")[2]: text for key, text in found.items()}
    if "Rotation" not in given or "Position" not in given:
        raise TakeError(f"{where} has no rotation and position; export XMP with camera poses, not calibration alone.")
    model = given.get("DistortionModel", "brown3")
    coefficients = words(given.get("DistortionCoeficients", "0 0 0 0 0 0"), 6)
    if model not in _POLYNOMIAL and coefficients.any():
        raise TakeError(
            f"{where} uses the distortion model '{model}', which is not supported; choose Brown3 in RealityCapture's "
            "alignment settings, align again and export."
        )
    size = asked.size(path.stem, where)
    longer = max(size)
    focal = float(given["FocalLength35mm"]) * longer / _FILM
    matrix = matrix_of(
        focal,
        focal * float(given.get("AspectRatio", 1)),
        size[0] / 2 + float(given.get("PrincipalPointU", 0)) * longer,
        size[1] / 2 + float(given.get("PrincipalPointV", 0)) * longer,
        float(given.get("Skew", 0)) * longer / _FILM,
    )
    rotation = words(given["Rotation"], 3, 3)
    distortion = polynomial_of(where, coefficients[:4].tolist(), coefficients[4:].tolist(), matrix, size)
    translation = -rotation @ words(given["Position"], 3)
    return PosedImage(path.name, calibrated(path.name, matrix, rotation, translation, distortion, size))


def is_xmp(root: ElementTree.Element) -> bool:
    """Whether an XML document is an XMP that RealityCapture wrote."""
    names = (name for element in root.iter() for name in (element.tag, *element.attrib))
    return any(name.startswith(f"{{{NAMESPACE}}}") for name in names)
