"""What the check before a solve found, with a button that does each remedy. Knows the session and Qt only."""

from __future__ import annotations

from facesolve.take.finding import SEVERITIES

from .bulletin import FINDINGS, SCENE, SETTINGS, STATE
from .findings_list import FindingsList
from .qt import QtWidgets
from .section import Section
from .session import Session
from .style import SEVERITY_COLORS


class Checks(Section):
    """Counts by severity in the title, the findings below."""

    def __init__(self, session: Session) -> None:
        super().__init__("Checks")
        self._session = session
        self.counters = {}
        for severity in SEVERITIES:
            label = QtWidgets.QLabel()
            label.setObjectName("facesolveCounter")
            label.setStyleSheet("background: {};".format(SEVERITY_COLORS[severity]))
            self.title_row.addWidget(label)
            self.counters[severity] = label
        self.findings = FindingsList()
        self.findings.node_chosen.connect(session.scene.select)
        self.body.addWidget(self.findings)
        self.look = QtWidgets.QPushButton("Look for mistakes")
        self.look.setToolTip(
            "Tries out what may keep the cameras from agreeing: units, axes, swapped, turned or late images, lenses. "
            "Takes up to a minute and changes nothing."
        )
        self.look.clicked.connect(lambda: session.look_for_mistakes())
        self.body.addWidget(self.look)
        self.body.addStretch(1)
        for topic in (FINDINGS, SCENE, SETTINGS, STATE):
            session.listen(topic, self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Shows what the check found."""
        findings, looking = self._session.findings, self._session.mistake_search.busy
        self.look.setText("Looking for mistakes…" if looking else "Look for mistakes")
        self.look.setEnabled(not looking and len(self._session.used_cameras()) > 1)
        self.findings.show_findings(findings)
        for severity, label in self.counters.items():
            count = sum(finding.severity == severity for finding in findings)
            label.setText(str(count))
            label.setVisible(count > 0)
