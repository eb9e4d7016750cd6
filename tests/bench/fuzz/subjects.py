"""All readers that are fuzzed, by name."""

from __future__ import annotations

from . import cameras, contract

SUBJECTS = {subject.name: subject for subject in (*contract.SUBJECTS, *cameras.SUBJECTS)}
