"""``facesolve render``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from facesolve.review.request import KINDS, PNG, VideoRequest

from .declare import EXIT_OK, add_command, add_progress, reporting


def add(commands: Any) -> None:
    parser = add_command(
        commands,
        "render",
        _run,
        "show a solution over its footage as a video",
        "Renders a solution with its footage into an MP4 (H.264), a GIF, or PNG pictures, by the file's ending.\n"
        "  footage    the footage alone\n"
        "  overlay    footage, and beside it the mesh's edges over the footage\n"
        "  wireframe  the visible polygon edges over the footage\n"
        "  shaded     the mesh in clay with smooth normals\n"
        "  textured   the mesh with the texture that the solve baked\n"
        "  blend      the textured mesh (clay without a texture) mixed into the footage\n"
        "  heatmap    footage minus textured mesh, red where the footage is brighter, with a colour bar\n"
        "  grid       all of these, a row for each camera\n"
        "Footage is shown without its lens distortion, as the solver sees it.",
        "  facesolve render my_solution --what overlay --out overlay.mp4\n"
        "  facesolve render my_solution --what blend --opacity 0.7 --cameras left,front --out blend.mp4\n"
        "  facesolve render my_solution --what heatmap --stabilize --frames 10-40 --height 480 --out heat.gif\n"
        "  facesolve render my_solution --what grid --frames 20 --out frame20.png",
    )
    parser.add_argument("out", type=Path, metavar="OUT", help="folder with solution.json")
    parser.add_argument("--what", choices=tuple(KINDS), default="overlay", help="what the pictures show")
    parser.add_argument(
        "--out",
        dest="file",
        type=Path,
        required=True,
        metavar="FILE",
        help=".mp4, .gif or .png; NAME.{frame:04d}.png for a sequence",
    )
    parser.add_argument("--cameras", metavar="A,B", help="cameras to show, all by default")
    parser.add_argument("--frames", metavar="A-B", help="only these frames, both included")
    parser.add_argument("--beside", action="store_true", help="the footage beside each picture")
    parser.add_argument("--opacity", type=float, default=0.5, help="of the mesh in a blend, 0 to 1 (default 0.5)")
    parser.add_argument("--stabilize", action="store_true", help="move the picture so that the head stands still")
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--scale", type=float, help="size of each picture as a part of its footage's")
    size.add_argument("--height", type=int, help="height of the whole picture in pixels")
    parser.add_argument("--fps", type=float, help="frames a second, the footage's by default")
    parser.add_argument("--levels", type=float, help="ends of the heatmap's scale, of 255; fitted by default")
    parser.add_argument("--no-labels", action="store_true", help="leave out camera names, frame numbers and timecode")
    parser.add_argument("--take", type=Path, help="the take, when it is not where the solution says")
    add_progress(parser)


def _run(arguments: argparse.Namespace) -> int:
    with reporting(arguments.progress) as progress:
        from facesolve.review.video import baked_texture, render_video
        from facesolve.take import read_solution
        from facesolve.take.frame_range import parse_frames
        from facesolve.take.solved import find_take

        request = VideoRequest(
            what=arguments.what,
            cameras=tuple(name for name in (arguments.cameras or "").split(",") if name),
            frames=None if arguments.frames is None else parse_frames(arguments.frames),
            beside=arguments.beside,
            opacity=arguments.opacity,
            stabilize=arguments.stabilize,
            scale=arguments.scale,
            height=arguments.height,
            fps=arguments.fps,
            levels=arguments.levels,
            labels=not arguments.no_labels,
        )
        solution = read_solution(arguments.out)
        take = find_take(solution, arguments.out, arguments.take)
        texture = baked_texture(arguments.out, solution)
        video = render_video(solution, take, request, arguments.file, progress, texture)
        progress.done(arguments.file)
    if arguments.progress == "bar":
        width, height = video.size
        scale = "" if video.levels is None else f", scale of differences ±{video.levels:g} of 255"
        count = len(video.frames)
        frames = f"{count} frame{'s' * (count != 1)}, {width}x{height}"
        rate = "" if arguments.file.suffix.lower() == PNG else f", {video.fps:g} a second"
        print(f"{arguments.file}: {frames}{rate}{scale}.", file=sys.stderr)
    return EXIT_OK
