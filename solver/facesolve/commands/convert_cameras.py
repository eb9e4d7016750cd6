"""``facesolve convert-cameras``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from .declare import EXIT_OK, add_command

_BY_SUFFIX = {".json": "json", ".yml": "yml", ".yaml": "yml", ".xml": "xml"}


def add(commands: Any) -> None:
    parser = add_command(
        commands,
        "convert-cameras",
        _run,
        "read and write other programs' calibrations",
        "Converts a calibration between our JSON, the thesis' JSON and OpenCV's YAML or XML. OpenCV's pixels (first\n"
        "centre at 0) and lengths (any unit) become ours (first centre at 0.5, centimetres), and the other way round.",
        "  facesolve convert-cameras intrinsics.yml calibration.json --extrinsics extrinsics.yml --unit mm\n"
        "  facesolve convert-cameras calibration.json for_thesis.json --thesis\n"
        "  facesolve convert-cameras calibration.json for_opencv.xml",
    )
    parser.add_argument("source", type=Path, metavar="IN", help=".json, .yml or .xml")
    parser.add_argument("target", type=Path, metavar="OUT", help=".json, .yml or .xml")
    parser.add_argument("--thesis", action="store_true", help="write JSON in the thesis' layout, without image sizes")
    parser.add_argument(
        "--extrinsics", type=Path, metavar="FILE", help="OpenCV's other file of a stereo pair, with its R and T"
    )
    parser.add_argument("--unit", choices=("mm", "cm", "m"), default="cm", help="of an OpenCV file that names none")


def _run(arguments: argparse.Namespace) -> int:
    from facesolve.geometry.camera_files import read_cameras, write_cameras
    from facesolve.take import TakeError

    layout = _BY_SUFFIX.get(arguments.target.suffix.lower())
    if layout is None or (arguments.thesis and layout != "json"):
        wanted = ".json" if arguments.thesis else ".json, .yml or .xml"
        raise TakeError(f"calibration: '{arguments.target}' must end in {wanted}.")
    cameras = read_cameras(arguments.source, arguments.unit, arguments.extrinsics)
    write_cameras(cameras, arguments.target, "thesis" if arguments.thesis else layout)
    print(f"{arguments.target}: {', '.join(camera.name for camera in cameras)}")
    return EXIT_OK
