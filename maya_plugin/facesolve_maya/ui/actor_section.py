"""The set-up page's section that brings the rig to the actor. Knows the session and Qt, nothing of maya."""

from __future__ import annotations

from .bulletin import PROGRESS, SETTINGS, STATE
from .qt import QtWidgets
from .section import Section
from .session import Session
from .style import quiet_label, set_hint


class ActorSection(Section):
    """A file of identity modes, a button, and what was found to be used or left."""

    def __init__(self, session: Session) -> None:
        super().__init__("From a generic rig", expanded=False)
        self._session = session
        self.identity = QtWidgets.QLineEdit()
        set_hint(self.identity, "none; a smooth offset alone")
        self.identity.setToolTip("What people's heads differ by: an .npz of modes on this rig's own mesh.")
        self.identity.editingFinished.connect(lambda: session.change(identity=self.identity.text().strip()))
        choose = QtWidgets.QPushButton("Choose…")
        choose.clicked.connect(self._choose)
        self.bring = QtWidgets.QPushButton("Bring the rig to the actor")
        self.bring.setToolTip(
            "Finds how the actor's neutral differs from this rig, from the footage of the frames above."
        )
        self.bring.clicked.connect(lambda: session.personalize())
        self.words = quiet_label()
        self.words.setWordWrap(True)
        self.use = QtWidgets.QPushButton("Use it")
        self.use.setObjectName("facesolvePrimary")
        self.use.setToolTip("Puts the profile into the row Actor; the next solve begins with it.")
        self.use.clicked.connect(lambda: session.take_actor())
        self.leave = QtWidgets.QPushButton("Leave the rig")
        self.leave.clicked.connect(lambda: session.personalizing.turn_down())
        for widgets in (
            (QtWidgets.QLabel("Identity modes"), self.identity, choose),
            (self.bring,),
            (self.words,),
            (self.use, self.leave),
        ):
            row = QtWidgets.QHBoxLayout()
            for widget in widgets:
                row.addWidget(widget, 1 if widget in (self.identity, self.words) else 0)
            if self.words not in widgets:
                row.addStretch(0 if self.identity in widgets else 1)
            self.body.addLayout(row)
        for topic in (SETTINGS, STATE, PROGRESS):
            session.listen(topic, self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Shows how far it is."""
        session, part = self._session, self._session.personalizing
        if not self.identity.hasFocus():
            self.identity.setText(session.settings.identity)
        self.bring.setVisible(part.found is None)
        self.bring.setEnabled(bool(session.heads and session.used_cameras()) and not part.busy)
        self.words.setText(part.words)
        self.words.setVisible(bool(part.words))
        self.use.setVisible(part.found is not None)
        self.leave.setVisible(part.found is not None or part.busy)
        self.leave.setText("Leave the rig" if part.found is not None else "Stop")

    def _choose(self) -> None:
        path, _ = QtWidgets.QFileDialog.getOpenFileName(self, "Identity modes", self.identity.text(), "Modes (*.npz)")
        if path:
            self._session.change(identity=path)
