"""``facesolve export``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from .output import EXIT_OK, Verbosity
from .words import UsageError

if TYPE_CHECKING:
    from facesolve.export import Performance

_ONLY_FOR = {
    "stabilized": ("usd", "obj"),
    "up_axis": ("usd", "csv"),
    "all_controls": ("csv",),
    "split_inbetweens": ("usd",),
}


def export(
    solution: Path,
    /,
    *,
    format: Literal["usd", "obj", "csv", "json"],
    out: Path,
    overwrite: bool = False,
    frames: tuple[int, int] | None = None,
    take: Path | None = None,
    stabilized: bool = False,
    up_axis: Literal["y", "z"] | None = None,
    split_inbetweens: bool = False,
    all_controls: bool = False,
    output: Verbosity = Verbosity(),  # noqa: B008  # frozen
) -> int:
    """Write a solution for other programs: USD, OBJ, CSV, JSON.

    Writes a solution in a format that other programs read. Lengths are centimeters; frames are footage frames.

      usd   head with blend shapes and animation, cameras, baked texture (.usd, .usda or .usdc)
      obj   a folder with one head.<frame>.obj for every frame, world space
      csv   as the Live Link Face app records: controls with ARKit names, head angles in radians; with --all-controls
            every control, the head and their standard deviations
      json  everything, plain: controls, weights, head, cameras, deviations, provenance

    Args:
        format: what to write.
        out: file to write; for obj a folder.
        stabilized: usd, obj: without the head transform.
        up_axis: usd, csv: the up axis of the rig's scene, y if omitted (a take has none).
        split_inbetweens: usd: in-betweens as shapes of their own, for Blender.
        all_controls: csv: every control under its own name.

    Examples:
        facesolve export my_solution --format usd --out shot/head.usdc
        facesolve export my_solution --format obj --out meshes --frames 10-40 --stabilized
        facesolve export my_solution --format csv --out take_live_link.csv
        facesolve export my_solution --format csv --all-controls --out take.csv
    """
    given = {
        "stabilized": stabilized,
        "up_axis": up_axis,
        "all_controls": all_controls,
        "split_inbetweens": split_inbetweens,
    }
    for option, formats in _ONLY_FOR.items():
        if given[option] and format not in formats:
            raise UsageError(f"--{option.replace('_', '-')} is for --format {' or '.join(formats)} only.")
    if format == "usd":
        _need_usd()
    from facesolve.export import load_performance
    from facesolve.take.files import check_file, check_folder, check_new

    (check_folder if format == "obj" else check_file)(out)
    check_new(out, overwrite)
    performance = load_performance(solution, take, frames)
    write: dict[str, Callable[[], list[str]]] = {
        "usd": lambda: _write_usd(performance, out, stabilized, up_axis or "y", split_inbetweens),
        "obj": lambda: _write_obj(performance, out, stabilized, overwrite),
        "csv": lambda: _write_csv(performance, out, up_axis or "y", all_controls),
        "json": lambda: _write_json(performance, out),
    }
    notes = write[format]()
    first, last = performance.solution.frames[0], performance.solution.frames[-1]
    output.say(f"{out}: {performance.frame_count} frames, {first}-{last}.")
    for note in notes:
        output.say(f"  {note}")
    return EXIT_OK


def _write_usd(performance: Performance, out: Path, stabilized: bool, up_axis: str, split: bool) -> list[str]:
    from facesolve.export.usd import UsdOptions, write_usd

    return write_usd(performance, out, UsdOptions(stabilized, up_axis, split))


def _write_obj(performance: Performance, out: Path, stabilized: bool, overwrite: bool) -> list[str]:
    from facesolve.export.obj import write_obj_sequence

    write_obj_sequence(performance, out, stabilized, overwrite)
    return []


def _write_csv(performance: Performance, out: Path, up_axis: str, all_controls: bool) -> list[str]:
    from facesolve.export.curves_csv import write_all_controls_csv, write_live_link_csv

    if all_controls:
        write_all_controls_csv(performance, out)
        return []
    return write_live_link_csv(performance, out, up_axis)


def _write_json(performance: Performance, out: Path) -> list[str]:
    from facesolve.export.curves_json import write_curves_json

    write_curves_json(performance, out)
    return []


def _need_usd() -> None:
    from importlib.util import find_spec

    from facesolve.export import ExportError

    if find_spec("pxr") is None:
        raise ExportError('export: USD needs usd-core; run: pip install "facesolve[usd]".')
