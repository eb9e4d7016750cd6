"""The round trip on real film: scene to take, the solver itself in a process of its own, keys back, saved, shown."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from maya import cmds

from facesolve.take import Solution, Take, read_solution, read_take
from tests.facesolve_maya.conftest import PYTHON_PATH
from tests.facesolve_maya.shown import MILLIMETERS, opened, shown_vertices, solver_vertices, true_vertices
from tests.maya_emulator.session import Session, use

ROOT = Path(__file__).resolve().parents[3]
FIRST, LAST = 1001, 1003
LAYER = "facesolve_ict_rom"
CONTROLS = ("face_CTL.jawOpen", "face_CTL.smileL")
HEAD = tuple(f"head_GRP.{kind}{axis}" for kind in ("translate", "rotate") for axis in "XYZ")
FACE = slice(0, 6706)  # the skin; what follows are eyes, teeth and the inside of the mouth
LIMIT = 0.4  # millimeters, mean over FACE: draft quality, three frames, a start pose that is 2.3 mm off


@dataclass(frozen=True, eq=False)
class RoundTrip:
    """A scene that batch has solved, and its files."""

    scene: Path
    take: Take
    solution: Solution
    result: dict


@pytest.fixture(scope="session")
def keyed(facesolve_data, tmp_path_factory) -> RoundTrip:
    """ict_rom through batch: the emulator in mayapy's place, the solver a process of this Python."""
    folder, data = tmp_path_factory.mktemp("round trip größe"), facesolve_data / "ict_rom"
    scene = folder / "ict_rom.ma"
    scene.write_bytes(gzip.decompress((data / "scene.ma.gz").read_bytes()))
    command = [sys.executable, "-m", "tests.maya_emulator", "-m", "facesolve_maya.batch", str(scene)]
    command += ["--mesh", "face_GEO", "--head", "head_GRP", "--cameras", "cam0,cam1,cam2"]
    command += ["--frames", f"{FIRST}-{LAST}", "--project", str(data), "--quality", "draft", "--device", "cpu"]
    command += ["--no-texture"]
    command += ["--python", sys.executable, "--save-as", str(folder / "out" / "{scene}_keyed.ma"), "--json"]
    environment = {
        **os.environ,
        "PYTHONPATH": PYTHON_PATH,
    }
    run = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=600, check=False)
    assert run.returncode == 0, run.stderr
    (result,) = json.loads(run.stdout)
    return RoundTrip(Path(result["saved"]), read_take(result["take"]), read_solution(result["solution"]), result)


@pytest.fixture(scope="session")
def keyed_session(keyed) -> Session:
    """The saved scene in a Maya of its own."""
    return opened(keyed.scene)


@pytest.fixture
def scene(keyed_session):
    """The saved scene; what a test changes is undone after it."""
    use(keyed_session)
    yield keyed_session
    while keyed_session.undo_queue:
        keyed_session.undo()


def worst_of(keyed: RoundTrip, session) -> float:
    """Largest distance in millimeters between what the scene shows and what the solver says."""
    expected = solver_vertices(keyed.take, keyed.solution)
    return MILLIMETERS * max(
        np.linalg.norm(shown_vertices(session, "face_GEOShape", time) - points, axis=1).max()
        for time, points in zip(keyed.solution.scene_times, expected, strict=True)
    )


def test_the_solve_is_the_scenes(keyed):
    assert keyed.result["status"] == "done"
    assert keyed.result["findings"] == []
    assert list(keyed.solution.scene_times) == [1001.0, 1002.0, 1003.0]
    assert not (Path(keyed.result["solution"]) / "cancel").exists()
    assert not list(Path(keyed.result["solution"]).glob("texture*"))


def test_the_saved_scene_holds_curves_on_controls_weights_and_head(keyed, scene):
    weights = cmds.aliasAttr("face_BS", query=True)[::2]
    keyable = [*CONTROLS, *HEAD, *(f"face_BS.{name}" for name in weights if name not in ("jawOpen", "mouthSmile_L"))]
    assert len(weights) == 55
    for plug in keyable:
        (curve,) = cmds.animLayer(LAYER, query=True, findCurveForPlug=plug)
        assert cmds.keyframe(curve, query=True, timeChange=True) == [1001.0, 1002.0, 1003.0], plug
    assert keyed.result["keys"] == 3 * len(keyable)
    for driven in ("face_BS.jawOpen", "face_BS.mouthSmile_L"):
        assert not cmds.animLayer(LAYER, query=True, findCurveForPlug=driven)


def test_the_saved_scene_shows_the_solvers_vertices(keyed, scene):
    assert worst_of(keyed, scene) < 0.01


def test_the_saved_scene_is_near_the_truth(scene, facesolve_data):
    truth = true_vertices(facesolve_data / "ict_rom", range(LAST - FIRST + 1))
    shown = np.stack([shown_vertices(scene, "face_GEOShape", FIRST + row) for row in range(len(truth))])
    error = MILLIMETERS * np.linalg.norm(shown - truth, axis=2)
    assert error[:, FACE].mean() < LIMIT
    start = cmds.getAttr("head_GRP.translate", time=FIRST)
    cmds.animLayer(LAYER, edit=True, mute=True)
    assert cmds.getAttr("head_GRP.translate", time=FIRST) != start


@pytest.mark.parametrize(
    ("plug", "value"), [("head_GRP.rotateOrder", 5), ("face_BS.envelope", 0.99), ("character_GRP.rotateY", 0.01)]
)
def test_a_wrong_scene_is_seen(keyed, scene, plug, value):
    cmds.setAttr(plug, value)
    assert worst_of(keyed, scene) > 0.01
