"""Many takes in one process: memory and open handles stay flat, and the last result is the first one.

    python -m tests.bench.soak --takes 200
    python -m tests.bench.soak --edits 200

The second asks one resident solver (``facesolve serve``), which holds one small take, for edit after edit.
Prints a line every ten takes and a verdict at the end; the exit code is 1 when memory or handles grow.
"""

from __future__ import annotations

import argparse
import gc
import shutil
import sys
import tempfile
import threading
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import numpy as np

import facesolve
from facesolve.jobs.serve_solution import serve_solution
from facesolve.jobs.solve_folder import solve_take_folder
from facesolve.runtime.progress import Silent
from facesolve.take import Solution, read_solution
from facesolve.take.requests import Solve, request_line
from facesolve.take.settings_record import SettingsChange
from tests.textured import write_filmed_take

FRAMES = 3
WARM = 10  # takes after which caches are full
MOST_GROWTH = 64.0  # MB that the process may hold more at the end than when it was warm
MOST_HANDLES = 4
COMPARED = ("controls", "head", "control_std")
SAME = 1e-5  # of a control's range, or centimeters: edits go on until little moves, not until nothing does
PINNED = (0.3, 0.6)  # values of the control that edits pin in turn


def held() -> tuple[float, int, int]:
    """MB in memory, open files, threads; of memory and files 0 where Linux's /proc is not there."""
    gc.collect()
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
        files = len(list(Path("/proc/self/fd").iterdir()))
    except OSError:
        return 0.0, 0, threading.active_count()
    return pages * 4096 / 2**20, files, threading.active_count()


def soak(takes: int, tell: object = print) -> tuple[bool, str]:
    """Solves a tiny take again and again. Whether all stayed flat and equal, and a sentence."""
    assert callable(tell)
    with tempfile.TemporaryDirectory(prefix="soak_") as scratch:
        folder = Path(scratch) / "take"
        write_filmed_take(folder, FRAMES)
        settings = facesolve.Settings(quality="draft")
        first, warm, now = None, held(), held()
        for number in range(1, takes + 1):
            solution = facesolve.solve(folder, device="cpu", settings=settings)
            first = solution if first is None else first
            for name in ("controls", "head", "control_std"):
                if not np.array_equal(getattr(first, name), getattr(solution, name)):
                    return False, f"take {number} has other {name} than the first."
            now = held()
            if number == min(WARM, takes):
                warm = now
            if number % 10 == 0 or number == takes:
                tell(f"{number:4d} takes: {now[0]:7.1f} MB, {now[1]} files, {now[2]} threads")
    growth = now[0] - warm[0]
    flat = growth <= MOST_GROWTH and now[1] - warm[1] <= MOST_HANDLES and now[2] <= warm[2]
    return flat, f"{takes} takes, all equal; {growth:+.1f} MB and {now[1] - warm[1]:+d} files since take {WARM}."


class _Hears(Silent):
    """Compares each answer with the first to the same question, once the solver is warm: an edit begins where the last
    one ended, so that the first answers come from elsewhere."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self.count, self.off, self.wrong, self.warm, self.now = 0, 0.0, "", held(), held()
        self._first: dict[int, Solution] = {}
        self._tell = tell

    def done(self, folder: Path) -> None:
        self.count += 1
        answer = read_solution(folder)
        if self.count > WARM:
            first = self._first.setdefault(self.count % len(PINNED), answer)
            off = max(float(np.abs(getattr(first, name) - getattr(answer, name)).max()) for name in COMPARED)
            self.off = max(self.off, off)
            if off > SAME:
                self.wrong = self.wrong or f"edit {self.count} is off the first of its kind by {off:.2g}."
        shutil.rmtree(folder)
        self.now = held()
        if self.count <= WARM:
            self.warm = self.now
        if self.count % 10 == 0:
            self._tell(f"{self.count:4d} edits: {self.now[0]:7.1f} MB, {self.now[1]} files, {self.now[2]} threads")

    def error(self, text: str) -> None:
        self.wrong = self.wrong or text


def served(edits: int, tell: Callable[[str], None] = print) -> tuple[bool, str]:
    """Asks ``facesolve serve`` for edits of a tiny take, again and again. Whether all stayed flat and equal; words."""
    with tempfile.TemporaryDirectory(prefix="soak_") as scratch:
        folder, out = Path(scratch) / "take", Path(scratch) / "solved"
        write_filmed_take(folder, FRAMES)
        quality = SettingsChange(values={"quality": "draft"})
        given = {"device": "cpu", "frames": None, "resume": False, "progress": Silent(), "settings": quality}
        solution = solve_take_folder(folder, out, keep_state=True, texture=False, **given)
        frame, control = int(solution.frames[1]), solution.control_names[0]
        asked = (
            Solve(str(Path(scratch) / f"edit{number}"), ((frame, control, PINNED[number % len(PINNED)]),))
            for number in range(edits)
        )
        hears = _Hears(tell)
        serve_solution(out, StringIO("\n".join(map(request_line, asked)) + "\n"), hears, "cpu")
    if hears.wrong or hears.count < edits:
        return False, hears.wrong or f"only {hears.count} of {edits} edits were answered."
    growth, files = hears.now[0] - hears.warm[0], hears.now[1] - hears.warm[1]
    flat = growth <= MOST_GROWTH and files <= MOST_HANDLES and hears.now[2] <= hears.warm[2]
    return (
        flat,
        f"{edits} edits, equal within {hears.off:.1g}; {growth:+.1f} MB and {files:+d} files since edit {WARM}.",
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--takes", type=int, default=200)
    parser.add_argument("--edits", type=int, help="so many edits of one resident solver, instead of takes")
    chosen = parser.parse_args()

    def tell(line: str) -> None:
        print(line, flush=True)

    flat, sentence = soak(chosen.takes, tell) if chosen.edits is None else served(chosen.edits, tell)
    print(sentence)
    return 0 if flat else 1


if __name__ == "__main__":
    sys.exit(main())
