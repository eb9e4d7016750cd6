"""The plug-in against types-maya-strict's signatures of Maya 2025, by mypy."""

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("scene", "export", "cameras", "apply")
STUB_DEFECTS = re.compile(
    r'expected "MSpace"|"pythonCommandToExecute"|Name "oma.MFnAnimCurve"|MIntArray|no attribute "facesolve'
    r'|does not explicitly export attribute "(MFnAnimCurve|MAnimCurveChange)"'
)


def mypy_errors(paths) -> list[str]:
    command = [sys.executable, "-m", "mypy", "--config-file=", "--disallow-untyped-defs", *map(str, paths)]
    environment = {**os.environ, "MYPYPATH": os.pathsep.join(str(ROOT / name) for name in ("solver", "maya_plugin"))}
    run = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=600, check=False)
    lines = [line for line in run.stdout.splitlines() if ": error:" in line]
    return [line for line in lines if not STUB_DEFECTS.search(line)]


@pytest.fixture
def stubs():
    if importlib.util.find_spec("maya-stubs") is None or importlib.util.find_spec("mypy") is None:
        pytest.skip("types-maya-strict and mypy are not installed: Maya's signatures are in the first")


@pytest.mark.usefixtures("stubs")
def test_the_plugins_calls_fit_mayas_signatures():
    paths = [ROOT / "maya_plugin" / "facesolve_maya" / name for name in PACKAGES]
    assert mypy_errors([path for path in paths if path.exists()]) == []


@pytest.mark.usefixtures("stubs")
def test_a_wrong_flag_and_a_wrong_value_are_found(tmp_path):
    planted = tmp_path / "planted.py"
    planted.write_text("from maya import cmds\ncmds.getAttr('x', tim=1)\ncmds.setAttr('x', lock='yes')\n")
    assert len(mypy_errors([planted])) == 2
