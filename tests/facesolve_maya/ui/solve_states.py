"""Pictures of the panel during a real solve: ``python -m tests.facesolve_maya.ui.solve_states FOLDER``.

The demo's head in the stand-in for Maya: at work, stopped, resumed, compared with another solve, in doubt, far off its
start pose, killed, resumed again, and stopped by a damaged image. Ends with an error where a resumed solve is not equal
to an undisturbed one. QT_SCALE_FACTOR draws them as on a screen of that scale.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from facesolve.take import read_solution, write_solution
from facesolve.take.finding import FIND_HEAD
from facesolve.take.verdict import DOES_NOT_FIT, DOUBTFUL, Verdict
from facesolve_maya.ui.panel import RESULT_PAGE, START, Panel
from facesolve_maya.ui.qt import QtWidgets
from facesolve_maya.ui.session import Session
from facesolve_maya.ui.solving import IDLE
from tests.facesolve_maya.ui.maya_look import look_like_maya
from tests.maya_emulator.session import Session as Maya
from tests.maya_emulator.session import use
from tests.maya_emulator.stand_in import MODULES

FRAMES = 6
LONGEST = 900  # seconds
VERDICTS = {
    "doubtful": Verdict(
        DOUBTFUL,
        "something hides 46% of the visible face in frames 3 to 4; the rest of the face was solved for.",
        next_step="Look at these frames, and leave them out or key them by hand.",
    ),
    "elsewhere": Verdict(
        DOES_NOT_FIT,
        "the cameras do not show the same face at the solved pose (correlation 0.14); start pose: the head is 6.1 cm "
        "and 24 degrees from where the start pose has it.",
        next_step="Run 'facesolve align my_take --write --overwrite'.",
        offer=FIND_HEAD,
    ),
}


class Pictures:
    """A panel, and where its pictures go."""

    def __init__(self, out: Path, work: Path) -> None:
        self.out = out
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
        self.application = QtWidgets.QApplication.instance() or QtWidgets.QApplication(sys.argv[:1])
        look_like_maya(self.application, 11)
        sys.modules.update(MODULES)
        use(Maya())
        from facesolve_maya.ui.scene import MayaScene  # Maya is there only now
        from tests.facesolve_maya.demo_head import open_demo_head

        open_demo_head(work, FRAMES)
        self.session = Session(MayaScene())
        self.session.python.preferences = replace(self.session.python.preferences, python=sys.executable, device="cpu")
        self.panel = Panel(self.session)
        self.panel.resize(430, 880)
        self.panel.show()
        # a solve that was keyed would be where the next one starts
        kept = {"take_folder": str(work / "take"), "quality": "draft", "apply_when_done": False}
        self.session.change(first=1, last=FRAMES, **kept)

    def grab(self, name: str) -> None:
        for _ in range(20):
            self.application.processEvents()
            time.sleep(0.01)
        self.panel.grab().save(str(self.out / f"{name}.png"))

    def until(self, done: Callable[[], bool]) -> None:
        began = time.monotonic()
        while not done() and time.monotonic() - began < LONGEST:
            self.application.processEvents()
            time.sleep(0.02)

    def show(self, solution: Path, name: str) -> None:
        """A solution as if the solve had ended in one of VERDICTS, after a press of Apply."""
        changed = solution.parent.parent / f"solve_{name}" / "solution"
        shutil.copytree(solution.parent, changed.parent)  # with its take
        write_solution(replace(read_solution(solution), verdict=VERDICTS[name]), changed)
        self.session.open_solution(changed)
        self.panel.pages.setCurrentIndex(RESULT_PAGE)
        self.until(lambda: not self.session.viewer.busy)
        self.panel.result.apply_button.click()
        self.grab(name)


def solved(pictures: Pictures) -> Path:
    """Waits for the end of the solve, and for its pictures; its folder."""
    session = pictures.session
    pictures.until(lambda: session.state == IDLE)
    pictures.until(lambda: not session.viewer.busy)
    assert session.results.folder is not None, session.notice
    return session.results.folder


def same(one: Path, other: Path) -> None:
    """Fails unless two solves of the same take found the same."""
    first, second = read_solution(one), read_solution(other)
    apart = float(np.abs(first.controls - second.controls).max())
    print(f"{one.parent.name} and {other.parent.name} differ by {apart:g} of a control's range", flush=True)
    assert apart == 0.0


def main(out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        pictures = Pictures(out, Path(folder))
        session, panel = pictures.session, pictures.panel
        press = panel.run_bar.solve_button.click
        press()
        pictures.until(lambda: panel.result.player.view.has_picture or session.state == IDLE)
        pictures.grab("at_work")
        panel.run_bar.cancel_button.click()
        pictures.grab("stopping")
        pictures.until(lambda: session.state == IDLE)
        pictures.grab("stopped")
        panel.run_bar.resume_button.click()
        resumed = solved(pictures)
        pictures.grab("resumed")
        press()
        undisturbed = solved(pictures)
        same(undisturbed, resumed)
        panel.pages.setCurrentIndex(START)
        pictures.grab("start")
        panel.pages.setCurrentIndex(RESULT_PAGE)
        session.change(smoothness=5.0)
        press()
        solved(pictures)
        session.compare_with(undisturbed)
        panel.result.player.other.setChecked(True)
        pictures.until(lambda: session.other_viewer.share == 1.0 or bool(session.other_viewer.problem))
        pictures.grab("compared")
        panel.result.player.other.setChecked(False)
        session.compare_with(None)
        session.change(smoothness=1.0)
        for name in VERDICTS:
            pictures.show(undisturbed, name)
        press()
        pictures.until(lambda: bool(session.solving.run and session.solving.run.picture))
        os.kill(session.solving.task.process.pid, signal.SIGKILL)
        pictures.until(lambda: session.state == IDLE)
        pictures.grab("failed")
        panel.run_bar.resume_button.click()
        same(undisturbed, solved(pictures))
        pictures.grab("resumed_after_failure")
        image = sorted((Path(folder) / "film").glob("*.png"))[4]
        image.write_bytes(image.read_bytes()[:2000])  # cut short, as by a disk that was full
        press()
        pictures.until(lambda: session.state == IDLE)
        pictures.grab("damaged_image")
        panel.close()
        session.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
