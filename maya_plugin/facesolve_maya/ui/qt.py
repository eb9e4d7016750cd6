"""Qt for the panel, from PySide6 (Maya 2025 and later) or PySide2 (Maya 2022 to 2024); imported from here only."""

from pathlib import Path

try:
    import shiboken6 as shiboken
    from PySide6 import QtCore, QtGui, QtWidgets
except ImportError:
    import shiboken2 as shiboken
    from PySide2 import QtCore, QtGui, QtWidgets

Qt = QtCore.Qt
Signal = QtCore.Signal

__all__ = [
    "Qt",
    "QtCore",
    "QtGui",
    "QtWidgets",
    "Signal",
    "both",
    "event_x",
    "has",
    "open_page",
    "shiboken",
    "text_flags",
]


def open_page(page: Path) -> None:
    """Shows a local page in the browser."""
    QtGui.QDesktopServices.openUrl(QtCore.QUrl.fromLocalFile(str(page)))


def event_x(event) -> int:
    """Where a mouse event happened, pixels from the widget's left."""
    return int(event.position().x() if hasattr(event, "position") else event.pos().x())


def text_flags(*flags) -> int:
    """Flags as one number, which ``drawText`` and alignments take; the bindings mix flags of two kinds differently."""
    number = 0
    for flag in flags:
        number |= int(getattr(flag, "value", flag))
    return number


def both(*flags):
    """Flags of one kind as one. The operator does the same, but not in every PySide2 that imports."""
    return type(flags[0])(text_flags(*flags))


def has(flags, flag) -> bool:
    """True when ``flag`` is among ``flags``."""
    return bool(text_flags(flags) & text_flags(flag))
