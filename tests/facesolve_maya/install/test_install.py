"""Facesolve in a Maya folder: put there, found, upgraded, repaired, taken away; and the solver's own Python."""

import json
import os
import re
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path, PurePosixPath

import pytest

from facesolve.cli import main
from facesolve_maya.install import Places, install, repair, uninstall
from facesolve_maya.install.folders import maya_folder
from facesolve_maya.install.numpy_for_maya import command
from facesolve_maya.run.installation import Computer, InstallStep, InstallTask, look_around, steps
from facesolve_maya.run.interpreter import find_interpreter

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    return Places(tmp_path_factory.mktemp("Jörg Müller") / "maya", ("2025",))


@pytest.fixture(scope="module")
def made(places):
    return install(places, Path(sys.executable))


def test_what_is_installed_runs_by_itself_and_knows_its_solver(made, tmp_path):
    header = made.module_files[0].read_text(encoding="utf-8").splitlines()[0]
    assert header.endswith(made.module.as_posix())
    code = "import facesolve_maya.run as r; print(r.module_root()); print(r.find_interpreter().path)"
    # as Maya starts Python: with the two folders of the module file, and nothing of ours besides
    path = {"PYTHONPATH": ":".join(str(made.module / folder) for folder in ("solver", "maya_plugin"))}
    answer = subprocess.run([sys.executable, "-c", code], env=path, cwd=tmp_path, capture_output=True, text=True)
    assert answer.stdout.splitlines() == [str(made.module), sys.executable], answer.stderr


def test_the_solvers_environment_is_found_beside_an_installed_module(places, made, monkeypatch):
    record = places.home / "installation.json"
    text = record.read_text(encoding="utf-8")
    record.write_text(json.dumps(dict(json.loads(text), python=None)), encoding="utf-8")
    python = places.home / "facesolve_env" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text("")
    monkeypatch.setattr("facesolve_maya.run.environment.module_root", lambda: made.module)
    monkeypatch.delenv("FACESOLVE_PYTHON", raising=False)
    assert find_interpreter().path == python
    record.write_text(text, encoding="utf-8")


def test_a_repair_names_what_was_wrong_and_as_an_upgrade_keeps_the_solver(places, made):
    environment = places.home / "facesolve_env"
    environment.mkdir(exist_ok=True)
    (made.module / "shelf" / "facesolve.json").unlink()
    (made.module / "solver" / "facesolve" / "cli.py").write_text("broken")
    made.module_files[0].unlink()
    mended = repair(places)
    assert mended.mended == ("shelf/facesolve.json", "solver/facesolve/cli.py", str(made.module_files[0]))
    assert mended.module != made.module
    assert not made.module.exists()
    assert environment.is_dir()
    assert json.loads((places.home / "installation.json").read_text())["python"] == sys.executable


def test_uninstalling_leaves_nothing_of_ours_and_everything_else(places, made):
    shelf = places.maya / "2025" / "prefs" / "shelves" / "shelf_Facesolve.mel"
    shelf.parent.mkdir(parents=True)
    shelf.write_text("")
    other = places.maya / "2025" / "modules" / "mtoa.mod"
    other.write_text("")
    assert len(uninstall(places)) == 3
    assert [path for path in places.maya.rglob("*") if path.is_file()] == [other]
    assert uninstall(places) == ()


def test_the_command_installs_for_the_version_that_is_named(tmp_path, capsys, monkeypatch):
    asked = []
    monkeypatch.setattr(
        "facesolve_maya.install.numpy_for_maya.bring", lambda places, version, wheels: asked.append(version) or ""
    )
    folder = ["--maya-folder", str(tmp_path / "maya")]
    assert main(["maya", "install", "--version", "2025", *folder]) == 0
    assert (tmp_path / "maya" / "2025" / "modules" / "facesolve.mod").is_file()
    assert asked == ["2025"]
    assert "Restart Maya" in capsys.readouterr().out
    assert main(["maya", "uninstall", *folder]) == 0
    assert main(["maya", "uninstall", *folder]) == 0
    assert "Nothing was installed" in capsys.readouterr().out


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert main(["maya", "install", "--maya-folder", str(tmp_path / "file" / "maya")]) == 2
    assert "cannot be written" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("variables", "platform", "folder"),
    [
        ({"MAYA_APP_DIR": "/studio/maya", "HOME": "/home/a"}, "linux", "/studio/maya"),
        ({"HOME": "/home/a"}, "linux", "/home/a/maya"),
        ({"HOME": "/Users/a"}, "darwin", "/Users/a/Library/Preferences/Autodesk/maya"),
        ({"USERPROFILE": "/C/Users/Jörg"}, "win32", "/C/Users/Jörg/Documents/maya"),
    ],
)
def test_the_maya_folder_is_where_that_system_has_it(variables, platform, folder):
    assert maya_folder(variables, platform).as_posix() == folder


def words(step):
    return " ".join(step.command)


