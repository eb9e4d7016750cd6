"""The page of settings: head, cameras, frames, output. Knows the session and Qt, nothing of maya."""

from __future__ import annotations

from typing import List, Mapping, Sequence, Tuple

from facesolve.take.settings import HEAD_MODES, QUALITIES
from facesolve_maya.scene.choices import EVERYWHERE, SELECTED

from .actor_section import ActorSection
from .bulletin import SCENE, SETTINGS
from .cameras_table import CamerasTable
from .qt import QtWidgets, Signal
from .section import Section
from .session import Session
from .style import scaled, set_hint

_QUALITY_TEXTS = {"draft": "Draft: half resolution", "standard": "Standard", "final": "Final: every pixel"}
_HEAD_TEXTS = {"transform": "Solve, key on the transform", "fixed": "Keep as posed at the first frame"}
_FRAME_LIMIT = 1000000


class SetupPage(QtWidgets.QWidget):
    """Reads the session's settings and writes each change back to it.

    Emits ``cameras_wanted`` when cameras are to be loaded from a calibration file.
    """

    cameras_wanted = Signal()

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._filling = False
        self._forms: List[QtWidgets.QFormLayout] = []
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addWidget(self._rig_section())
        layout.addWidget(self._cameras_section())
        layout.addWidget(self._solve_section())
        self.actor_section = ActorSection(session)
        layout.addWidget(self.actor_section)
        layout.addWidget(self._advanced_section())
        layout.addStretch(1)
        self._align()
        session.listen(SCENE, self.refresh_scene)
        session.listen(SETTINGS, self.refresh_settings)

    def _rig_section(self) -> Section:
        section = Section("Rig")
        self.head = _combo()
        self.head.setToolTip("The mesh whose blendShape targets are solved.")
        self.head.activated.connect(lambda _: self._put(mesh=self.head.currentData() or ""))
        self.pick = QtWidgets.QPushButton("Selected")
        self.pick.setToolTip("Takes the selected mesh.")
        self.pick.clicked.connect(self._session.use_selected_mesh)
        self.head_transform = _combo()
        self.head_transform.setToolTip("The transform that gets the head's motion.")
        self.head_transform.activated.connect(lambda _: self._put(head_transform=self.head_transform.currentText()))
        self.head_mode = _choices(HEAD_MODES, _HEAD_TEXTS)
        self.head_mode.activated.connect(lambda _: self._put(head_mode=self.head_mode.currentData()))
        self.rig_source = QtWidgets.QLabel()
        form = self._form(section)
        form.addRow("Head", _row(self.head, self.pick))
        form.addRow("Transform", self.head_transform)
        form.addRow("Head motion", self.head_mode)
        form.addRow("Controls", _row(self.rig_source, self._sampling_menu()))
        return section

    def _sampling_menu(self) -> QtWidgets.QPushButton:
        button = QtWidgets.QPushButton("Sample")
        button.setToolTip("For rigs that cannot be read: moves each control, records the mesh, puts everything back.")
        self.sampling_menu = QtWidgets.QMenu(button)
        self.sampling_menu.aboutToShow.connect(self.fill_sampling_menu)
        button.setMenu(self.sampling_menu)
        return button

    def fill_sampling_menu(self) -> None:
        """Where controls to sample may come from, as the scene stands."""
        menu, sampling = self.sampling_menu, self._session.sampling
        menu.clear()
        menu.addAction("Selected controls").triggered.connect(lambda *_: sampling.sample(SELECTED))
        for name in sampling.sets():
            menu.addAction("Controls in {}".format(name)).triggered.connect(lambda *_, n=name: sampling.sample(n))
        menu.addAction("All keyable controls").triggered.connect(lambda *_: sampling.sample(EVERYWHERE))
        menu.addSeparator()
        read = menu.addAction("Read the rig instead")
        read.setEnabled(bool(self._session.settings.sampled))
        read.triggered.connect(lambda *_: sampling.read())

    def _cameras_section(self) -> Section:
        self._cameras_title = Section("Cameras")
        self.cameras = CamerasTable()
        self.cameras.used.connect(lambda name, used: self._session.put(self._session.settings.with_camera(name, used)))
        self.cameras.footage_chosen.connect(
            lambda name, path: self._session.put(self._session.settings.with_footage(name, path))
        )
        self.load_cameras = QtWidgets.QPushButton("Load cameras…")
        self.load_cameras.setToolTip("Makes cameras with image planes from a calibration file.")
        self.load_cameras.clicked.connect(lambda: self.cameras_wanted.emit())
        self._cameras_title.body.addWidget(self.cameras)
        self._cameras_title.body.addWidget(self.load_cameras)
        return self._cameras_title

    def _solve_section(self) -> Section:
        section = Section("Solve")
        self.first, self.last = _frame_box(), _frame_box()
        self.first.valueChanged.connect(lambda value: self._put(first=value))
        self.last.valueChanged.connect(lambda value: self._put(last=value))
        self.ranges = QtWidgets.QPushButton("Timeline")
        self.ranges.setToolTip("Takes the playback range, what is selected in the time slider, or a shot's frames.")
        menu = QtWidgets.QMenu(self.ranges)
        menu.aboutToShow.connect(lambda: self._offer_ranges(menu))
        self.ranges.setMenu(menu)
        self.handles = QtWidgets.QSpinBox()
        self.handles.setRange(0, 1000)
        self.handles.setKeyboardTracking(False)
        self.handles.setToolTip("Frames that are solved and keyed on both sides of the range as well.")
        self.handles.valueChanged.connect(lambda value: self._put(handles=value))
        self.excluded = QtWidgets.QLineEdit()
        self.excluded.setToolTip("Frames of the range that are not solved.")
        set_hint(self.excluded, "like 1010-1015, 1033")
        self.excluded.editingFinished.connect(lambda: self._put(excluded=self.excluded.text().strip()))
        self.quality = _choices(QUALITIES, _QUALITY_TEXTS)
        self.quality.activated.connect(lambda _: self._put(quality=self.quality.currentData()))
        self.actor = QtWidgets.QLineEdit()
        set_hint(self.actor, "found by the solve")
        self.actor.setToolTip("Profile of the actor: actor.npz that an earlier solve has written beside its solution.")
        self.actor.editingFinished.connect(lambda: self._put(actor=self.actor.text().strip()))
        self.choose_actor = QtWidgets.QPushButton("Choose…")
        self.choose_actor.clicked.connect(self._choose_actor)
        self.neutral = QtWidgets.QLineEdit()
        set_hint(self.neutral, "like 1012, 1013")
        self.neutral.setToolTip("Frames in which the face is at rest: all controls at their default.")
        self.neutral.editingFinished.connect(lambda: self._put(neutral=self.neutral.text().strip()))
        self.this_is_neutral = QtWidgets.QPushButton("This frame is neutral")
        self.this_is_neutral.clicked.connect(
            lambda: self._session.put(self._session.settings.with_neutral(round(self._session.scene.current_time())))
        )
        self.layer = QtWidgets.QLineEdit()
        self.layer.setToolTip("The override layer that gets the keys; a new one where nothing is entered.")
        set_hint(self.layer, "named after the take")
        self.layer.editingFinished.connect(lambda: self._put(layer=self.layer.text().strip()))
        self.apply_when_done = QtWidgets.QCheckBox("Apply when done")
        self.apply_when_done.setToolTip("Keys the result when the solve ends well. One undo takes it back.")
        self.apply_when_done.toggled.connect(lambda on: self._put(apply_when_done=on))
        form = self._form(section)
        form.addRow("Frames", _row(self.first, QtWidgets.QLabel("to"), self.last, self.ranges, stretch=(0, 2)))
        form.addRow("Leave out", _row(self.excluded, QtWidgets.QLabel("Handles"), self.handles, stretch=(0,)))
        form.addRow("Quality", _row(self.quality))
        form.addRow("Actor", _row(self.actor, self.choose_actor))
        form.addRow("Neutral frames", _row(self.neutral, self.this_is_neutral))
        form.addRow("Output layer", _row(self.layer, self.apply_when_done))
        return section

    def _advanced_section(self) -> Section:
        self.advanced = Section("Priors and footage", expanded=False)
        form = self._form(self.advanced)
        self.strengths = {}
        for name, tip in (
            ("smoothness", "How strongly jitter over time is suppressed."),
            ("stiffness", "How strongly controls are held at their default where the footage says nothing."),
            ("sparsity", "How strongly few active controls are preferred."),
            ("contour", "Weight of the silhouette against the background."),
            ("calibration_error", "Pixels that the cameras' calibration may be off by; the solve finds how far it is."),
            ("anchor", "How much a well posed start frame holds against what slides in all frames."),
        ):
            box = QtWidgets.QDoubleSpinBox()
            box.setRange(0.0, 1000.0)
            box.setSingleStep(0.1)
            box.setToolTip(tip + " 0 turns it off.")
            box.valueChanged.connect(lambda value, n=name: self._put(**{n: value}))
            self.strengths[name] = box
        names = list(self.strengths)
        for left, right in (names[:2], names[2:4]):
            label = QtWidgets.QLabel(right.capitalize())
            form.addRow(left.capitalize(), _row(self.strengths[left], label, self.strengths[right], stretch=(0, 2)))
        both = (self.strengths["calibration_error"], QtWidgets.QLabel("Start frame"), self.strengths["anchor"])
        form.addRow("Calibration", _row(*both, stretch=(0, 2)))
        self.bad_frames = _choices(("stop", "unseen"), {"stop": "Stop and report it", "unseen": "Solve without it"})
        self.bad_frames.activated.connect(lambda _: self._put(on_bad_frame=self.bad_frames.currentData()))
        form.addRow("Bad image", self.bad_frames)
        self.take_folder = QtWidgets.QLineEdit()
        set_hint(self.take_folder, "in the project's data folder")
        self.take_folder.editingFinished.connect(lambda: self._put(take_folder=self.take_folder.text().strip()))
        form.addRow("Take folder", self.take_folder)
        self.namespace = QtWidgets.QLineEdit()
        set_hint(self.namespace, "found by itself")
        self.namespace.setToolTip(
            "Namespace of the rig that gets the keys, where the scene has several; a colon for a rig without one."
        )
        self.namespace.editingFinished.connect(lambda: self._put(namespace=self.namespace.text().strip()))
        form.addRow("Namespace", self.namespace)
        return self.advanced

    def refresh_scene(self) -> None:
        """Shows the heads and cameras of the scene."""
        session, self._filling = self._session, True
        self.head.clear()
        for head in session.heads:
            self.head.addItem("{}   ({})".format(head.mesh, ", ".join(head.blend_shapes)), head.mesh)
        if not session.heads:
            self.head.addItem("no mesh with a blendShape in this scene", "")
        self.head.setEnabled(bool(session.heads))
        self.cameras.show_cameras(session.cameras, session.settings.skipped_cameras)
        self._filling = False
        self.refresh_settings()

    def refresh_settings(self) -> None:
        """Shows the session's settings."""
        settings, self._filling = self._session.settings, True
        self.head.setCurrentIndex(max(self.head.findData(settings.mesh), 0))
        head = next((head for head in self._session.heads if head.mesh == settings.mesh), None)
        self.head_transform.clear()
        self.head_transform.addItems(list(head.transforms) if head is not None else [])
        self.head_transform.setCurrentText(settings.head_transform)
        self.rig_source.setText("{} sampled".format(len(settings.sampled)) if settings.sampled else "read from the rig")
        for box, value in ((self.head_mode, settings.head_mode), (self.quality, settings.quality)):
            box.setCurrentIndex(box.findData(value))
        self.bad_frames.setCurrentIndex(self.bad_frames.findData(settings.on_bad_frame))
        self.first.setValue(settings.first)
        self.handles.setValue(settings.handles)
        self.last.setValue(settings.last)
        for line, text in (
            (self.excluded, settings.excluded),
            (self.actor, settings.actor),
            (self.neutral, settings.neutral),
            (self.layer, settings.layer),
            (self.take_folder, settings.take_folder),
            (self.namespace, settings.namespace),
        ):
            line.setText(text)
        self.apply_when_done.setChecked(settings.apply_when_done)
        for name, strength in self.strengths.items():
            strength.setValue(getattr(settings, name))
        used = len(self._session.used_cameras())
        self._cameras_title.set_title("Cameras   {} of {} used".format(used, len(self._session.cameras)))
        self._filling = False

    def _form(self, section: Section) -> QtWidgets.QFormLayout:
        form = QtWidgets.QFormLayout()
        form.setContentsMargins(0, 0, 0, 0)
        form.setHorizontalSpacing(8)
        form.setVerticalSpacing(4)
        form.setFieldGrowthPolicy(QtWidgets.QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        section.body.addLayout(form)
        self._forms.append(form)
        return form

    def _align(self) -> None:
        """The fields of all sections begin at the same place."""
        role = QtWidgets.QFormLayout.ItemRole.LabelRole
        items = [form.itemAt(row, role) for form in self._forms for row in range(form.rowCount())]
        labels = [label for label in (item.widget() for item in items if item is not None) if label is not None]
        widest = max(label.sizeHint().width() for label in labels)
        for label in labels:
            label.setMinimumWidth(widest)

    def _put(self, **values: object) -> None:
        if not self._filling:
            self._session.change(**values)

    def _choose_actor(self) -> None:
        path, _ = QtWidgets.QFileDialog.getOpenFileName(self, "Actor's profile", self.actor.text(), "Profiles (*.npz)")
        if path:
            self._session.change(actor=path)

    def _offer_ranges(self, menu: QtWidgets.QMenu) -> None:
        scene = self._session.scene
        selected = scene.selected_range()
        offers = [("Playback range", *scene.playback_range())]
        offers += [("Selected in the time slider", *selected)] if selected is not None else []
        menu.clear()
        for name, first, last in (*offers, *scene.shots()):
            action = menu.addAction("{}   {}-{}".format(name, first, last))
            action.triggered.connect(lambda *_, span=(first, last): self._session.change(first=span[0], last=span[1]))


def _row(*widgets: QtWidgets.QWidget, stretch: Tuple[int, ...] = (0,)) -> QtWidgets.QHBoxLayout:
    row = QtWidgets.QHBoxLayout()
    row.setSpacing(4)
    for index, widget in enumerate(widgets):
        row.addWidget(widget, 1 if index in stretch else 0)
    return row


def _choices(values: Sequence[str], texts: Mapping[str, str]) -> QtWidgets.QComboBox:
    box = _combo()
    for value in values:
        box.addItem(texts.get(value, value), value)
    return box


def _combo() -> QtWidgets.QComboBox:
    """A list that may be narrower than its longest entry: the panel is docked in a narrow column."""
    box = QtWidgets.QComboBox()
    box.setSizeAdjustPolicy(QtWidgets.QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    box.setMinimumContentsLength(8)
    return box


def _frame_box() -> QtWidgets.QSpinBox:
    box = QtWidgets.QSpinBox()
    box.setMinimumWidth(scaled(62, box))
    box.setRange(-_FRAME_LIMIT, _FRAME_LIMIT)
    box.setKeyboardTracking(False)
    return box
