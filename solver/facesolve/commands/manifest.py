"""``facesolve manifest``."""

from __future__ import annotations

import sys
from pathlib import Path

from facesolve.runtime.progress import Silent
from facesolve.take import FacesolveError, SolveError, TakeError
from facesolve.take.names import INDEX

from .output import EXIT_INTERRUPTED, EXIT_OK, Output, quoted
from .words import UsageError


def manifest(
    takes: Path,
    /,
    *,
    out: Path,
    device: str | None = None,
    devices: tuple[str, ...] = (),
    dry_run: bool = False,
    report: bool = True,
    output: Output = Output(),  # noqa: B008  # frozen
) -> int:
    """Take a list of takes from footage to solutions, reports and exports.

    Reads a list of takes, one a line of a CSV file or one a [[take]] of a TOML file, packs, solves and exports each,
    and writes a report of each and an index of all. What is done and unchanged is left as it is, so that the same
    command continues an interrupted night and does what is new in the list. A solve that fails is tried once more.

      name, priority             what the take is called; the largest priority first
      rig, cameras, footage ...  as in 'facesolve pack'; frames also by timecode
      take                       instead of those, a folder that is packed already
      setup, quality             a settings file for the solve; its quality
      export                     usd, obj, csv, json, several with blanks between
      out                        folder of the solution, OUT/solutions/NAME if omitted

    Takes go to OUT/takes, exports to OUT/exports. Paths are relative to the list. In TOML [defaults] holds what all
    takes share.

    Args:
        takes: the list, .csv or .toml.
        out: folder for everything.
        devices: several GPUs by their numbers, or cpu,cpu: takes are spread over them.
        dry_run: say what would be done and which files are missing, and do nothing.
        report: make a report of each solution, and an index of all.

    Examples:
        facesolve manifest takes.csv --out night --dry-run
        facesolve manifest takes.toml --out night --devices 0,1
    """
    if device is not None and devices:
        raise UsageError("manifest: --device and --devices are both given; give one of them.")
    from facesolve.jobs.manifest import read_manifest
    from facesolve.jobs.run_manifest import run_manifest, work_of

    work = work_of(read_manifest(takes, out), out)
    if dry_run:
        for one in work:
            output.say(one.text)
        lacking = [f"'{path}' of '{one.entry.name}'" for one in work for path in one.lacking]
        if lacking:
            raise TakeError(f"manifest: not there: {', '.join(lacking)}; correct the list, or put them there.")
        return EXIT_OK
    left = [one for one in work if one.steps or one.exports]
    options = () if report else ("--no-report",)
    try:
        with output.reporting() as progress:
            ended = (lambda: _index(out)) if report else (lambda: None)
            failed = run_manifest(left, out, devices or (device or "auto",), options, progress, ended)
            if failed:
                reasons = " ".join(f"'{name}': {text}" for name, text in failed.items())
                raise SolveError(f"{len(failed)} of {len(work)} takes failed. {reasons}")
            progress.done(out)
    except KeyboardInterrupt:
        again = f"facesolve manifest {quoted(takes)} --out {quoted(out)}"
        print(f"facesolve: interrupted; continue with: {again}", file=sys.stderr)
        return EXIT_INTERRUPTED
    output.note(f"{out}: {len(left)} of {len(work)} takes had something to do.")
    return EXIT_OK


def _index(out: Path) -> None:
    from facesolve.review.index.write import write_index

    try:
        write_index(out / "solutions", out / INDEX, Silent(), overwrite=True)
    except FacesolveError as error:
        print(f"facesolve: no index: {error}", file=sys.stderr)
