"""What the check before a solve found, with a button that does each remedy. Knows the session and Qt only."""

from __future__ import annotations

from facesolve.take.finding import SEVERITIES

from .bulletin import FINDINGS
from .findings_list import FindingsList
from .qt import QtWidgets
from .section import Section
from .session import Session
from .style import SEVERITY_COLORS, scaled


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
        self.findings.setMinimumHeight(scaled(90, self))
        self.findings.node_chosen.connect(session.scene.select)
        self.body.addWidget(self.findings)
        session.listen(FINDINGS, self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Shows what the check found."""
        findings = self._session.findings
        self.findings.show_findings(findings)
        for severity, label in self.counters.items():
            count = sum(finding.severity == severity for finding in findings)
            label.setText(str(count))
            label.setVisible(count > 0)
