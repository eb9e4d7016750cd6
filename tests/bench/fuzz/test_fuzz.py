"""The fuzzer of all readers on few inputs each, and that it fails when a reader does."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from facesolve.take import TakeError, read_solution, write_solution
from tests.take import rigs

from .campaign import Subject, run
from .mutations import mutated_json
from .subjects import SUBJECTS

pytest.importorskip("av")
INPUTS = 5


@pytest.mark.parametrize("name", [name for name in SUBJECTS if name != ".seq"])
def test_hostile_files_give_values_or_sentences(name: str) -> None:
    tally = run(SUBJECTS[name], range(INPUTS), seed=11)
    slow = [what for what in tally.wrong if what.startswith("more than")]  # a machine with other work
    assert {what: numbers for what, numbers in tally.wrong.items() if what not in slow} == {}
    assert tally.accepted >= 1
    assert tally.inputs == INPUTS


def _fuzzed(fault: object) -> dict[str, list[int]]:
    """What is found wrong with a reader of solutions that has a fault."""

    def read(folder: Path) -> None:
        solution = read_solution(folder)
        if callable(fault):
            fault(solution, folder)

    subject = Subject(
        "solution",
        lambda folder: write_solution(rigs.solution(), folder),
        lambda files, random: {"solution.json": mutated_json(files["solution.json"], random)},
        read,
    )
    return run(subject, range(4), seed=2).wrong


@pytest.mark.parametrize(
    ("fault", "found"),
    [
        (lambda solution, folder: {}["missing"], "KeyError at"),
        (lambda solution, folder: (folder / "left").write_text("x"), "left files"),
        (lambda solution, folder: bytearray(b"x" * (300 << 20)), "more than 200 MB"),
    ],
    ids=["traceback", "something left behind", "memory"],
)
def test_the_fuzzer_sees_faults(fault: object, found: str) -> None:
    if "MB" in found and not os.path.exists("/proc/self/clear_refs"):
        pytest.skip("only Linux tells the peak of memory")
    assert any(what.startswith(found) for what in _fuzzed(fault))


def test_a_reader_without_faults_has_none() -> None:
    assert _fuzzed(None) == {}


def test_a_sentence_is_one_line_that_can_be_printed() -> None:
    def read(folder: Path) -> None:
        record = json.loads((folder / "solution.json").read_text(encoding="utf-8"))
        raise TakeError(f"two\nlines of {len(record)}")

    subject = Subject("x", lambda folder: write_solution(rigs.solution(), folder), lambda files, random: files, read)
    wrong = run(subject, range(1, 3), seed=0).wrong
    assert {what.split(":")[0] for what in wrong} == {"a sentence with several lines", "a sentence with no end"}
