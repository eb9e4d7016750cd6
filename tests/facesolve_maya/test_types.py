"""The plug-in against types-maya-strict's signatures of Maya 2025 and PySide6's of Qt, by mypy."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[2]


def mypy_errors(*paths: Path) -> list[str]:
    """What mypy says under the project's own settings."""
    command = [sys.executable, "-m", "mypy", *map(str, paths)]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600, check=False)
    assert run.returncode in (0, 1), run.stdout + run.stderr
    return [line for line in run.stdout.splitlines() if ": error:" in line]


@pytest.fixture
def stubs():
    if importlib.util.find_spec("maya-stubs") is None or importlib.util.find_spec("mypy") is None:
        pytest.skip("types-maya-strict and mypy are not installed: Maya's signatures are in the first")


def test_the_projects_mypy_reads_the_plugin():
    """``mypy``, which .ci/run runs, holds the plug-in to these signatures; here it took 19 seconds."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["mypy"]
    assert "maya_plugin/facesolve_maya" in settings["files"]
    assert "mypy" in (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()


@pytest.mark.usefixtures("stubs")
def test_a_wrong_flag_and_a_wrong_value_are_found(tmp_path):
    planted = tmp_path / "planted.py"
    planted.write_text("from maya import cmds\ncmds.getAttr('x', tim=1)\ncmds.setAttr('x', lock='yes')\n")
    assert len(mypy_errors(planted)) == 2
