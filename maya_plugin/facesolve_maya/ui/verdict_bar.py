"""The verdict on the result that is shown, and the question before a doubtful one is keyed. Knows the session, Qt."""

from __future__ import annotations

from facesolve.take.finding import FIND_HEAD
from facesolve.take.verdict import DOES_NOT_FIT, DOUBTFUL, FITS

from .bulletin import RESULT, STATE
from .qt import QtWidgets
from .session import Session
from .solving import IDLE
from .style import quiet_label, set_state

PRESS = "Press 'Find the head' to have it looked for; you see where before the pose is taken."
_STATES = {FITS: "good", DOUBTFUL: "caution", DOES_NOT_FIT: "bad"}
_TITLES = {FITS: "The solve fits", DOUBTFUL: "The solve is doubtful", DOES_NOT_FIT: "The solve does not fit"}


class VerdictBar(QtWidgets.QFrame):
    """Hidden while there is no verdict."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self.setObjectName("facesolveCard")
        self.title = QtWidgets.QLabel()
        self.title.setObjectName("facesolveTitle")
        self.title.setWordWrap(True)
        self.reason = quiet_label()
        self.apply_anyway = QtWidgets.QPushButton("Apply anyway")
        self.apply_anyway.setToolTip("Keys the result although it is in doubt. One undo takes it back.")
        self.apply_anyway.clicked.connect(lambda: session.apply(sure=True))
        self.find_head = QtWidgets.QPushButton("Find the head")
        self.find_head.setToolTip("Looks for the head in the first frame, and shows it before the pose is taken.")
        self.find_head.clicked.connect(lambda: session.find_head())
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(8, 5, 6, 5)
        layout.setSpacing(2)
        line = QtWidgets.QHBoxLayout()
        line.addWidget(self.title, 1)
        line.addWidget(self.find_head)
        line.addWidget(self.apply_anyway)
        layout.addLayout(line)
        layout.addWidget(self.reason)
        session.listen(RESULT, self.refresh)
        session.listen(STATE, self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Shows the verdict of the session's result."""
        results = self._session.results
        verdict = results.verdict
        self.setVisible(verdict is not None and self._session.state == IDLE)
        if verdict is not None:
            set_state(self, "state", _STATES[verdict.verdict])
            self.title.setText(_TITLES[verdict.verdict])
            elsewhere = verdict.offer == FIND_HEAD
            step = PRESS if elsewhere else verdict.next_step
            reason = verdict.reason[:1].upper() + verdict.reason[1:]
            self.reason.setText(" ".join(part for part in (reason, step) if part))
            self.apply_anyway.setVisible(results.asking)
            self.find_head.setVisible(elsewhere)
