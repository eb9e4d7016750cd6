"""The panel: head line, three pages, run bar, and the clock that watches a solve. Knows the session and Qt only."""

from __future__ import annotations

from .controls_page import ControlsPage
from .environment_bar import EnvironmentBar
from .qt import QtCore, QtGui, QtWidgets
from .result_page import ResultPage
from .run_bar import RunBar
from .session import ENVIRONMENT, IDLE, SETTINGS, STATE, Session
from .setup_page import SetupPage
from .style import STYLE_SHEET, scaled

TICK_MILLISECONDS = 100
CHECK_MILLISECONDS = 400  # after the last change: a check reads the scene, too slow for every turn of a spin box

SETUP, CONTROLS, RESULT_PAGE = range(3)


class Panel(QtWidgets.QWidget):
    """One panel on one session. Hand it to a dock, or show it as a window."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self.setObjectName("facesolvePanel")
        self.setWindowTitle("Facesolve")
        self.setStyleSheet(STYLE_SHEET)
        self.environment = EnvironmentBar(session)
        self.setup = SetupPage(session)
        self.controls = ControlsPage(session)
        self.result = ResultPage(session)
        self.run_bar = RunBar(session)
        self.pages = QtWidgets.QTabWidget()
        self.pages.setDocumentMode(True)
        self.pages.addTab(_scrolling(self.setup), "Set-up")
        self.pages.addTab(self.controls, "Controls")
        self.pages.addTab(_scrolling(self.result), "Result")
        refresh = QtWidgets.QToolButton()
        refresh.setText("Refresh")
        refresh.setToolTip("Reads the scene again.")
        refresh.setAutoRaise(True)
        refresh.clicked.connect(session.load)
        self.pages.setCornerWidget(refresh)
        head = QtWidgets.QVBoxLayout()
        head.setContentsMargins(6, 6, 6, 2)
        head.addWidget(self.environment)
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addLayout(head)
        layout.addWidget(self.pages, 1)
        layout.addWidget(self.run_bar)
        self._clock = QtCore.QTimer(self)
        self._clock.setInterval(TICK_MILLISECONDS)
        self._clock.timeout.connect(self._tick)
        self._check_later = QtCore.QTimer(self)
        self._check_later.setSingleShot(True)
        self._check_later.setInterval(CHECK_MILLISECONDS)
        self._check_later.timeout.connect(session.check)
        self._was_running = False
        self._unread = False
        session.listen(STATE, self._state_changed)
        session.listen(ENVIRONMENT, self._watch)
        session.listen(SETTINGS, self._settings_changed)
        session.load()

    def sizeHint(self) -> QtCore.QSize:
        """Qt's hook."""
        return QtCore.QSize(scaled(400, self), scaled(820, self))

    def show_time(self, time: float) -> None:
        """The timeline moved."""
        self.result.show_time(time)

    def scene_replaced(self) -> None:
        """Another scene was opened. A panel that nobody sees reads it only when it is shown."""
        if self.isVisible():
            self.session.scene_replaced()
        else:
            self.session.leave_scene()
            self._unread = True

    def showEvent(self, event: QtGui.QShowEvent) -> None:
        """Qt's hook."""
        super().showEvent(event)
        if self._unread:
            self._unread = False
            self.session.scene_replaced()

    def _tick(self) -> None:
        self.session.tick()
        if not self.session.busy:
            self._clock.stop()

    def _watch(self) -> None:
        if self.session.busy and not self._clock.isActive():
            self._clock.start()

    def _state_changed(self) -> None:
        self._watch()
        running = self.session.state != IDLE
        if running and not self._was_running:
            self.pages.setCurrentIndex(RESULT_PAGE)
        self._was_running = running
        free = not running or self.session.away  # another scene may be prepared meanwhile
        self.setup.setEnabled(free)
        self.controls.setEnabled(free)

    def _settings_changed(self) -> None:
        if not self.session.checked:
            self._check_later.start()


def _scrolling(page: QtWidgets.QWidget) -> QtWidgets.QScrollArea:
    area = QtWidgets.QScrollArea()
    area.setWidgetResizable(True)
    area.setFrameShape(QtWidgets.QFrame.Shape.NoFrame)
    area.setHorizontalScrollBarPolicy(QtCore.Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setWidget(page)
    return area
