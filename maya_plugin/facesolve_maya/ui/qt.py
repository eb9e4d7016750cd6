"""Qt for the panel, from PySide6 (Maya 2025 and later) or PySide2 (Maya 2022 to 2024); imported from here only."""

from typing import Any, TypeVar

try:
    import shiboken6 as shiboken
    from PySide6 import QtCore, QtGui, QtWidgets
except ImportError:
    import shiboken2 as shiboken  # type: ignore[no-redef]
    from PySide2 import QtCore, QtGui, QtWidgets  # type: ignore[no-redef]

Qt = QtCore.Qt
Signal = QtCore.Signal
Flag = TypeVar("Flag")

__all__ = [
    "Qt",
    "QtCore",
    "QtGui",
    "QtWidgets",
    "Signal",
    "both",
    "event_x",
    "event_y",
    "has",
    "shiboken",
    "text_flags",
]


def event_x(event: Any) -> int:
    """Where a mouse event happened, pixels from the widget's left."""
    return int(event.position().x() if hasattr(event, "position") else event.pos().x())


def event_y(event: Any) -> int:
    """Where a mouse event happened, pixels from the widget's top."""
    return int(event.position().y() if hasattr(event, "position") else event.pos().y())


def text_flags(*flags: Any) -> int:
    """Flags as one number, which ``drawText`` and alignments take; the bindings mix flags of two kinds differently."""
    number = 0
    for flag in flags:
        number |= int(getattr(flag, "value", flag))
    return number


def both(*flags: Flag) -> Flag:
    """Flags of one kind as one. The operator does the same, but not in every PySide2 that imports."""
    kind: Any = type(flags[0])
    combined: Flag = kind(text_flags(*flags))
    return combined


def has(flags: Any, flag: Any) -> bool:
    """True when ``flag`` is among ``flags``."""
    return bool(text_flags(flags) & text_flags(flag))
