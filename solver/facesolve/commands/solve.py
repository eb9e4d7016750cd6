"""``facesolve solve``."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from facesolve.runtime.checkpoint import check_out
from facesolve.runtime.progress import Progress, Reporter, Silent, StopsOnFile
from facesolve.take import FacesolveError, Solution, SolveError, read_solution
from facesolve.take.names import CANCEL, INDEX, REPORT
from facesolve.take.settings_record import SettingsChange
from facesolve.take.verdict import DOES_NOT_FIT, EXIT_DOES_NOT_FIT, Verdict

from .output import EXIT_INTERRUPTED, EXIT_OK, Output, quoted
from .settings import SettingsFlags
from .words import UsageError


def solve(
    takes: tuple[Path, ...],
    /,
    *,
    out: Path,
    overwrite: bool = False,
    resume: bool = False,
    frames: tuple[int, int] | None = None,
    actor: Path | None = None,
    device: str | None = None,
    devices: tuple[str, ...] = (),
    pictures: bool = False,
    keep_state: bool = False,
    report: bool = True,
    texture: bool = True,
    settings: SettingsFlags = SettingsFlags(),  # noqa: B008  # frozen
    output: Output = Output(),  # noqa: B008
) -> int:
    """Turn a take into control curves and head transforms.

    Solves a take and writes solution.npz, solution.json, a log and a report to look at, and last the texture: all else
    is whole before it is baked. Ctrl-C, a file named 'cancel' in OUT, or a crash leave a state from which --resume
    continues.

    Settings are those in the take, with the settings file's on top of them, and flags on top of both. They hold for
    this solve alone: the take keeps its own, and the solution records what was used.

    --resume leaves what is solved already, with the same settings, as it is; continues where a solve was interrupted,
    on this machine or another; and starts what was not begun. With --overwrite it also replaces what was solved with
    other settings or from another take.

    The verdict says whether the cameras agree about what was found. When it is 'does not fit' the exit code is 3; the
    solution is written all the same.

    A solve finds how the actor's neutral differs from the rig's, where the footage is sure of it, and writes it to
    OUT/actor.npz. Give that file to later takes of the same actor with --actor: they begin with what is known. What
    they add goes into their own OUT; the file that was given stays as it is.

    Several takes are solved one after the other by a process for each device, into OUT/<folder of the take>; one that
    fails does not stop the others.

    With --progress jsonl stdout carries one JSON object a line; of several takes, with the folder as "task":

      {"event": "stage", "name", "total"}
      {"event": "progress", "stage", "done", "total", "seconds_left"}
      {"event": "message", "text"}
      {"event": "picture", "path"}
      last {"event": "done", "path", "seconds"} or {"event": "error", "text"}

    Args:
        out: folder of the solution, or of several.
        resume: continue what was begun in OUT.
        actor: profile of the actor, actor.npz of an earlier solve, instead of the take's own.
        devices: several GPUs by their numbers: one take's refinement is shared out over them, takes are spread over
            them.
        pictures: show the solve at work: write OUT/live.jpg at most once a second, all cameras with the surface over
            them, and tell of it as a picture event.
        keep_state: leave OUT/state.npz, from which 'facesolve serve' answers edits at once.
        report: make OUT/report.html, as 'facesolve report' does, and of several takes an index of all.
        texture: bake OUT/texture.<UDIM>.png from the footage, when everything else is done.

    Examples:
        facesolve solve my_take --out my_solution
        facesolve solve my_take --out trial --quality draft --frames 10-20
        facesolve solve my_take --out softer --settings soft.toml --smoothness 2
        facesolve solve my_take --out my_solution --resume --progress jsonl
        facesolve solve take_a take_b take_c --out solutions --devices 0,1
    """
    if device is not None and devices:
        raise UsageError("solve: --device and --devices are both given; give one of them.")
    change, chosen = settings.change(), devices or (device or "auto",)
    job = _Job(out, change, frames, actor, chosen, resume, overwrite, pictures, report, keep_state, texture)
    try:
        with output.reporting() as progress:
            if len(takes) == 1:
                _solve_one(takes[0], job, progress)
            else:
                if pictures:
                    raise UsageError("solve: --pictures shows one solve; give one take.")
                _solve_several(takes, job, progress)
            progress.done(out)
    except KeyboardInterrupt:
        where = [] if not devices and device is None else ["--devices" if devices else "--device", ",".join(chosen)]
        options = " ".join(map(_shell, ["--resume", *_options(change, frames, actor), *where]))
        command = f"facesolve solve {' '.join(map(quoted, takes))} --out {quoted(out)} {options}"
        print(f"facesolve: interrupted; continue with: {command}", file=sys.stderr)
        return EXIT_INTERRUPTED
    if len(takes) == 1:
        code = told_one(out, output)
    else:
        code = told_several([out / take.name for take in map(Path.resolve, takes)], out, output)
    return EXIT_OK if output.progress == "openjd" else code  # a farm would try again what is as good as it gets


def told_one(out: Path, output: Output) -> int:
    """The end of one solve: the verdict, the worst frames, what to do next."""
    from facesolve.review.closing import closing_lines

    solution = read_solution(out)
    page = out / REPORT
    report = f"open {quoted(page)}" if page.is_file() else f"facesolve report {quoted(out)} --out report.html"
    for line in closing_lines(solution, report):
        output.note(line)
    return _exit_code(solution.verdict)


def told_several(outs: list[Path], out: Path, output: Output) -> int:
    """The end of several: those that are doubtful, each with its reason."""
    verdicts = {folder.name: read_solution(folder).verdict for folder in outs}
    output.note(f"{out}: {len(outs)} takes solved.")
    for name, verdict in verdicts.items():
        if verdict is not None and verdict.asks:
            output.note(f"{name}: {verdict.text}")
    return max(map(_exit_code, verdicts.values()))


def _exit_code(verdict: Verdict | None) -> int:
    return EXIT_DOES_NOT_FIT if verdict is not None and verdict.verdict == DOES_NOT_FIT else EXIT_OK


def _shell(word: str) -> str:
    return f'"{word}"' if " " in word else word


def _options(change: SettingsChange, frames: tuple[int, int] | None, actor: Path | None) -> list[str]:
    """What decides which solve it is, as arguments; the profile's path becomes absolute."""
    span = [] if frames is None else [f"--frames={frames[0]}-{frames[1]}"]
    return [*change.arguments(), *span, *([] if actor is None else ["--actor", str(actor.resolve())])]


