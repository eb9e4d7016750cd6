"""The suite for real Maya, run on the stand-in so that its own mistakes show; and its skip where there is neither."""

import os
import subprocess
import sys
from pathlib import Path

from tests.facesolve_maya.conftest import PYTHON_PATH

ROOT = Path(__file__).resolve().parents[2]


def run_suite(*command, suite="tests/in_maya", **variables):
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    environment = {
        **kept,
        "PYTHONPATH": PYTHON_PATH,
        **variables,
    }
    arguments = [sys.executable, *command, "-m", "pytest", "-o", "addopts=", "-rs", "-q", suite]
    return subprocess.run(
        arguments, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300, check=False
    )


def test_the_suite_passes_on_the_stand_in():
    run = run_suite("-m", "tests.maya_emulator", FACESOLVE_STAND_IN="1", FACESOLVE_PYTHON="")
    assert run.returncode == 0, run.stdout
    assert " passed" in run.stdout


def test_without_maya_every_test_skips_and_says_how_to_run_it():
    run = run_suite()
    assert run.returncode == 0, run.stdout
    assert " passed" not in run.stdout
    assert "mayapy -m pytest tests/in_maya" in run.stdout
    assert "this is a stand-in" in run_suite("-m", "tests.maya_emulator", suite="tests/in_maya/test_commands.py").stdout
