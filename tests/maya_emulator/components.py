"""Component lists such as ``vtx[0]``, ``vtx[6:7]``, ``vtx[*]``."""

from __future__ import annotations

import re

import numpy as np

from .errors import EmulatorError

_COMPONENT = re.compile(r"^vtx\[(\*|\d+)(?::(\d+))?\]$")


def expand(components: list[str], count: int) -> np.ndarray:
    """Vertex numbers of a component list, in its order; ``count`` is what ``*`` stands for."""
    numbers: list[int] = []
    for component in components:
        match = _COMPONENT.match(component)
        if match is None:
            raise EmulatorError(f"component '{component}' is not a vertex range")
        if match.group(1) == "*":
            numbers.extend(range(count))
        else:
            first = int(match.group(1))
            numbers.extend(range(first, int(match.group(2) or first) + 1))
    return np.array(numbers, np.int64)


def compress(numbers: list[int]) -> list[str]:
    """The component list of increasing vertex ``numbers``."""
    ranges: list[list[int]] = []
    for number in numbers:
        if ranges and number == ranges[-1][1] + 1:
            ranges[-1][1] = number
        else:
            ranges.append([number, number])
    return [f"vtx[{a}]" if a == b else f"vtx[{a}:{b}]" for a, b in ranges]
