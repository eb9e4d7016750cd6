"""``facesolve farm``."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from facesolve.farm.bundle import TEMPLATE, VALUES_OF_OPENJD, BundleRequest, write_bundle

from .output import EXIT_OK, Verbosity, quoted
from .settings import SettingsFlags


def farm(
    action: Literal["bundle"],
    takes: tuple[Path, ...],
    /,
    *,
    solutions: Path,
    out: Path,
    request: BundleRequest = BundleRequest(),  # noqa: B008  # frozen
    overwrite: bool = False,
    settings: SettingsFlags = SettingsFlags(),  # noqa: B008
    output: Verbosity = Verbosity(),  # noqa: B008
) -> int:
    """Write takes as a job for a render farm.

    Writes a job bundle of Open Job Description: a task for each take's solve, then its overlay in chunks of frames, its
    report, and an index of all. AWS Deadline Cloud takes it ('deadline bundle submit JOB'), 'openjd run' runs it on
    this machine. A task that is started again continues where it was stopped. Paths are absolute: the farm's machines
    share them, or the farm maps and uploads them.

    Args:
        action: bundle writes the job.
        out: folder of the job.
        solutions: folder of the solutions, SOLUTIONS/<folder of the take>.

    Examples:
        facesolve farm bundle take_a take_b --solutions solved --out job
        facesolve farm bundle takes/* --solutions solved --quality final --plain --out job
        openjd run job/template.json --job-param file://job/parameters.json
    """
    options = settings.change().arguments()
    write_bundle(takes, solutions, options, request, out, overwrite)
    files = f"{quoted(out / TEMPLATE)} --job-param file://{quoted(out / VALUES_OF_OPENJD)}"
    output.say(f"{out}: a job of {len(takes)} takes. Try it here: openjd run {files}")
    return EXIT_OK
