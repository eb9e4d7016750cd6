"""Many takes in one session of the panel: memory, open files and processes stay flat, all results are equal.

    python -m tests.bench.panel_soak [--takes 200] [--in-process] [--look-every 10]

A small head in the stand-in for Maya; panel, export, solver, player and Apply are real. Each take is solved, keyed, and
undone; every tenth is looked at until all its pictures are drawn. With --in-process Maya's own Python solves. Prints a
line every ten takes; exit code 1 when something grows, differs, or is left running. Linux.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import tests.maya_emulator.stand_in  # noqa: F401  # isort: skip  # puts maya where the imports below find it

import numpy as np
from maya import cmds

from facesolve.take import read_solution
from facesolve_maya.cameras import create_cameras
from facesolve_maya.ui.panel import Panel
from facesolve_maya.ui.qt import QtCore, QtWidgets
from facesolve_maya.ui.scene import MayaScene
from facesolve_maya.ui.session import Session
from facesolve_maya.ui.solving import IDLE
from tests import synthetic, textured
from tests.bench.maya_kills import children_of
from tests.bench.soak import MOST_GROWTH, MOST_HANDLES, held
from tests.facesolve_maya.demo_head import open_rig, pose_rig, write_calibration
from tests.facesolve_maya.shown import snapshot
from tests.maya_emulator.session import Session as Maya
from tests.maya_emulator.session import use

FRAMES = 3
WARM = 5  # takes after which caches are full
OFF = 0.05  # of the controls at the start pose
LONGEST = 600.0  # seconds of one take


def open_filmed_head(folder: Path) -> None:
    """The head of ``tests.textured`` with its cameras and plates, close to its first pose."""
    pose = synthetic.performance(FRAMES)
    take = textured.make_take(folder, textured.rig(), FRAMES)
    textured.film(take, pose)
    open_rig(take.rig, folder)
    images = {
        footage.camera: Path(footage.image_path(frame)).as_posix()
        for footage, frame in ((footage, int(take.frames[0])) for footage in take.footage)
    }
    create_cameras(write_calibration(take.cameras, folder), images, first_frame=1.0)
    pose_rig(take.rig, pose.controls[0].numpy() + OFF, pose.head[0].numpy())


class Panels:
    """One panel's session, which solves again and again."""

    def __init__(self, folder: Path, in_process: bool) -> None:
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
        self._application = QtWidgets.QApplication.instance() or QtWidgets.QApplication([])
        self.maya = Maya()
        use(self.maya)
        open_filmed_head(folder)
        self.session = Session(MayaScene())
        own = replace(self.session.python.preferences, python=sys.executable, device="cpu", in_process=in_process)
        self.session.python.preferences = own
        self.panel = Panel(self.session)
        self.panel.show()
        self.session.change(first=1, last=FRAMES, take_folder=str(folder / "takes"), quality="draft")
        self.session.keep_settings()
        self._before = snapshot(self.maya)

    def until(self, done: Callable[[], bool]) -> None:
        until = time.monotonic() + LONGEST
        while not done():
            if time.monotonic() > until:
                raise SystemExit("panel_soak: a take does not end.")
            self._application.processEvents()
            # Maya's own event loop deletes what was let go; processEvents outside of one does not
            self._application.sendPostedEvents(None, QtCore.QEvent.Type.DeferredDelete)
            self.session.tick()
            time.sleep(0.01)

    def solve(self, look: bool) -> dict[str, Any]:
        """One take: solved, keyed, looked at if wanted, and undone; its arrays."""
        session = self.session
        self.panel.setVisible(look)  # nothing is drawn for a panel that nobody sees
        if not session.solve():
            raise SystemExit(f"panel_soak: {session.notice} {session.findings}")
        self.until(lambda: session.state == IDLE)
        if session.notice_is_error or (session.results.asking and not session.apply(sure=True)):
            raise SystemExit(f"panel_soak: {session.notice}")
        if look:
            self.until(lambda: session.viewer.share == 1.0 or bool(session.viewer.problem))
        session.viewer.close()
        if not cmds.ls(type="animLayer"):
            raise SystemExit("panel_soak: nothing was keyed.")
        cmds.undo()
        if snapshot(self.maya) != self._before:
            raise SystemExit("panel_soak: undo left something behind.")
        found = read_solution(session.results.folder)
        return {name: getattr(found, name) for name in ("controls", "head", "control_std")}


def soak(takes: int, in_process: bool, look_every: int, tell: Callable[[str], object] = print) -> tuple[bool, str]:
    """Whether all stayed flat and equal, and a sentence."""
    with tempfile.TemporaryDirectory(prefix="panel_soak_") as scratch:
        before = children_of(os.getpid())
        panels = Panels(Path(scratch), in_process)
        first, warm, now, apart = None, held(), held(), 0.0
        warm_at = min(WARM, takes - 1)
        for number in range(1, takes + 1):
            found = panels.solve(look=number % look_every == 1)
            first = found if first is None else first
            apart = max(apart, *(float(np.abs(found[name] - first[name]).max()) for name in first))
            now = held()
            warm = now if number == warm_at else warm
            if number % 10 == 0 or number == takes:
                tell(f"take {number:4d}: {now[0]:6.0f} MB, {now[1]} files, {now[2]} threads, differs by {apart:g}")
        panels.panel.close()
        panels.session.close()
        left = set(children_of(os.getpid())) - set(before)
    grown, opened = now[0] - warm[0], now[1] - warm[1]
    flat = grown < MOST_GROWTH and opened < MOST_HANDLES and now[2] <= warm[2] and not left
    text = f"{takes} takes: {grown:+.0f} MB, {opened:+d} files since take {warm_at}; results differ by {apart:g}; "
    return flat and apart == 0.0, text + (f"still running: {sorted(left)}" if left else "nothing is left running")


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--takes", type=int, default=200)
    parser.add_argument("--in-process", action="store_true")
    parser.add_argument("--look-every", type=int, default=10)
    options = parser.parse_args(arguments)
    flat, text = soak(options.takes, options.in_process, options.look_every)
    print(text)
    return 0 if flat else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
