"""The way of somebody who knows Maya and nothing else: from a scene with a rig to keys, following the panel's words.

    python -m tests.bench.first_solve DATA OUT [--last 1008] [--quality draft]

DATA: the folder of ``ict_rom``. The scene is opened in the stand-in for Maya, its cameras are taken away and its head
is moved off; then the panel is clicked through with the real solver. Prints each step with the clicks it took and the
words on the page, and what the solve is off by; writes a picture of each step into OUT. Exit code 1 when nothing was
keyed or more than 12 clicks were needed.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import tests.maya_emulator.stand_in  # noqa: F401  # isort: skip  # puts maya where the imports below find it

from maya import cmds

from facesolve.evaluate import evaluate
from facesolve.evaluate.evaluation import Truth, read_truth
from facesolve.take import read_take
from facesolve_maya.ui.load_cameras import load_cameras
from facesolve_maya.ui.panel import SETUP, Panel
from facesolve_maya.ui.qt import QtWidgets
from facesolve_maya.ui.scene import MayaScene
from facesolve_maya.ui.session import Session
from tests.facesolve_maya.ui.maya_look import look_like_maya
from tests.maya_emulator.session import Session as Maya
from tests.maya_emulator.session import use

MOST_CLICKS = 12
DIALOG_CLICKS = 2  # on a file, and on Open
MOVED = {"translateX": 6.0, "rotateY": 25.0}  # centimeters and degrees that the head is off at first


class Person:
    """Presses buttons, reads what is new on the page, and keeps count."""

    def __init__(self, panel: Panel, application: QtWidgets.QApplication, out: Path) -> None:
        self.panel, self._application, self._out = panel, application, out
        self.clicks, self._read, self._step, self._began = 0, set(), 0, time.monotonic()

    def look(self, what: str, clicks: int) -> None:
        """Reads the page after ``clicks``, and keeps a picture of it."""
        for _ in range(10):
            self._application.processEvents()
        kinds = (QtWidgets.QLabel, QtWidgets.QAbstractButton)
        widgets = [widget for kind in kinds for widget in self.panel.findChildren(kind)]
        texts = {widget.text() for widget in widgets if widget.isVisible() and not widget.visibleRegion().isEmpty()}
        words = sum(len(text.split()) for text in texts - self._read)
        self._read |= texts
        self.clicks += clicks
        self._step += 1
        self.panel.grab().save(str(self._out / f"step_{self._step}.png"))
        seconds = time.monotonic() - self._began
        print(f"{self._step}  {what:42s} {clicks} clicks  {words:4d} new words  {seconds:6.0f} s", flush=True)

    def press(self, what: str, button: QtWidgets.QAbstractButton, extra: int = 0) -> None:
        """One click on a button that can be seen and pressed; extra: clicks in a window of Maya that it opens."""
        if not (button.isVisible() and button.isEnabled()):
            raise SystemExit(f"first_solve: '{button.text()}' cannot be pressed: {self.panel.session.notice}")
        button.click()
        self.look(what, 1 + extra)

    def wait(self, condition: Callable[[], bool]) -> None:
        while not condition():
            self._application.processEvents()
            time.sleep(0.02)


def open_scene_without_cameras(data: Path, last: int) -> Maya:
    """The rig alone, its head posed somewhere else."""
    maya = Maya()
    use(maya)
    maya.workspace = str(data)
    cmds.file(str(data / "scene.ma.gz"), open=True, force=True)
    cmds.delete("cam0", "cam1", "witness_GRP")
    for channel, by in MOVED.items():
        cmds.setAttr(f"head_GRP.{channel}", cmds.getAttr(f"head_GRP.{channel}") + by)
    cmds.playbackOptions(minTime=1001, maxTime=last)
    return maya


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--last", type=int, default=1008)
    parser.add_argument("--quality", default="draft")
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    os.environ["FACESOLVE_PYTHON"] = sys.executable
    open_scene_without_cameras(options.data, options.last)
    cmds.fileDialog2 = lambda **flags: [str(options.data / "calibration.json")]
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    application = QtWidgets.QApplication.instance() or QtWidgets.QApplication([])
    look_like_maya(application)
    session = Session(MayaScene())
    panel = Panel(session, lambda: load_cameras(session))
    session.change(take_folder=str(options.out / "takes"))
    panel.resize(430, 880)
    panel.show()
    person = Person(panel, application, options.out)
    person.look("Solve on the shelf opens the panel", 1)
    person.press("Load cameras", panel.start.load, DIALOG_CLICKS)
    person.press("Find the head", panel.start.find_button)
    person.wait(lambda: not session.head_search.busy)
    person.look("the head is found", 0)
    person.press("Use this pose", panel.start.use)
    if options.quality != session.settings.quality:
        panel.pages.setCurrentIndex(SETUP)
        box = panel.setup.quality
        box.setCurrentIndex(box.findData(options.quality))
        box.activated.emit(box.currentIndex())
        person.look("Set-up, quality", 3)
    person.press("Solve", panel.run_bar.solve_button)
    person.wait(lambda: bool(session.solving.run and session.solving.run.picture) or session.solving.task is None)
    person.look("the solve at work", 0)
    person.wait(lambda: session.solving.task is None)
    person.look("solved", 0)
    if session.results.asking:
        person.press("Apply anyway", panel.result.verdict.apply_anyway)
    person.wait(lambda: not session.viewer.busy)
    person.look("looked at", 0)
    keyed = bool(cmds.ls(type="animLayer"))
    print(f"{person.clicks} clicks, {len(' '.join(person._read).split())} words. {session.notice}")
    _tell_error(session, options.data)
    session.close()
    return 0 if keyed and person.clicks <= MOST_CLICKS else 1


def _tell_error(session: Session, data: Path) -> None:
    folder = session.results.folder
    if folder is None or session.results.shown is None:
        return
    take, truth = read_take(folder.parent / "take"), read_truth(data / "truth.npz")
    count = take.frame_count
    found = evaluate(session.results.shown, take, Truth(truth.weights[:count], truth.names, truth.head[:count]))
    print("; ".join(f"{region.name}: {region.world_mean:.3f} mm" for region in found.regions))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
