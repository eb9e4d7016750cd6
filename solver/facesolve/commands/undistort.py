"""``facesolve undistort``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from facesolve.take.footage import BAYER_PATTERNS

from .declare import EXIT_OK, add_command, add_progress, quoted, reporting

FORMATS = ("png", "tif", "jpg")


def add(commands: Any) -> None:
    parser = add_command(
        commands,
        "undistort",
        _run,
        "write footage without its lens distortion",
        "Writes every image of a sequence, video or .seq without the lens distortion of its calibration, at the same\n"
        "size and depth and with the same intrinsics, and the calibration that belongs to the new images. A solve\n"
        "does this itself: it is for programs that know pinhole cameras only. The folder appears when all is written.\n"
        "Several .seq files are matched by their time stamps; what a camera dropped is told and left out.",
        "  facesolve undistort 'footage/{camera}/{camera}_{frame:04d}.jpg' --cameras calibration.json --out straight\n"
        "  facesolve undistort '{camera}.mov' --cameras calibration.yml --frames 10-50 --format jpg --out straight",
    )
    parser.add_argument("footage", metavar="FOOTAGE", help="path with {camera} and ####, or video or .seq files")
    parser.add_argument("--cameras", type=Path, required=True, help="calibration: JSON, or OpenCV YAML or XML")
    parser.add_argument("--only", default="", metavar="A,B", help="only these cameras")
    parser.add_argument("--frames", metavar="A-B", help="first and last frame, both included; all by default")
    parser.add_argument("--format", choices=FORMATS, help="png by default; tif for floating-point images")
    parser.add_argument("--bayer", choices=BAYER_PATTERNS, help="top left 2x2 colours of .seq files of Bayer cameras")
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="new folder")
    add_progress(parser)


def _run(arguments: argparse.Namespace) -> int:
    from facesolve.jobs.undistort_footage import UndistortRequest, undistort_footage
    from facesolve.take.frame_range import parse_frames

    request = UndistortRequest(
        footage=arguments.footage,
        calibration=arguments.cameras,
        frames=None if arguments.frames is None else parse_frames(arguments.frames),
        cameras=tuple(name.strip() for name in arguments.only.split(",") if name.strip()),
        format=arguments.format,
        bayer=arguments.bayer,
    )
    with reporting(arguments.progress) as progress:
        count = undistort_footage(request, arguments.out, progress)
        progress.done(arguments.out)
    if arguments.progress != "jsonl":
        print(f"{arguments.out}: {count} images. Their cameras: {quoted(arguments.out / 'calibration.json')}")
    return EXIT_OK
