"""Which solve of the scene is shown, and which one it is compared with. Knows the session and Qt only."""

from __future__ import annotations

from pathlib import Path
from typing import Optional

from .bulletin import RESULT, STATE
from .qt import QtWidgets
from .session import Session
from .solving import IDLE


class ResultsRow(QtWidgets.QWidget):
    """Two lists of the solves that were kept. Hidden while there is none."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self.shown, self.other = _list(), _list()
        self.shown.setToolTip("The solve that is shown and that Apply keys. Every solve is kept.")
        self.other.setToolTip("Another solve to compare it with: the button B switches between the pictures of both.")
        self.shown.activated.connect(lambda _: self._open())
        self.other.activated.connect(lambda _: session.compare_with(self._chosen(self.other)))
        layout = QtWidgets.QHBoxLayout(self)
        layout.setContentsMargins(6, 2, 6, 0)
        layout.setSpacing(4)
        layout.addWidget(self.shown, 3)
        layout.addWidget(self.other, 2)
        session.listen(RESULT, self.refresh)
        session.listen(STATE, self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Fills both lists."""
        results = self._session.results
        self.setVisible(bool(results.rows))
        self.setEnabled(self._session.state == IDLE)
        for box, present, none in (
            (self.shown, results.folder, "choose a solve"),
            (self.other, results.other, "compare with…"),
        ):
            box.clear()
            box.addItem(none, "")
            for row in results.rows:
                if box is self.shown or row.folder != results.folder:
                    box.addItem(row.text, str(row.folder))
            box.setCurrentIndex(max(box.findData(str(present)), 0))
        self.other.setVisible(len(results.rows) > 1)

    def _open(self) -> None:
        folder = self._chosen(self.shown)
        if folder is not None:
            self._session.open_solution(folder)

    @staticmethod
    def _chosen(box: QtWidgets.QComboBox) -> Optional[Path]:
        return Path(box.currentData()) if box.currentData() else None


def _list() -> QtWidgets.QComboBox:
    box = QtWidgets.QComboBox()
    box.setSizeAdjustPolicy(QtWidgets.QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    box.setMinimumContentsLength(8)
    return box
