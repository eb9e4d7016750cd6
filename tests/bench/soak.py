"""Many takes in one process: memory and open handles stay flat, and the last result is the first one.

    python -m tests.bench.soak --takes 200

Prints a line every ten takes and a verdict at the end; the exit code is 1 when memory or handles grow.
"""

from __future__ import annotations

import argparse
import gc
import sys
import tempfile
import threading
from pathlib import Path

import numpy as np

import facesolve
from tests.textured import write_filmed_take

FRAMES = 3
WARM = 10  # takes after which caches are full
MOST_GROWTH = 64.0  # MB that the process may hold more at the end than when it was warm
MOST_HANDLES = 4


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


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--takes", type=int, default=200)
    flat, sentence = soak(parser.parse_args().takes, lambda line: print(line, flush=True))
    print(sentence)
    return 0 if flat else 1


if __name__ == "__main__":
    sys.exit(main())
