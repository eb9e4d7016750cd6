"""A titled part of the panel that folds away, with a place for small widgets in its title. Knows only Qt."""

from __future__ import annotations

from .qt import Qt, QtCore, QtWidgets


class Section(QtWidgets.QWidget):
    """``body`` is the layout to fill; ``title_row`` takes widgets that stay visible when folded."""

    def __init__(self, title: str, expanded: bool = True) -> None:
        super().__init__()
        self._button = QtWidgets.QToolButton()
        self._button.setObjectName("facesolveSection")
        self._button.setText(title)
        self._button.setCheckable(True)
        self._button.setChecked(expanded)
        self._button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self._button.setSizePolicy(QtWidgets.QSizePolicy.Policy.Expanding, QtWidgets.QSizePolicy.Policy.Fixed)
        self._button.setIconSize(QtCore.QSize(10, 10))
        self._button.toggled.connect(self._fold)
        # The widgets of the title lie on the button, so that the bar stays one clickable strip.
        self.title_row = QtWidgets.QHBoxLayout(self._button)
        self.title_row.setContentsMargins(0, 0, 6, 0)
        self.title_row.setSpacing(4)
        self.title_row.addStretch(1)
        self._content = QtWidgets.QWidget()
        self.body = QtWidgets.QVBoxLayout(self._content)
        self.body.setContentsMargins(6, 5, 6, 7)
        self.body.setSpacing(4)
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self._button)
        layout.addWidget(self._content, 1)
        self._fold(expanded)

    @property
    def title(self) -> str:
        """What the title says."""
        return self._button.text()

    def set_title(self, title: str) -> None:
        """Changes the title."""
        self._button.setText(title)

    def expand(self, expanded: bool) -> None:
        """Opens or folds the section, as a click on its title does."""
        self._button.setChecked(expanded)

    def _fold(self, expanded: bool) -> None:
        self._content.setVisible(expanded)
        self._button.setArrowType(Qt.ArrowType.DownArrow if expanded else Qt.ArrowType.RightArrow)
