"""All readers that are fuzzed, by name."""

from __future__ import annotations

from . import cameras, contract, media, recordings, scenes

SUBJECTS = {
    subject.name: subject for module in (contract, cameras, media, recordings, scenes) for subject in module.SUBJECTS
}
