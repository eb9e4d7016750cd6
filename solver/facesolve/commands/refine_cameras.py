"""``facesolve refine-cameras``."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import Any

from .declare import EXIT_OK, add_command, add_device, add_progress, print_json, quoted, reporting


def add(commands: Any) -> None:
    parser = add_command(
        commands,
        "refine-cameras",
        _run,
        "find cameras that were bumped after calibration",
        "Finds, from the footage and a solve, which cameras stand elsewhere than their calibration says, and writes a\n"
        "new take in which they are there. Shapes are held as solved; the head is placed anew together with the\n"
        "cameras. At least three cameras are needed, most of them unmoved, or the names of those that moved.\n"
        "Then solve the new take. After a large bump do both once more: the first solve's shapes suffered from it.",
        "  facesolve refine-cameras my_take --solution my_solution --out my_take_2\n"
        "  facesolve refine-cameras my_take --solution my_solution --cameras left --out my_take_2",
    )
    parser.add_argument("take", type=Path, metavar="TAKE", help="folder with take.json")
    parser.add_argument(
        "--solution", type=Path, metavar="OUT", help="a solve of it; without one it is solved as a draft"
    )
    parser.add_argument("--cameras", default="", metavar="A,B", help="cameras that are known to have moved")
    parser.add_argument(
        "--out", type=Path, required=True, metavar="NEW_TAKE", help="new folder; nothing is overwritten"
    )
    add_device(parser)
    parser.add_argument("--json", action="store_true", help="print the motions as JSON")
    add_progress(parser)


def _run(arguments: argparse.Namespace) -> int:
    from facesolve.jobs.refine_cameras import refine_take_cameras

    with reporting(arguments.progress) as progress:
        motions = refine_take_cameras(
            arguments.take,
            arguments.solution,
            arguments.out,
            cameras=[name.strip() for name in arguments.cameras.split(",") if name.strip()],
            device=arguments.device,
            progress=progress,
        )
        progress.done(arguments.out)
    written = any(motion.moved for motion in motions)
    if arguments.json:
        print_json({"cameras": [asdict(motion) for motion in motions], "take": str(arguments.out) if written else None})
        return EXIT_OK
    if arguments.progress == "jsonl":
        return EXIT_OK
    for motion in motions:
        if motion.moved:
            print(
                f"{motion.camera}: turned by {motion.turn:.3f} degrees, moved by {motion.shift:.2f} mm, "
                f"{motion.pixels:.1f} pixels in its image."
            )
        else:
            print(f"{motion.camera}: where it was.")
    if written:
        print(f"{arguments.out}: a new take. Next: facesolve solve {quoted(arguments.out)} --out ...")
    else:
        print("No camera was bumped; nothing is written.")
    return EXIT_OK
