"""The pictures of a solve: live while it runs, afterwards a player that follows the timeline. Knows the session, Qt."""

from __future__ import annotations

from pathlib import Path
from typing import List, Optional, Tuple

from facesolve.take.frame_pictures import LAYERS
from facesolve.take.retime import timeline

from .bulletin import PICTURE, PROGRESS, RESULT, STATE
from .picture_view import BLEND, MESH, MODES, WIPE, PictureView, Shot
from .qt import Qt, QtCore, QtGui, QtWidgets
from .session import Session
from .solving import IDLE
from .style import scaled
from .viewer import Viewer

_TEXTS = {MESH: "Mesh", BLEND: "Blend", WIPE: "Wipe"}
_TIPS = {
    MESH: "The solved mesh's edges over the footage.",
    BLEND: "Footage and render blended; the slider says how much of the render.",
    WIPE: "Render on the left of a line, footage on the right; drag the line.",
}
ALL = -1


class Player(QtWidgets.QWidget):
    """One big view with its tools below."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self.shown_time = session.scene.current_time()
        self._folder: Optional[Path] = None  # of the solve whose pictures are shown
        self.view = PictureView()
        self.view.wiped.connect(self._wipe_to)
        self.view.picked.connect(self._pick)
        self.cameras = QtWidgets.QComboBox()
        self.cameras.setToolTip("Which camera is shown. A double click on a picture shows it alone.")
        self.cameras.setSizeAdjustPolicy(QtWidgets.QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.cameras.setMinimumContentsLength(5)
        self.cameras.activated.connect(lambda _: self.refresh())
        self.modes = {}
        group = QtWidgets.QButtonGroup(self)
        for mode in MODES:
            button = _tool(_TEXTS[mode], _TIPS[mode], checkable=True)
            button.clicked.connect(lambda *_, m=mode: self._choose_mode(m))
            group.addButton(button)
            self.modes[mode] = button
        self.modes[MESH].setChecked(True)
        self.slider = QtWidgets.QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(0, 100)
        self.slider.setValue(50)
        self.slider.setMinimumWidth(scaled(36, self))
        self.slider.setToolTip("How much of the render is shown.")
        self.slider.valueChanged.connect(lambda _: self._set_mode())
        self.play = _tool("▶", "Plays the frames of the result (Space).", checkable=True)
        self.play.setShortcut("Space")
        self.play.toggled.connect(self._play)
        self.other = _tool(
            "B", "Shows the solve that this one is compared with, as long as it is down.", checkable=True
        )
        self.other.toggled.connect(lambda _: self.refresh())
        self._clock = QtCore.QTimer(self)
        self._clock.timeout.connect(self._step)
        self._lay_out()
        for topic, listener in ((PICTURE, self.refresh), (PROGRESS, self._refresh_caption), (STATE, self.refresh)):
            session.listen(topic, listener)
        session.listen(RESULT, self.refresh)
        self._fill_cameras()
        self._set_mode()
        self.refresh()

    def _lay_out(self) -> None:
        tools = QtWidgets.QHBoxLayout()
        tools.setContentsMargins(6, 0, 6, 2)
        tools.setSpacing(3)
        tools.addWidget(self.play)
        tools.addWidget(self.cameras, 2)
        for mode in MODES:
            tools.addWidget(self.modes[mode])
        tools.addWidget(self.slider, 1)
        tools.addWidget(self.other)
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(3)
        layout.addWidget(self.view, 1)
        layout.addLayout(tools)

    def _fill_cameras(self) -> None:
        names = ("All cameras", *map(_spoken, self._session.viewer.cameras))
        if names != tuple(self.cameras.itemText(index) for index in range(self.cameras.count())):
            self.cameras.clear()
            for index, name in enumerate(names):
                self.cameras.addItem(name, index - 1)
            self.view.forget()

    def refresh(self) -> None:
        """Shows what there is to be seen now."""
        session = self._session
        self._fill_cameras()
        if session.viewer.folder != self._folder:
            self._folder = session.viewer.folder
            self.view.forget()  # a day's solves are not to be in memory together
        self.other.setVisible(session.results.other is not None)
        solved = session.viewer.folder is not None and session.state == IDLE
        for widget in (self.cameras, self.slider, self.play, *self.modes.values()):
            widget.setEnabled(solved)
        self.slider.setVisible(not self.modes[MESH].isChecked())
        if session.head_search.found is not None:
            self._show_one(session.head_search.found.picture, "The head as it was found")
        elif solved:
            self._show_frame()
        else:
            self._show_live()

    def show_time(self, time: float) -> None:
        """The timeline moved."""
        if not self._clock.isActive():
            self._look_at(time)

    def showEvent(self, event: QtGui.QShowEvent) -> None:
        """Qt's hook."""
        super().showEvent(event)
        self.refresh()

    def _look_at(self, time: float) -> None:
        self.shown_time = time
        self.refresh()

    def _viewers(self) -> List[Viewer]:
        session = self._session
        return [session.viewer] + ([session.other_viewer] if session.results.other is not None else [])

    def _show_live(self) -> None:
        run = self._session.solving.run if self._session.state != IDLE else self._session.head_search.run
        if run is not None and run.picture:
            self._show_one(Path(run.picture), "")
            self._refresh_caption()
        elif self._session.state != IDLE:
            self.view.show_text("The first picture of the solve comes with the first frame that is posed.")
        elif self._session.head_search.busy:
            self.view.show_text("Looking for the head in the first frame…")
        elif self._session.results.stopped is not None:
            self.view.show_text("The solve was stopped. Resume continues it from where it was.")
        else:
            self.view.show_text("The solved head over the footage is shown here. Press Solve to begin.")

    def _refresh_caption(self) -> None:
        run = self._session.solving.run
        if run is not None and run.picture and self._session.state != IDLE:
            self._show_one(Path(run.picture), run.doing)

    def _show_one(self, picture: Path, caption: str) -> None:
        self.view.forget()  # the next one has the same name
        self.view.show_shots([(0, "", {LAYERS[0]: str(picture), LAYERS[-1]: str(picture)})], caption)

    def _show_frame(self) -> None:
        if self.isVisible():  # nothing is drawn that nobody looks at
            for each in self._viewers():
                each.look_at(self.shown_time)
        viewer = self._viewers()[-1] if self.other.isChecked() else self._session.viewer
        chosen = self.cameras.currentData()
        shots: List[Tuple[int, str, Shot]] = []
        for index, name in enumerate(viewer.cameras):
            paths = {layer: viewer.picture(index, self.shown_time, layer) for layer in LAYERS}
            if chosen in (ALL, index):
                shots.append((index, _spoken(name), {layer: path for layer, path in paths.items() if path}))
        if viewer.problem:
            self.view.show_text("The result cannot be drawn: {}".format(viewer.problem))
        elif not any(shot for _, _, shot in shots):
            self.view.show_text("Drawing frame {:g}…".format(self.shown_time))
        else:
            left = "" if viewer.share >= 1.0 else "   {:.0f} % drawn".format(100 * viewer.share)
            self.view.show_shots(shots, "frame {:g}{}{}".format(self.shown_time, self._whose(viewer), left))

    def _whose(self, viewer: Viewer) -> str:
        """Which of two solves is seen, empty where there is only one."""
        results = self._session.results
        if results.other is None:
            return ""
        folder = results.folder if viewer is self._session.viewer else results.other
        return "".join("   " + row.text for row in results.rows if row.folder == folder)

    def _pick(self, camera: int) -> None:
        if self.cameras.isEnabled():
            self.cameras.setCurrentIndex(self.cameras.findData(camera))
            self.refresh()

    def _wipe_to(self, share: float) -> None:
        self.slider.setValue(round(100 * share))

    def _choose_mode(self, mode: str) -> None:
        self.modes[mode].setChecked(True)
        self._set_mode()
        self.refresh()

    def _set_mode(self) -> None:
        mode = next(mode for mode in MODES if self.modes[mode].isChecked())
        self.view.set_mode(mode, self.slider.value() / 100.0)

    def _play(self, on: bool) -> None:
        shown = self._session.results.shown
        if on and shown is not None:
            self._clock.start(max(round(1000.0 / shown.fps), 1))
        else:
            self._clock.stop()
            self._session.scene.set_current_time(self.shown_time)

    def _step(self) -> None:
        shown = self._session.results.shown
        if shown is None:
            self.play.setChecked(False)
            return
        times = timeline(shown)[0]
        later = times[times > self.shown_time + 1e-6]
        self._look_at(float(later[0] if len(later) else times[0]))


def _spoken(camera: str) -> str:
    """A camera's name without the groups above it, which a take has where Maya's own cameras are called the same."""
    return camera.rpartition("|")[2]


def _tool(text: str, tip: str, checkable: bool = False) -> QtWidgets.QToolButton:
    button = QtWidgets.QToolButton()
    button.setText(text)
    button.setToolTip(tip)
    button.setCheckable(checkable)
    button.setObjectName("facesolveToggle")
    return button
