"""What is asked of the solver after an animator's edits, and what of it is remembered. Knows neither Qt nor maya."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

from facesolve.take import read_solution, read_take
from facesolve.take.errors import TakeError
from facesolve.take.files import write_atomic
from facesolve.take.reading import read_text
from facesolve.take.requests import Solve, read_request, request_line
from facesolve.take.retime import timeline
from facesolve.take.solved import find_take_folder

REQUEST = "edit.json"  # next to the solution that answers it
_EDIT = re.compile(r"edit_(\d+)")


def edit_request(scene: Any, solution: Path, root: Path) -> Optional[Solve]:
    """The pins of all edits of the solve in ``solution`` so far, those of earlier answers included; None without new.

    scene: the scene adapter. root: the scene's folder, where the answer gets one of its own. Raises FacesolveError.
    """
    take = read_take(find_take_folder(read_solution(solution), solution))
    edited = scene.with_edits(take).settings
    own = {(pin.frame, pin.control) for pin in take.settings.pins}
    pins = {(pin.frame, pin.control): pin.value for pin in edited.pins if (pin.frame, pin.control) not in own}
    heads = {pin.frame: pin.head.tolist() for pin in edited.head_pins[len(take.settings.head_pins) :]}
    if not pins and not heads:
        return None
    before_pins, before_heads = _remembered(scene.applied_ranges(solution))
    all_pins, all_heads = {**before_pins, **pins}, {**before_heads, **heads}
    folder = root / "edit_{}".format(1 + max([0, *map(_number, root.glob("edit_*"))]))
    request = Solve(
        out=str(folder / "solution"),
        pins=tuple((frame, control, value) for (frame, control), value in sorted(all_pins.items())),
        head_pins=tuple((frame, tuple(map(tuple, rows))) for frame, rows in sorted(all_heads.items())),
    )
    write_atomic(folder / REQUEST, request_line(request).encode("utf-8"))
    return request


def span_of(solution: Path) -> Tuple[int, int]:
    """First and last scene frame of a solution, for Apply."""
    times = timeline(read_solution(solution))[0]
    return round(float(times[0])), round(float(times[-1]))


def _remembered(ranges: Tuple[Path, ...]) -> Tuple[Dict[Tuple[int, str], float], Dict[int, List[Any]]]:
    """Pins of the edits that were answered and applied, the latest of each."""
    pins: Dict[Tuple[int, str], float] = {}
    heads: Dict[int, List[Any]] = {}
    for folder in ranges:
        path = folder.parent / REQUEST
        if not path.is_file():
            continue
        request = read_request(read_text(path, "edit"))
        if not isinstance(request, Solve):
            raise TakeError("edit: '{}' holds another request; solve the range instead.".format(path))
        pins.update({(frame, control): value for frame, control, value in request.pins})
        heads.update({frame: list(map(list, rows)) for frame, rows in request.head_pins})
    return pins, heads


def _number(folder: Path) -> int:
    match = _EDIT.fullmatch(folder.name)
    return int(match.group(1)) if match is not None else 0
