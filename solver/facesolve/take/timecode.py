"""Frame numbers as timecode."""

from __future__ import annotations


def timecode(frame: int, fps: float) -> str:
    """HH:MM:SS:FF of a frame number that counts from 0, without dropped numbers; at 23.976 a second holds 24 frames."""
    rate = max(round(fps), 1)
    seconds, rest = divmod(abs(frame), rate)
    digits = len(str(rate - 1))
    sign = "-" if frame < 0 else ""
    return f"{sign}{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}:{rest:0{max(digits, 2)}d}"
