"""Where the stage of loaded cameras stands, as a button with a menu. Knows the session and Qt only."""

from __future__ import annotations

from dataclasses import replace
from typing import Dict, Tuple

from .model import LENGTHS
from .qt import QtWidgets
from .session import Session

# of each choice: what the menu calls it, and its values with their words
_CHOICES: Tuple[Tuple[str, str, Dict[str, str]], ...] = (
    ("up", "Up axis", {"upright": "Upright in this scene", "file": "As in the file"}),
    (
        "origin",
        "Origin",
        {
            "file": "As in the file",
            "head": "Where the cameras look",
            "camera": "At the first camera",
            "rig": "Head where the rig's head is",
        },
    ),
    ("unit", "Unit of the file", {unit: words.capitalize() for unit, words in LENGTHS.items()}),
)


class StageMenu(QtWidgets.QPushButton):
    """Hidden while no cameras of a calibration are in the scene."""

    def __init__(self, session: Session) -> None:
        super().__init__("Stage")
        self._session = session
        self.setToolTip("Moves the cameras' group: what is up, where the origin is, which unit the calibration has.")
        self.choices = QtWidgets.QMenu(self)
        self.choices.aboutToShow.connect(self.fill)
        self.setMenu(self.choices)

    def refresh(self) -> None:
        """Shows or hides the button."""
        self.setVisible(self._session.stage is not None)

    def fill(self) -> None:
        """The choices, as the scene has them."""
        self.choices.clear()
        placed = self._session.stage
        if placed is None:
            return
        for name, title, values in _CHOICES:
            self.choices.addSection(title)
            for value, words in values.items():
                action = self.choices.addAction(words)
                action.setCheckable(True)
                action.setChecked(getattr(placed.stage, name) == value)
                action.triggered.connect(lambda *_, n=name, v=value: self._choose(n, v))

    def _choose(self, name: str, value: str) -> None:
        placed = self._session.stage
        if placed is not None:
            self._session.place_stage(replace(placed.stage, **{name: value}))
