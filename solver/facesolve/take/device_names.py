"""What people may call a device, on both sides of the contract. Knows no torch: that it exists is checked later."""

from __future__ import annotations

import re

from .errors import SolveError

DEVICES = ("auto", "cpu", "cuda")


def check_device(text: str) -> str:
    """``text`` when it is one of DEVICES or ``cuda:N``. Raises SolveError for anything else."""
    index = re.match("cuda:([0-9]+)$", text)
    if text not in DEVICES and index is None:
        raise SolveError("device: '{}' is not one of {} and cuda:N.".format(text, ", ".join(DEVICES)))
    return text if index is None else "cuda:{}".format(int(index.group(1)))
