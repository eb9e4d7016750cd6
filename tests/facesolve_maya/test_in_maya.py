"""The suite for real Maya, run on the stand-in so that its own mistakes show; and its skip where there is neither."""

import os
import subprocess
import sys
from pathlib import Path

from tests.facesolve_maya.conftest import PYTHON_PATH
from tests.in_maya import conftest

ROOT = Path(__file__).resolve().parents[2]


def run_suite(*command, options=(), **variables):
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    environment = {
        **kept,
        "PYTHONPATH": PYTHON_PATH,
        **variables,
    }
    arguments = [sys.executable, *command, "-m", "pytest", "-o", "addopts=", "-rs", "-q", *options, "tests/in_maya"]
    return subprocess.run(
        arguments, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300, check=False
    )


def test_the_suite_passes_on_the_stand_in():
    # what starts a solver there has tests of its own on the stand-in: test_batch
    left = "tests/in_maya/test_maya_itself.py::test_a_batch_ends_with_its_own_exit_code"
    run = run_suite(
        "-m", "tests.maya_emulator", options=["--deselect", left], FACESOLVE_STAND_IN="1", FACESOLVE_PYTHON=""
    )
    assert run.returncode == 0, run.stdout
    assert " passed" in run.stdout


class Item:
    """A collected test."""

    def __init__(self, path):
        self.fspath, self.marks = path, []

    def add_marker(self, mark):
        self.marks.append(mark)


def test_without_maya_every_test_of_the_suite_skips_and_says_how_to_run_it(monkeypatch):
    monkeypatch.delenv(conftest.STAND_IN, raising=False)
    inside, outside = Item(ROOT / "tests" / "in_maya" / "test_apply.py"), Item(ROOT / "tests" / "test_other.py")
    conftest.pytest_collection_modifyitems([inside, outside])
    ((skip,), nothing) = inside.marks, outside.marks
    assert nothing == []
    assert skip.name == "skip"
    assert "this is a stand-in for Maya" in skip.kwargs["reason"]
    for name in [name for name in sys.modules if name.split(".")[0] == "maya"]:
        monkeypatch.delitem(sys.modules, name)
    assert conftest.why_not().startswith("Maya is not here; run them with Maya's own Python: mayapy -m pytest")
