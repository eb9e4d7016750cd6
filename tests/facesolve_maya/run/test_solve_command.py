"""The command ``facesolveSolve``: what it hands to the solver, and that a solution is replaced only when told so."""

import json
import sys
from pathlib import Path

import pytest
from maya import cmds

PLUGIN = Path(__file__).resolve().parents[3] / "maya_plugin" / "plug-ins" / "facesolve_plugin.py"


@pytest.fixture
def solve(maya, fake_solver):
    """Calls the command on a take of the fake solver."""
    cmds.loadPlugin(str(PLUGIN), quiet=True)

    def run(behavior=None, **flags):
        request = fake_solver(**(behavior or {}))
        folders = {"take": str(request.take), "solution": str(request.out)}
        result = cmds.facesolveSolve(**folders, python=sys.executable, **flags)
        seen = json.loads((request.out / "seen.json").read_text(encoding="utf-8"))["arguments"]
        assert (result, seen[:4]) == (str(request.out), ["solve", str(request.take), "--out", str(request.out)])
        return seen[4:]

    return run


@pytest.mark.parametrize(
    ("flags", "expected"),
    [({}, False), ({"overwrite": False}, False), ({"overwrite": True}, True), ({"ow": True}, True)],
)
def test_overwrite_reaches_the_solver_when_it_is_given(solve, flags, expected):
    arguments = solve(**flags)
    assert ("--overwrite" in arguments) is expected


def test_quality_and_device_reach_the_solver(solve):
    arguments = solve(quality="draft", device="cpu")
    assert arguments[arguments.index("--quality") + 1] == "draft"
    assert arguments[arguments.index("--device") + 1] == "cpu"


def test_the_solvers_refusal_is_the_commands_error(solve):
    refused = "'solution.json' exists already; choose another name, or give --overwrite to replace it."
    with pytest.raises(RuntimeError, match="exists already"):
        solve({"error": refused, "code": 2})


def test_without_a_take_it_says_what_to_give(maya):
    cmds.loadPlugin(str(PLUGIN), quiet=True)
    with pytest.raises(RuntimeError, match="give -take"):
        cmds.facesolveSolve()
