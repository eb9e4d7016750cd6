"""Several takes solved side by side: each in a child process, one at a time on each device. Knows no solve from inside.

A child is ``facesolve solve`` itself, started without a shell and heard by its JSON lines; it is asked to stop by the
file that every solve looks for, and made to if it does not.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import facesolve
from facesolve.runtime.progress import Reporter
from facesolve.take import FacesolveError, SolveError, read_take
from facesolve.take.errors import ProcessError
from facesolve.take.events import Done, Error, Event, Message, read_event
from facesolve.take.names import CANCEL
from facesolve.take.processes import ChildProcess, Patience
from facesolve.take.settings_record import SettingsChange
from facesolve.take.solved import fingerprint, is_solved
from facesolve.take.verdict import EXIT_DOES_NOT_FIT

from .opened_take import taken_part

CHILD = (sys.executable, "-m", "facesolve", "solve")
LISTEN_EVERY = 0.05  # seconds
PATIENCE = Patience()

Heard = tuple["TakeJob", Event]


@dataclass(frozen=True)
class TakeJob:
    """A take and the folder of its solution, known by a name. options: further arguments of its own solve."""

    name: str
    take: Path
    out: Path
    options: tuple[str, ...] = ()


def take_jobs(takes: Sequence[Path], out: Path) -> tuple[TakeJob, ...]:
    """Each take with its own folder in ``out``. Raises SolveError when two share a name, or ``out`` holds a take."""
    jobs: dict[str, TakeJob] = {}
    for take in takes:
        place = take.resolve()
        job = TakeJob(place.name, take, out / place.name)
        other = jobs.setdefault(job.name.casefold(), job)  # some file systems know no upper and lower case
        if other is not job:
            raise SolveError(
                f"takes: '{other.take}' and '{take}' would both be solved into '{other.out}'; solve them separately."
            )
        if job.out.resolve() == place:
            raise SolveError(f"takes: '{take}' would be solved into its own folder; give another --out.")
    return tuple(jobs.values())


def solve_takes(
    jobs: Sequence[TakeJob],
    devices: Sequence[str],
    options: Sequence[str],
    *,
    cancel: Path,
    progress: Reporter,
    ended: Callable[[], None] = lambda: None,
) -> dict[str, str]:
    """Solves all; why, by name, for those that could not be.

    options: further arguments of each ``facesolve solve``. ended: called whenever one has ended, well or not. Ctrl-C or
    a file ``cancel`` stops all of them and raises KeyboardInterrupt.
    """
    failed: dict[str, str] = {}
    crew = Crew(jobs, devices, options)
    try:
        for job, event in crew.heard(cancel):
            progress.heard(job.name, event)
            if isinstance(event, Error):
                failed[job.name] = event.text
            if isinstance(event, Done | Error):
                ended()
    finally:
        crew.stop()
    return failed


def unsolved(
    jobs: Sequence[TakeJob],
    settings: SettingsChange,
    frames: tuple[int, int] | None,
    progress: Reporter,
    actor: Path | None = None,
) -> list[TakeJob]:
    """Those whose folder holds no solution of these settings, frames and actor yet; ``progress`` hears of the others.

    One that cannot be read is among them: its solve says why.
    """
    left = []
    for job in jobs:
        try:
            take = taken_part(read_take(job.take), settings, frames, actor)
        except FacesolveError:
            left.append(job)
            continue
        if is_solved(job.out, fingerprint(take, job.take)):
            progress.heard(job.name, Message("is already solved"))
        else:
            left.append(job)
    return left


@dataclass(eq=False)
class _Solve:
    """A child that solves a take. explained: it has said why it fails."""

    job: TakeJob
    device: str
    child: ChildProcess
    explained: bool = False


class Crew:
    """A child process for each device at a time, until no take is left."""

    def __init__(self, jobs: Sequence[TakeJob], devices: Sequence[str], options: Sequence[str]) -> None:
        self._options = tuple(options)
        self._environment = children_environment(devices)
        self._waiting, self._idle = list(jobs), list(devices)
        self._running: list[_Solve] = []

    def heard(self, cancel: Path) -> Iterator[Heard]:
        """What the children say, until the last has ended. Raises KeyboardInterrupt once ``cancel`` exists."""
        while self._waiting or self._running:
            if cancel.exists():
                cancel.unlink(missing_ok=True)
                raise KeyboardInterrupt
            while self._waiting and self._idle:
                yield from self._start(self._waiting.pop(0), self._idle.pop(0))
            for solve in tuple(self._running):
                yield from self._listen(solve)
            time.sleep(LISTEN_EVERY)

    def stop(self) -> None:
        """Ends what still runs, politely first; returns when it is gone."""
        try:
            for solve in self._running:
                if solve.job.out.is_dir():
                    solve.child.request_stop()
                else:  # nothing was done yet that could be lost
                    solve.child.kill()
            while any(solve.child.exit_code is None for solve in self._running):
                for solve in self._running:
                    solve.child.poll()
                time.sleep(LISTEN_EVERY)
        finally:  # also of someone who cannot wait
            for solve in self._running:
                solve.child.kill()
                (solve.job.out / CANCEL).unlink(missing_ok=True)

    def _start(self, job: TakeJob, device: str) -> Iterator[Heard]:
        cancel = job.out / CANCEL
        cancel.unlink(missing_ok=True)  # of a crew that was killed before it could take it back
        try:
            child = ChildProcess(
                self.command(job, device), self._environment, Path.cwd(), ask_to_stop=cancel.touch, patience=PATIENCE
            )
        except ProcessError as problem:
            self._idle.append(device)
            yield job, Error(str(problem))
            return
        self._running.append(_Solve(job, device, child))

    def command(self, job: TakeJob, device: str) -> list[str]:
        folders = [os.path.abspath(job.take), "--out", os.path.abspath(job.out)]
        return [*CHILD, *folders, "--device", device, "--progress", "jsonl", *self._options, *job.options]

    def _listen(self, solve: _Solve) -> Iterator[Heard]:
        """Passes on what the child says; one that ends badly without a word is given its last words on stderr."""
        for told in map(read_event, solve.child.poll()):
            if told is not None:
                solve.explained = solve.explained or isinstance(told[1], Error)
                yield solve.job, told[1]
        if solve.child.exit_code is None:
            return
        self._running.remove(solve)
        self._idle.append(solve.device)
        if solve.child.exit_code not in (0, EXIT_DOES_NOT_FIT) and not solve.explained:
            words = solve.child.stderr_tail.strip()
            if words:
                yield solve.job, Message(words)
            last = f": {words.splitlines()[-1]}" if words else ""
            yield solve.job, Error(f"its solve ended with code {solve.child.exit_code}{last}.")


def children_environment(devices: Sequence[str]) -> dict[str, str]:
    """The environment of the children: this very package, wherever they are started; cores shared on a CPU."""
    home = str(Path(facesolve.__file__).resolve().parents[1])
    paths = [home, *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "PYTHONSAFEPATH": "1"}
    on_cpu = devices.count("cpu")
    if on_cpu > 1:
        environment.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // on_cpu)))
    return environment
