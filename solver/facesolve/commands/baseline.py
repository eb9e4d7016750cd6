"""``facesolve baseline``."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

from facesolve.take import TakeError

from .declare import EXIT_OK, add_command, add_device, add_progress, reporting

MODES = ("prior", "free", "combined")
PRESETS = ("tuned", "thesis")
DEFAULT_STEPS = 2000
OVERRIDES = (  # options that stand in place of the preset's values
    "level",
    "shape_count",
    "texture_start",
    "texture_ramp",
    "laplacian",
    "edge_length",
    "normal_consistency",
    "shape_size",
    "seed",
)


def add(commands: Any) -> None:
    parser = add_command(
        commands,
        "baseline",
        _run,
        "solve a take by gradient descent, for comparison",
        "Adam through a differentiable renderer, the published first-order method: for comparison with 'solve', which\n"
        "is far more accurate in the same time. Writes an ordinary solution, the learnt texture, and with\n"
        "--mode free or combined the learnt shapes as correctives.\n"
        "  prior     the rig's controls\n"
        "  free      no controls; the surface itself, as a few learnt shapes held together by regularisers\n"
        "  combined  controls, and learnt shapes without what the rig can do",
        "  facesolve baseline my_take --out descent --mode prior --steps 4000\n"
        "  facesolve baseline my_take --out descent --mode combined --shapes 4 --progress-video\n"
        "  facesolve baseline my_take --out descent --mode free --mask face.npy --laplacian 10",
    )
    parser.add_argument("take", type=Path, metavar="TAKE", help="folder with take.json")
    parser.add_argument("--out", type=Path, required=True, metavar="OUT", help="folder of the solution")
    parser.add_argument("--mode", choices=MODES, default="prior", help="what is learnt besides head and texture")
    parser.add_argument("--preset", choices=PRESETS, default="tuned", help="learning rates: ours, or the published")
    parser.add_argument("--steps", type=int, help=f"steps of one image each; default {DEFAULT_STEPS}")
    parser.add_argument("--seconds", type=float, help="end after this time instead")
    parser.add_argument("--level", type=int, help="pyramid level of the footage, 0 is full resolution")
    parser.add_argument("--shapes", type=int, dest="shape_count", help="learnt shapes, 0: one a frame")
    parser.add_argument("--texture-start", type=float, help="part of the run after which the texture is learnt, 0..1")
    parser.add_argument("--texture-ramp", type=float, help="part of the run over which its rate then grows, 0..1")
    parser.add_argument("--refine-cameras", action="store_true", help="also move every camera but the first a little")
    for name in ("laplacian", "edge-length", "normal-consistency", "shape-size"):
        parser.add_argument(f"--{name}", type=float, metavar="W", help="weight of this regulariser of learnt shapes")
    parser.add_argument("--mask", type=Path, help="vertices that learnt shapes may move: .npy of V numbers, or a list")
    parser.add_argument("--progress-video", action="store_true", help="write progress.mp4")
    parser.add_argument("--frames", metavar="A-B", help="only these frames of the take, both included")
    parser.add_argument("--seed", type=int, help="of the order of frames and cameras")
    add_device(parser)
    add_progress(parser)


def _run(arguments: argparse.Namespace) -> int:
    from facesolve.baseline.first_order import Budget
    from facesolve.baseline.method import PRESETS as METHODS
    from facesolve.jobs.descend import descend_take_folder
    from facesolve.take.frame_range import parse_frames

    chosen = {name: getattr(arguments, name) for name in OVERRIDES if getattr(arguments, name) is not None}
    preset = METHODS[arguments.preset]
    if arguments.refine_cameras:
        # a camera that was bumped is off by far less than a head
        chosen.update(camera_rotation=preset.rotation / 10, camera_translation=preset.translation / 10)
    try:
        method = replace(preset, mode=arguments.mode, **chosen)
        if arguments.seconds is not None:
            budget = Budget(seconds=arguments.seconds)
        else:
            budget = Budget(steps=DEFAULT_STEPS if arguments.steps is None else arguments.steps)
    except ValueError as error:
        raise TakeError(f"baseline: {error}.") from None
    frames = None if arguments.frames is None else parse_frames(arguments.frames)
    with reporting(arguments.progress) as progress:
        descend_take_folder(
            arguments.take,
            arguments.out,
            method=method,
            budget=budget,
            device=arguments.device,
            frames=frames,
            mask=arguments.mask,
            video=arguments.progress_video,
            progress=progress,
        )
        progress.done(arguments.out)
    return EXIT_OK
