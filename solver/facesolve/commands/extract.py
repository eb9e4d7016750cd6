"""``facesolve extract``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from facesolve.take.footage import BAD_FRAME_POLICIES, BAYER_PATTERNS

from .declare import EXIT_OK, add_command, add_progress, reporting


def add(commands: Any) -> None:
    parser = add_command(
        commands,
        "extract",
        _run,
        "write the images of a Norpix .seq recording as files",
        "Writes each image of a recording as TIFF, PNG or JPEG, and a table of their time stamps to the microsecond.\n"
        "TIFF and PNG keep the bit depth (9 to 16 bits become 16, at full scale). JPEG images that are wanted as JPEG\n"
        "are copied as they are. A take can use the .seq itself as footage; nothing has to be extracted for a solve.",
        "  facesolve extract shot/cam0.seq --out frames --format png\n"
        "  facesolve extract shot/cam0.seq --out frames --format tif --images 100-199 --name '{name}.{frame:04d}'\n"
        "  facesolve extract bayer.seq --out frames --format tif --bayer RGGB",
    )
    parser.add_argument("recording", type=Path, metavar="TAKE.seq", help="the recording; its .idx is used when there")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder of the images, made if needed")
    parser.add_argument("--format", choices=("tif", "png", "jpg"), default="tif", help="default: %(default)s")
    parser.add_argument("--images", metavar="A-B", help="first and last image number, both included; the first is 0")
    parser.add_argument(
        "--name", default="{name}_{frame:06d}", metavar="PATTERN", help="file name without ending, default %(default)s"
    )
    parser.add_argument(
        "--bayer", choices=(*BAYER_PATTERNS, "none"), help="top left 2x2 colours of a Bayer mosaic; none keeps it"
    )
    parser.add_argument(
        "--on-bad-frame", choices=BAD_FRAME_POLICIES, default="stop", help="stop at a bad image, or leave it out"
    )
    add_progress(parser)


def _run(arguments: argparse.Namespace) -> int:
    with reporting(arguments.progress) as progress:
        from facesolve.footage.norpix.extract import ExtractRequest, extract_images
        from facesolve.take.frame_range import parse_frames

        request = ExtractRequest(
            arguments.recording,
            arguments.format,
            None if arguments.images is None else parse_frames(arguments.images),
            arguments.name,
            arguments.bayer,
            arguments.on_bad_frame,
        )
        done = extract_images(request, arguments.out, progress)
        progress.done(arguments.out)
    if arguments.progress != "jsonl":
        left_out = f", {done.left_out} left out" if done.left_out else ""
        print(f"{arguments.out}: {done.written} images{left_out}; time stamps in {done.table.name}.")
    return EXIT_OK
