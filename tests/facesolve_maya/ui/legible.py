"""Whether a panel can be read: what is cut off, and what hardly stands out, measured on what is drawn. Knows Qt."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from facesolve_maya.ui.qt import QtGui, QtWidgets
from facesolve_maya.ui.style import contrast

LEAST = 4.5  # WCAG 2.1, level AA


def cut_off(panel: QtWidgets.QWidget) -> list[str]:
    """Sentences about words that have no room on the page that is shown, and pages wider than their dock."""
    found = []
    for widget in _with_words(panel):
        text, metrics = widget.text(), widget.fontMetrics()
        if isinstance(widget, QtWidgets.QLabel) and widget.wordWrap():
            wanted, room = widget.heightForWidth(widget.width()), widget.height()
        else:
            wanted = max(metrics.horizontalAdvance(line.replace("&", "")) for line in text.splitlines())
            room = widget.width()
        if wanted > room:
            found.append(f"'{text}' needs {wanted} pixels and has {room}")
    for area in panel.findChildren(QtWidgets.QScrollArea):
        inside = area.widget()
        if area.isVisible() and inside is not None and inside.width() > area.viewport().width():
            found.append(f"a page is {inside.width()} pixels wide in a dock of {area.viewport().width()}")
    return found


def faint(panel: QtWidgets.QWidget) -> list[str]:
    """Sentences about words whose brightest or darkest pixel stands out too little from the ground around them."""
    image = panel.grab().toImage().convertToFormat(QtGui.QImage.Format.Format_RGB32)
    ratio, width = image.devicePixelRatio(), image.bytesPerLine() // 4
    pixels = np.frombuffer(image.constBits(), np.uint32).reshape(image.height(), width) & 0xFFFFFF
    found = []
    for widget in _with_words(panel):
        area = widget.visibleRegion().boundingRect()
        corner = widget.mapTo(panel, area.topLeft())
        left, top = round(corner.x() * ratio), round(corner.y() * ratio)
        right, bottom = left + round(area.width() * ratio), top + round(area.height() * ratio)
        colors, counts = np.unique(pixels[top:bottom, left:right], return_counts=True)
        if not len(colors):
            continue
        names = [f"#{color:06x}" for color in colors.tolist()]
        ground = names[int(counts.argmax())]
        best = max(contrast(name, ground) for name in names)
        if best < LEAST:
            found.append(f"'{widget.text()}' stands out by {best:.2f} only")
    return found


def _with_words(panel: QtWidgets.QWidget) -> Iterator[QtWidgets.QLabel | QtWidgets.QAbstractButton]:
    """Labels and buttons with words of which something is to be seen."""
    for kind in (QtWidgets.QLabel, QtWidgets.QAbstractButton):
        for widget in panel.findChildren(kind):
            if widget.isVisible() and widget.text().strip() and not widget.visibleRegion().isEmpty():
                yield widget
