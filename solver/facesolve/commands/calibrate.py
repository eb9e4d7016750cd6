"""``facesolve calibrate``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from .declare import EXIT_OK, add_command, add_progress, print_json, quoted, reporting


def add(commands: Any) -> None:
    parser = add_command(
        commands,
        "calibrate",
        _run,
        "find cameras from images of a board",
        "Finds lenses and places of all cameras from images of a board, jointly. IMAGES is a pattern with {camera}\n"
        "and {view} (images of one view were taken at one moment), a folder with one folder for each camera, a folder\n"
        "with left01.jpg, right01.jpg ..., a folder of one camera's images, or one image.\n"
        "Boards, lengths in mm: circles:10x10:20 (columns, rows, spacing; add :12 if the dots are 12 mm wide, which\n"
        "removes the bias of perspective), acircles:4x11:20 (asymmetric), chessboard:9x6:25 (inner corners),\n"
        "charuco:5x7:40:20:6X6_250 (squares, square, marker, dictionary).\n"
        "Writes calibration.json (for 'facesolve pack'; centimetres, origin and axes of the board at --origin: x to\n"
        "the right, y down, z away from the viewer), the same as calibration_thesis.json and as OpenCV's\n"
        "calibration.yml, report.json, rig.png and a picture of each view.",
        "  facesolve calibrate 'session/{camera}/{view}.png' --board circles:10x10:20 --out calibration\n"
        "  facesolve calibrate stereo_folder --board chessboard:9x6:25 --lens k1k2 --out calibration\n"
        "  facesolve calibrate 'left{view}.jpg' --board charuco:5x7:40:20:6X6_250 --lens left=rational --out left\n"
        "  facesolve calibrate session --board circles:10x10:20 --intrinsics lenses.yml --hold-intrinsics --out rig",
    )
    parser.add_argument("images", metavar="IMAGES", help="pattern, folder or image")
    parser.add_argument("--board", required=True, help="kind, size and lengths, see above")
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="folder of the results")
    parser.add_argument("--cameras", default="", metavar="A,B", help="only these cameras, in this order")
    parser.add_argument(
        "--lens",
        action="append",
        default=[],
        metavar="[CAMERA=]MODEL",
        help="none, k1, k1k2, brown (k1 k2 p1 p2 k3, the default) or rational; may be given for single cameras",
    )
    parser.add_argument("--square-pixels", action="store_true", help="one focal length for both axes")
    parser.add_argument(
        "--intrinsics", type=Path, metavar="FILE", help="start from these lenses: JSON, or OpenCV YAML/XML"
    )
    parser.add_argument("--hold-intrinsics", action="store_true", help="keep the lenses while all cameras are joined")
    parser.add_argument("--origin", metavar="VIEW", help="view whose board becomes the world's origin")
    parser.add_argument("--no-pictures", action="store_true", help="write numbers only")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    add_progress(parser)


def _run(arguments: argparse.Namespace) -> int:
    from facesolve.calibrate.report import calibration_record, print_calibration
    from facesolve.jobs.calibrate_images import Job, calibrate_images

    job = Job(
        images=arguments.images,
        board=arguments.board,
        out=arguments.out,
        cameras=tuple(name.strip() for name in arguments.cameras.split(",") if name.strip()),
        lens=tuple(arguments.lens),
        square_pixels=arguments.square_pixels,
        intrinsics=arguments.intrinsics,
        hold_intrinsics=arguments.hold_intrinsics,
        origin=arguments.origin,
        pictures=not arguments.no_pictures,
    )
    with reporting(arguments.progress) as progress:
        calibration, weaknesses = calibrate_images(job, progress)
        progress.done(arguments.out)
    if arguments.json:
        print_json(calibration_record(calibration, weaknesses))
    elif arguments.progress != "jsonl":
        print_calibration(calibration, weaknesses)
        cameras = quoted(arguments.out / "calibration.json")
        print(f"{arguments.out}: calibration.json. Next: facesolve pack --cameras {cameras} ...")
    return EXIT_OK
