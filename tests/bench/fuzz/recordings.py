"""Norpix recordings, mutated by their own rules and used as ``seq`` does."""

from __future__ import annotations

from pathlib import Path

from .campaign import Files, Subject
from .mutations import Random
from .seq import Tally, make_input, use


def _make(folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "number.txt").write_text("0", encoding="ascii")


def _mutated(files: Files, random: Random) -> Files:
    """The number of an input of ``seq``, which makes its own files."""
    return {"number.txt": str(int(random.integers(1, 2**31))).encode()}


def _use(folder: Path) -> None:
    number = int((folder / "number.txt").read_text(encoding="ascii"))
    tally = Tally()
    before = set(folder.iterdir())
    try:
        use(folder, 0, number, tally)
    finally:
        for path in sorted(folder.rglob("*"), reverse=True):
            if path not in before:
                path.rmdir() if path.is_dir() else path.unlink()
    assert make_input(0, number)[0] is not None


SUBJECTS = (Subject(".seq", _make, _mutated, _use, seconds=20.0),)
