"""``facesolve pack``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from facesolve.take.footage import BAD_FRAME_POLICIES, BAYER_PATTERNS, COLOR_SPACES, SYNC_MODES

from .declare import EXIT_OK, add_command, quoted


def add(commands: Any) -> None:
    parser = add_command(
        commands,
        "pack",
        _run,
        "make a take from files, without Maya",
        "Makes a take from a rig as arrays, an OpenCV calibration and footage. Lengths are centimetres; cameras are\n"
        "x_cam = R x_world + t with pixel centres at .5. Everything is checked before anything is written.\n"
        "Norpix .seq recordings are matched by their time stamps: frame 0 is the first that all cameras recorded.",
        "  facesolve pack --rig rig.npz --cameras calibration.json --frames 0-39 --fps 30\n"
        "      --footage 'footage/{camera}/{camera}_{frame:04d}.jpg' --start start.json --out my_take\n"
        "  facesolve pack --rig rig.npz --cameras calibration.json --frames 0-99 --fps 60\n"
        "      --footage 'footage/{camera}.mov' --out my_take\n"
        "  facesolve pack --rig rig.npz --cameras calibration.json --footage 'shot/{camera}.seq' --out my_take",
    )
    parser.add_argument("--rig", type=Path, required=True, help="rig .npz: neutral, deltas, names, face_counts, faces")
    parser.add_argument("--cameras", type=Path, required=True, help="calibration .json, one entry for each camera")
    parser.add_argument(
        "--footage", required=True, metavar="PATTERN", help="path with {camera} and ####, %%04d or {frame:04d}"
    )
    parser.add_argument(
        "--frames", metavar="A-B", help="first and last frame, both included; default: all that every camera has"
    )
    parser.add_argument("--fps", type=float, help="footage frames a second; of .seq files by default as recorded")
    parser.add_argument("--start", type=Path, help="start pose .json: frame, weights by name, head 4x4")
    parser.add_argument("--texture", type=Path, help="the rig's albedo image; <UDIM> is allowed in the name")
    parser.add_argument("--color-space", choices=COLOR_SPACES, default="srgb", help="how pixel values are encoded")
    parser.add_argument("--matte", metavar="PATTERN", help="second sequence, white where the actor is")
    parser.add_argument(
        "--on-bad-frame", choices=BAD_FRAME_POLICIES, default="stop", help="stop at a bad image, or solve without it"
    )
    parser.add_argument("--bayer", choices=BAYER_PATTERNS, help="top left 2x2 colours of .seq files of Bayer cameras")
    parser.add_argument(
        "--sync",
        choices=SYNC_MODES,
        default="stamps",
        help="match .seq files by time stamps; by stamps with all first images taken together; or by image number",
    )
    parser.add_argument(
        "--clock",
        action="append",
        default=[],
        metavar="CAMERA=SECONDS",
        help="a .seq recorder's clock is ahead by so much",
    )
    parser.add_argument("--out", type=Path, required=True, metavar="TAKE", help="folder of the new take")


def _run(arguments: argparse.Namespace) -> int:
    from facesolve.footage.norpix.matching import Matching, parse_clocks
    from facesolve.jobs.pack import FootageSource, PackRequest, pack_take
    from facesolve.take.frame_range import parse_frames

    request = PackRequest(
        rig=arguments.rig,
        cameras=arguments.cameras,
        footage=FootageSource(
            arguments.footage,
            arguments.matte,
            arguments.color_space,
            arguments.on_bad_frame,
            arguments.bayer,
            Matching(arguments.sync, parse_clocks(arguments.clock)),
        ),
        frames=None if arguments.frames is None else parse_frames(arguments.frames),
        fps=arguments.fps,
        start=arguments.start,
        texture=arguments.texture,
    )
    take = pack_take(request, arguments.out, print)
    print(
        f"{arguments.out}: {len(take.rig.controls)} controls, {len(take.cameras)} cameras, {take.frame_count} frames. "
        f"Next: facesolve inspect {quoted(arguments.out)}"
    )
    return EXIT_OK
