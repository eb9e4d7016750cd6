"""Animation curves: keys, tangents and their evaluation, as Maya's documentation describes them. Knows no graph."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass

from .errors import EmulatorError

FIXED, LINEAR, FLAT, SMOOTH, STEP, SPLINE, CLAMPED, PLATEAU, STEP_NEXT, AUTO = 1, 2, 3, 4, 5, 9, 10, 16, 17, 18
TANGENT_NAMES = {
    "fixed": FIXED,
    "linear": LINEAR,
    "flat": FLAT,
    "smooth": SMOOTH,
    "step": STEP,
    "spline": SPLINE,
    "clamped": CLAMPED,
    "plateau": PLATEAU,
    "stepnext": STEP_NEXT,
    "auto": AUTO,
}
TICKS_PER_SECOND = 141120000.0


@dataclass
class Key:
    """A key. ``time`` is in ticks for curves over time, else a plain number; ``value`` is in internal units.

    Tangents are (x, y) with x in seconds (or input units); only ``fixed`` keys use the stored ones.
    """

    time: float
    value: float
    in_type: int = 0
    out_type: int = 0
    in_x: float = 1.0
    in_y: float = 0.0
    out_x: float = 1.0
    out_y: float = 0.0
    tangents_locked: bool = True
    weights_locked: bool = True
    breakdown: bool = False
    special: bool = False  # drawn in the special color in the time slider


def evaluate(keys: list[Key], x: float, *, default_type: int, weighted: bool, pre: int, post: int, scale: float):
    """Value of the curve at ``x``. ``scale`` turns a difference of ``x`` into the tangents' unit (seconds).

    ``pre`` and ``post`` are the infinity types: 0 constant, 1 linear; others are not offered.
    """
    if not keys:
        return 0.0
    if x <= keys[0].time or x >= keys[-1].time:
        end = keys[0] if x <= keys[0].time else keys[-1]
        kind = pre if end is keys[0] and x < end.time else post if x > end.time else 0
        if kind == 0:
            return end.value
        if kind == 1:
            index = 0 if end is keys[0] else len(keys) - 1
            slope = _slope(keys, index, default_type, scale, incoming=end is keys[0])
            return end.value + slope * (x - end.time) * scale
        raise EmulatorError(f"infinity type {kind} is not evaluated")
    index = bisect_right([key.time for key in keys], x) - 1
    left, right = keys[index], keys[index + 1]
    if x == left.time:
        return left.value
    out_type = left.out_type or default_type
    if out_type == STEP:
        return left.value
    if out_type == STEP_NEXT:
        return right.value
    if weighted and (out_type == FIXED or (right.in_type or default_type) == FIXED):
        raise EmulatorError("weighted tangents are not evaluated between keys")
    width = (right.time - left.time) * scale
    s = (x - left.time) / (right.time - left.time)
    m0 = _slope(keys, index, default_type, scale, incoming=False) * width
    m1 = _slope(keys, index + 1, default_type, scale, incoming=True) * width
    s2, s3 = s * s, s * s * s
    return (
        (2 * s3 - 3 * s2 + 1) * left.value + (s3 - 2 * s2 + s) * m0 + (-2 * s3 + 3 * s2) * right.value + (s3 - s2) * m1
    )


def _slope(keys: list[Key], index: int, default_type: int, scale: float, *, incoming: bool) -> float:
    """Slope at a key, value per second, on its in or out side."""
    key = keys[index]
    kind = (key.in_type if incoming else key.out_type) or default_type
    before = _secant(keys, index - 1, scale) if index > 0 else None
    after = _secant(keys, index, scale) if index < len(keys) - 1 else None
    if kind == FIXED:
        x, y = (key.in_x, key.in_y) if incoming else (key.out_x, key.out_y)
        return y / x if x else 0.0
    if kind in (FLAT, STEP, STEP_NEXT):
        return 0.0
    if kind == LINEAR:
        return (before if incoming else after) or 0.0
    if before is None or after is None:
        if kind in (AUTO, PLATEAU):
            return 0.0
        return (after if before is None else before) or 0.0
    if kind == CLAMPED and (abs(before) < 1e-9 or abs(after) < 1e-9):
        return 0.0
    if kind in (AUTO, PLATEAU) and before * after <= 0:
        return 0.0
    if kind in (SPLINE, SMOOTH, CLAMPED, AUTO, PLATEAU):
        left, right = keys[index - 1], keys[index + 1]
        slope = (right.value - left.value) / ((right.time - left.time) * scale)
        if kind in (AUTO, PLATEAU):
            limit = 3 * min(abs(before), abs(after))
            return max(-limit, min(limit, slope))
        return slope
    raise EmulatorError(f"tangent type {kind} is not evaluated")


def _secant(keys: list[Key], index: int, scale: float) -> float:
    left, right = keys[index], keys[index + 1]
    return (right.value - left.value) / ((right.time - left.time) * scale)