def test_a_python_that_is_there_makes_the_environment(tmp_path):
    computer = Computer(Path("/usr/bin/python3.12"), Path("/maya/mayapy"), platform="linux")
    made = steps(computer, tmp_path, ROOT)
    assert words(made[0]).startswith("/usr/bin/python3.12 -m venv")
    assert "download.pytorch.org/whl/cpu" in words(made[1]), "2 GB of CUDA are not for a computer without a GPU"
    assert words(made[1]).endswith(f"{ROOT}[video]")


@pytest.mark.skipif(os.name == "nt", reason="made of links and a shell script")
def test_a_python_that_cannot_make_an_environment_is_passed_over(tmp_path):
    """Names that pyenv leaves lead nowhere, and Debian's own Python comes without what environments need."""
    shim = tmp_path / "python3.13"
    shim.write_text("#!/bin/sh\nexit 127\n", encoding="utf-8")
    shim.chmod(0o755)
    variables = {"PATH": str(tmp_path), "HOME": str(tmp_path)}
    assert look_around(variables).python is None
    (tmp_path / "python3.11").symlink_to(sys.executable)
    assert look_around(variables).python == tmp_path / "python3.11"


def test_without_a_python_uv_brings_one(tmp_path):
    made = steps(Computer(None, Path("/maya/mayapy"), platform="linux"), tmp_path, ROOT)
    assert words(made[0]).startswith("/maya/mayapy -m pip install --target")
    assert " venv --seed --python 3.12 " in words(made[1])


def test_windows_with_a_gpu_gets_the_build_with_cuda(tmp_path):
    made = steps(Computer(Path("py.exe"), Path("mayapy"), has_cuda=True, platform="win32"), tmp_path, ROOT)
    assert "whl/cu" in words(made[-1])
    assert "python.exe" in made[-1].command[0]


def test_a_folder_of_wheels_replaces_the_network_and_an_installed_module_needs_no_checkout(tmp_path):
    computer = Computer(Path("/usr/bin/python3.12"), Path("/maya/mayapy"), wheels=Path("/wheels"))
    made = steps(computer, tmp_path, tmp_path / "module")
    assert "--no-index --find-links /wheels" in words(made[-1])
    assert "http" not in words(made[-1])
    assert words(made[-1]).endswith("-r {}".format(tmp_path / "module" / "mod" / "installer" / "requirements.txt"))


def follow(task):
    began = time.monotonic()
    while not task.done and not task.error:
        assert time.monotonic() - began < 60
        task.poll()
        time.sleep(0.02)
    return task


def test_steps_follow_each_other_and_the_first_that_fails_ends_them(tmp_path):
    def step(text, code):
        return InstallStep(text, (sys.executable, "-c", code))

    good = [step("Making", "print('Collecting torch')"), InstallStep("Passed over", ("nothing",), tmp_path)]
    task = follow(InstallTask(good, {}, tmp_path))
    assert (task.done, task.error, task.log) == (True, "", ["Collecting torch"])
    code = "import sys; sys.stderr.write('ERROR: no space left.'); sys.exit(1)"
    bad = [good[0], replace(step("Downloading", code), remedy="Press it again."), *good]
    assert follow(InstallTask(bad, {}, tmp_path)).error == "Downloading failed: ERROR: no space left. Press it again."


def test_each_step_that_needs_a_network_says_what_to_do_without(tmp_path):
    made = steps(Computer(None, Path("/maya/mayapy"), platform="linux"), tmp_path, ROOT)
    assert all("press 'Install the solver' again" in step.remedy.replace("Press", "press") for step in made)


def test_numpy_is_downloaded_for_mayas_python_whatever_python_asks():
    given = command(Path("python"), (3, 7), Path("packages"))
    assert given[given.index("--python-version") + 1] == "3.7"
    assert "--only-binary=:all:" in given


def test_what_the_solver_needs_is_written_in_two_places_and_is_the_same():
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    needed = re.findall(r'^    "([^"]+)",', project.split("dependencies = [")[1].split("\n]")[0], re.MULTILINE)
    video = re.findall(r'^video = \["([^"]+)"\]', project, re.MULTILINE)
    listed = (ROOT / "mod" / "installer" / "requirements.txt").read_text(encoding="utf-8").splitlines()
    assert listed == needed + video, "mod/installer/requirements.txt is to list what pyproject.toml needs"


def test_a_wheel_brings_every_file_that_maya_needs():
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    listed = re.findall(r'^"share/facesolve/(\S+)" = \["(\S+)"\]', project, re.MULTILINE)
    assert {folder for folder, _ in listed} == {"mod", "mod/installer", "shelf", "icons", "maya_plugin/plug-ins"}
    for folder, pattern in listed:
        assert Path(pattern).parent.as_posix() == folder
        assert list(ROOT.glob(pattern)), pattern
        assert not PurePosixPath(folder, "__pycache__").match(pattern), "a folder among them ends the build"
