"""Faults that are put in on purpose are faults: each changes the module, and the module still compiles."""

from __future__ import annotations

from .mutants import ROOT, SUBJECTS, faults, modules


def test_every_kind_of_change_is_made_once_at_a_time() -> None:
    source = "def f(a: int = 1) -> int:\n    return a + 2 if not a < 3 and True else a * 4\n"
    made = list(faults(source))
    assert len({fault.source for fault in made}) == len(made)
    changed = {(fault.before, fault.after) for fault in made}
    assert ("a < 3", "a <= 3") in changed
    assert ("a + 2", "a - 2") in changed
    assert ("a * 4", "a / 4") in changed
    assert ("True", "False") in changed
    assert ("2", "3") in changed


def test_what_no_result_can_show_is_left_alone() -> None:
    source = "@dataclass(frozen=True)\nclass A:\n    first: Literal[1]\n    second: int = 5\n"
    assert [(fault.before, fault.after) for fault in faults(source)] == [("5", "6")]


def test_every_subject_has_modules_and_tests() -> None:
    for subject, (names, tests) in SUBJECTS.items():
        assert len(modules(subject)) == len(names), subject
        assert all((ROOT / test).exists() for test in tests), subject
