"""The second page: the controls tree with its filter and its count. Knows the session and Qt, nothing of maya."""

from __future__ import annotations

from pathlib import Path
from typing import List

from facesolve.take.errors import FacesolveError
from facesolve_maya.scene.choices import LOCKED, PINNED

from .bulletin import SCENE, SETTINGS
from .controls_tree import ControlsTree
from .model import ControlChoice
from .qt import Qt, QtWidgets
from .rest import resting
from .session import Session
from .setup_file import ENDING, with_setup, write_setup
from .style import quiet_label, set_hint


class ControlsPage(QtWidgets.QWidget):
    """Reads the choices from the session's settings and writes each change back."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self.filter = QtWidgets.QLineEdit()
        set_hint(self.filter, "Filter controls")
        self.filter.setClearButtonEnabled(True)
        self.tree = ControlsTree()
        self.filter.textChanged.connect(self.tree.filter)
        self.tree.chosen.connect(self._choose)
        self.count = quiet_label()
        self.save, self.load = QtWidgets.QPushButton("Save character…"), QtWidgets.QPushButton("Load character…")
        self.save.setToolTip("Keeps head, stiffness, mirrors, what is solved and the strengths of Set-up in a file.")
        self.load.setToolTip("Takes them from a file: made once for a character, used for every shot and by batch.")
        self.rest = QtWidgets.QPushButton("At rest now")
        self.rest.setToolTip(
            "Controls rest where they are at this frame, not where their attributes have their default: for boards\n"
            "whose controls sit off zero. The same again goes back to the defaults."
        )
        self.rest.clicked.connect(session.toggle_rest)
        self.save.clicked.connect(lambda: self._ask(save=True))
        self.load.clicked.connect(lambda: self._ask(save=False))
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(6, 6, 6, 4)
        layout.setSpacing(4)
        layout.addWidget(self.filter)
        layout.addWidget(self.tree, 1)
        counted = QtWidgets.QHBoxLayout()
        counted.addWidget(self.count, 1)
        counted.addWidget(self.rest)
        layout.addLayout(counted)
        line = QtWidgets.QHBoxLayout()
        line.addStretch(1)
        line.addWidget(self.load)
        line.addWidget(self.save)
        layout.addLayout(line)
        session.listen(SCENE, self.refresh_scene)
        session.listen(SETTINGS, self.refresh_settings)

    def refresh_scene(self) -> None:
        """Shows the controls of the head."""
        self.tree.show_controls(self._session.controls)
        self.tree.filter(self.filter.text())
        self.refresh_settings()

    def refresh_settings(self) -> None:
        """Shows what was decided about them."""
        choices = self._session.settings.controls
        self.tree.show_choices(choices)
        rows = self._session.controls
        solved = [row for row in rows if not row.obstacle and choices.get(row.name, ControlChoice()).active]
        parts = ["{} controls".format(len(rows)), "{} solved".format(len(solved))]
        for keys, word in ((LOCKED, "locked"), (PINNED, "with pins")):
            number = sum(row.name in choices and choices[row.name].keys == keys for row in rows)
            if number:
                parts.append("{} {}".format(number, word))
        off = resting(self._session.settings, rows)
        if off:
            parts.append("{} rest off their default".format(off))
        blocked = sum(bool(row.obstacle) for row in rows)
        if blocked:
            parts.append("{} cannot be keyed".format(blocked))
        self.count.setText("   ".join(parts))

    def save_setup(self, path: str) -> None:
        """Writes the character's set-up into a file."""
        session = self._session
        target = Path(path if path.endswith(".json") else path + ENDING)
        try:
            write_setup(target, session.settings, session.controls)
        except FacesolveError as error:
            session.refuse(str(error))
        else:
            session.tell_user("Saved the set-up in '{}'.".format(target.name))

    def load_setup(self, path: str) -> None:
        """Takes the character's set-up from a file."""
        session = self._session
        try:
            settings, strangers = with_setup(Path(path), session.settings, session.controls, session.heads)
        except FacesolveError as error:
            session.refuse(str(error))
            return
        session.put(settings)
        text = "Loaded the set-up from '{}'.".format(Path(path).name)
        session.tell_user(text + (" Not in this rig: {}.".format(", ".join(strangers)) if strangers else ""))

    def _ask(self, save: bool) -> None:
        dialog = QtWidgets.QFileDialog(self, "Character", "character.json" if save else "", "Character (*.json)")
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        modes = QtWidgets.QFileDialog
        dialog.setAcceptMode(modes.AcceptMode.AcceptSave if save else modes.AcceptMode.AcceptOpen)
        dialog.setFileMode(modes.FileMode.AnyFile if save else modes.FileMode.ExistingFile)
        dialog.fileSelected.connect(self.save_setup if save else self.load_setup)
        dialog.open()

    def _choose(self, names: List[str], choices: List[ControlChoice]) -> None:
        settings = self._session.settings
        for name, choice in zip(names, choices):
            settings = settings.with_choice(name, choice)
        self._session.put(settings)
