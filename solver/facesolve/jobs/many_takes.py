"""Several takes solved side by side by child processes, one for each device. Knows no solve from inside.

A child is ``facesolve.worker``, started without a shell: it is sent the arguments of one ``facesolve solve`` after the
other and heard by its JSON lines. It is asked to stop by the file that every solve looks for, and made to if it does
not. After a solve that failed the device gets a new one.
"""

from __future__ import annotations

import json
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
from facesolve.take.names import CANCEL, LOG, SOLUTION
from facesolve.take.processes import ChildProcess, Patience
from facesolve.take.settings_record import SettingsChange
from facesolve.take.solved import fingerprint, is_solved

from .opened_take import taken_part

CHILD = (sys.executable, "-m", "facesolve.worker")
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
                try:
                    _leave_reason(job, event.text)
                except OSError as problem:  # a full disk, say: the other takes go on
                    progress.heard(job.name, Message(f"its log cannot be written ({problem.strerror})."))
            if isinstance(event, Done | Error):
                ended()
    finally:
        crew.stop()
    return failed


def _leave_reason(job: TakeJob, text: str) -> None:
    """Why a take could not be solved, as the last line of its log: the index of all takes shows it."""
    if not (job.out / SOLUTION).exists():
        job.out.mkdir(parents=True, exist_ok=True)
        with (job.out / LOG).open("a", encoding="utf-8") as log:
            log.write(f"error: {text}\n")


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


class _Worker:
    """A device and the child that solves on it, if one runs. job: its take. explained: why that fails was said."""

    def __init__(self, device: str) -> None:
        self.device = device
        self.job: TakeJob | None = None
        self.child: ChildProcess | None = None
        self.explained = False

    def ask_to_stop(self) -> None:
        """By the file that its solve looks for."""
        if self.job is not None and self.job.out.is_dir():
            (self.job.out / CANCEL).touch()


class Crew:
    """A child process for each device, until no take is left."""

    def __init__(self, jobs: Sequence[TakeJob], devices: Sequence[str], options: Sequence[str]) -> None:
        self._options = tuple(options)
        self._environment = children_environment(devices)
        self._waiting = list(jobs)
        self._workers = [_Worker(device) for device in devices]

    def heard(self, cancel: Path) -> Iterator[Heard]:
        """What the children say, until the last has ended. Raises KeyboardInterrupt once ``cancel`` exists."""
        while self._waiting or any(worker.child is not None for worker in self._workers):
            if cancel.exists():
                cancel.unlink(missing_ok=True)
                raise KeyboardInterrupt
            for worker in self._workers:
                if worker.job is None and self._waiting:
                    yield from self._start(self._waiting.pop(0), worker)
                elif worker.job is None and worker.child is not None:
                    worker.child.send_no_more()
                yield from self._listen(worker)
            time.sleep(LISTEN_EVERY)

    def stop(self) -> None:
        """Ends what still runs, politely first; returns when it is gone."""
        running = [(worker, worker.child) for worker in self._workers if worker.child is not None]
        try:
            for worker, child in running:
                if worker.job is not None and worker.job.out.is_dir():
                    child.request_stop()
                else:  # nothing was done yet that could be lost
                    child.kill()
            while any(child.exit_code is None for _, child in running):
                for _, child in running:
                    child.poll()
                time.sleep(LISTEN_EVERY)
        finally:  # also of someone who cannot wait
            for worker, child in running:
                child.kill()
                if worker.job is not None:
                    (worker.job.out / CANCEL).unlink(missing_ok=True)

    def _start(self, job: TakeJob, worker: _Worker) -> Iterator[Heard]:
        (job.out / CANCEL).unlink(missing_ok=True)  # of a crew that was killed before it could take it back
        words = self.command(job, worker.device)
        if worker.child is None:
            try:
                worker.child = ChildProcess(
                    CHILD, self._environment, Path.cwd(), worker.ask_to_stop, patience=PATIENCE, talks=True
                )
            except ProcessError as problem:
                yield job, Error(str(problem))
                return
        worker.job, worker.explained = job, False
        worker.child.send(json.dumps(words))

    def command(self, job: TakeJob, device: str) -> list[str]:
        """The arguments of its ``facesolve solve``."""
        folders = [os.path.abspath(job.take), "--out", os.path.abspath(job.out)]
        return [*folders, "--device", device, "--progress", "jsonl", *self._options, *job.options]

    def _listen(self, worker: _Worker) -> Iterator[Heard]:
        """Passes on what the child says; one that ends without a word is given its last words on stderr."""
        if worker.child is None:
            return
        for told in map(read_event, worker.child.poll()):
            if told is not None and worker.job is not None:
                job, event = worker.job, told[1]
                worker.explained = worker.explained or isinstance(event, Error)
                if isinstance(event, Done):
                    worker.job = None
                yield job, event
        if worker.child.exit_code is None:
            return
        child, left, worker.child, worker.job = worker.child, worker.job, None, None
        if left is not None and not worker.explained:
            words = child.stderr_tail.strip()
            if words:
                yield left, Message(words)
            last = f": {words.splitlines()[-1]}" if words else ""
            yield left, Error(f"its solve ended with code {child.exit_code}{last}.")


def children_environment(devices: Sequence[str]) -> dict[str, str]:
    """The environment of the children: this very package, wherever they are started; cores shared on a CPU."""
    home = str(Path(facesolve.__file__).resolve().parents[1])
    paths = [home, *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "PYTHONSAFEPATH": "1"}
    on_cpu = devices.count("cpu")
    if on_cpu > 1:
        environment.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // on_cpu)))
    return environment
