"""The solver's environment: found, tested, what is missing; and its preferences. Knows the session and Qt only."""

from __future__ import annotations

from dataclasses import replace
from typing import Optional, Tuple

from facesolve.take.device_names import DEVICES
from facesolve.take.errors import FacesolveError
from facesolve.take.finding import ERROR
from facesolve_maya.run import EnvironmentReport, find_interpreter

from .qt import Qt, QtGui, QtWidgets, both, text_flags
from .session import ENVIRONMENT, Session
from .style import BAD, CAUTION, GOOD, QUIET, dot, quiet_label, scaled, severity_icon


class EnvironmentBar(QtWidgets.QWidget):
    """One line of status with Test and Preferences; what is missing unfolds below."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._mark = QtWidgets.QLabel()
        self._text = _ElidedLabel()
        self.test_button = QtWidgets.QPushButton("Test")
        self.test_button.setToolTip("Starts the solver's Python and reports what it can use.")
        self.test_button.clicked.connect(session.test_environment)
        self._options = QtWidgets.QPushButton("Set up…")
        self._options.clicked.connect(self._edit)
        self.details = QtWidgets.QListWidget()
        self.details.setWordWrap(True)
        self.details.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._toggle = QtWidgets.QToolButton()
        self._toggle.setAutoRaise(True)
        self._toggle.setCheckable(True)
        self._toggle.setArrowType(Qt.ArrowType.DownArrow)
        self._toggle.setToolTip("What the solver found, and what to do about what is missing.")
        self._toggle.toggled.connect(self._unfold)
        line = QtWidgets.QHBoxLayout()
        line.setSpacing(4)
        line.addWidget(self._mark)
        line.addWidget(self._text, 1)
        line.addWidget(self._toggle)
        line.addWidget(self.test_button)
        line.addWidget(self._options)
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(line)
        layout.addWidget(self.details)
        session.listen(ENVIRONMENT, self.refresh)
        self.refresh()

    @property
    def text(self) -> str:
        """The status as it is shown."""
        return self._text.text()

    def refresh(self) -> None:
        """Shows the session's present knowledge."""
        color, text = self._status()
        self._mark.setPixmap(dot(color).pixmap(16, 16))
        self._text.setText(text.splitlines()[0])
        self._text.setToolTip(text)
        self.test_button.setEnabled(not self._session.testing)
        self._show_details(self._session.report, text if color == BAD else "")

    def _status(self) -> Tuple[str, str]:
        session = self._session
        if session.testing:
            return CAUTION, "Testing the solver's Python…"
        if session.report is not None:
            return (GOOD if session.report.ready else BAD), session.report.text
        if session.preferences.in_process:
            return QUIET, "Solves inside Maya"
        try:
            found = find_interpreter(session.preferences.python)
        except FacesolveError as error:
            return BAD, str(error)
        return QUIET, "Not tested yet: {} ({})".format(found.path, found.source)

    def _show_details(self, report: Optional[EnvironmentReport], problem: str) -> None:
        self.details.clear()
        wanting = [] if report is None else [found for found in report.findings if found.remedy]
        for finding in wanting:
            self.details.addItem(QtWidgets.QListWidgetItem(severity_icon(finding.severity), finding.text))
        if problem and not wanting:
            self.details.addItem(QtWidgets.QListWidgetItem(severity_icon(ERROR), problem))
        self._toggle.setVisible(self.details.count() > 0)
        self._toggle.setChecked(bool(problem))
        self._unfold(bool(problem))

    def _unfold(self, open_it: bool) -> None:
        lines = sum(2 + len(self.details.item(row).text()) // 60 for row in range(self.details.count()))
        self.details.setFixedHeight(min(lines * self.fontMetrics().height(), scaled(120, self)))
        self.details.setVisible(open_it and self.details.count() > 0)

    def _edit(self) -> None:
        dialog = PreferencesDialog(self._session, self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()


class _ElidedLabel(QtWidgets.QLabel):
    """One line that takes what width there is; what does not fit is left out at the end."""

    def __init__(self) -> None:
        super().__init__()
        self.setSizePolicy(QtWidgets.QSizePolicy.Policy.Ignored, QtWidgets.QSizePolicy.Policy.Preferred)

    def paintEvent(self, event: QtGui.QPaintEvent) -> None:
        """Qt's hook."""
        painter = QtGui.QPainter(self)
        text = self.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideRight, self.width())
        painter.setPen(self.palette().color(self.foregroundRole()))
        painter.drawText(self.rect(), text_flags(Qt.AlignmentFlag.AlignVCenter, Qt.AlignmentFlag.AlignLeft), text)


class PreferencesDialog(QtWidgets.QDialog):
    """The solver's Python and device: things of this machine, kept in Maya's preferences."""

    def __init__(self, session: Session, parent: QtWidgets.QWidget) -> None:
        super().__init__(parent)
        self._session = session
        self.setWindowTitle("Facesolve: solver set-up")
        preferences = session.preferences
        self.python = QtWidgets.QLineEdit(preferences.python)
        self.python.setPlaceholderText("found by FACESOLVE_PYTHON or beside the module")
        browse = QtWidgets.QPushButton("Browse…")
        browse.clicked.connect(self._browse)
        self.device = QtWidgets.QComboBox()
        self.device.addItems(list(DEVICES))
        self.device.setCurrentText(preferences.device)
        self.in_process = QtWidgets.QCheckBox("Solve inside Maya (needs torch in Maya's Python; Maya responds slowly)")
        self.in_process.setChecked(preferences.in_process)
        path = QtWidgets.QHBoxLayout()
        path.addWidget(self.python, 1)
        path.addWidget(browse)
        form = QtWidgets.QFormLayout()
        form.addRow("Solver Python", path)
        form.addRow("Device", self.device)
        form.addRow("", self.in_process)
        buttons = QtWidgets.QDialogButtonBox(
            both(QtWidgets.QDialogButtonBox.StandardButton.Ok, QtWidgets.QDialogButtonBox.StandardButton.Cancel)
        )
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        layout = QtWidgets.QVBoxLayout(self)
        layout.addLayout(form)
        layout.addWidget(quiet_label("Python 3.10 or later with Facesolve's requirements: an executable or a folder."))
        layout.addWidget(buttons)
        self.resize(scaled(460, self), self.sizeHint().height())

    def accept(self) -> None:
        """Qt's hook: stores the preferences."""
        changed = replace(
            self._session.preferences,
            python=self.python.text().strip(),
            device=self.device.currentText(),
            in_process=self.in_process.isChecked(),
        )
        self._session.set_preferences(changed)
        super().accept()

    def _browse(self) -> None:
        dialog = QtWidgets.QFileDialog(self, "Python of the solver")
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(self.python.setText)
        dialog.open()
