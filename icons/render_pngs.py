"""Draws the PNG icons from the SVG ones: ``python icons/render_pngs.py [FOLDER]`` with PySide6 or PySide2 installed.

``name.png`` has 32 pixels; ``name_200.png`` has 64: Maya takes it where the interface is scaled to 200 %.
"""

import os
import sys
from pathlib import Path

SIZES = {"": 32, "_200": 64}


def render(target: Path) -> None:
    """Writes the PNG files of every SVG beside this script into ``target``."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    try:
        from PySide6 import QtCore, QtGui, QtSvg
    except ImportError:
        from PySide2 import QtCore, QtGui, QtSvg
    application = QtGui.QGuiApplication.instance() or QtGui.QGuiApplication(sys.argv[:1])
    for source in sorted(Path(__file__).parent.glob("*.svg")):
        renderer = QtSvg.QSvgRenderer(str(source))
        for suffix, size in SIZES.items():
            image = QtGui.QImage(size, size, QtGui.QImage.Format_ARGB32)
            image.fill(QtCore.Qt.transparent)
            painter = QtGui.QPainter(image)
            painter.setRenderHint(QtGui.QPainter.Antialiasing)
            renderer.render(painter)
            painter.end()
            image.save(str(target / f"{source.stem}{suffix}.png"))
    application.processEvents()


if __name__ == "__main__":
    render(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
