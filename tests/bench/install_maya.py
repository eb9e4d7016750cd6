"""From a wheel to keys in a pretended Maya, for a user with blanks and umlauts in his name, without a network.

    python -m tests.bench.install_maya

Builds the wheel, installs it into a bare environment (its requirements come from this Python), runs ``facesolve maya
install``, then plays Maya: reads the module file as Maya does, starts a Python with what it says and nothing else,
loads the plug-in in the stand-in, tests the solver from the panel's session, and solves and keys a small head. Then a
damaged module is repaired, and all is removed.

Second, for another such user, the installer is dropped into a Maya: it copies the module, and the panel makes the
solver's own environment from a folder of wheels by the commands that it has everywhere (venv, pip). The wheels are
empty ones of the right names, and one that leads to this Python's packages, so that the environment that was made
solves. Prints each step with its seconds; exit code 1 at the first that fails.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
import tempfile
import time
import zipfile
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


DROPPED = """
import os, pathlib, sys, time
sys.path[:0] = [{root!r}, {root!r} + "/solver", {root!r} + "/maya_plugin"]
import tests.maya_emulator.stand_in
from tests.bench.first_solve import drop_the_installer, make_window
from tests.maya_emulator.session import Session as Maya
from tests.maya_emulator.session import use
maya = Maya()
use(maya)
folder = pathlib.Path({work!r})
window, person = make_window(maya, folder)
session = drop_the_installer().session
assert window.dialogs == [], window.dialogs
import facesolve_maya
assert str(folder) in facesolve_maya.__file__, facesolve_maya.__file__
assert session.installing.busy, session.notice
said = []
while session.busy:
    person.go_on(0.1)
    said += [session.installing.words] if session.installing.words not in said else []
print("\\n".join(said), session.notice, sep="\\n")
assert session.python.report is not None and session.python.report.ready, session.installing.log
found = str(session.python.interpreter().path)
assert str(folder) in found and "facesolve_env" in found, found
from tests.facesolve_maya.demo_head import open_demo_head
(folder / "head").mkdir()
open_demo_head(folder / "head", 2)
session.load()
session.change(first=1, last=2, take_folder=str(folder / "takes"), quality="draft")
assert session.solve(), session.notice
while session.solving.task is not None:
    person.go_on(0.1)
print(session.notice)
session.close()
assert session.results.folder is not None, session.notice
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
    drop_it()
    print("All of it works.")
    return 0


def drop_it() -> None:
    """The installer dropped into a Maya that has no network, only a folder of wheels."""
    with tempfile.TemporaryDirectory() as folder:
        home, wheels, programs = (Path(folder) / name for name in ("Büro (neu)", "wheels", "bin"))
        for made in (home / "Jörg (Büro)", wheels, programs):
            made.mkdir(parents=True)
        for line in (ROOT / "mod" / "installer" / "requirements.txt").read_text(encoding="utf-8").splitlines():
            name, version = re.findall(r"^([\w-]+)>=([\d.]+)", line)[0]
            write_wheel(wheels, name, version)
        write_wheel(wheels, "numpy", "99.0", sysconfig.get_path("purelib"))
        python = f"python3.{sys.version_info[1]}"
        (programs / python).symlink_to(Path(sys.base_prefix) / "bin" / python)
        bare = {"HOME": str(home), "PATH": str(programs), "PIP_NO_INDEX": "1", "QT_QPA_PLATFORM": "offscreen"}
        bare["FACESOLVE_WHEELS"] = str(wheels)
        code = DROPPED.format(root=str(ROOT), work=str(home))
        print(run("drop the installer, solve with what it made", [sys.executable, "-c", code], bare, home).strip())


def write_wheel(folder: Path, name: str, version: str, leads_to: str = "") -> None:
    """A wheel with nothing in it, or with a path to packages that are elsewhere."""
    stem = name.replace("-", "_")
    files = {
        f"{stem}-{version}.dist-info/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{stem}-{version}.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    if leads_to:
        files["elsewhere.pth"] = leads_to + "\n"
    record = f"{stem}-{version}.dist-info/RECORD"
    files[record] = "".join(f"{path},,\n" for path in (*files, record))
    with zipfile.ZipFile(folder / f"{stem}-{version}-py3-none-any.whl", "w") as wheel:
        for path, text in files.items():
            wheel.writestr(path, text)


PURELIB = "import sysconfig; print(sysconfig.get_path('purelib'))"

if __name__ == "__main__":
    sys.exit(main())
