"""The plug-in's commands from Python and MEL; and a whole batch, where the solver's Python and film are at hand."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path

import pytest

from facesolve.take import read_take, write_solution, write_take
from tests.in_maya.head import scene_state, solution_of, take_of_head


@pytest.fixture
def folders(head):
    """Take and solution on disk, as the commands want them."""
    take = take_of_head(head)
    write_take(take, head / "take")
    write_solution(solution_of(take), head / "take" / "solution")
    return {"take": (head / "take").as_posix(), "solution": (head / "take" / "solution").as_posix()}


def one(answer):
    """Maya gives a command's text as itself or in a list."""
    return answer[0] if isinstance(answer, list) else answer


def test_apply_is_one_undoable_step(cmds, head, folders):
    before = scene_state()
    assert "Keyed 8 channels" in one(cmds.facesolveApply(head="head_GRP", **folders))
    after = scene_state()
    cmds.undo()
    assert scene_state() == before
    cmds.redo()
    assert scene_state() == after


def test_short_flags_and_mel(cmds, head, folders):
    assert "'mine'" in one(cmds.facesolveApply(s=folders["solution"], t=folders["take"], l="mine", fi=2, la=6))
    mel = pytest.importorskip("maya.mel", reason="the stand-in has no MEL")
    text = 'facesolveApply -solution "{solution}" -take "{take}" -layer "melLayer"'.format(**folders)
    assert "'melLayer'" in one(mel.eval(text))


def test_a_bad_call_is_an_error_in_words(cmds, head):
    with pytest.raises(RuntimeError, match="give -solution"):
        cmds.facesolveApply()


def test_the_check_reports_and_the_export_writes(cmds, head):
    plane = cmds.imagePlane(camera="camShape", fileName=(head / "plate.0001.png").as_posix())[1]
    cmds.setAttr(plane + ".useFrameExtension", True)
    request = {"mesh": ["head"], "head": "head_GRP", "camera": ["cam"], "first": 1, "last": 3}
    folder = one(cmds.facesolveExport(folder=(head / "t").as_posix(), **request))
    assert list(read_take(Path(folder)).frames) == [1, 2, 3]
    cmds.setAttr("BS.nodeState", 1)
    assert any("not Normal" in line for line in cmds.facesolveExport(check=True, **request))


def test_batch_solves_and_saves_the_film(cmds, tmp_path, facesolve_data, capsys):
    from facesolve_maya import batch

    python = os.environ.get("FACESOLVE_PYTHON")
    if not python:
        pytest.skip("FACESOLVE_PYTHON does not name a Python with the solver")
    film, scene = facesolve_data / "ict_rom", tmp_path / "ict_rom.ma"
    scene.write_bytes(gzip.decompress((film / "scene.ma.gz").read_bytes()))
    arguments = [str(scene), "--mesh", "face_GEO", "--head", "head_GRP", "--cameras", "cam0,cam1,cam2"]
    arguments += ["--frames", "1001-1003", "--project", str(film), "--quality", "draft", "--device", "cpu"]
    arguments += ["--python", python, "--save-as", str(tmp_path / "{scene}_keyed.ma"), "--json"]
    assert batch.main(arguments) == 0
    (result,) = json.loads(capsys.readouterr().out)
    assert (result["status"], result["keys"]) == ("done", 3 * 61)
    cmds.file(result["saved"], open=True, force=True)
    for plug in ("face_CTL.jawOpen", "face_CTL.smileL", "face_BS.eyeBlink_L", "head_GRP.rotateY"):
        assert cmds.animLayer("facesolve_ict_rom", query=True, findCurveForPlug=plug), plug
