"""The panel, Maya or the solver are killed at random moments: nothing is lost, nothing is left running.

    python -m tests.bench.maya_kills OUT [--times 3] [--only maya panel solver resident scene]

Maya is the stand-in with the panel in a process of its own; solver, resident solver and kills are real. An animator's
day in it: solve, apply, save, change a key, have it answered, save. ``maya`` kills that process, ``panel`` closes the
panel, ``solver`` kills the solve and ``resident`` the process that answers edits; ``scene`` kills nothing, but opens
another scene and comes back when the solve is over. Then the scene is opened again in a
new Maya and the day goes on: a solve that was stopped must be continued from its checkpoint where there is one, its
result must be that of an undisturbed day, and the saved scene must hold the keys. Lost is also what still runs
PATIENCE seconds after a kill. Prints one line for each kill; exit code 1 when something was lost. Linux.
"""

from __future__ import annotations

import argparse
import os
import random
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from facesolve.take import Solution, read_solution

KINDS = ("maya", "panel", "solver", "resident", "scene")
FRAMES = 3
PATIENCE = 30.0  # seconds, for a machine that is busy with other things as well
LONGEST = 1200.0  # of a day
ANSWER = 2.0  # that an edit is being answered at least
EDITED, VALUE = 2.0, 0.8  # scene time and value of the animator's key on jawOpen


class Lost(Exception):
    """What went wrong, a sentence."""


# The day, in the process that is Maya


def day(folder: Path) -> None:
    """Solves, applies, edits; what is there already of an earlier day is taken up. Prints where it is."""
    import tests.maya_emulator.stand_in  # noqa: F401, I001 - puts maya where the imports below find it

    from maya import cmds

    from facesolve_maya.ui.panel import Panel
    from facesolve_maya.ui.qt import QtWidgets
    from facesolve_maya.ui.scene import MayaScene
    from facesolve_maya.ui.session import Session
    from facesolve_maya.ui.solve_folders import last_solution
    from facesolve_maya.ui.solving import IDLE
    from tests.facesolve_maya.demo_head import open_demo_head
    from tests.maya_emulator.session import Session as Maya
    from tests.maya_emulator.session import use

    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    os.environ["FACESOLVE_PYTHON"] = sys.executable
    application = QtWidgets.QApplication.instance() or QtWidgets.QApplication([])
    use(Maya())
    scene = folder / "scene.ma"
    if scene.is_file():
        cmds.file(str(scene), open=True, force=True)
    else:
        open_demo_head(folder, FRAMES)
        cmds.file(rename=str(scene))
        cmds.file(save=True, type="mayaAscii", force=True)
    session = Session(MayaScene())
    panel = Panel(session)
    session.change(first=1, last=FRAMES, take_folder=str(folder / "take"), quality="draft", apply_when_done=False)

    def go_on(done: Callable[[], bool]) -> None:
        while not done():
            application.processEvents()
            session.tick()
            if not select.select([sys.stdin], [], [], 0.02)[0]:
                continue
            if sys.stdin.readline().strip() == "other":
                elsewhere()
            else:
                panel.close()
                session.close()
                say("closed")
                sys.stdout.flush()
                os._exit(0)

    def elsewhere() -> None:
        """In another scene until the solve is over, and back."""
        cmds.file(save=True, type="mayaAscii", force=True)
        cmds.file(newFile=True, force=True)
        session.scene_replaced()
        if not session.solving.away:
            raise SystemExit("the solve did not go on without its scene")
        say("elsewhere")
        while session.solving.task is not None:
            application.processEvents()
            session.tick()
            time.sleep(0.02)
        if session.results.folder is not None or "is solved. Open it" not in session.notice:
            raise SystemExit(f"in another scene: {session.notice}")
        cmds.file(str(scene), open=True, force=True)
        session.scene_replaced()
        if session.results.folder is None:
            raise SystemExit("the result did not wait for its scene")

    def solved() -> bool:
        return last_solution(session.folder()).joinpath("solution.json").is_file()

    for _ in range(3):
        if solved():
            break
        say("resuming" if session.results.stopped is not None else "solving")
        if not (session.resume() if session.results.stopped is not None else session.solve()):
            raise SystemExit(session.notice)
        go_on(lambda: session.state == IDLE)
        session.results.look_for_rows(session.folder())
    if not solved():
        raise SystemExit(session.notice)
    say("solved")
    session.open_last_solution()
    if not cmds.ls(type="animLayer"):
        session.apply(sure=True)
        cmds.file(save=True, type="mayaAscii", force=True)
        say("applied")
    for _ in range(3):
        cmds.setKeyframe("BS.jawOpen", animLayer="facesolve_scene", time=EDITED, value=VALUE)
        say("editing")
        if not session.solve_around_edits():
            if "No key has been changed" in session.notice:
                break
            raise SystemExit(session.notice)
        go_on(lambda: not session.viewer.answering)
        if not session.notice_is_error:
            break
    if session.notice_is_error:
        raise SystemExit(session.notice)
    cmds.file(save=True, type="mayaAscii", force=True)
    session.close()
    say("done")


def say(word: str) -> None:
    print(word, flush=True)


# The driver


