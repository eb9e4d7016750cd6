"""What the solver's process inherits and which Python it is."""

import os
from pathlib import Path

import pytest

from facesolve_maya.run import InterpreterError, child_environment, find_interpreter, module_root

DROPPED = {
    "PYTHONHOME": "x",
    "PYTHONPATH": "x",
    "PYTHONSTARTUP": "x",
    "LD_LIBRARY_PATH": "x",
    "LD_PRELOAD": "x",
    "DYLD_LIBRARY_PATH": "x",
    "MAYA_LOCATION": "/usr/autodesk/maya2024",
    "MAYA_PLUG_IN_PATH": "x",
    "QT_PLUGIN_PATH": "x",
    "QT_QPA_PLATFORM": "x",
    "XBMLANGPATH": "x",
    "PXR_PLUGINPATH_NAME": "x",
    "OCIO": "/usr/autodesk/maya2024/resources/OCIO-configs/config.ocio",
    "Python_Case": "x",
}
KEPT = {"HOME": "/home/a", "CUDA_VISIBLE_DEVICES": "0", "TEMP": "t", "HTTPS_PROXY": "p", "OMP_NUM_THREADS": "4"}


def test_only_what_is_foreign_is_dropped():
    result = child_environment({**DROPPED, **KEPT}, Path("/opt/facesolve"))
    added = {"PYTHONPATH", "PYTHONUTF8", "PYTHONIOENCODING", "PYTHONUNBUFFERED"}
    assert set(result) == set(KEPT) | added
    assert {name: result[name] for name in KEPT} == KEPT
    assert result["PYTHONPATH"] == str(Path("/opt/facesolve/solver"))


def test_a_studios_own_color_configuration_is_kept():
    result = child_environment({"OCIO": "/studio/config.ocio", "MAYA_LOCATION": "/usr/autodesk/maya2024"})
    assert result["OCIO"] == "/studio/config.ocio"


def test_mayas_folders_leave_the_search_path():
    maya = os.path.join(os.sep, "usr", "autodesk", "maya2024")
    mine = [os.path.join(os.sep, "usr", "bin"), maya + "_other"]
    path = os.pathsep.join([os.path.join(maya, "bin"), mine[0], maya, mine[1]])
    assert child_environment({"PATH": path, "MAYA_LOCATION": maya})["PATH"] == os.pathsep.join(mine)
    assert child_environment({"PATH": path})["PATH"] == path


def test_the_parents_environment_is_left_alone():
    parent = dict(DROPPED)
    child_environment(parent)
    assert parent == DROPPED


def make_environment(folder):
    executable = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    executable.parent.mkdir(parents=True)
    executable.write_bytes(b"")
    return executable


def test_setting_comes_before_variable_before_folder(tmp_path):
    setting, variable = make_environment(tmp_path / "a b"), make_environment(tmp_path / "c")
    beside = make_environment(tmp_path / "root" / "facesolve_env")
    environment = {"FACESOLVE_PYTHON": str(tmp_path / "c")}
    root = tmp_path / "root"
    assert find_interpreter(str(setting), environment, root).path == setting
    assert find_interpreter("", environment, root).path == variable
    assert find_interpreter("", {}, root).path == beside


def test_a_link_out_of_a_virtual_environment_is_not_followed(tmp_path):
    if os.name == "nt":
        pytest.skip("links need a privilege on Windows")
    (tmp_path / "python3").write_bytes(b"")
    link = tmp_path / "venv" / "bin" / "python"
    link.parent.mkdir(parents=True)
    link.symlink_to(tmp_path / "python3")
    assert find_interpreter("", {}, tmp_path).path == link


@pytest.mark.parametrize(
    ("setting", "variable", "named"), [("/no/x", "", "setting"), ("", "/no/y", "FACESOLVE_PYTHON")]
)
def test_a_name_that_leads_nowhere_is_an_error(tmp_path, setting, variable, named):
    make_environment(tmp_path / "venv")
    with pytest.raises(InterpreterError, match=named):
        find_interpreter(setting, {"FACESOLVE_PYTHON": variable}, tmp_path)


def test_without_any_python_the_remedy_is_named(tmp_path):
    with pytest.raises(InterpreterError, match=r"FACESOLVE_PYTHON"):
        find_interpreter("", {}, tmp_path)


def test_module_root_holds_both_packages():
    assert (module_root() / "solver" / "facesolve" / "take").is_dir()
    assert (module_root() / "maya_plugin" / "facesolve_maya" / "run").is_dir()
