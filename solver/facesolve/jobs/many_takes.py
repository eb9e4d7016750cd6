"""Several takes solved side by side: each in a child process, one at a time on each device. Knows no solve from inside.

A child is ``facesolve solve`` itself, started without a shell and heard by its JSON lines; it is asked to stop by the
file that every solve looks for, and made to if it does not.
"""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import facesolve
from facesolve.runtime.checkpoint import FILE as CHECKPOINT
from facesolve.runtime.progress import CANCEL_FILE, Reporter
from facesolve.take import SolveError

CHILD = (sys.executable, "-m", "facesolve", "solve")
LOOK_EVERY = 0.2  # seconds; Windows hears Ctrl-C only between two waits
POLITE, TERMINATE = 15.0, 5.0  # seconds that a child has to stop, once asked and once told

Heard = tuple["TakeJob", dict[str, Any]]


@dataclass(frozen=True)
class TakeJob:
    """A take and the folder of its solution, known by the name of the take's folder."""

    name: str
    take: Path
    out: Path


def take_jobs(takes: Sequence[Path], out: Path) -> tuple[TakeJob, ...]:
    """Each take with its own folder in ``out``. Raises SolveError when two share a name, or ``out`` holds a take."""
    jobs: dict[str, TakeJob] = {}
    for take in takes:
        place = take.resolve()
        job = TakeJob(place.name, take, out / place.name)
        other = jobs.setdefault(job.name.casefold(), job)  # some file systems know no upper and lower case
        if other is not job:
            raise SolveError(
                f"takes: '{other.take}' and '{take}' would both be solved into '{other.out}'; solve them apart."
            )
        if job.out.resolve() == place:
            raise SolveError(f"takes: '{take}' would be solved into its own folder; give another --out.")
    return tuple(jobs.values())


def solve_takes(
    jobs: Sequence[TakeJob],
    devices: Sequence[str],
    options: Sequence[str],
    *,
    resume: bool,
    cancel: Path,
    progress: Reporter,
) -> dict[str, str]:
    """Solves all; why, by name, for those that could not be.

    options: further arguments of each ``facesolve solve``. resume: goes on from the checkpoint of those that have one,
    and leaves those that are solved. Ctrl-C or a file ``cancel`` stops all of them and raises KeyboardInterrupt.
    """
    failed: dict[str, str] = {}
    crew = _Crew([job for job in jobs if not (resume and _solved(job, progress))], devices, options, resume)
    try:
        for job, event in crew.heard(cancel):
            progress.heard(job.name, event)
            if event.get("event") == "error":
                failed[job.name] = str(event["text"])
    finally:
        crew.stop()
    return failed


def _solved(job: TakeJob, progress: Reporter) -> bool:
    solved = (job.out / "solution.json").exists() and not (job.out / CHECKPOINT).exists()
    if solved:
        progress.heard(job.name, {"event": "message", "text": "is solved already"})
    return solved


