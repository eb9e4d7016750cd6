"""``facesolve convert-cameras``."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from .output import EXIT_OK, Verbosity

_BY_SUFFIX = {".json": "json", ".yml": "yml", ".yaml": "yml", ".xml": "xml"}


def convert_cameras(
    cameras: Path,
    /,
    *,
    out: Path,
    overwrite: bool = False,
    thesis: bool = False,
    extrinsics: Path | None = None,
    unit: Literal["mm", "cm", "m"] = "cm",
    output: Verbosity = Verbosity(),  # noqa: B008  # frozen
) -> int:
    """Read and write other programs' calibrations.

    Converts a calibration between our JSON, the thesis' JSON and OpenCV's YAML or XML. OpenCV's pixels (first center at
    0) and lengths (any unit) become ours (first center at 0.5, centimeters), and the other way round.

    Args:
        cameras: calibration, .json, .yml or .xml.
        out: file to write, .json, .yml or .xml.
        thesis: write JSON in the thesis' layout, without image sizes.
        extrinsics: OpenCV's other file of a stereo pair, with its R and T.
        unit: length unit of an OpenCV file that names none.

    Examples:
        facesolve convert-cameras intrinsics.yml --extrinsics extrinsics.yml --unit mm --out calibration.json
        facesolve convert-cameras calibration.json --thesis --out for_thesis.json
        facesolve convert-cameras calibration.json --out for_opencv.xml
    """
    from facesolve.geometry.camera_files import read_cameras, write_cameras
    from facesolve.take import TakeError
    from facesolve.take.files import check_new

    layout = _BY_SUFFIX.get(out.suffix.lower())
    if layout is None or (thesis and layout != "json"):
        wanted = ".json" if thesis else ".json, .yml or .xml"
        raise TakeError(f"calibration: '{out}' must end in {wanted}.")
    check_new(out, overwrite)
    found = read_cameras(cameras, unit, extrinsics)
    write_cameras(found, out, "thesis" if thesis else layout)
    output.say(f"{out}: {', '.join(camera.name for camera in found)}")
    return EXIT_OK
