"""The foot of the panel: Solve, Cancel, progress with time left, and the last notice. Knows the session and Qt only."""

from __future__ import annotations

from .bulletin import PROGRESS, RESULT, STATE
from .qt import Qt, QtWidgets
from .runs import spoken_time
from .session import Session
from .solving import CANCELLING, IDLE
from .style import set_state


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
        self.resume_button = QtWidgets.QPushButton("Resume")
        self.resume_button.setToolTip("Continues the solve that was stopped last from where it was.")
        self.resume_button.clicked.connect(lambda: session.resume())
        self.cancel_button = QtWidgets.QPushButton("Cancel")
        self.cancel_button.setToolTip("Stops the solve. The scene stays as it is.")
        self.cancel_button.clicked.connect(session.cancel)
        line = QtWidgets.QHBoxLayout()
        line.setSpacing(6)
        line.addWidget(self.stage, 1)
        line.addWidget(self.time_left)
        line.addWidget(self.cancel_button)
        line.addWidget(self.resume_button)
        line.addWidget(self.solve_button)
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(6, 4, 6, 6)
        layout.setSpacing(4)
        layout.addWidget(self.notice)
        layout.addWidget(self.progress)
        layout.addLayout(line)
        session.listen(STATE, self.refresh)
        session.listen(RESULT, self.refresh)
        session.listen(PROGRESS, self.refresh_progress)
        self.refresh()

    def refresh(self) -> None:
        """Shows the session's state and notice."""
        session = self._session
        running = session.state != IDLE
        self.solve_button.setVisible(not running)
        self.resume_button.setVisible(not running and session.results.stopped is not None)
        self.cancel_button.setVisible(running)
        self.cancel_button.setEnabled(session.state != CANCELLING)
        self.progress.setVisible(running)
        self.notice.setVisible(bool(session.notice))
        self.notice.setText(session.notice)
        color = "bad" if session.notice_is_error else "caution" if session.results.asking else "good"
        set_state(self.notice, "state", color)
        self.refresh_progress()

    def refresh_progress(self) -> None:
        """Shows what is done and the time left."""
        session, run = self._session, self._session.solving.run
        self.time_left.setText("")
        if session.sampling.total:
            sampling = session.sampling
            words = "Recording control {} of {}".format(sampling.done + 1, sampling.total)
            self._show_at_once(words, sampling.done, sampling.total)
        elif session.doing:
            self._show_at_once(session.doing, 0, 0)
        elif session.state == CANCELLING:
            self.stage.setText("Cancelling…")
            self.progress.setRange(0, 0)
        elif session.state == IDLE or run is None:
            self.progress.setVisible(False)
            self.stage.setText(self._idle_words())
        else:
            fraction = run.fraction
            self.progress.setRange(0, 0 if fraction is None else 1000)
            if fraction is not None:
                self.progress.setValue(int(1000 * fraction))
            self.stage.setText(run.doing)
            left = run.seconds_left
            self.time_left.setText("" if left is None else "{} left".format(spoken_time(left)))

    def _show_at_once(self, words: str, done: int, total: int) -> None:
        """Painted at once: Maya stands still meanwhile, and nothing else may happen in it."""
        self.progress.setRange(0, total)
        self.progress.setValue(done)
        self.progress.setVisible(True)
        self.stage.setText(words)
        layout = self.layout()
        if layout is not None:
            layout.activate()
        self.repaint()

    def _idle_words(self) -> str:
        settings, used = self._session.settings, len(self._session.used_cameras())
        if not used or not settings.mesh:
            return ""
        return "{} cameras, frames {}-{}, {}".format(used, settings.first, settings.last, settings.quality)
