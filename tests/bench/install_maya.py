"""From a wheel to keys in a pretended Maya, for a user with blanks and umlauts in his name, without a network.

    python -m tests.bench.install_maya

Builds the wheel, installs it into a bare environment (its requirements come from this Python), runs ``facesolve maya
install``, then plays Maya: reads the module file as Maya does, starts a Python with what it says and nothing else,
loads the plug-in in the stand-in, tests the solver from the panel's session, and solves and keys a small head. Then a
damaged module is repaired, and all is removed. Prints each step with its seconds; exit code 1 at the first that fails.
"""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

IN_MAYA = """
import sys
sys.path.insert(0, {root!r})
import tests.maya_emulator.stand_in
from maya import cmds
import facesolve, facesolve_maya
assert {module!r} in facesolve.__file__, facesolve.__file__
cmds.loadPlugin({plugin!r})
from facesolve_maya.ui.scene import MayaScene
from facesolve_maya.ui.session import Session
from facesolve_maya.ui import shelf
import pathlib, time
assert len(shelf.read_shelf().buttons) == 6
session = Session(MayaScene())
session.python.test()
while session.busy:
    session.tick()
    time.sleep(0.05)
print(session.python.report.text)
assert session.python.report.ready
from tests.facesolve_maya.demo_head import open_demo_head
folder = pathlib.Path({work!r})
open_demo_head(folder, 2)
session.load()
session.change(first=1, last=2, take_folder=str(folder / "takes"), quality="draft")
assert session.solve(), session.notice
while session.solving.task is not None:
    session.tick()
    time.sleep(0.05)
if session.results.asking:
    session.apply(sure=True)
print(session.notice)
session.close()
assert cmds.ls(type="animLayer"), session.notice
"""


def run(what: str, command: list[str], environment: dict[str, str], folder: Path) -> str:
    """One step; its output."""
    began = time.monotonic()
    done = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, timeout=600)
    print(f"{time.monotonic() - began:6.1f} s  {what}", flush=True)
    if done.returncode != 0:
        raise SystemExit(f"install_maya: {what} failed.\n{done.stdout}\n{done.stderr}")
    return done.stdout


def module_environment(path: Path) -> tuple[dict[str, list[str]], Path]:
    """What a module file adds to variables, read as Maya reads it, and the module's folder."""
    header, *lines = path.read_text(encoding="utf-8").splitlines()
    root = Path(header.split(" ", 3)[3])
    found: dict[str, list[str]] = {}
    for line in lines:
        if " +:= " in line:
            name, value = line.split(" +:= ")
            found.setdefault(name, []).append(str(root / value))
        elif ": " in line:
            name, value = line.split(": ")
            found.setdefault(name, []).append(str(root / value))
    return found, root


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        home = work / "Jörg Müller (Büro)"
        home.mkdir()
        bare = {"HOME": str(home), "PATH": os.defpath, "PIP_NO_INDEX": "1", "QT_QPA_PLATFORM": "offscreen"}
        build = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "-w", str(work), str(ROOT)]
        run("build the wheel", build, bare, work)
        (wheel,) = work.glob("facesolve-*.whl")
        python = home / "env" / "bin" / "python"
        run("make a bare environment", [sys.executable, "-m", "venv", str(home / "env")], bare, work)
        packages = Path(run("ask it for its packages", [str(python), "-c", PURELIB], bare, work).strip())
        (packages / "requirements.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
        run("install the wheel", [str(python), "-m", "pip", "install", "--no-deps", str(wheel)], bare, work)
        facesolve = str(home / "env" / "bin" / "facesolve")
        install = [facesolve, "maya", "install", "--version", "2025", "--wheels", str(work)]
        print(run("facesolve maya install", install, bare, work).strip())
        file = home / "maya" / "2025" / "modules" / "facesolve.mod"
        added, module = module_environment(file)
        plugin = next(Path(added["plug-ins"][0]).glob("*.py"))
        code = IN_MAYA.format(root=str(ROOT), module=str(module), plugin=str(plugin), work=str(work / "größe"))
        maya = {**bare, "PYTHONPATH": os.pathsep.join(added["PYTHONPATH"])}
        (work / "größe").mkdir()
        print(run("load it in a pretended Maya, solve and key", [sys.executable, "-c", code], maya, work).strip())
        plugin.unlink()
        print(run("repair it", [facesolve, "maya", "repair", "--version", "2025"], bare, work).strip())
        run("remove it", [facesolve, "maya", "uninstall"], bare, work)
        left = [path for path in (home / "maya").rglob("*") if path.is_file()]
        if left:
            raise SystemExit(f"install_maya: {left} was left behind.")
    print("All of it works.")
    return 0


PURELIB = "import sysconfig; print(sysconfig.get_path('purelib'))"

if __name__ == "__main__":
    sys.exit(main())
