"""Details of the solver for who sets up computers: where it is, what it can use, what failed. Knows the session, Qt."""

from __future__ import annotations

from dataclasses import replace

from facesolve.take.device_names import DEVICES
from facesolve.take.errors import FacesolveError
from facesolve_maya.run import module_root

from .bulletin import ENVIRONMENT
from .qt import Qt, QtWidgets, both
from .session import Session
from .style import quiet_label, scaled, set_hint, severity_icon


class SolverDialog(QtWidgets.QDialog):
    """The only place of the panel that shows paths. Preferences are stored with OK, in Maya's preferences."""

    def __init__(self, session: Session, parent: QtWidgets.QWidget) -> None:
        super().__init__(parent)
        self._session = session
        self.setWindowTitle("Facesolve: details of the solver")
        preferences = session.python.preferences
        self.state = QtWidgets.QLabel()
        self.state.setWordWrap(True)
        self.state.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.test = QtWidgets.QPushButton("Test")
        self.test.setToolTip("Starts the solver's Python and reports what it can use.")
        self.test.clicked.connect(session.python.test)
        self.repair = QtWidgets.QPushButton("Install again")
        self.repair.setToolTip("Completes or repairs the solver's own Python environment.")
        self.repair.clicked.connect(session.installing.begin)
        self.details = QtWidgets.QListWidget()
        self.details.setWordWrap(True)
        self.details.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.python = QtWidgets.QLineEdit(preferences.python)
        set_hint(self.python, "found by FACESOLVE_PYTHON or beside the module")
        browse = QtWidgets.QPushButton("Browse…")
        browse.clicked.connect(self._browse)
        self.device = QtWidgets.QComboBox()
        self.device.addItems(list(DEVICES))
        self.device.setCurrentText(preferences.device)
        self.in_process = QtWidgets.QCheckBox("Solve inside Maya (needs torch in Maya's Python; Maya responds slowly)")
        self.in_process.setChecked(preferences.in_process)
        self._lay_out(browse)
        session.listen(ENVIRONMENT, self.refresh)
        self.refresh()
        self.resize(scaled(520, self), scaled(430, self))

    def _lay_out(self, browse: QtWidgets.QPushButton) -> None:
        path = QtWidgets.QHBoxLayout()
        path.addWidget(self.python, 1)
        path.addWidget(browse)
        form = QtWidgets.QFormLayout()
        form.addRow("Solver Python", path)
        form.addRow("", quiet_label("Python 3.10 or later with Facesolve's requirements: an executable or a folder."))
        form.addRow("Device", self.device)
        form.addRow("", self.in_process)
        buttons = QtWidgets.QDialogButtonBox(
            both(QtWidgets.QDialogButtonBox.StandardButton.Ok, QtWidgets.QDialogButtonBox.StandardButton.Cancel)
        )
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        line = QtWidgets.QHBoxLayout()
        line.addWidget(self.state, 1)
        line.addWidget(self.test)
        line.addWidget(self.repair)
        layout = QtWidgets.QVBoxLayout(self)
        layout.addLayout(line)
        layout.addWidget(self.details, 1)
        layout.addLayout(form)
        layout.addWidget(buttons)

    def refresh(self) -> None:
        """Shows what is known of the solver."""
        session = self._session
        self.state.setText(self._state())
        self.test.setEnabled(not session.python.busy)
        self.repair.setEnabled(not session.installing.busy)
        self.details.clear()
        report = session.python.report
        for finding in () if report is None else report.findings:
            self.details.addItem(QtWidgets.QListWidgetItem(severity_icon(finding.severity), finding.text))
        for line in session.installing.log:
            self.details.addItem(line)
        self.details.addItem("Module: {}".format(module_root()))

    def _state(self) -> str:
        session = self._session
        if session.installing.busy:
            return session.installing.words
        if session.python.busy:
            return "Testing the solver's Python…"
        if session.python.report is not None:
            return session.python.report.text
        if session.python.preferences.in_process:
            return "Solves inside Maya."
        try:
            found = session.python.interpreter()
        except FacesolveError as error:
            return str(error)
        return "Not tested yet: {} ({})".format(found.path, found.source)

    def accept(self) -> None:
        """Qt's hook: stores the preferences."""
        self._session.python.set_preferences(
            replace(
                self._session.python.preferences,
                python=self.python.text().strip(),
                device=self.device.currentText(),
                in_process=self.in_process.isChecked(),
            )
        )
        super().accept()

    def _browse(self) -> None:
        dialog = QtWidgets.QFileDialog(self, "Python of the solver")
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(self.python.setText)
        dialog.open()
