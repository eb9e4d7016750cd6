"""What tells one solve from another, and where a solution's take is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from facesolve.take import write_take
from facesolve.take.solved import fingerprint

from . import rigs


def test_a_solve_is_told_apart_by_its_quality_settings_frames_and_take(tmp_path: Path) -> None:
    take = rigs.take(tmp_path)
    write_take(take, tmp_path)
    others = [
        *(replace(take, settings=replace(take.settings, quality=quality)) for quality in ("draft", "standard")),
        replace(take, settings=replace(take.settings, smoothness=2.0)),
        replace(take, settings=replace(take.settings, pins=())),
        rigs.take(
            tmp_path, frames=take.frames + 10, start=None, settings=replace(take.settings, pins=(), head_pins=())
        ),
    ]
    known = [fingerprint(take, tmp_path), *(fingerprint(other, tmp_path) for other in others)]
    assert len(set(known)) == len(known)
    assert fingerprint(take, tmp_path) == known[0]
    write_take(replace(take, name="another"), tmp_path)
    assert fingerprint(take, tmp_path) != known[0]
