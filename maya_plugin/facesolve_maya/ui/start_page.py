"""The first page: three steps to a solve, each with one button, and what the check says. Knows the session, Qt."""

from __future__ import annotations

from typing import Callable, Tuple

from facesolve.take.errors import FacesolveError
from facesolve.take.finding import ERROR

from .bulletin import ENVIRONMENT, FINDINGS, PROGRESS, SCENE, SETTINGS, STATE
from .checks import Checks
from .picture_view import PictureView
from .qt import QtWidgets, Signal
from .session import Session
from .stage_menu import StageMenu
from .style import quiet_label, scaled, set_state

GOOD, OPEN, CAUTION, BAD = "good", "open", "caution", "bad"
NEAREST, FARTHEST = 15.0, 1000.0  # centimeters from a camera to a face that it films


class StepCard(QtWidgets.QFrame):
    """A step: what it is, how it stands, and the buttons that bring it on."""

    def __init__(self, title: str) -> None:
        super().__init__()
        self.setObjectName("facesolveCard")
        self.title = QtWidgets.QLabel(title)
        self.title.setObjectName("facesolveStep")
        self.words = quiet_label()
        self.buttons = QtWidgets.QHBoxLayout()
        self.buttons.setSpacing(4)
        self.body = QtWidgets.QVBoxLayout(self)
        self.body.setContentsMargins(10, 7, 8, 8)
        self.body.setSpacing(4)
        self.body.addWidget(self.title)
        self.body.addWidget(self.words)
        self.body.addLayout(self.buttons)

    def add_button(self, text: str, tip: str, work: Callable[[], object]) -> QtWidgets.QPushButton:
        """A button below the words."""
        button = QtWidgets.QPushButton(text)
        button.setToolTip(tip)
        button.clicked.connect(lambda: work())
        self.buttons.addWidget(button)
        return button

    def show_state(self, state: str, words: str) -> None:
        """How the step stands: one of GOOD, OPEN, CAUTION, BAD, and a sentence."""
        set_state(self, "state", state)
        self.words.setText(words)


class StartPage(QtWidgets.QWidget):
    """Emits ``cameras_wanted`` when cameras are to be loaded from a calibration file."""

    cameras_wanted = Signal()

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self.solver, self.cameras, self.head = StepCard("1  Solver"), StepCard("2  Cameras"), StepCard("3  Head")
        self.install = self.solver.add_button(
            "Install the solver", "Downloads what the solver needs, once for this computer.", session.installing.begin
        )
        self.test = self.solver.add_button("Test", "Starts the solver once and says what it can use.", self._test)
        self.load = self.cameras.add_button(
            "Load cameras…", "Makes cameras with image planes from a calibration file.", self.cameras_wanted.emit
        )
        self.stage = StageMenu(session)
        self.cameras.buttons.addWidget(self.stage)
        self.find_button = self.head.add_button(
            "Find the head", "Looks for the head in the first frame and shows what it found.", session.find_head
        )
        self.pick = self.head.add_button(
            "Use selected mesh", "Takes the selected mesh as the head.", session.use_selected_mesh
        )
        self.picture = PictureView()
        self.picture.setMinimumHeight(scaled(220, self))
        self.picture.setToolTip("Each camera's image, and next to it the mesh over it. The wheel zooms, a drag moves.")
        self.head.body.addWidget(self.picture)
        self.answer = QtWidgets.QHBoxLayout()
        self.use = QtWidgets.QPushButton("Use this pose")
        self.use.setObjectName("facesolvePrimary")
        self.use.setToolTip("Poses head and controls like this at the first frame. One undo takes it back.")
        self.use.clicked.connect(lambda: session.take_head())
        self.leave = QtWidgets.QPushButton("Leave as it was")
        self.leave.clicked.connect(lambda: session.head_search.turn_down())
        self.answer.addWidget(self.use)
        self.answer.addWidget(self.leave)
        self.head.body.addLayout(self.answer)
        self.checks = Checks(session)
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(6, 6, 6, 6)
        layout.setSpacing(6)
        for card in (self.solver, self.cameras, self.head):
            layout.addWidget(card)
        layout.addWidget(self.checks, 1)
        for topic in (ENVIRONMENT, SCENE, SETTINGS, STATE, FINDINGS, PROGRESS):
            session.listen(topic, self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Shows how far the three steps are."""
        session = self._session
        state, words = self._solver_state()
        self.solver.show_state(state, words)
        self.install.setVisible(state == BAD and not session.installing.busy)
        self.test.setVisible(state != BAD and session.python.report is None)
        self.test.setEnabled(not session.python.busy)
        self.cameras.show_state(*self._cameras_state())
        self.load.setVisible(not session.used_cameras())
        self.stage.refresh()
        self.head.show_state(*self._head_state())
        self._refresh_head()

    def _refresh_head(self) -> None:
        search, able = self._session.head_search, bool(self._session.heads and self._session.used_cameras())
        asking = search.found is not None
        for button in (self.use, self.leave):
            button.setVisible(asking)
        self.picture.setVisible(asking)
        self.find_button.setVisible(not asking)
        self.find_button.setEnabled(able and not search.busy)
        self.find_button.setText("Looking…" if search.busy else "Find the head")
        self.pick.setVisible(not asking and len(self._session.heads) > 1)
        if search.found is not None:
            path = str(search.found.picture)
            self.picture.show_shots([(0, "", {"footage": path, "edges": path})], "")
        else:
            self.picture.forget()

    def _solver_state(self) -> Tuple[str, str]:
        session = self._session
        if session.installing.busy:
            return CAUTION, session.installing.words
        if session.python.busy:
            return CAUTION, "Testing the solver…"
        if session.python.report is not None:
            return (
                (GOOD, "Ready.")
                if session.python.report.ready
                else (BAD, "The solver does not run here: see Details in the menu.")
            )
        if session.python.preferences.in_process:
            return GOOD, "Solves inside Maya."
        try:
            session.python.interpreter()
        except FacesolveError:
            return BAD, "The solver is not installed yet. It takes a few minutes and is done once."
        return OPEN, "Installed. Test it if this is the first time."

    def _cameras_state(self) -> Tuple[str, str]:
        used, all_of_them = len(self._session.used_cameras()), len(self._session.cameras)
        if not all_of_them:
            return BAD, "This scene has no cameras with footage. Load them from the stage's calibration file."
        if not used:
            return BAD, "None of the {} cameras has footage. Choose it in Set-up.".format(all_of_them)
        words = "{} of {} cameras are used".format(used, all_of_them)
        stage = self._session.stage
        if stage is not None and stage.distance is not None:
            words += ", {:.0f} cm from what they look at".format(stage.distance)
            if not NEAREST <= stage.distance <= FARTHEST:
                return CAUTION, words + ". Is the calibration in another unit? 'Stage' has it."
        return (GOOD, words + ".") if used > 1 else (CAUTION, words + ". Two or more make a solve far surer.")

    def _head_state(self) -> Tuple[str, str]:
        session = self._session
        if not session.heads:
            return BAD, "No mesh with a blendShape is in this scene. Reference or import the character's rig."
        if session.head_search.found is not None:
            return CAUTION, "Is this where the head is in the first frame? " + session.head_search.found.summary
        errors = any(finding.severity == ERROR for finding in session.findings)
        words = "'{}' is solved, posed by '{}'. Is it not on the actor at the first frame? Then find it.".format(
            session.settings.mesh, session.settings.head_transform
        )
        return (BAD if errors and not session.controls else GOOD), words

    def _test(self) -> None:
        self._session.python.test()
