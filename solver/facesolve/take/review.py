"""What a person has decided about a solution: approved, rejected, or noted, by frames; a file beside it. No window.

The report, the command line and Maya read and write the same file.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Dict, Sequence, Tuple

from .checks import cause, shown
from .errors import TakeError
from .files import check_schema, write_json
from .names import REVIEW
from .reading import read_json

APPROVED, REJECTED, NOTED = "approved", "rejected", "noted"
MARKS = (APPROVED, REJECTED, NOTED)
REVIEW_SCHEMA = 1


@dataclass(frozen=True)
class ReviewMark:
    """One decision about the take frames ``first`` to ``last``, both included. mark: one of MARKS. text: a note."""

    first: int
    last: int
    mark: str
    text: str = ""

    def __post_init__(self) -> None:
        if self.mark not in MARKS:
            raise TakeError("review: {} is not one of {}.".format(shown(self.mark), ", ".join(MARKS)))
        if self.last < self.first:
            raise TakeError("review: the frames {}-{} are empty.".format(self.first, self.last))


def read_review(folder: Path) -> Tuple[ReviewMark, ...]:
    """The marks beside a solution, in their order; none where there is no file.

    Raises TakeError for a malformed one.
    """
    path = folder / REVIEW
    if not path.exists():
        return ()
    record = read_json(path, "review")
    check_schema(record, REVIEW_SCHEMA, "review", path, "write it again from the report")
    try:
        return tuple(_mark(entry) for entry in record["marks"])
    except (KeyError, TypeError) as error:
        raise TakeError("review: '{}' is malformed ({}).".format(path, cause(error))) from None


def write_review(folder: Path, marks: Sequence[ReviewMark]) -> None:
    """Writes the marks beside a solution, whole or not at all."""
    write_json(folder / REVIEW, review_record(marks))


def review_record(marks: Sequence[ReviewMark]) -> Dict[str, Any]:
    """The file as JSON values."""
    return {"schema": REVIEW_SCHEMA, "kind": "facesolve review", "marks": [asdict(mark) for mark in marks]}


def _mark(entry: Any) -> ReviewMark:
    frames = [entry["first"], entry["last"]]
    if any(isinstance(frame, bool) or not isinstance(frame, int) for frame in frames):
        raise TypeError("frames are whole numbers")
    if not isinstance(entry["mark"], str) or not isinstance(entry.get("text", ""), str):
        raise TypeError("mark and text are text")
    return ReviewMark(frames[0], frames[1], entry["mark"], entry.get("text", ""))
