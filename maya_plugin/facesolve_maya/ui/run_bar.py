"""The foot of the panel: Solve, Cancel, progress with time left, and the last notice. Knows the session and Qt only."""

from __future__ import annotations

from .qt import Qt, QtWidgets
from .runs import spoken_time
from .session import CANCELLING, IDLE, PROGRESS, STATE, Session


class RunBar(QtWidgets.QWidget):
    """Always visible, whatever page is shown."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self.notice = QtWidgets.QLabel()
        self.notice.setObjectName("facesolveNotice")
        self.notice.setWordWrap(True)
        self.notice.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.progress = QtWidgets.QProgressBar()
        self.progress.setTextVisible(False)
        self.progress.setFixedHeight(6)
        self.stage = QtWidgets.QLabel()
        self.stage.setSizePolicy(QtWidgets.QSizePolicy.Policy.Ignored, QtWidgets.QSizePolicy.Policy.Preferred)
        self.time_left = QtWidgets.QLabel()
        self.solve_button = QtWidgets.QPushButton("Solve")
        self.solve_button.setObjectName("facesolvePrimary")
        self.solve_button.setToolTip("Exports the take and solves it. Maya stays usable meanwhile.")
        self.solve_button.clicked.connect(lambda: session.solve())
        self.cancel_button = QtWidgets.QPushButton("Cancel")
        self.cancel_button.setToolTip("Stops the solve. The scene stays as it is.")
        self.cancel_button.clicked.connect(session.cancel)
        line = QtWidgets.QHBoxLayout()
        line.setSpacing(6)
        line.addWidget(self.stage, 1)
        line.addWidget(self.time_left)
        line.addWidget(self.cancel_button)
        line.addWidget(self.solve_button)
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(6, 4, 6, 6)
        layout.setSpacing(4)
        layout.addWidget(self.notice)
        layout.addWidget(self.progress)
        layout.addLayout(line)
        session.listen(STATE, self.refresh)
        session.listen(PROGRESS, self.refresh_progress)
        self.refresh()

    def refresh(self) -> None:
        """Shows the session's state and notice."""
        session = self._session
        running = session.state != IDLE
        self.solve_button.setVisible(not running)
        self.cancel_button.setVisible(running)
        self.cancel_button.setEnabled(session.state != CANCELLING)
        self.progress.setVisible(running)
        self.notice.setVisible(bool(session.notice))
        self.notice.setText(session.notice)
        error = "true" if session.notice_is_error else "false"
        if self.notice.property("error") != error:
            self.notice.setProperty("error", error)
            self.notice.style().unpolish(self.notice)
            self.notice.style().polish(self.notice)
        self.refresh_progress()

    def refresh_progress(self) -> None:
        """Shows the stage and the time left."""
        session, run = self._session, self._session.run
        if session.state == CANCELLING:
            self.stage.setText("Cancelling…")
            self.time_left.setText("")
            self.progress.setRange(0, 0)
        elif session.state == IDLE or run is None:
            self.stage.setText("")
            self.time_left.setText("")
        else:
            fraction = run.fraction
            self.progress.setRange(0, 0 if fraction is None else 1000)
            if fraction is not None:
                self.progress.setValue(int(1000 * fraction))
            count = " {} of {}".format(run.done, run.total) if run.total else ""
            self.stage.setText((run.stage[:1].upper() + run.stage[1:]) + count)
            left = "" if run.seconds_left is None else "{} left".format(spoken_time(run.seconds_left))
            self.time_left.setText(left)
