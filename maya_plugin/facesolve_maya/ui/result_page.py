"""The page of the picture: live while a solve runs, then player, verdict, error of every frame, what to do with it.

Knows the session and Qt only.
"""

from __future__ import annotations

from typing import Tuple

from facesolve.take.review import APPROVED, NOTED, REJECTED
from facesolve.take.uncertainty import UncertainControl

from .browser import open_page
from .bulletin import PROGRESS, RESULT, STATE
from .error_strip import ErrorStrip
from .player import Player
from .qt import Qt, QtGui, QtWidgets, text_flags
from .results_row import ResultsRow
from .runs import spoken_time
from .section import Section
from .session import Session
from .solving import IDLE
from .style import CAUTION, QUIET, quiet_label, scaled
from .verdict_bar import VerdictBar

EXPECTED, RESIDUAL = "Expected error of each frame", "Residual of each frame"
TOLERANCES = (0.05, 0.1, 0.2, 0.5)  # millimeters that a reduction of keys may cost


class ResultPage(QtWidgets.QWidget):
    """The player takes what height there is; the rest is below it, the least needed folded."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self.verdict = VerdictBar(session)
        self.player = Player(session)
        self.results = ResultsRow(session)
        self.strip = ErrorStrip()
        self.strip.time_chosen.connect(session.scene.set_current_time)
        self.strip.span_chosen.connect(lambda first, last: self._refresh_buttons())
        self.summary = quiet_label()
        self.previous, self.next = QtWidgets.QPushButton("‹"), QtWidgets.QPushButton("›")
        self.previous.setToolTip("To the marked frame before this one (Left)")
        self.next.setToolTip("To the next marked frame (Right)")
        self.previous.clicked.connect(lambda: self.strip.jump_to_marked(-1))
        self.next.clicked.connect(lambda: self.strip.jump_to_marked(1))
        for button in (self.previous, self.next):
            button.setFixedWidth(scaled(26, self))
        self.decide = self._decisions()
        self.uncertain = _uncertain_tree()
        self.uncertain.itemDoubleClicked.connect(self._jump_to_uncertain)
        self._make_buttons()
        self._lay_out()
        session.listen(RESULT, self.refresh)
        session.listen(STATE, self._refresh_buttons)
        session.listen(PROGRESS, self._refresh_log)
        self.refresh()

    def _make_buttons(self) -> None:
        session = self._session
        self.apply_button = QtWidgets.QPushButton("Apply")
        self.apply_button.setObjectName("facesolvePrimary")
        self.apply_button.setToolTip("Keys the result on the output layer. One undo takes it back.")
        self.apply_button.clicked.connect(lambda: session.apply())
        self.edits_button = QtWidgets.QPushButton("Solve around edits")
        self.edits_button.setToolTip(
            "Solves the frames around the keys that you have changed since Apply, within seconds. Your keys are kept."
        )
        self.edits_button.clicked.connect(lambda: session.solve_around_edits())
        self.resolve_button = QtWidgets.QPushButton("Re-solve marked")
        self.resolve_button.setToolTip(
            "Solves the frames marked with Shift-drag again. Keys that you have changed since Apply are kept as pins."
        )
        self.resolve_button.clicked.connect(self._resolve)
        self.reduce_button = QtWidgets.QPushButton("Reduce keys")
        self.reduce_button.setToolTip(
            "Removes keys of the applied result; the surface moves by no more than you choose."
        )
        menu = QtWidgets.QMenu(self.reduce_button)
        for tolerance in TOLERANCES:
            action = menu.addAction("within {:g} mm".format(tolerance))
            action.triggered.connect(lambda *_, t=tolerance: session.reduce_keys(t))
        self.reduce_button.setMenu(menu)
        self.review_button = QtWidgets.QPushButton("Review…")
        self.review_button.setToolTip("Opens the report with video, curves and errors in a browser.")
        self.review_button.clicked.connect(lambda: session.review(open_page))

    def _decisions(self) -> QtWidgets.QPushButton:
        button = QtWidgets.QPushButton("Decide")
        button.setToolTip(
            "Approves, rejects or notes the frames marked with Shift-drag, else the present one.\n"
            "The report and its list of takes show the same."
        )
        menu = QtWidgets.QMenu(button)
        for text, mark in (("Approve", APPROVED), ("Reject", REJECTED)):
            menu.addAction(text).triggered.connect(lambda *_, m=mark: self._decide(m))
        menu.addAction("Note…").triggered.connect(lambda *_: self._ask_for_note())
        menu.addAction("Take back").triggered.connect(
            lambda *_: self._session.reviewing.take_back(*self._chosen_times())
        )
        button.setMenu(menu)
        return button

    def _chosen_times(self) -> Tuple[float, float]:
        now = self._session.scene.current_time()
        return self.strip.span or (now, now)

    def _decide(self, mark: str, text: str = "") -> None:
        self._session.reviewing.decide(*self._chosen_times(), mark, text)

    def _ask_for_note(self) -> None:
        dialog = QtWidgets.QInputDialog(self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setWindowTitle("Note")
        dialog.setLabelText("What is to be said about these frames?")
        dialog.textValueSelected.connect(lambda text: self._decide(NOTED, text.strip()))
        dialog.open()

    def _lay_out(self) -> None:
        self.errors = errors = Section(EXPECTED)
        line = QtWidgets.QHBoxLayout()
        line.addWidget(self.summary, 1)
        line.addWidget(self.decide)
        line.addWidget(self.previous)
        line.addWidget(self.next)
        errors.body.addWidget(self.strip)
        errors.body.addLayout(line)
        uncertain = Section("Least certain controls", expanded=False)
        uncertain.body.addWidget(self.uncertain)
        log = Section("Messages of the solver", expanded=False)
        self.log = QtWidgets.QPlainTextEdit()
        self.log.setReadOnly(True)
        self.log.setMaximumHeight(scaled(110, self))
        log.body.addWidget(self.log)
        buttons = QtWidgets.QGridLayout()
        buttons.setContentsMargins(6, 2, 6, 2)
        buttons.setSpacing(4)
        buttons.addWidget(self.apply_button, 0, 0, 1, 2)
        others = (self.edits_button, self.resolve_button, self.reduce_button, self.review_button)
        for index, button in enumerate(others):
            buttons.addWidget(button, 1 + index // 2, index % 2)
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addWidget(self.results)
        layout.addWidget(self.verdict)
        layout.addWidget(self.player, 1)
        layout.addWidget(errors)
        layout.addLayout(buttons)
        layout.addWidget(uncertain)
        layout.addWidget(log)

    def refresh(self) -> None:
        """Shows the session's result."""
        result = self._session.results.summary
        span = self.strip.span
        self.strip.show_frames(result.frames if result is not None else ())
        self.errors.set_title(self._what_bars_show())
        self.strip.mark(span)
        self.strip.show_marks(self._session.reviewing.marks())
        self.uncertain.clear()
        if result is None:
            self.summary.setText("")
        else:
            marked = len(result.suspicious)
            words = (
                "No frame stands out"
                if not marked
                else "{} of {} frames worth a look".format(marked, len(result.frames))
            )
            took = "" if result.seconds is None else ", solved in {}".format(spoken_time(result.seconds))
            unread = " " + self._session.reviewing.problem if self._session.reviewing.problem else ""
            self.summary.setText(words + took + ". Shift-drag marks frames to solve again." + unread)
            for row in result.uncertain:
                self.uncertain.addTopLevelItem(_uncertain_item(row))
        self._refresh_buttons()

    def _what_bars_show(self) -> str:
        result = self._session.results.summary
        if result is not None and result.frames and result.frames[0].expected is None:
            return RESIDUAL
        top = self.strip.top
        return EXPECTED if top is None else "{}, up to {:.2g} mm".format(EXPECTED, top)

    def show_time(self, time: float) -> None:
        """The timeline moved."""
        self.strip.show_time(time)
        self.player.show_time(time)

    def _refresh_buttons(self) -> None:
        ready = self._session.state == IDLE and self._session.results.folder is not None
        self.apply_button.setEnabled(ready)
        self.review_button.setEnabled(ready)
        self.reduce_button.setEnabled(ready)
        viewer = self._session.viewer
        self.edits_button.setEnabled(ready and viewer.can_answer and not viewer.answering)
        self.decide.setEnabled(ready)
        self.resolve_button.setEnabled(ready and self.strip.span is not None)

    def _refresh_log(self) -> None:
        run = self._session.solving.run
        text = "\n".join(run.messages) if run is not None else ""
        if text != self.log.toPlainText():
            self.log.setPlainText(text)

    def _resolve(self) -> None:
        span = self.strip.span
        if span is not None:
            self._session.solve((round(span[0]), round(span[1])))

    def _jump_to_uncertain(self, item: QtWidgets.QTreeWidgetItem, column: int) -> None:
        time: float = item.data(0, Qt.ItemDataRole.UserRole)
        self._session.scene.set_current_time(time)
        self.show_time(time)


