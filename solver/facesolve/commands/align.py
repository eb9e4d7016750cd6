"""``facesolve align``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from .declare import EXIT_OK, add_command, add_device, add_progress, print_json, quoted, reporting


def add(commands: Any) -> None:
    parser = add_command(
        commands,
        "align",
        _run,
        "find the start pose of a take without an animator",
        "Finds the head in the first frame: by landmarks where MediaPipe is at hand, else by trying poses until all\n"
        "cameras see the same surface; then fits pose and controls. Says what it used and how sure it is, and draws\n"
        "the found start over the footage.\n"
        "'facesolve solve' does the same by itself for a take that has no start pose.",
        "  facesolve align my_take\n"
        "  facesolve align my_take --write\n"
        "  facesolve align my_take --frame 12 --out my_take_started\n"
        "  facesolve align my_take --start start.json --picture start.png",
    )
    parser.add_argument("take", type=Path, metavar="TAKE", help="folder with take.json")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--write", action="store_true", help="write the start pose into TAKE")
    where.add_argument("--out", type=Path, metavar="TAKE2", help="write TAKE with the start pose into a new folder")
    where.add_argument("--start", type=Path, metavar="FILE", help="write a .json file for 'facesolve pack --start'")
    parser.add_argument("--replace", action="store_true", help="the start pose, take or file that is there may be lost")
    parser.add_argument("--picture", type=Path, metavar="PNG", help="default: start.png in TAKE, or in TAKE2")
    parser.add_argument(
        "--frame",
        type=int,
        metavar="N",
        help="look at this frame; by default the first, and, without --start, two more",
    )
    parser.add_argument(
        "--method", choices=("auto", "search", "landmarks"), default="auto", help="auto: landmarks if any"
    )
    parser.add_argument(
        "--landmark-python", type=Path, metavar="PATH", help="a Python that has mediapipe; or FACESOLVE_LANDMARK_PYTHON"
    )
    parser.add_argument(
        "--landmark-model",
        type=Path,
        metavar="FILE",
        help="face_landmarker.task, for a mediapipe that carries no model; or FACESOLVE_LANDMARK_MODEL",
    )
    add_device(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of sentences")
    add_progress(parser)


def _run(arguments: argparse.Namespace) -> int:
    with reporting(arguments.progress) as progress:
        from facesolve.footage.stream import TakeFootage
        from facesolve.jobs.keep_start import (
            PICTURE,
            check_first,
            check_free,
            write_picture_of_start,
            write_start,
            write_with_start,
        )
        from facesolve.runtime.devices import choose_device
        from facesolve.start.find import How, find_start
        from facesolve.take import TakeError, read_take
        from facesolve.take.files import check_file

        take = read_take(arguments.take)
        frame, picture = arguments.frame, arguments.picture or (arguments.out or arguments.take) / PICTURE
        check_file(picture)
        if arguments.write:
            check_free(take, arguments.replace)
        if arguments.start is not None:
            check_file(arguments.start)
            frame = int(take.frames[0]) if frame is None else frame
            check_first(take, frame)
        for path in (arguments.start, None if arguments.out is None else arguments.out / "take.json"):
            if path is not None and path.exists() and not arguments.replace:
                raise TakeError(f"'{path}' exists already; give another name, or --replace.")
        device = choose_device(arguments.device)
        with TakeFootage(take, device) as footage:
            how = How(arguments.method, arguments.landmark_python, arguments.landmark_model)
            found = find_start(take, footage, device, progress, frame, how)
        if arguments.write or arguments.out is not None:
            write_with_start(take, found.start, arguments.out or arguments.take)
        elif arguments.start is not None:
            write_start(take, found.start, arguments.start)
        write_picture_of_start(take, found.start, picture)
        progress.picture(picture)
        progress.done(arguments.out or arguments.take)
    if arguments.json:
        print_json({**found.record(take), "picture": str(picture)})
    elif arguments.progress != "jsonl":
        for sentence in found.sentences():
            print(sentence + ".")
        print(f"Look at {picture}.{_next(arguments)}")
    return EXIT_OK


def _next(arguments: argparse.Namespace) -> str:
    if arguments.write or arguments.out is not None:
        take = quoted(arguments.out or arguments.take)
        return f" Next: facesolve solve {take} --out OUT"
    if arguments.start is not None:
        return f" Next: facesolve pack ... --start {quoted(arguments.start)}"
    return " Nothing was written into the take; --write, --out or --start keep the start pose."
