"""What a program asks of ``facesolve serve``: one JSON object a line on its stdin. Answers are events on its stdout.

Knows neither the program nor who answers.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Union

from .errors import TakeError


@dataclass(frozen=True)
class Draw:
    """The pictures of take frame number ``frame`` and those next to it are wanted first."""

    frame: int


Request = Union[Draw]

KINDS = {"draw": Draw}
_NAMES = {kind: name for name, kind in KINDS.items()}


def request_line(request: Request) -> str:
    """The request as one line, without its end."""
    return json.dumps(dict({"request": _NAMES[type(request)]}, **asdict(request)))


def read_request(line: str) -> Request:
    """The request in one line. Raises TakeError for anything that ``request_line`` did not write."""
    try:
        record = json.loads(line)
        kind = KINDS[record.pop("request")]
        return kind(**{name: int(record[name]) for name in kind.__dataclass_fields__})
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise TakeError("request: {!r:.200} is malformed ({}).".format(line, error)) from None
