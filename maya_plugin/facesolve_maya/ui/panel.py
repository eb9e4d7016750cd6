"""The panel: four pages, run bar, menu, and the clock that watches a solve. Knows the session and Qt only."""

from __future__ import annotations

from typing import Callable, Optional

from facesolve.take.finding import CHOOSE_FOOTAGE, LOAD_CAMERAS, Offer
from facesolve.take.version import VERSION

from .bulletin import ENVIRONMENT, SETTINGS, STATE
from .controls_page import ControlsPage
from .help_dialog import HelpDialog
from .offers import carry_out
from .qt import QtCore, QtGui, QtWidgets
from .result_page import ResultPage
from .run_bar import RunBar
from .session import Session
from .setup_page import SetupPage
from .solver_dialog import SolverDialog
from .solving import IDLE
from .start_page import StartPage
from .style import STYLE_SHEET, scaled

TICK_MILLISECONDS = 100
CHECK_MILLISECONDS = 400  # after the last change: a check reads the scene, too slow for every turn of a spin box

START, SETUP, CONTROLS, RESULT_PAGE = range(4)


class Panel(QtWidgets.QWidget):
    """One panel on one session. Hand it to a dock, or show it as a window.

    load_cameras: asks for a calibration file and makes the cameras; None where there is no Maya to make them in.
    """

    def __init__(self, session: Session, load_cameras: Optional[Callable[[], None]] = None) -> None:
        super().__init__()
        self.session = session
        self._load_cameras = load_cameras
        self.setObjectName("facesolvePanel")
        self.setWindowTitle("Facesolve")
        self.setStyleSheet(STYLE_SHEET)
        self.start = StartPage(session)
        self.setup = SetupPage(session)
        self.controls = ControlsPage(session)
        self.result = ResultPage(session)
        self.run_bar = RunBar(session)
        self.pages = QtWidgets.QTabWidget()
        self.pages.setDocumentMode(True)
        self.pages.addTab(_scrolling(self.start), "Start")
        self.pages.addTab(_scrolling(self.setup), "Set-up")
        self.pages.addTab(self.controls, "Controls")
        self.pages.addTab(_scrolling(self.result), "Result")
        self.pages.setCornerWidget(self._menu())
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
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
        for page in (self.start, self.setup):
            page.cameras_wanted.connect(self.load_cameras)
        self.start.checks.findings.offer_taken.connect(self._carry_out)
        session.listen(STATE, self._state_changed)
        session.listen(ENVIRONMENT, self._watch)
        session.listen(SETTINGS, self._settings_changed)
        session.load()

    def _menu(self) -> QtWidgets.QPushButton:
        button = QtWidgets.QPushButton("Menu")
        button.setObjectName("facesolveMenu")
        menu = QtWidgets.QMenu(button)
        for text, tip, work in (
            ("Read the scene again", "Reads rig, cameras and footage afresh.", self.session.load),
            ("Show the last result", "Shows what was solved last for this scene.", self.show_last_result),
            ("Load cameras…", "Makes cameras with image planes from a calibration file.", self.load_cameras),
            (
                "Select solved controls",
                "Selects every node that the applied solve has keyed.",
                self.session.in_maya.select_solved,
            ),
            (
                "Key as solved here",
                "Keys the present frame as it was solved: selected controls, else all.",
                self.session.in_maya.key_as_solved,
            ),
            (
                "Edges over the footage",
                "Draws the head as a wireframe in Maya's viewports, on and off.",
                lambda: self.session.in_maya.toggle_overlay(self.session.settings),
            ),
            (
                "Certainty in the Graph Editor",
                "Curves of each control's standard deviation, and colored frames in the time slider, on and off.",
                lambda: self.session.in_maya.toggle_certainty(self.session.controls),
            ),
            ("Details of the solver…", "Where the solver is and what it can use.", self.show_details),
            ("Help", "What to press, in which order.", self.show_help),
            ("About Facesolve", "Version and license.", self.show_about),
        ):
            action = menu.addAction(text)
            action.setToolTip(tip)
            action.triggered.connect(lambda *_, w=work: w())
        menu.setToolTipsVisible(True)
        button.setMenu(menu)
        return button

    def load_cameras(self) -> None:
        """Asks for a calibration file and makes its cameras."""
        if self._load_cameras is not None:
            self._load_cameras()

    def show_last_result(self) -> None:
        """Shows what was solved last for this scene."""
        self.pages.setCurrentIndex(RESULT_PAGE)
        self.session.open_last_solution()

    def show_details(self) -> None:
        """Opens the details of the solver."""
        dialog = SolverDialog(self.session, self)
        dialog.open()

    def show_help(self) -> None:
        """Opens the help."""
        HelpDialog(self).show()

    def show_about(self) -> None:
        """Says what this is."""
        text = "Facesolve {}\n\nFacial performance capture from several cameras onto a rig's own controls.".format(
            VERSION
        )
        QtWidgets.QMessageBox.about(self, "Facesolve", text)

    def sizeHint(self) -> QtCore.QSize:
        """Qt's hook."""
        return QtCore.QSize(scaled(400, self), scaled(820, self))

    def show_time(self, time: float) -> None:
        """The timeline moved."""
        self.result.show_time(time)
        self._watch()

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

    def _carry_out(self, offer: Offer) -> None:
        if carry_out(offer, self.session):
            return
        if offer.kind == LOAD_CAMERAS:
            self.load_cameras()
        elif offer.kind == CHOOSE_FOOTAGE:
            self.setup.cameras.browse(str(offer.values[0]))

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
        free = not running or self.session.solving.away  # another scene may be prepared meanwhile
        for page in (self.start, self.setup, self.controls):
            page.setEnabled(free)

    def _settings_changed(self) -> None:
        if not self.session.checked:
            self._check_later.start()


def _scrolling(page: QtWidgets.QWidget) -> QtWidgets.QScrollArea:
    area = QtWidgets.QScrollArea()
    area.setWidgetResizable(True)
    area.setFrameShape(QtWidgets.QFrame.Shape.NoFrame)
    area.setWidget(page)
    return area
