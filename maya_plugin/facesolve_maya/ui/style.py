"""Colors, sizes and small drawn marks that the panel's widgets share. The rest of the look is Maya's own.

Text has a contrast of at least 4.5 to 1 against what it stands on (WCAG 2.1, level AA).
"""

from __future__ import annotations

from typing import Dict

from facesolve.take.finding import ERROR, NOTE, WARNING

from .qt import Qt, QtCore, QtGui, QtWidgets

GOOD, CAUTION, BAD = "#7fb069", "#e0a73c", "#e0604f"  # of marks and bars
BAD_TEXT, NOTE_TEXT, QUIET = "#ffa79b", "#9ccbea", "#b8b8b8"  # of words
ACCENT = "#3d7195"
WELL, RAISED = "#2b2b2b", "#5d5d5d"
ON_RAISED = "#eeeeee"
SEVERITY_COLORS: Dict[str, str] = {ERROR: BAD, WARNING: CAUTION, NOTE: NOTE_TEXT}
LEVEL_COLORS = (GOOD, CAUTION, BAD)

STYLE_SHEET = """
#facesolveTitle { font-weight: bold; }
#facesolveStep { font-weight: bold; font-size: 115%%; }
#facesolveQuiet { color: %(quiet)s; }
#facesolveNotice { padding: 4px 6px; border-radius: 2px; background: %(well)s; }
#facesolveNotice[state="good"] { border-left: 3px solid %(good)s; }
#facesolveNotice[state="caution"] { border-left: 3px solid %(caution)s; }
#facesolveNotice[state="bad"] { border-left: 3px solid %(bad)s; }
#facesolveCard { background: %(well)s; border-radius: 3px; }
#facesolveCard[state="good"] { border-left: 4px solid %(good)s; }
#facesolveCard[state="caution"] { border-left: 4px solid %(caution)s; }
#facesolveCard[state="bad"] { border-left: 4px solid %(bad)s; }
#facesolveCard[state="open"] { border-left: 4px solid %(note)s; }
#facesolveSection { text-align: left; font-weight: bold; padding: 3px 4px; border: none; background: %(raised)s;
    color: %(on_raised)s; }
#facesolveSection:hover { background: #686868; }
#facesolvePrimary { font-weight: bold; padding: 5px 14px; }
#facesolvePrimary:enabled { background: %(accent)s; color: white; }
#facesolvePrimary:enabled:hover { background: #427ba2; }
#facesolveToggle { padding: 3px 8px; border: none; border-radius: 2px; background: %(raised)s; color: %(on_raised)s; }
#facesolveToggle:hover:enabled { background: #686868; }
#facesolveToggle:checked { background: %(accent)s; color: white; }
#facesolveToggle:disabled { background: #4b4b4b; color: #c8c8c8; }
#facesolveMenu { padding: 3px 18px 3px 8px; border: none; color: %(on_raised)s; background: transparent; }
#facesolveMenu:hover { background: %(raised)s; }
#facesolveMenu::menu-indicator { subcontrol-position: right center; right: 5px; }
#facesolveCounter { padding: 0 5px; border-radius: 6px; color: #1f1f1f; font-weight: bold; }
QPushButton:disabled, QToolButton:disabled, QComboBox:disabled { color: #c8c8c8; }
""" % {
    "quiet": QUIET,
    "well": WELL,
    "raised": RAISED,
    "on_raised": ON_RAISED,
    "accent": ACCENT,
    "bad": BAD,
    "caution": CAUTION,
    "good": GOOD,
    "note": NOTE_TEXT,
}


def scaled(pixels: int, widget: QtWidgets.QWidget) -> int:
    """``pixels`` at a font height of 13, scaled with the widget's font as Maya's interface scaling changes it."""
    return round(pixels * widget.fontMetrics().height() / 16.0) or 1


def contrast(text: str, ground: str) -> float:
    """How much ``text`` stands out from ``ground``, 1 to 21, by WCAG 2.1; colors as ``#rrggbb``."""
    lighter, darker = sorted((_luminance(text), _luminance(ground)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(color: str) -> float:
    parts = [int(color[at : at + 2], 16) / 255.0 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def dot(color: str, size: int = 16, shape: str = "circle") -> QtGui.QIcon:
    """A mark in one color: ``circle``, ``triangle`` or ``square``, so that color is not all that differs."""
    ratio = 2
    pixmap = QtGui.QPixmap(size * ratio, size * ratio)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QtGui.QPainter(pixmap)
    painter.setRenderHint(QtGui.QPainter.RenderHint.Antialiasing)
    painter.scale(ratio, ratio)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QtGui.QColor(color))
    box = QtCore.QRectF(size * 0.2, size * 0.2, size * 0.6, size * 0.6)
    if shape == "circle":
        painter.drawEllipse(box)
    elif shape == "square":
        painter.drawRoundedRect(box.adjusted(1, 1, -1, -1), 2, 2)
    else:
        painter.drawPolygon(
            QtGui.QPolygonF([box.bottomLeft(), box.bottomRight(), QtCore.QPointF(size / 2.0, box.top())])
        )
    painter.end()
    pixmap.setDevicePixelRatio(ratio)
    return QtGui.QIcon(pixmap)


def severity_icon(severity: str) -> QtGui.QIcon:
    """The mark of a finding."""
    shapes = {ERROR: "circle", WARNING: "triangle", NOTE: "square"}
    return dot(SEVERITY_COLORS[severity], shape=shapes[severity])


def quiet_label(text: str = "") -> QtWidgets.QLabel:
    """A label for secondary text."""
    label = QtWidgets.QLabel(text)
    label.setObjectName("facesolveQuiet")
    label.setWordWrap(True)
    return label


def set_hint(field: QtWidgets.QLineEdit, text: str) -> None:
    """What an empty field shows, easier to read than in Maya's own color."""
    palette = field.palette()
    palette.setColor(QtGui.QPalette.ColorRole.PlaceholderText, QtGui.QColor(QUIET))
    field.setPalette(palette)
    field.setPlaceholderText(text)


def set_state(widget: QtWidgets.QWidget, name: str, value: str) -> None:
    """Sets a property that the style sheet asks for, and has the widget styled anew."""
    if widget.property(name) != value:
        widget.setProperty(name, value)
        widget.style().unpolish(widget)
        widget.style().polish(widget)
