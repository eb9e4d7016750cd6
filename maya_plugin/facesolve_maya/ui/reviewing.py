"""Frames that a person approves, rejects or notes: the file that the report keeps, read and written. No Qt, no maya."""

from __future__ import annotations

from dataclasses import dataclass
from typing import List, Optional, Tuple

import numpy as np

from facesolve.take.errors import FacesolveError
from facesolve.take.retime import timeline
from facesolve.take.review import ReviewMark, read_review, write_review

from .bulletin import RESULT, Bulletin
from .results import Results


@dataclass(frozen=True)
class ShownMark:
    """A decision where the timeline shows it: first and last scene time, kind (``take.review.MARKS``), note."""

    first: float
    last: float
    mark: str
    text: str = ""


class Reviewing:
    """The decisions about the solution that is shown."""

    def __init__(self, bulletin: Bulletin, results: Results) -> None:
        self._bulletin, self._results = bulletin, results
        self.problem = ""  # why the file cannot be read

    def marks(self) -> Tuple[ShownMark, ...]:
        """What the file beside the solution holds now, the latest last; ``problem`` says why nothing can be read."""
        shown = self._results.shown
        if shown is None:
            self.problem = ""
            return ()
        times, rows = timeline(shown)
        frames, found = shown.frames[rows], []
        for mark in self._read():
            inside = times[(frames >= mark.first) & (frames <= mark.last)]
            if len(inside):
                found.append(ShownMark(float(inside[0]), float(inside[-1]), mark.mark, mark.text))
        return tuple(found)

    def decide(self, first: float, last: float, mark: str, text: str = "") -> bool:
        """Writes a decision about the frames at scene times; False, with a notice, when that is not possible."""
        span = self._frames(first, last)
        return span is not None and self._write([*self._read(), ReviewMark(span[0], span[1], mark, text)])

    def take_back(self, first: float, last: float) -> bool:
        """Takes every decision back that is about one of the frames at these scene times."""
        span = self._frames(first, last)
        return span is not None and self._write(
            [mark for mark in self._read() if mark.last < span[0] or mark.first > span[1]]
        )

    def _frames(self, first: float, last: float) -> Optional[Tuple[int, int]]:
        shown = self._results.shown
        if shown is None or self._results.folder is None:
            self._bulletin.refuse("There is no solution yet; solve first.")
            return None
        times, rows = timeline(shown)
        inside = shown.frames[rows[(times >= first - 0.5) & (times <= last + 0.5)]]
        if not len(inside):
            self._bulletin.refuse("Frame {:g} was not solved; go to a frame that was.".format(first))
            return None
        return int(np.min(inside)), int(np.max(inside))

    def _read(self) -> Tuple[ReviewMark, ...]:
        assert self._results.folder is not None
        self.problem = ""
        try:
            return read_review(self._results.folder)
        except FacesolveError as error:
            self.problem = str(error)
            return ()

    def _write(self, marks: List[ReviewMark]) -> bool:
        assert self._results.folder is not None
        if self.problem:  # what cannot be read is not replaced
            return self._bulletin.refuse(self.problem)
        try:
            write_review(self._results.folder, marks)
        except (FacesolveError, OSError) as error:
            return self._bulletin.refuse(str(error))
        self._bulletin.tell(RESULT)
        return True
