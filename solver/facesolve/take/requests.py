"""What a program asks of ``facesolve serve``: one JSON object a line on its stdin. Answers are events on its stdout.

Knows neither the program nor who answers.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any, Dict, Tuple, Union

from .checks import cause
from .errors import TakeError
from .reading import json_value


@dataclass(frozen=True)
class Draw:
    """The pictures of take frame number ``frame`` and those next to it are wanted first."""

    frame: int


@dataclass(frozen=True)
class Solve:
    """The frames around what a person has changed are wanted anew, as a solution in the folder ``out``.

    pins: those of all edits so far, besides the take's own; (take frame number, control, value). head_pins: (take frame
    number, (4, 4) rows). Every pin replaces an earlier answer's.
    """

    out: str
    pins: Tuple[Tuple[int, str, float], ...] = ()
    head_pins: Tuple[Tuple[int, Tuple[Tuple[float, ...], ...]], ...] = ()


Request = Union[Draw, Solve]

KINDS: Dict[str, Any] = {"draw": Draw, "solve": Solve}
_NAMES = {kind: name for name, kind in KINDS.items()}


def request_line(request: Request) -> str:
    """The request as one line, without its end."""
    return json.dumps(dict({"request": _NAMES[type(request)]}, **asdict(request)))


def read_request(line: str) -> Request:
    """The request in one line. Raises TakeError for anything that ``request_line`` did not write."""
    try:
        record = json_value(line)
        if KINDS[record["request"]] is Draw:
            return Draw(int(record["frame"]))
        return Solve(
            out=str(record["out"]),
            pins=tuple((int(frame), str(control), float(value)) for frame, control, value in record["pins"]),
            head_pins=tuple((int(frame), _matrix(rows)) for frame, rows in record["head_pins"]),
        )
    except (KeyError, TypeError, ValueError, OverflowError, AttributeError) as error:
        raise TakeError("request: {!r:.200} is malformed ({}).".format(line, cause(error))) from None


def _matrix(rows: Any) -> Tuple[Tuple[float, ...], ...]:
    found = tuple(tuple(float(value) for value in row) for row in rows)
    if [len(row) for row in found] != [4, 4, 4, 4]:
        raise ValueError("a head transform has 4 rows of 4")
    return found
