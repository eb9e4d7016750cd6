"""The help of the panel, a page that comes with it. Knows only Qt."""

from __future__ import annotations

from pathlib import Path

from .qt import Qt, QtWidgets
from .style import scaled

PAGE = Path(__file__).with_name("help.md")


class HelpDialog(QtWidgets.QDialog):
    """Stays open beside the panel."""

    def __init__(self, parent: QtWidgets.QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("Facesolve: help")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.page = QtWidgets.QTextBrowser()
        self.page.setMarkdown(PAGE.read_text(encoding="utf-8"))
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.page)
        self.resize(scaled(480, self), scaled(620, self))
