"""Where the panel's solves lie: ``solve_1``, ``solve_2`` and so on below the scene's folder, ranges beside them.

Nothing that was solved is ever written over: a layer's keys are compared with the very solution that they came from.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Optional, Tuple

_WHOLE = re.compile(r"solve_(\d+)")


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


def _number(path: Path) -> int:
    """The number of the solve that a folder in it belongs to."""
    match = _WHOLE.fullmatch(path.parent.name)
    return int(match.group(1)) if match is not None else 0
