"""The second page: the controls tree with its filter and its count. Knows the session and Qt, nothing of maya."""

from __future__ import annotations

from typing import List

from .bulletin import SCENE, SETTINGS
from .controls_tree import ControlsTree
from .model import LOCKED, PINNED, ControlChoice
from .qt import QtWidgets
from .session import Session
from .style import quiet_label


class ControlsPage(QtWidgets.QWidget):
    """Reads the choices from the session's settings and writes each change back."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self.filter = QtWidgets.QLineEdit()
        self.filter.setPlaceholderText("Filter controls")
        self.filter.setClearButtonEnabled(True)
        self.tree = ControlsTree()
        self.filter.textChanged.connect(self.tree.filter)
        self.tree.chosen.connect(self._choose)
        self.count = quiet_label()
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(6, 6, 6, 4)
        layout.setSpacing(4)
        layout.addWidget(self.filter)
        layout.addWidget(self.tree, 1)
        layout.addWidget(self.count)
        session.listen(SCENE, self.refresh_scene)
        session.listen(SETTINGS, self.refresh_settings)

    def refresh_scene(self) -> None:
        """Shows the controls of the head."""
        self.tree.show_controls(self._session.controls)
        self.tree.filter(self.filter.text())
        self.refresh_settings()

    def refresh_settings(self) -> None:
        """Shows what was decided about them."""
        choices = self._session.settings.controls
        self.tree.show_choices(choices)
        rows = self._session.controls
        solved = [row for row in rows if not row.obstacle and choices.get(row.name, ControlChoice()).active]
        parts = ["{} controls".format(len(rows)), "{} solved".format(len(solved))]
        for keys, word in ((LOCKED, "locked"), (PINNED, "with pins")):
            number = sum(row.name in choices and choices[row.name].keys == keys for row in rows)
            if number:
                parts.append("{} {}".format(number, word))
        blocked = sum(bool(row.obstacle) for row in rows)
        if blocked:
            parts.append("{} cannot be keyed".format(blocked))
        self.count.setText("   ".join(parts))

    def _choose(self, names: List[str], choices: List[ControlChoice]) -> None:
        settings = self._session.settings
        for name, choice in zip(names, choices):
            settings = settings.with_choice(name, choice)
        self._session.put(settings)