@dataclass
class Day:
    """A day under way. words: what it has said, with seconds since it began."""

    process: subprocess.Popen[str]
    began: float = field(default_factory=time.monotonic)
    words: list[tuple[str, float]] = field(default_factory=list)
    children: set[int] = field(default_factory=set)

    @staticmethod
    def begin(folder: Path) -> Day:
        folder.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "tests.bench.maya_kills", "--day", str(folder)]
        with (folder / "errors.log").open("a") as errors:
            return Day(
                subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True)
            )

    def look(self) -> None:
        """Takes up what was said, and which processes Maya has started."""
        assert self.process.stdout is not None
        pipe = self.process.stdout.fileno()
        while select.select([pipe], [], [], 0.0)[0]:  # the file's own buffer would hide what is in it
            fresh = os.read(pipe, 4096).decode()
            if not fresh:
                break
            self.words += [(word, time.monotonic() - self.began) for word in fresh.split()]
        self.children |= children_of(self.process.pid)

    def until(self, done: Callable[[], bool]) -> None:
        while not done() and self.process.poll() is None:
            self.look()
            if time.monotonic() - self.began > LONGEST:
                self.process.kill()
                raise Lost(f"the day did not end; it said {self.words}")
            time.sleep(0.05)
        self.look()

    def said(self, word: str) -> bool:
        return any(each == word for each, _ in self.words)

    def to_its_end(self) -> None:
        self.until(lambda: False)
        if self.process.returncode != 0 or not self.said("done"):
            raise Lost(f"the day ended with {self.process.returncode} and said {self.words}")


def children_of(parent: int) -> set[int]:
    """Processes whose parent is ``parent`` now."""
    found = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:  # it has just ended
                continue
            if int(fields[1]) == parent and fields[0] != "Z":
                found.add(int(entry.name))
    return found


def nothing_runs(day: Day) -> None:
    """Lost if the day, or a group that it started, lives on."""
    deadline = time.monotonic() + PATIENCE
    waiting = {*day.children, day.process.pid}
    while waiting:
        day.process.poll()
        waiting = {number for number in waiting if alive(number)}
        if time.monotonic() > deadline:
            left = [Path(f"/proc/{number}/cmdline").read_text().replace("\0", " ")[:200] for number in waiting]
            for number in waiting:
                os.kill(number, signal.SIGKILL)
            raise Lost(f"still there after {PATIENCE:.0f} s: {'; '.join(left)}")
        time.sleep(0.2)


def alive(number: int) -> bool:
    try:
        state = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def kill(kind: str, day: Day, moment: float) -> str:
    """Waits for the right part of the day and ``moment`` (0..1 of its usual seconds) in it, kills; returns where."""
    editing = kind == "resident"
    day.until(lambda: day.said("editing" if editing else "solving"))
    if kind != "panel":
        day.until(lambda: any(alive(child) for child in day.children))  # before that, Maya exports the take
    until = time.monotonic() + moment
    day.until(lambda: time.monotonic() > until)
    where = day.words[-1][0] if day.words else "opening"
    if kind == "maya":
        day.process.kill()
    elif kind in ("panel", "scene"):
        assert day.process.stdin is not None
        day.process.stdin.write("close\n" if kind == "panel" else "other\n")
        day.process.stdin.flush()
    else:
        for child in day.children:
            if alive(child):
                os.kill(child, signal.SIGKILL)
    return where


def latest(root: Path, part: str) -> Solution:
    """Of the solves, or the edits, below ``root``."""
    found = sorted(root.glob(f"{part}_*/solution/solution.json"), key=lambda path: path.stat().st_mtime)
    if not found:
        raise Lost(f"there is no solution of the {part}")
    return read_solution(found[-1].parent)


def compare(folder: Path, whole: Path) -> None:
    """Lost unless solve and edit are those of the undisturbed day, and the saved scene holds the animator's key."""
    for part, slack in (("solve", 0.0), ("edit", 1e-4)):
        found, wanted = (latest(place / "take", part) for place in (folder, whole))
        for name in ("controls", "head"):
            apart = np.abs(getattr(found, name) - getattr(wanted, name)).max()
            if apart > slack:
                raise Lost(f"{part}: {name} are {apart:.2g} from those of an undisturbed day")
    if list(folder.rglob("*.part")):
        raise Lost("half-written files are left")
    if (folder / "scene.ma").read_text().count("createNode animLayer") < 1:
        raise Lost("the saved scene has lost its layer")


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--only", nargs="+", choices=KINDS, default=KINDS)
    options = parser.parse_args(arguments)
    dice, lost = random.Random(0), 0
    whole = options.out / "whole"
    first = Day.begin(whole)
    first.to_its_end()
    nothing_runs(first)
    when = {word: seconds for word, seconds in first.words}
    print(f"an undisturbed day: solved after {when['solved']:.0f} s, edited by {when['done']:.0f} s", flush=True)
    for number in range(options.times):
        for kind in options.only:
            folder = options.out / f"{kind}_{number}"
            begun = Day.begin(folder)
            length = ANSWER if kind == "resident" else when["solved"] - when["solving"]
            moment = dice.uniform(0.02, 0.98 if kind != "scene" else 0.5) * length
            try:
                where = kill(kind, begun, moment)
                if kind in ("maya", "panel"):
                    nothing_runs(begun)
                    begun = Day.begin(folder)
                begun.to_its_end()
                nothing_runs(begun)
                compare(folder, whole)
                print(f"{kind:9s} killed {moment:5.1f} s into '{where}': {[w for w, _ in begun.words]}", flush=True)
            except Lost as reason:
                lost += 1
                print(f"{kind:9s} LOST: {reason}", flush=True)
    print(f"{lost} of {options.times * len(options.only)} lost something")
    return 1 if lost else 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["--day"]:
        day(Path(sys.argv[2]))
    else:
        sys.exit(main(sys.argv[1:]))
