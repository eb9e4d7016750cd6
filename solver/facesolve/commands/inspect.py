"""``facesolve inspect``."""

from __future__ import annotations

from pathlib import Path

from facesolve.runtime.progress import open_reporter
from facesolve.take import FacesolveError, Take
from facesolve.take.finding import WARNING, Finding

from .output import EXIT_BAD_INPUT, EXIT_OK, Output, print_json, quoted


def inspect(
    take: Path,
    /,
    *,
    deep: bool = False,
    device: str = "auto",
    json: bool = False,
    output: Output = Output(),  # noqa: B008  # frozen
) -> int:
    """Show what is in a take and what is wrong with it.

    Shows the rig, controls, cameras, footage, start pose and settings of a take, and every finding with what to do
    about it. Exit code 2 when something would stop a solve.

    With --deep it also looks for the mistake that keeps the cameras from agreeing: another unit of lengths, other axes,
    swapped, turned, mirrored or late images, intrinsics of another resolution, a wrong focal length, a head that is
    elsewhere. It takes up to a minute and changes nothing; 'facesolve repair' carries out what it recommends.

    Args:
        deep: find out which mistake keeps the cameras from agreeing.
        device: where --deep computes.

    Examples:
        facesolve inspect my_take
        facesolve inspect my_take --deep
        facesolve inspect my_take --json
    """
    from facesolve.take import read_take
    from facesolve.take.finding import gravest_first

    read = read_take(take)
    # after reading: what follows loads torch, which takes seconds that a bad take need not cost
    from facesolve.review.inspection import Inspection, inspect_take, inspection_record, print_inspection

    inspection = inspect_take(read)
    if deep:
        inspection = Inspection(gravest_first([*_mistakes(read, take, device, json, output), *inspection.findings]))
    if json:
        print_json(inspection_record(read, inspection))
    elif not output.quiet:
        print_inspection(read, inspection)
    return EXIT_BAD_INPUT if inspection.stops_a_solve else EXIT_OK


def _mistakes(read: Take, folder: Path, device: str, json: bool, output: Output) -> tuple[Finding, ...]:
    """What keeps the cameras from agreeing; where they cannot be looked at, that."""
    from facesolve.mistakes.find import find_mistakes
    from facesolve.runtime.devices import choose_device

    try:
        with open_reporter("quiet") if json else output.reporting() as progress:
            return find_mistakes(read, quoted(folder), progress, choose_device(device))
    except FacesolveError as problem:
        return (Finding(WARNING, "cameras", f"they could not be held against each other: {problem}"),)
