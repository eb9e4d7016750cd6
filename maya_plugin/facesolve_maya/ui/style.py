"""Colors, sizes and small drawn marks that the panel's widgets share. The rest of the look is Maya's own."""

from __future__ import annotations

from typing import Dict

from facesolve.take.finding import ERROR, NOTE, WARNING

from .qt import Qt, QtCore, QtGui, QtWidgets

GOOD, CAUTION, BAD, QUIET = "#7fb069", "#e0a73c", "#e0604f", "#8a8a8a"
ACCENT = "#5285a6"
WELL, RAISED = "#2b2b2b", "#5d5d5d"
SEVERITY_COLORS: Dict[str, str] = {ERROR: BAD, WARNING: CAUTION, NOTE: ACCENT}
LEVEL_COLORS = (GOOD, CAUTION, BAD)

STYLE_SHEET = """
#facesolveTitle { font-weight: bold; }
#facesolveQuiet { color: %(quiet)s; }
#facesolveNotice { padding: 4px 6px; border-radius: 2px; background: %(well)s; }
#facesolveNotice[error="true"] { border-left: 3px solid %(bad)s; }
#facesolveNotice[error="false"] { border-left: 3px solid %(good)s; }
#facesolveSection { text-align: left; font-weight: bold; padding: 3px 4px; border: none; background: %(raised)s; }
#facesolveSection:hover { background: #686868; }
#facesolvePrimary { font-weight: bold; padding: 5px 14px; }
#facesolvePrimary:enabled { background: %(accent)s; color: white; }
#facesolvePrimary:enabled:hover { background: #6296b8; }
#facesolveCounter { padding: 0 5px; border-radius: 6px; color: #1f1f1f; font-weight: bold; }
""" % {"quiet": QUIET, "well": WELL, "raised": RAISED, "accent": ACCENT, "bad": BAD, "good": GOOD}


def scaled(pixels: int, widget: QtWidgets.QWidget) -> int:
    """``pixels`` at a font height of 13, scaled with the widget's font as Maya's interface scaling changes it."""
    return round(pixels * widget.fontMetrics().height() / 16.0) or 1


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