class _Crew:
    """A thread for each device, which solves one take after the other."""

    def __init__(self, jobs: Sequence[TakeJob], devices: Sequence[str], options: Sequence[str], resume: bool) -> None:
        self._options, self._resume = tuple(options), resume
        self._environment = _environment(devices)
        self._lock = threading.Lock()
        self._waiting = list(jobs)
        self._running: dict[TakeJob, subprocess.Popen[bytes]] = {}
        self._events: queue.Queue[Heard | BaseException | None] = queue.Queue()
        self._threads = [threading.Thread(target=self._work, args=(device,), daemon=True) for device in devices]
        for thread in self._threads:
            thread.start()

    def heard(self, cancel: Path) -> Iterator[Heard]:
        """What the children say, until the last has ended. Raises KeyboardInterrupt once ``cancel`` exists."""
        working = len(self._threads)
        while working:
            if cancel.exists():
                raise KeyboardInterrupt
            try:
                event = self._events.get(timeout=LOOK_EVERY)
            except queue.Empty:
                continue
            if isinstance(event, BaseException):
                raise event
            if event is None:
                working -= 1
            else:
                yield event

    def stop(self) -> None:
        """Ends what still runs, politely first; returns when it is gone."""
        with self._lock:
            self._waiting.clear()
            running = dict(self._running)
        asked = [_ask_to_stop(job, child) for job, child in running.items()]
        try:
            _ended(running.values(), POLITE)
            for child in running.values():
                child.terminate()
            _ended(running.values(), TERMINATE)
        finally:  # also of someone who cannot wait
            for child in running.values():
                child.kill()
                child.wait()
            for file in asked:
                file.unlink(missing_ok=True)
        for thread in self._threads:
            thread.join(TERMINATE)

    def _work(self, device: str) -> None:
        try:
            while self._solve_next(device):
                pass
            self._events.put(None)
        except BaseException as error:  # raised again where the events are read
            self._events.put(error)

    def _solve_next(self, device: str) -> bool:
        """Solves the next take that waits; False when there is none."""
        with tempfile.TemporaryFile() as errors:
            with self._lock:  # whoever stops all knows every child that was begun
                if not self._waiting:
                    return False
                job = self._waiting.pop(0)
                try:
                    child = self._child(job, device, errors)
                except OSError as problem:
                    self._fail(job, f"'{CHILD[0]}' cannot be started ({problem.strerror}).")
                    return True
                self._running[job] = child
            self._listen(job, child, errors)
        return True

    def _child(self, job: TakeJob, device: str, errors: IO[bytes]) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            self._command(job, device),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            env=self._environment,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )

    def _command(self, job: TakeJob, device: str) -> list[str]:
        resume = ["--resume"] if self._resume and (job.out / CHECKPOINT).exists() else []
        folders = [os.path.abspath(job.take), "--out", os.path.abspath(job.out)]
        return [*CHILD, *folders, "--device", device, "--progress", "jsonl", *self._options, *resume]

    def _listen(self, job: TakeJob, child: subprocess.Popen[bytes], errors: IO[bytes]) -> None:
        """Passes on what the child says; one that ends badly without a word is given its last words on stderr."""
        explained = False
        assert child.stdout is not None
        with child.stdout:
            for line in child.stdout:
                event = _event(line)
                explained = explained or event["event"] == "error"
                self._events.put((job, event))
        code = child.wait()
        with self._lock:
            del self._running[job]
        if code != 0 and not explained:
            errors.seek(0)
            words = errors.read().decode("utf-8", "replace").strip()
            if words:
                self._events.put((job, {"event": "message", "text": words}))
            last = f": {words.splitlines()[-1]}" if words else ""
            self._fail(job, f"its solve ended with code {code}{last}.")

    def _fail(self, job: TakeJob, text: str) -> None:
        self._events.put((job, {"event": "error", "text": text}))


def _environment(devices: Sequence[str]) -> dict[str, str]:
    """The environment of the children: this very package, wherever they are started; cores shared on a CPU."""
    home = str(Path(facesolve.__file__).resolve().parents[1])
    paths = [home, *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "PYTHONSAFEPATH": "1"}
    on_cpu = devices.count("cpu")
    if on_cpu > 1:
        environment.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // on_cpu)))
    return environment


def _event(line: bytes) -> dict[str, Any]:
    """An event of ``facesolve.runtime.progress.JsonLines``; what else a library prints is a message."""
    text = line.decode("utf-8", "replace").strip()
    try:
        event = json.loads(text)
    except ValueError:
        event = None
    return event if isinstance(event, dict) and "event" in event else {"event": "message", "text": text}


def _ask_to_stop(job: TakeJob, child: subprocess.Popen[bytes]) -> Path:
    file = job.out / CANCEL_FILE
    if job.out.is_dir():
        file.touch()
    else:  # nothing was done yet that could be lost
        child.terminate()
    return file


def _ended(children: Any, seconds: float) -> None:
    """Waits until all have ended, at most so long."""
    until = time.monotonic() + seconds
    while any(child.poll() is None for child in children) and time.monotonic() < until:
        time.sleep(0.05)
