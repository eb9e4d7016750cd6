"""Where the panel's solves lie: ``solve_1``, ``solve_2`` and so on below the scene's folder, ranges beside them.

Nothing that was solved is ever written over: a layer's keys are compared with the very solution that they came from.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Optional, Tuple

from facesolve.take.errors import FacesolveError
from facesolve.take.names import CHECKPOINT, SOLUTION
from facesolve.take.provenance import read_provenance
from facesolve.take.reading import read_json

_WHOLE = re.compile(r"solve_(\d+)")


@dataclass(frozen=True)
class SolveRow:
    """A solve of the whole take that was kept. date: ISO 8601, UTC; verdict: empty where none was given."""

    number: int
    folder: Path
    date: str = ""
    quality: str = ""
    verdict: str = ""

    @property
    def text(self) -> str:
        """The row as people read it."""
        day = spoken_date(self.date, datetime.now())
        return "   ".join(part for part in ("#{}".format(self.number), self.quality, day, self.verdict) if part)


def spoken_date(date: str, now: datetime) -> str:
    """An ISO 8601 date at the time of people's clock: today's has an hour alone, this year's no year."""
    try:
        made = datetime.fromisoformat(date).astimezone()
    except ValueError:
        return date
    if made.date() == now.date():
        return made.strftime("%H:%M")
    return made.strftime("%m-%d %H:%M" if made.year == now.year else "%Y-%m-%d")


def next_folder(root: Path, span: Optional[Tuple[int, int]] = None) -> Path:
    """The folder for the next solve of the whole take, or of the scene frames ``span``."""
    if span is None:
        return root / "solve_{}".format(1 + max([0, *(_number(path) for path in root.glob("solve_*/take"))]))
    name, number = "range_{}-{}".format(*span), 1
    while (root / (name if number == 1 else "{}_{}".format(name, number))).exists():
        number += 1
    return root / (name if number == 1 else "{}_{}".format(name, number))


def last_solution(root: Path) -> Path:
    """The solution of the last solve of a whole take that has one; where the first would be when there is none."""
    solved = [path.parent for path in root.glob("solve_*/solution/solution.json")]
    return max(solved, key=lambda path: _number(path)) if solved else root / "solve_1" / "solution"


def interrupted_solve(root: Path) -> Optional[Path]:
    """The solution's folder of the last solve of a whole take, if it was stopped midway and can be resumed."""
    folders = [path.parent for path in root.glob("solve_*/take")]
    if not folders:
        return None
    last = max(folders, key=lambda path: _number(path / "take")) / "solution"
    return last if (last / CHECKPOINT).is_file() else None


def solve_rows(root: Path) -> Tuple[SolveRow, ...]:
    """The solves of whole takes below ``root``, the newest first; what cannot be read is left out."""
    rows = []
    for path in root.glob("solve_*/solution/" + SOLUTION):
        try:
            record = read_json(path, "solution")
        except FacesolveError:  # opening it says why
            continue
        made, verdict = read_provenance(record.get("provenance") or {}), record.get("verdict") or {}
        quality, said = str(made.settings.get("quality", "")), str(verdict.get("verdict", ""))
        rows.append(SolveRow(_number(path.parent), path.parent, made.date, quality, said))
    return tuple(sorted(rows, key=lambda row: -row.number))


def _number(path: Path) -> int:
    """The number of the solve that a folder in it belongs to."""
    match = _WHOLE.fullmatch(path.parent.name)
    return int(match.group(1)) if match is not None else 0
