"""Pictures of the panel during a real solve: ``python -m tests.facesolve_maya.ui.solve_states FOLDER``.

The demo's head in the stand-in for Maya: at work, stopped, in doubt, far off its start pose, and failed.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from facesolve.take import read_solution, write_solution
from facesolve.take.finding import FIND_HEAD
from facesolve.take.verdict import DOES_NOT_FIT, DOUBTFUL, Verdict
from facesolve_maya.ui.panel import RESULT_PAGE, Panel
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
        "something hides 46% of the visible face in 2 frames, 3 to 4; the rest of the face was solved for.",
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
        self.session.change(first=1, last=FRAMES, take_folder=str(work / "take"), quality="draft")

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
        shutil.copytree(solution, changed)
        write_solution(replace(read_solution(solution), verdict=VERDICTS[name]), changed)
        self.session.open_solution(changed)
        self.panel.pages.setCurrentIndex(RESULT_PAGE)
        self.until(lambda: not self.session.viewer.busy)
        self.panel.result.apply_button.click()
        self.grab(name)


def main(out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        pictures = Pictures(out, Path(folder))
        session, panel = pictures.session, pictures.panel
        panel.run_bar.solve_button.click()
        pictures.until(lambda: panel.result.player.view.has_picture or session.state == IDLE)
        pictures.grab("at_work")
        panel.run_bar.cancel_button.click()
        pictures.grab("stopping")
        pictures.until(lambda: session.state == IDLE)
        pictures.grab("stopped")
        panel.run_bar.solve_button.click()
        pictures.until(lambda: session.state == IDLE)
        pictures.until(lambda: not session.viewer.busy)
        pictures.grab("solved")
        solution = session.results.folder
        assert solution is not None, session.notice
        for name in VERDICTS:
            pictures.show(solution, name)
        images = sorted((Path(folder) / "film").glob("*.png"))
        images[4].write_bytes(images[4].read_bytes()[:2000])  # cut short, as by a disk that was full
        panel.run_bar.solve_button.click()
        pictures.until(lambda: session.state == IDLE)
        pictures.grab("failed")
        panel.close()
        session.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