@dataclass(frozen=True)
class _Job:
    """What is done with each take. settings: changes to its own. actor: a profile. report, texture: make them."""

    out: Path
    settings: SettingsChange
    frames: tuple[int, int] | None
    actor: Path | None
    devices: tuple[str, ...]
    resume: bool
    overwrite: bool
    pictures: bool
    report: bool
    keep_state: bool
    texture: bool


def _solve_one(take: Path, job: _Job, progress: Reporter) -> None:
    from facesolve.jobs.solve_folder import solve_take_folder

    stoppable = StopsOnFile(progress, job.out / CANCEL)

    def ready(solution: Solution) -> None:
        if job.report:
            _report(take, job, stoppable)

    solve_take_folder(
        take,
        job.out,
        device=job.devices[0],
        settings=job.settings,
        frames=job.frames,
        actor=job.actor,
        resume=job.resume,
        overwrite=job.overwrite,
        progress=stoppable,
        beside=job.devices[1:],
        pictures=job.pictures,
        keep_state=job.keep_state,
        texture=job.texture,
        ready=ready,
    )
    if job.report and job.texture:
        _add_texture(job.out, stoppable)


def _report(take: Path, job: _Job, progress: Progress) -> None:
    """The solution's page; a page that cannot be made is no reason to call the solve failed."""
    from facesolve.review.report.write import write_report
    from facesolve.review.request import ReportRequest

    request = ReportRequest(take=take, device=job.devices[0])
    try:
        write_report(job.out, job.out / REPORT, request, progress, overwrite=True)
    except FacesolveError as error:
        progress.message(f"no report: {error}")


def _add_texture(out: Path, progress: Progress) -> None:
    """The head of the page, which was made before the texture was baked, is dressed in it."""
    from facesolve.review.report.write import add_texture

    try:
        add_texture(out, out / REPORT)
    except FacesolveError as error:
        progress.message(f"the report has no texture: {error}")


def _index(folder: Path, progress: Progress) -> None:
    """The page over all solutions, as far as there are any."""
    from facesolve.review.index.write import write_index

    try:
        write_index(folder, folder / INDEX, Silent(), overwrite=True)
    except FacesolveError as error:
        progress.message(f"no index: {error}")


def _solve_several(takes: tuple[Path, ...], job: _Job, progress: Reporter) -> None:
    from facesolve.jobs.many_takes import solve_takes, take_jobs, unsolved
    from facesolve.runtime.devices import existing_device

    jobs = take_jobs(takes, job.out)
    for one in jobs:
        check_out(one.out, job.resume, job.overwrite)
    for device in job.devices:
        existing_device(device)
    flags = {
        "--overwrite": job.overwrite,
        "--resume": job.resume,
        "--no-report": not job.report,
        "--no-texture": not job.texture,
    }
    options = [*_options(job.settings, job.frames, job.actor), *(flag for flag, is_set in flags.items() if is_set)]
    left = unsolved(jobs, job.settings, job.frames, progress, job.actor) if job.resume else jobs
    ended = partial(_index, job.out, progress) if job.report else lambda: None
    failed = solve_takes(left, job.devices, options, cancel=job.out / CANCEL, progress=progress, ended=ended)
    if failed:
        reasons = " ".join(f"'{name}': {text}" for name, text in failed.items())
        raise SolveError(f"{len(failed)} of {len(jobs)} takes could not be solved. {reasons}")
