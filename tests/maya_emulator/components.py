"""Component lists such as ``vtx[0]``, ``vtx[6:7]``, ``vtx[*]``."""

from __future__ import annotations

import re
from functools import lru_cache

import numpy as np

from .errors import EmulatorError

_COMPONENT = re.compile(r"^vtx\[(\*|\d+)(?::(\d+))?\]$")


def expand(components: list[str], count: int) -> np.ndarray:
    """Vertex numbers of a component list, in its order, read-only; ``count`` is what ``*`` stands for."""
    return _expanded(tuple(components), count)


@lru_cache(maxsize=1024)
def _expanded(components: tuple[str, ...], count: int) -> np.ndarray:
    found = np.array([number for component in components for number in numbers(component, count)], np.int64)
    found.flags.writeable = False
    return found


def numbers(component: str, count: int) -> list[int]:
    """Vertex numbers of one component."""
    match = _COMPONENT.match(component)
    if match is None:
        raise EmulatorError(f"component '{component}' is not a vertex range")
    first, last = match.groups()
    return list(range(count)) if first == "*" else list(range(int(first), int(last or first) + 1))


def compress(vertices: list[int]) -> list[str]:
    """The component list of increasing ``vertices``."""
    ranges: list[list[int]] = []
    for number in vertices:
        if ranges and number == ranges[-1][1] + 1:
            ranges[-1][1] = number
        else:
            ranges.append([number, number])
    return [f"vtx[{a}]" if a == b else f"vtx[{a}:{b}]" for a, b in ranges]
