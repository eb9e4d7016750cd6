"""The command ``facesolveSolve``: what it hands to the solver, and that a solution is replaced only when told so.

With ``-findHead`` it has the head looked for first, and poses the scene.
"""

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from maya import cmds

from facesolve.take import write_take
from facesolve_maya.scene.head import head_at
from tests.facesolve_maya.shown import snapshot
from tests.facesolve_maya.small_head import small_take

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


@pytest.fixture
def found(small, fake_solver, tmp_path):
    """The small scene, whose take the fake solver finds a start pose for: request of the solve, and the take."""
    cmds.loadPlugin(str(PLUGIN), quiet=True)
    request, take = fake_solver(), small_take(tmp_path)
    head = take.start.head.copy()
    head[:3, 3] += 1.0, 2.0, 3.0
    controls = take.rig.bounds[:, 0] + 0.25 * np.ptp(take.rig.bounds, axis=1)
    take = replace(take, start=replace(take.start, head=head, controls=controls))
    write_take(take, request.take)
    return request, take


def test_a_head_that_was_looked_for_is_posed_in_one_undo(small, found):
    request, take = found
    before = snapshot(small)
    folders = {"take": str(request.take), "solution": str(request.out)}
    assert cmds.facesolveSolve(**folders, python=sys.executable, findHead=True, head="head_GRP") == str(request.out)
    assert "--overwrite --write" in (request.take / "aligned").read_text(encoding="utf-8")
    np.testing.assert_allclose(head_at("head_GRP", 1.0), take.start.head, atol=1e-6)
    for control, value in zip(take.rig.controls, take.start.controls, strict=True):
        assert cmds.getAttr(control.plug) == pytest.approx(value)
    small.undo()
    assert snapshot(small) == before


def test_without_a_head_transform_the_take_alone_is_posed(small, found):
    request, _ = found
    before = snapshot(small)
    cmds.facesolveSolve(take=str(request.take), solution=str(request.out), python=sys.executable, findHead=True)
    assert (request.take / "aligned").exists()
    assert snapshot(small) == before


def test_a_head_that_is_not_found_is_no_solve(small, found):
    request, _ = found
    lost = {"lost": "no start pose was found with confidence (12%)."}
    (request.take / "behavior.json").write_text(json.dumps(lost), encoding="utf-8")
    with pytest.raises(RuntimeError, match=r"confidence \(12%\)"):
        cmds.facesolveSolve(take=str(request.take), solution=str(request.out), python=sys.executable, findHead=True)
    assert not request.out.exists()
