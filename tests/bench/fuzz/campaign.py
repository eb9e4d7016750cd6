"""Runs inputs of one reader and judges each: accepted, refused with a sentence, or wrong. Knows no format."""

from __future__ import annotations

import re
import signal
import tempfile
import time
import traceback
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np

from facesolve.footage.container import UnreadableImage
from facesolve.take import FacesolveError

Files = dict[str, bytes]
MOST_MEGABYTES = 200  # beyond what the process had
FORGOTTEN_MEGABYTES = 20  # of an earlier peak; to forget one costs as much as a small input
MOST_SECONDS = 1.0  # of processor time
HANG_SECONDS = 20  # of the clock
LONGEST_SENTENCE = 1500  # characters, paths included
WHOLE = 50  # every so many inputs one is left as it is, and must be accepted


@dataclass(frozen=True)
class Subject:
    """A reader and its good files.

    make: writes the good files into a folder. mutate: some of their bytes, changed. read: does with the files what a
    user would; raises FacesolveError for what it refuses, AssertionError for nonsense that was let through.
    """

    name: str
    make: Callable[[Path], None]
    mutate: Callable[[Files, np.random.Generator], Files]
    read: Callable[[Path], None]
    seconds: float = MOST_SECONDS
    changed: str = ".*"  # regular expression of the files that a mutation may change


@dataclass
class Tally:
    """What came out of all inputs. wrong: what happened, and the numbers of the inputs that did."""

    inputs: int = 0
    accepted: int = 0
    refused: int = 0
    wrong: dict[str, list[int]] = field(default_factory=dict)
    sentences: Counter[str] = field(default_factory=Counter)
    most_megabytes: float = 0.0
    most_seconds: float = 0.0

    def fault(self, what: str, number: int) -> None:
        self.wrong.setdefault(what, []).append(number)


class Hang(Exception):
    """An input took too long."""


def random_of(subject: str, seed: int, number: int) -> np.random.Generator:
    """The generator of one input, the same each time."""
    return np.random.default_rng([seed, zlib.crc32(subject.encode()), number])


def good_files(subject: Subject, folder: Path) -> Files:
    """The good files of a subject by path relative to ``folder``, where they are written."""
    subject.make(folder)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def made_input(subject: Subject, good: Files, seed: int, number: int) -> Files:
    """Input ``number``; every so many it is left whole."""
    if number % WHOLE == 0:
        return good
    chosen = {name: data for name, data in good.items() if re.fullmatch(subject.changed, name)}
    return {**good, **subject.mutate(chosen, random_of(subject.name, seed, number))}


def run(
    subject: Subject, numbers: Sequence[int], seed: int, begin: Callable[[int], None] = lambda number: None
) -> Tally:
    """Reads the inputs ``numbers``. begin: called with each before it is read, so that a crash is known by number."""
    tally = Tally()
    with tempfile.TemporaryDirectory(prefix="fuzz_") as scratch:
        folder = Path(scratch) / "input"
        good = good_files(subject, folder)
        before = _everything(Path(scratch))
        _judge(subject, folder, Tally(), -WHOLE)  # what the first read loads is not counted
        for number in numbers:
            begin(number)
            files = made_input(subject, good, seed, number)
            changed = {name for name in good if files.get(name) is not good[name]}
            for name in changed:
                _put(folder / name, files.get(name))
            _judge(subject, folder, tally, number)
            left = _everything(Path(scratch)) - before
            if left:
                tally.fault(f"left files: {sorted(left)[:3]}", number)
            for name in changed:
                _put(folder / name, good[name])
    return tally


def _put(path: Path, data: bytes | None) -> None:
    if data is None:
        path.unlink(missing_ok=True)
    else:
        path.write_bytes(data)


def _everything(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


def _judge(subject: Subject, folder: Path, tally: Tally, number: int) -> None:
    base, begun = _memory_now(), time.process_time()
    tally.inputs += 1
    try:
        with _time_limit():
            subject.read(folder)
        tally.accepted += 1
    except (FacesolveError, UnreadableImage) as error:
        tally.refused += 1
        _check_sentence(str(error), tally, number)
        if number % WHOLE == 0:
            tally.fault(f"a good file is refused: {error}", number)
    except BaseException as error:
        if isinstance(error, (KeyboardInterrupt, SystemExit)):
            raise
        tally.fault(f"{type(error).__name__} at {_place(error)}", number)
    seconds, megabytes = time.process_time() - begun, (_memory_of("HWM") - base) / 2**20
    tally.most_megabytes = max(tally.most_megabytes, megabytes)
    tally.most_seconds = max(tally.most_seconds, seconds)
    if megabytes > MOST_MEGABYTES:
        tally.fault(f"more than {MOST_MEGABYTES} MB", number)
    if seconds > subject.seconds:
        tally.fault(f"more than {subject.seconds:g} s", number)


def _check_sentence(sentence: str, tally: Tally, number: int) -> None:
    faults = {
        "several lines": "\n" in sentence,
        "no end": not sentence.endswith((".", ")", "?")),
        "too long": len(sentence) > LONGEST_SENTENCE,
        "not printable": sentence.encode("utf-8", "replace").decode() != sentence or "\x1b" in sentence,
        "a traceback": "Traceback" in sentence,
    }
    for what, is_so in faults.items():
        if is_so:
            tally.fault(f"a sentence with {what}: {sentence[:80]!r}", number)
    words = re.sub(r"'[^']*'|\d+", "", sentence)
    tally.sentences[words[:70]] += 1


def _place(error: BaseException) -> str:
    """File and line of the product, or of the last frame, where it was raised."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "/facesolve" in frame.filename] or frames
    text = str(error).split("\n")[0][:80]
    return f"{Path(ours[-1].filename).name}:{ours[-1].lineno} ({text!a})"


@contextmanager
def _time_limit() -> Iterator[None]:
    """Raises Hang after some seconds, where the system has timers."""
    if not hasattr(signal, "setitimer"):
        yield
        return

    def late(signum: int, frame: FrameType | None) -> Any:
        raise Hang(f"more than {HANG_SECONDS} s")

    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, HANG_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _memory_now() -> int:
    """Bytes that this process holds; the peak begins here when an earlier one lies far above."""
    held, peak = _memory_of("RSS"), _memory_of("HWM")
    if peak - held > FORGOTTEN_MEGABYTES << 20:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    return held


def _memory_of(field: str) -> int:
    """Bytes that this process holds ("RSS"), or held at most ("HWM"); 0 where Linux's /proc is not there."""
    try:
        status = Path("/proc/self/status").read_bytes()
    except OSError:
        return 0
    at = status.index(b"Vm" + field.encode())
    return int(status[at : status.index(b"kB", at)].split()[1]) << 10
