"""``facesolve export``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .declare import EXIT_OK, UsageError, add_command

if TYPE_CHECKING:
    from facesolve.export import Performance

FORMATS = ("usd", "obj", "csv", "json")
_ONLY_FOR = {
    "stabilized": ("usd", "obj"),
    "up_axis": ("usd", "csv"),
    "all_controls": ("csv",),
    "split_inbetweens": ("usd",),
}


def add(commands: Any) -> None:
    parser = add_command(
        commands,
        "export",
        _run,
        "hand a solution to other programs: USD, OBJ, CSV, JSON",
        "Writes a solution in a format that other programs read. Lengths are centimetres; frames are footage frames.\n"
        "  usd   head with blend shapes and animation, cameras, baked texture (.usd, .usda or .usdc)\n"
        "  obj   a folder with one head.<frame>.obj for every frame, world space\n"
        "  csv   as the Live Link Face app records: controls with ARKit names, head angles in radians;\n"
        "        with --all-controls every control, the head and their standard deviations\n"
        "  json  everything, plain: controls, weights, head, cameras, deviations, provenance",
        "  facesolve export my_solution --format usd --out shot/head.usdc\n"
        "  facesolve export my_solution --format obj --out meshes --frames 10-40 --stabilized\n"
        "  facesolve export my_solution --format csv --out take_live_link.csv\n"
        "  facesolve export my_solution --format csv --all-controls --out take.csv",
    )
    parser.add_argument("solution", type=Path, metavar="OUT", help="folder with solution.json")
    parser.add_argument("--format", choices=FORMATS, required=True, help="what to write")
    parser.add_argument("--out", type=Path, required=True, metavar="PATH", help="file to write; for obj a new folder")
    parser.add_argument("--frames", metavar="A-B", help="only these frames, both included")
    parser.add_argument("--take", type=Path, help="the take, when it is not where the solution says")
    parser.add_argument("--stabilized", action="store_true", help="usd, obj: without the head transform")
    parser.add_argument(
        "--up-axis", choices=("y", "z"), help="usd, csv: the up axis of the rig's scene, default y (a take has none)"
    )
    parser.add_argument(
        "--split-inbetweens", action="store_true", help="usd: in-betweens as shapes of their own; Blender needs it"
    )
    parser.add_argument("--all-controls", action="store_true", help="csv: every control under its own name")


def _run(arguments: argparse.Namespace) -> int:
    kind, out = arguments.format, arguments.out
    for option, formats in _ONLY_FOR.items():
        if getattr(arguments, option) and kind not in formats:
            raise UsageError(f"--{option.replace('_', '-')} goes with --format {' or '.join(formats)} only.")
    if kind == "usd":
        _need_usd()
    from facesolve.export import load_performance
    from facesolve.take.files import check_file, check_folder
    from facesolve.take.frame_range import parse_frames

    (check_folder if kind == "obj" else check_file)(out)
    frames = None if arguments.frames is None else parse_frames(arguments.frames)
    performance = load_performance(arguments.solution, arguments.take, frames)
    notes = _write(performance, arguments)
    print(
        f"{out}: {performance.frame_count} frames, {performance.solution.frames[0]}-{performance.solution.frames[-1]}."
    )
    for note in notes:
        print(f"  {note}")
    return EXIT_OK


def _write(performance: Performance, arguments: argparse.Namespace) -> list[str]:
    """Writes the format asked for; returns what the user should know about the result."""
    out: Path = arguments.out
    if arguments.format == "usd":
        from facesolve.export.usd import UsdOptions, write_usd

        options = UsdOptions(arguments.stabilized, arguments.up_axis or "y", arguments.split_inbetweens)
        return write_usd(performance, out, options)
    if arguments.format == "obj":
        from facesolve.export.obj import write_obj_sequence

        write_obj_sequence(performance, out, arguments.stabilized)
        return []
    if arguments.format == "json":
        from facesolve.export.curves_json import write_curves_json

        write_curves_json(performance, out)
        return []
    from facesolve.export.curves_csv import write_all_controls_csv, write_live_link_csv

    if arguments.all_controls:
        write_all_controls_csv(performance, out)
        return []
    return write_live_link_csv(performance, out, arguments.up_axis or "y")


def _need_usd() -> None:
    from importlib.util import find_spec

    from facesolve.export import ExportError

    if find_spec("pxr") is None:
        raise ExportError('export: USD needs usd-core; run: pip install "facesolve[usd]".')
