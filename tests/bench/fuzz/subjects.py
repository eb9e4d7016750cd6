"""All readers that are fuzzed, by name."""

from __future__ import annotations

from . import cameras, contract, media, recordings, rig_files, scenes, work_files

SUBJECTS = {
    subject.name: subject
    for module in (contract, cameras, media, recordings, rig_files, scenes, work_files)
    for subject in module.SUBJECTS
}
