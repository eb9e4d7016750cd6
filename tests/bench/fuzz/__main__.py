"""Fuzzes readers and prints one table.

    python -m tests.bench.fuzz                       all readers, 10,000 inputs each
    python -m tests.bench.fuzz --jobs 8              the same, eight readers at a time
    python -m tests.bench.fuzz --only take --inputs 500 --seed 3
    python -m tests.bench.fuzz --only take --number 17     one input, its files kept in a folder

Each reader runs in processes of its own, so that a crash of a library is an input that went wrong, too; they fork from
one that has everything loaded, which needs Linux or macOS. The exit code is 1 when anything went wrong.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from .campaign import Tally, good_files, made_input
from .part import errors_of, number_of, read_part
from .subjects import SUBJECTS

FORKS = multiprocessing.get_context("forkserver")
STUCK_SECONDS = 120.0  # without a new input: a library hangs
CHUNK = 2500  # inputs of one process: what leaks does not add up


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inputs", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=1, help="readers at a time")
    parser.add_argument("--only", nargs="*", help="readers by name; all without it")
    parser.add_argument("--number", type=int, help="one input, which is written to a folder and read")
    arguments = parser.parse_args()
    unknown = set(arguments.only or ()) - set(SUBJECTS)
    if unknown:
        parser.error(f"no reader is called {sorted(unknown)}; known are {', '.join(SUBJECTS)}")
    names = arguments.only or list(SUBJECTS)
    if arguments.number is not None:
        return _one(names[0], arguments.seed, arguments.number)
    print(
        "| reader | inputs | accepted | refused | wrong | most MB | most s |\n|---|---|---|---|---|---|---|", flush=True
    )
    FORKS.set_forkserver_preload([read_part.__module__])
    wrong = 0
    pool = ThreadPoolExecutor(arguments.jobs)
    tallies = pool.map(lambda name: _campaign(name, arguments.inputs, arguments.seed), names)
    for name, tally in zip(names, tallies, strict=True):
        count = len({number for numbers in tally.wrong.values() for number in numbers})
        wrong += count
        figures = f"{tally.inputs} | {tally.accepted} | {tally.refused} | {count}"
        print(f"| {name} | {figures} | {tally.most_megabytes:.0f} | {tally.most_seconds:.2f} |", flush=True)
        for what, numbers in sorted(tally.wrong.items(), key=lambda item: -len(item[1])):
            print(f"  {len(numbers)} x {what}: inputs {numbers[:5]}", file=sys.stderr, flush=True)
    return 1 if wrong else 0


def _campaign(name: str, inputs: int, seed: int) -> Tally:
    total = Tally()
    with tempfile.TemporaryDirectory(prefix="fuzz_") as scratch:
        first = 0
        while first < inputs:
            end = min(inputs, first + CHUNK)
            result = Path(scratch) / "tally.json"
            result.unlink(missing_ok=True)
            died = _child(name, seed, first, end, result)
            if died is None:
                _add(total, Tally(**json.loads(result.read_text(encoding="utf-8"))))
                first = end
                continue
            number = int(number_of(result).read_text(encoding="ascii"))
            if number > first:  # what came before it once more, for its tally
                end = number
                if _child(name, seed, first, end, result) is None:
                    _add(total, Tally(**json.loads(result.read_text(encoding="utf-8"))))
            total.inputs += 1
            total.fault(died, number)
            first = number + 1
    return total


def _child(name: str, seed: int, first: int, end: int, result: Path) -> str | None:
    """Runs a part in a process of its own; how it died, or None."""
    process = FORKS.Process(target=read_part, args=(name, seed, first, end, result))
    process.start()
    here = number_of(result)
    last, since = b"", time.monotonic()
    while process.exitcode is None:
        process.join(0.2)
        now = here.read_bytes() if here.exists() else b""
        if now != last:
            last, since = now, time.monotonic()
        elif time.monotonic() - since > STUCK_SECONDS:
            process.kill()
            process.join()
            return "the process hangs"
    if process.exitcode == 0:
        return None
    tail = errors_of(result).read_text(encoding="utf-8", errors="replace").strip().split("\n")[-1][:120]
    return f"the process ends with {process.exitcode}: {tail}"


def _add(total: Tally, part: Tally) -> None:
    total.inputs += part.inputs
    total.accepted += part.accepted
    total.refused += part.refused
    total.most_megabytes = max(total.most_megabytes, part.most_megabytes)
    total.most_seconds = max(total.most_seconds, part.most_seconds)
    for what, numbers in part.wrong.items():
        total.wrong.setdefault(what, []).extend(numbers)


def _one(name: str, seed: int, number: int) -> int:
    folder = Path(tempfile.mkdtemp(prefix=f"fuzz_{number}_")) / "input"
    subject = SUBJECTS[name]
    good = good_files(subject, folder)
    for path, data in made_input(subject, good, seed, number).items():
        if data != good[path]:
            (folder / path).write_bytes(data)
            print(f"changed: {folder / path}")
    subject.read(folder)
    print("accepted.")
    return 0


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    sys.exit(main())