def _uncertain_item(row: UncertainControl) -> QtWidgets.QTreeWidgetItem:
    percent = "± {:.1f} %".format(100.0 * row.std)
    confused = "{} ({:+.2f})".format(row.confused, row.correlation) if row.confused else ""
    item = QtWidgets.QTreeWidgetItem([row.name, percent, "{:g}".format(row.time), confused])
    item.setData(0, Qt.ItemDataRole.UserRole, row.time)
    item.setForeground(1, QtGui.QColor(CAUTION if row.std > 0.1 else QUIET))
    alignment = text_flags(Qt.AlignmentFlag.AlignRight, Qt.AlignmentFlag.AlignVCenter)
    item.setData(1, Qt.ItemDataRole.TextAlignmentRole, alignment)
    return item


def _uncertain_tree() -> QtWidgets.QTreeWidget:
    tree = QtWidgets.QTreeWidget()
    tree.setHeaderLabels(["Control", "Std. dev.", "Worst at", "Hard to tell from"])
    tree.headerItem().setToolTip(
        1, "One standard deviation in percent of the control's range, the median over the frames."
    )
    tree.headerItem().setToolTip(2, "Double-click a row to go there.")
    tree.setRootIsDecorated(False)
    tree.setAlternatingRowColors(True)
    tree.setUniformRowHeights(True)
    tree.setMinimumHeight(scaled(96, tree))
    header = tree.header()
    header.setStretchLastSection(True)
    for column in range(3):
        header.setSectionResizeMode(column, QtWidgets.QHeaderView.ResizeMode.ResizeToContents)
    return tree
