"""The way of somebody who knows Maya and nothing else: from an empty Maya to keys, following what the screen says.

    python -m tests.bench.first_solve DATA OUT [--last 1008] [--quality draft] [--install]

DATA: the folder of ``ict_rom``, whose rig is saved as a scene without cameras and with its head moved off. The
installer is dropped into an empty stand-in for Maya; what it has installed is clicked through, with the real solver.
Prints each step with its clicks and the words that are new on the screen, and what the solve is off by. With --install
the solver's environment is made from the registry as well; without, it is this Python.

Panels of other sizes and fonts look at the same session. Each step leaves a picture of each in OUT, and words that are
cut off, or whose contrast is below 4.5, are named. Exit code 1 when that happened, when nothing was keyed, or when more
than 12 clicks were needed.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import sys
from pathlib import Path
from typing import Any

import tests.maya_emulator.stand_in  # noqa: F401  # isort: skip  # puts maya where the imports below find it

from maya import cmds

from tests.facesolve_maya.ui.maya_look import look_like_maya
from tests.facesolve_maya.ui.maya_window import MayaWindow
from tests.facesolve_maya.ui.person import Person
from tests.maya_emulator.session import Session as Maya
from tests.maya_emulator.session import use

ROOT = Path(__file__).resolve().parents[2]
MOST_CLICKS = 12
DIALOG_CLICKS = 2  # on a file, and on Open
MOVED = {"translateX": 6.0, "rotateY": 25.0}  # centimeters and degrees that the head is off at first


def write_scene_without_cameras(data: Path, last: int, folder: Path) -> Path:
    """The rig alone, its head posed somewhere else, as a scene on disk; leaves Maya empty."""
    cmds.file(str(data / "scene.ma.gz"), open=True, force=True)
    cmds.delete("cam0", "cam1", "witness_GRP")
    for channel, by in MOVED.items():
        cmds.setAttr(f"head_GRP.{channel}", cmds.getAttr(f"head_GRP.{channel}") + by)
    cmds.playbackOptions(minTime=1001, maxTime=last)
    scene = folder / "scenes" / "shot.ma"
    scene.parent.mkdir(parents=True, exist_ok=True)
    cmds.file(rename=scene.as_posix())
    cmds.file(save=True, type="mayaAscii", force=True)
    cmds.file(newFile=True, force=True)
    return scene


def drop_the_installer() -> Any:
    """The installer as Maya runs it; the docked panel that it has opened, whose code is the installed one."""
    spec = importlib.util.spec_from_file_location("drag_into_maya", ROOT / "mod" / "installer" / "drag_into_maya.py")
    assert spec is not None
    assert spec.loader is not None
    installer = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(installer)
    installer.onMayaDroppedPythonFile()
    from facesolve_maya.ui import dock

    panel = dock.current()
    assert panel is not None, "no panel was opened"
    return panel


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--last", type=int, default=1008)
    parser.add_argument("--quality", help="chosen on the set-up page, with three clicks more")
    parser.add_argument("--install", action="store_true")
    options = parser.parse_args(arguments)
    out = options.out.absolute()
    (out / "Jörg (Büro)").mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    if options.install:
        os.environ.pop("FACESOLVE_PYTHON", None)
    else:
        os.environ["FACESOLVE_PYTHON"] = sys.executable
    maya = Maya()
    use(maya)
    maya.workspace = str(out)
    scene = write_scene_without_cameras(options.data.absolute(), options.last, out)
    window, person = make_window(maya, out)
    cmds.fileDialog2 = lambda **flags: [str(options.data.absolute() / "calibration.json")]
    person.sit_down(drop_the_installer())
    if window.dialogs:
        raise SystemExit(f"first_solve: the installer said {window.dialogs}")
    person.look("installer dropped into the viewport", 1)
    walk(person, window, scene, options)
    session = person.panel.session
    keyed = bool(cmds.ls(type="animLayer"))
    print(f"{person.clicks} clicks, {person.words} words, {len(person.trouble)} hard to read. {session.notice}")
    tell_error(session, options.data)
    session.close()
    return 0 if keyed and person.clicks <= MOST_CLICKS and not person.trouble else 1


def make_window(maya: Maya, out: Path) -> tuple[MayaWindow, Person]:
    """Maya's window with an empty dock, and who sits before it."""
    from facesolve_maya.ui.qt import QtWidgets, shiboken

    application = QtWidgets.QApplication.instance() or QtWidgets.QApplication([])
    look_like_maya(application)
    host = QtWidgets.QWidget()
    layout = QtWidgets.QVBoxLayout(host)
    layout.setContentsMargins(0, 0, 0, 0)
    window = MayaWindow(maya, host, shiboken.getCppPointer(host)[0], str(out / "Jörg (Büro)") + "/")
    return window, Person(application, out)


def walk(person: Person, window: MayaWindow, scene: Path, options: argparse.Namespace) -> None:
    """From the panel in an empty Maya to keys."""
    panel, session = person.panel, person.panel.session
    person.wait(lambda: not session.installing.busy)
    person.look("the solver is there", 0)
    window.open_scene(str(scene))
    cmds.playbackOptions(minTime=1001, maxTime=options.last)  # Maya's scene has it in a script node
    session.load()
    person.look("File > Open Scene", 2 + DIALOG_CLICKS)
    person.press("Load cameras", panel.start.load, DIALOG_CLICKS)
    person.press("Find the head", panel.start.find_button)
    person.wait(lambda: not session.head_search.busy)
    person.look("the head is found", 0)
    person.press("Use this pose", panel.start.use)
    if options.quality:
        box = panel.setup.quality
        panel.pages.setCurrentIndex(1)
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


def tell_error(session: Any, data: Path) -> None:
    """Prints what the solve is off by."""
    from facesolve.evaluate import evaluate
    from facesolve.evaluate.evaluation import Truth, read_truth
    from facesolve.take import read_take

    folder = session.results.folder
    if folder is None or session.results.shown is None:
        return
    take, truth = read_take(folder.parent / "take"), read_truth(data / "truth.npz")
    count = take.frame_count
    found = evaluate(session.results.shown, take, Truth(truth.weights[:count], truth.names, truth.head[:count]))
    print("; ".join(f"{region.name}: {region.world_mean:.3f} mm" for region in found.regions))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
