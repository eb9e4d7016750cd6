"""What the check before a solve found: severity, node, sentence, remedy, buttons. Knows the model and Qt, no maya."""

from __future__ import annotations

from typing import Dict, List, Optional, Tuple

from facesolve.take.finding import Finding, Offer, gravest_first

from .qt import Qt, QtGui, QtWidgets, Signal
from .style import GOOD, dot, quiet_label, scaled, severity_icon

COLUMNS = 2  # of buttons: more do not fit into a narrow dock
BREAK = "/\u200b"  # a line may end after the slash of a path


class FindingsList(QtWidgets.QWidget):
    """One row for each finding, worst first.

    ``node_chosen(node)`` on a double click, ``offer_taken(offer)`` when a remedy's button was pressed.
    """

    node_chosen = Signal(str)
    offer_taken = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.rows: List[FindingRow] = []
        self._shown: Optional[Tuple[Finding, ...]] = None
        self._layout = QtWidgets.QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(3)

    def show_findings(self, findings: Tuple[Finding, ...]) -> None:
        """Fills the list; one line says so when there is nothing to say."""
        if findings == self._shown:
            return
        self._shown = findings
        for row in self.rows:
            row.setParent(None)  # deleted only when Qt is idle, and must not be seen until then
            row.deleteLater()
        self.rows = [FindingRow(finding) for finding in gravest_first(findings)] or [FindingRow(None)]
        for index, row in enumerate(self.rows):
            row.node_chosen.connect(self.node_chosen)
            row.offer_taken.connect(self.offer_taken)
            self._layout.insertWidget(index, row)


class FindingRow(QtWidgets.QWidget):
    """A finding, or that there is none."""

    node_chosen = Signal(str)
    offer_taken = Signal(object)

    def __init__(self, finding: Optional[Finding]) -> None:
        super().__init__()
        self._node = finding.subject if finding is not None else ""
        mark = QtWidgets.QLabel()
        icon = dot(GOOD) if finding is None else severity_icon(finding.severity)
        mark.setPixmap(icon.pixmap(scaled(16, self), scaled(16, self)))
        mark.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.sentence = QtWidgets.QLabel("No problems: ready to solve." if finding is None else _sentence(finding))
        self.sentence.setWordWrap(True)
        self.remedy = quiet_label("" if finding is None else finding.remedy)
        self.remedy.setVisible(bool(self.remedy.text()))
        if self._node:
            self.setToolTip("Double-click selects {}.".format(self._node))
        self.buttons: Dict[str, QtWidgets.QPushButton] = {}
        words = QtWidgets.QVBoxLayout()
        words.setSpacing(1)
        words.addWidget(self.sentence)
        words.addWidget(self.remedy)
        buttons = QtWidgets.QGridLayout()
        buttons.setSpacing(3)
        buttons.setColumnStretch(COLUMNS, 1)
        for index, offer in enumerate(() if finding is None else finding.offers):
            buttons.addWidget(self._button(offer), index // COLUMNS, index % COLUMNS)
        words.addLayout(buttons)
        line = QtWidgets.QHBoxLayout(self)
        line.setContentsMargins(4, 2, 4, 2)
        line.setSpacing(5)
        line.addWidget(mark)
        line.addLayout(words, 1)

    def _button(self, offer: Offer) -> QtWidgets.QPushButton:
        button = QtWidgets.QPushButton(offer.label)
        button.clicked.connect(lambda: self.offer_taken.emit(offer))
        self.buttons[offer.kind] = button
        return button

    def mouseDoubleClickEvent(self, event: QtGui.QMouseEvent) -> None:
        """Qt's hook."""
        if self._node:
            self.node_chosen.emit(self._node)


def _sentence(finding: Finding) -> str:
    sentence = "{}: {}".format(finding.subject, finding.sentence) if finding.subject else finding.sentence
    return sentence.replace("/", BREAK)
