"""All readers that are fuzzed, by name."""

from __future__ import annotations

from . import contract

SUBJECTS = {subject.name: subject for subject in (*contract.SUBJECTS,)}
