"""What Maya loads: the module file, the installer that writes it, the icons."""

import importlib.util
import os
import re
import shutil
import struct
import subprocess
import sys
from pathlib import Path, PureWindowsPath

import pytest

import facesolve
from facesolve_maya import install
from facesolve_maya.install.module import module_text

ROOT = Path(__file__).resolve().parents[3]
MODULE = ROOT / "mod" / "facesolve.mod"
HEADER = re.compile(r"\+ (?P<conditions>(?:[A-Z]+:\S+ )*)facesolve (?P<version>\d+\.\d+\.\d+) (?P<root>.+)")
LINE = re.compile(r"(plug-ins|icons|scripts): \S.*|[A-Z_]+ (\+?:?=) \S.*|[A-Z_]+ \+:= \S.*")


def blocks(text):
    """Header and lines of each block; asserts the syntax of a module file."""
    result = []
    for line in text.splitlines():
        if line.startswith("+"):
            match = HEADER.fullmatch(line)
            assert match, line
            result.append((match.groupdict(), []))
        elif line:
            assert LINE.fullmatch(line), line
            result[-1][1].append(line)
    return result


@pytest.fixture
def installer():
    path = ROOT / "mod" / "installer" / "drag_into_maya.py"
    spec = importlib.util.spec_from_file_location("drag_into_maya", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_one_block_serves_every_version_and_platform_of_maya_those_to_come_included():
    """Maya passes over a block for another version in silence: a list of versions ends at the last one known."""
    ((header, _),) = blocks(MODULE.read_text(encoding="utf-8"))
    assert header["conditions"] == ""
    assert header["root"] == ".."


def test_the_folders_on_mayas_python_path_hold_no_package_but_ours():
    """A folder called tests or solver there would hide a studio's own, or be hidden by it."""
    _, lines = blocks(MODULE.read_text(encoding="utf-8"))[0]
    folders = [line.partition(" +:= ")[2] for line in lines if line.startswith("PYTHONPATH")]
    found = {path.name for folder in folders for path in (ROOT / folder).iterdir() if path.name != "__pycache__"}
    importable = {name for name in found if name.isidentifier() or name.endswith(".py")}
    assert importable == {"facesolve", "facesolve_maya"}


def test_the_version_is_the_packages():
    assert {header["version"] for header, _ in blocks(MODULE.read_text(encoding="utf-8"))} == {facesolve.__version__}


def test_the_module_folder_holds_nothing_maya_could_take_for_a_module():
    assert [path.name for path in MODULE.parent.iterdir() if path.is_file()] == ["facesolve.mod"]


def test_module_paths_lead_to_what_they_should():
    _, lines = blocks(MODULE.read_text(encoding="utf-8"))[0]
    paths = dict(re.split(r": | \+:= ", line) for line in lines if not line.startswith("PYTHONPATH"))
    folders = [line.partition(" +:= ")[2] for line in lines if line.startswith("PYTHONPATH")]
    assert paths["plug-ins"] == "maya_plugin/plug-ins"
    assert (ROOT / paths["icons"] / "facesolve_solve.png").is_file()
    assert folders == ["solver", "maya_plugin"]
    assert (ROOT / folders[0] / "facesolve" / "take").is_dir()
    assert (ROOT / folders[1] / "facesolve_maya" / "run").is_dir()


def test_the_installed_file_names_the_root_with_forward_slashes():
    text = module_text(MODULE.read_text(encoding="utf-8"), PureWindowsPath("C:\\Program Files\\face solve"))
    assert {header["root"] for header, _ in blocks(text)} == {"C:/Program Files/face solve"}


def copy_without_the_solver(module):
    """What Maya looks at of the module; the whole is installed in tests of its own."""
    for folder in ("mod", "maya_plugin/plug-ins"):
        shutil.copytree(ROOT / folder, module / folder)


@pytest.fixture
def dropped(installer, commands, tmp_path, monkeypatch):
    """Drops the installer into a Maya of a user with an umlaut and a blank; Python's packages stay those under test."""
    commands.app_dir = str(tmp_path / "maya größe") + "/"
    os.makedirs(commands.app_dir)
    commands.opened = []
    monkeypatch.setattr(installer, "use_module", lambda root: None)
    monkeypatch.setattr("facesolve_maya.install.module.copy_files", copy_without_the_solver)
    monkeypatch.setattr(installer, "installer_of_module", lambda: install)
    monkeypatch.setattr(installer, "open_panel", lambda: commands.opened.append(True))
    return installer


def test_the_drop_installs_loads_builds_the_shelf_and_opens_the_panel(dropped, commands):
    dropped.onMayaDroppedPythonFile()
    target = Path(commands.app_dir) / "modules" / "facesolve.mod"
    assert [path.name for path in target.parent.iterdir()] == ["facesolve.mod"]
    ((header, _),) = blocks(target.read_text(encoding="utf-8"))
    module = Path(header["root"])
    assert [path.name for path in module.parent.glob("module_*")] == [module.name], "the one before is gone"
    assert (module / "maya_plugin" / "plug-ins" / "facesolve_plugin.py").is_file()
    assert "autoload facesolve_plugin" in commands.loaded
    assert commands.loaded[-2].startswith(str(module))
    assert commands.dialogs == []
    assert len(commands.opened) == 1
    assert len(commands.shelves["Facesolve"]) == 6
    dropped.onMayaDroppedPythonFile()
    assert commands.dialogs == ["Facesolve is up to date on disk. Restart Maya to use it."]
    assert [path.name for path in module.parent.glob("module_*")] != [module.name], "the new one is there"


def test_the_installer_is_that_of_its_own_version_and_leaves_the_loaded_one_alone(installer):
    loaded, path = sys.modules["facesolve_maya"], list(sys.path)
    own = installer.installer_of_module()
    assert Path(own.__file__).is_relative_to(ROOT / "maya_plugin")
    assert sys.modules["facesolve_maya"] is loaded
    assert sys.path == path


def test_a_maya_that_does_not_list_the_module_is_said(dropped, commands):
    commands.modules_seen = False
    dropped.onMayaDroppedPythonFile()
    assert "Maya does not list the module 'facesolve'" in commands.dialogs[0]
    assert "MAYA_MODULE_PATH" in commands.dialogs[0]


def test_an_old_maya_is_refused_before_anything_is_written(installer, commands, tmp_path):
    commands.app_dir = str(tmp_path)
    commands.about = lambda **flags: "2020" if "majorVersion" in flags else False
    installer.onMayaDroppedPythonFile()
    assert list(tmp_path.iterdir()) == []
    assert "2022" in commands.dialogs[0]


def test_a_folder_that_cannot_be_written_is_said(dropped, commands):
    (Path(commands.app_dir) / "modules").write_text("a file where the folder should be")
    dropped.onMayaDroppedPythonFile()
    assert "could not be installed" in commands.dialogs[0]
    assert commands.loaded == []


def test_numpy_is_brought_where_maya_has_none_and_nothing_is_loaded_without(dropped, commands, monkeypatch):
    asked = []
    monkeypatch.setattr(dropped, "has_numpy", lambda: False)
    monkeypatch.setattr(
        "facesolve_maya.install.numpy_for_maya.bring",
        lambda places, version, *_: asked.append(version) or "No network.",
    )
    commands.progressWindow = lambda **flags: asked.append(flags.get("status"))
    dropped.onMayaDroppedPythonFile()
    assert asked == ["Getting numpy for Maya…", "2024", None]
    assert commands.dialogs == ["No network."]
    assert not any("plug-ins" in name for name in commands.loaded)


def png_size(path):
    data = path.read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    return struct.unpack(">II", data[16:24])


ICONS = sorted(path.stem for path in (ROOT / "icons").glob("*.svg"))


@pytest.mark.parametrize("name", ICONS)
def test_icons_exist_in_both_sizes(name):
    assert png_size(ROOT / "icons" / (name + ".png")) == (32, 32)
    assert png_size(ROOT / "icons" / (name + "_200.png")) == (64, 64)


def test_there_is_an_icon_for_each_button_and_the_product():
    assert len(ICONS) == 7


def test_the_pngs_are_those_of_the_svgs(application, tmp_path):
    from facesolve_maya.ui.qt import QtGui

    script = ROOT / "icons" / "render_pngs.py"
    subprocess.run([sys.executable, str(script), str(tmp_path)], check=True, timeout=60)
    for name in ICONS:
        stored = QtGui.QImage(str(ROOT / "icons" / (name + "_200.png")))
        fresh = QtGui.QImage(str(tmp_path / (name + "_200.png")))
        points = [(x, y) for x in range(0, 64, 3) for y in range(0, 64, 3)]
        apart = [abs(stored.pixelColor(*p).alpha() - fresh.pixelColor(*p).alpha()) > 64 for p in points]
        assert sum(apart) < 0.02 * len(points), name
