"""Batch: many scenes, one bad one does not stop the others, the exit code tells."""

import gzip
import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from maya import cmds

from facesolve.take import Solution, read_take, write_solution
from facesolve.take.character import Character, CharacterControl, write_character
from facesolve_maya import batch
from facesolve_maya.run import EnvironmentReport
from tests.facesolve_maya.conftest import PYTHON_PATH
from tests.facesolve_maya.ma_scene import blend_scene

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def scenes(maya, tmp_path):
    """Two sound scenes and one whose blendShape is switched off, with footage."""
    import cv2

    camera = "\n".join(
        [
            'createNode transform -n "cam";',
            'createNode camera -n "camShape" -p "cam";',
            'createNode transform -n "plate" -p "camShape";',
            'createNode imagePlane -n "plateShape" -p "plate";',
            f'\tsetAttr ".imn" -type "string" "{(tmp_path / "img.0001.png").as_posix()}";',
            '\tsetAttr ".ufe" yes;',
            '\tsetAttr ".cov" -type "short2" 640 480 ;',
            'createNode expression -n "exp";',
            '\tsetAttr ".ixp" -type "string" ".O[0]=frame";',
        ]
    )
    wires = "\n".join(
        [
            'connectAttr ":time1.o" "exp.tim";',
            'connectAttr "exp.out[0]" "plateShape.fe";',
            'connectAttr "plateShape.msg" "camShape.ip" -na;',
        ]
    )
    for number in range(1, 5):
        cv2.imwrite(str(tmp_path / f"img.{number:04d}.png"), np.zeros((480, 640, 3), np.uint8))
    text = blend_scene(targets={"a": (0, [(6000, [0], [[1, 0, 0]])])}, nodes=camera, connections=wires)
    paths = [tmp_path / name for name in ("one.ma", "bad.ma", "two.ma")]
    for path in paths:
        path.write_text(text)
    paths[1].write_text(
        text.replace('createNode blendShape -n "BS";', 'createNode blendShape -n "BS";\n\tsetAttr ".nds" 1;')
    )
    return [str(path) for path in paths]


@pytest.fixture
def solver(monkeypatch):
    """A solver that moves every control evenly over its range and leaves the head where it starts."""

    def solve(request, interpreter, on_event=None):
        take = read_take(request.take)
        count = len(take.frames)
        share = np.linspace(0, 1, count)[:, None]
        solution = Solution(
            frames=take.frames,
            scene_times=take.scene_times,
            fps=take.fps,
            control_names=tuple(take.rig.control_names),
            controls=take.rig.bounds[:, 0] + share * (take.rig.bounds[:, 1] - take.rig.bounds[:, 0]),
            head=np.tile(take.start.head, (count, 1, 1)),
            control_std=np.zeros((count, len(take.rig.controls))),
            head_std=np.zeros((count, 6)),
            camera_names=tuple(camera.name for camera in take.cameras),
            residual=np.zeros((count, len(take.cameras))),
            provenance={"take": ".."},
        )
        write_solution(solution, request.out)
        return request.out

    monkeypatch.setattr("facesolve_maya.run.solve", solve)
    monkeypatch.setattr("facesolve_maya.run.find_interpreter", lambda setting: setting)
    monkeypatch.setattr("facesolve_maya.run.examined", lambda python: EnvironmentReport(None, True, "Ready."))


ARGUMENTS = ["--mesh", "head", "--head", "head_GRP", "--cameras", "cam", "--frames", "1-4"]


def test_a_bad_scene_does_not_stop_the_others(scenes, solver, tmp_path, capsys):
    code = batch.main([*scenes, *ARGUMENTS, "--save-as", str(tmp_path / "out" / "{scene}_keyed.ma"), "--json"])
    assert code == 1
    results = json.loads(capsys.readouterr().out)
    assert [r["status"] for r in results] == ["done", "failed", "done"]
    assert "BS: this blendShape does not compute" in results[1]["message"]
    assert [Path(r["saved"]).name for r in results] == ["one_keyed.ma", "", "two_keyed.ma"]
    assert [r["keys"] for r in results] == [28, 0, 28]
    cmds.file(results[0]["saved"], open=True, force=True)
    assert [round(cmds.getAttr("BS.a", time=t), 6) for t in (1, 2, 3, 4)] == [0, 0.333333, 0.666667, 1]
    assert read_take(results[0]["take"]).cameras[0].width == 640


def test_a_python_that_cannot_solve_ends_the_batch_before_it_exports(scenes, solver, monkeypatch, tmp_path, capsys):
    lacking = EnvironmentReport(None, False, "'/opt/python' lacks torch.")
    monkeypatch.setattr("facesolve_maya.run.examined", lambda python: lacking)
    with pytest.raises(SystemExit) as left:
        batch.main([scenes[0], *ARGUMENTS, "--take-dir", str(tmp_path / "takes")])
    assert left.value.code == 2
    assert "lacks torch" in capsys.readouterr().err
    assert not (tmp_path / "takes").exists()


def test_all_well_is_zero_and_the_table_has_a_line_for_each_scene(scenes, solver, capsys):
    assert batch.main([scenes[0], scenes[2], *ARGUMENTS]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[:3] == ["scene", "status", "seconds"]
    assert [line.split()[:2] for line in lines[1:]] == [["one.ma", "done"], ["two.ma", "done"]]


def test_a_head_is_looked_for_in_each_take_before_its_solve(scenes, solver, monkeypatch):
    looked: list[Path] = []
    monkeypatch.setattr("facesolve_maya.run.write_start", lambda take, *rest: looked.append(take))
    assert batch.main([scenes[0], *ARGUMENTS]) == 0
    assert not looked
    assert batch.main([scenes[0], *ARGUMENTS, "--overwrite", "--find-head"]) == 0
    assert [folder.name for folder in looked] == ["one"]


def test_settings_come_from_a_file_and_nothing_is_replaced_without_a_word(scenes, solver, tmp_path, capsys):
    soft = tmp_path / "soft.json"
    soft.write_text('{"smoothness": 2, "quality": "draft", "controls": {"a": {"stiffness": 3}}}')
    arguments = [scenes[0], *ARGUMENTS, "--settings", str(soft), "--quality", "final", "--device", "cuda:1", "--json"]
    assert batch.main(arguments) == 0
    settings = read_take(json.loads(capsys.readouterr().out)[0]["take"]).settings
    assert (settings.smoothness, settings.quality) == (2.0, "final")
    assert [(control.name, control.stiffness) for control in settings.controls] == [("a", 3.0)]
    assert batch.main(arguments) == 1
    assert "give --overwrite" in json.loads(capsys.readouterr().out)[0]["message"]
    assert batch.main([*arguments, "--overwrite"]) == 0


def test_missing_scenes_and_solver_errors_are_sentences(scenes, solver, monkeypatch, capsys):
    from facesolve.take import SolveError

    def fails(request, interpreter, on_event):
        raise SolveError("the solver ran out of memory.")

    monkeypatch.setattr("facesolve_maya.run.solve", fails)
    assert batch.main([scenes[0], "nowhere.ma", *ARGUMENTS]) == 1
    out = capsys.readouterr().out
    assert "ran out of memory" in out
    assert "'nowhere.ma' does not exist" in out
    assert "Traceback" not in out


def test_a_character_names_head_meshes_and_settings_in_whatever_namespace(scenes, solver, tmp_path):
    character = Character(
        "hero",
        head="head_GRP",
        meshes=("head",),
        strengths={"smoothness": 2.0},
        controls={"a": CharacterControl(maximum=0.75, stiffness=3.0), "elsewhere": CharacterControl(active=False)},
    )
    write_character(character, tmp_path / "character.json")
    scene = tmp_path / "referenced.ma"
    scene.write_text(re.sub(r'"((?:head|BS)\w*)', r'"hero:\1', Path(scenes[0]).read_text()))
    given = ["--cameras", "cam", "--frames", "1-4", "--character", str(tmp_path / "character.json")]
    assert batch.main([scenes[0], str(scene), *given]) == 0
    for name in ("one", "referenced"):
        take = read_take(tmp_path / "facesolve" / name)
        assert take.settings.smoothness == 2.0
        assert take.rig.controls[0].maximum == 0.75
        assert [(control.name, control.stiffness) for control in take.settings.controls] == [("a", 3.0)]
    assert take.rig.controls[0].plug.startswith("hero:")


def test_a_character_without_a_head_is_one_sentence(scenes, tmp_path, capsys):
    write_character(Character("hero", meshes=("head",)), tmp_path / "character.json")
    given = ["--cameras", "cam", "--frames", "1-4", "--character", str(tmp_path / "character.json")]
    assert batch.main([scenes[0], *given, "--preflight"]) != 0
    assert "character: 'hero' does not name both head and meshes; give --mesh and --head." in "".join(
        capsys.readouterr()
    )


@pytest.mark.parametrize("wrong", [["--frames", "4-1"], ["--frames", "x"], ["--quality", "best"]])
def test_a_wrong_command_line_is_two(scenes, wrong):
    with pytest.raises(SystemExit) as leaving:
        batch.main([scenes[0], *ARGUMENTS, *wrong])
    assert leaving.value.code == 2


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--save-as", "out/keyed.ma"], "saved scenes"),
        (["--take-dir", "takes", "--save-as", "out/{scene}.ma"], "saved scenes"),
    ],
)
def test_scenes_that_would_overwrite_each_other_are_refused(scenes, tmp_path, capsys, more, words):
    (tmp_path / "other").mkdir()
    second = tmp_path / "other" / "one.ma"
    second.write_text(Path(scenes[0]).read_text())
    with pytest.raises(SystemExit) as leaving:
        batch.main([scenes[0], str(second), *ARGUMENTS, *more])
    assert leaving.value.code == 2
    assert f"the {words} of" in capsys.readouterr().err
    assert not (tmp_path / "facesolve").exists()


def test_scenes_of_one_name_have_takes_of_their_own(scenes, solver, tmp_path):
    (tmp_path / "shot 20").mkdir()
    second = tmp_path / "shot 20" / "one.ma"
    second.write_text(Path(scenes[0]).read_text())
    assert batch.main([scenes[0], str(second), *ARGUMENTS, "--take-dir", str(tmp_path / "takes")]) == 0
    assert sorted(path.name for path in (tmp_path / "takes").iterdir()) == sorted(
        [f"{tmp_path.name}_one", "shot 20_one"]
    )


def test_without_a_solver_nothing_is_exported(scenes, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("FACESOLVE_PYTHON", str(tmp_path / "none"))
    with pytest.raises(SystemExit) as leaving:
        batch.main([scenes[0], *ARGUMENTS])
    assert leaving.value.code == 2
    assert "FACESOLVE_PYTHON" in capsys.readouterr().err
    assert not (tmp_path / "facesolve").exists()


def test_a_solve_that_does_not_fit_is_not_keyed_unless_one_insists(scenes, solver, monkeypatch, capsys):
    from facesolve.take import read_solution
    from facesolve.take.verdict import DOES_NOT_FIT, Verdict
    from facesolve_maya import run

    sound = run.solve

    def misfit(*given):
        found = read_solution(sound(*given))
        write_solution(replace(found, verdict=Verdict(DOES_NOT_FIT, "cameras 'a' and 'b' are swapped.")), given[0].out)
        return given[0].out

    monkeypatch.setattr("facesolve_maya.run.solve", misfit)
    assert batch.main([scenes[0], *ARGUMENTS, "--json"]) == 1
    (result,) = json.loads(capsys.readouterr().out)
    assert (result["keys"], result["verdict"]) == (0, "does not fit: cameras 'a' and 'b' are swapped.")
    assert "not keyed" in result["message"]
    assert batch.main([scenes[0], *ARGUMENTS, "--json", "--overwrite", "--apply-anyway"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["keys"] > 0


def test_a_sampled_control_is_recorded_and_keyed(scenes, solver, tmp_path, capsys):
    code = batch.main([scenes[0], *ARGUMENTS, "--sample", "BS.a", "--json"])
    (result,) = json.loads(capsys.readouterr().out)
    assert (code, result["status"]) == (0, "done"), result
    assert [control.plug for control in read_take(result["take"]).rig.controls] == ["BS.a"]
    assert [round(cmds.getAttr("BS.a", time=t), 6) for t in (1, 4)] == [0, 1]


def test_a_scene_that_opens_with_complaints_is_solved_and_they_are_reported(scenes, solver, maya, capsys):
    """Maya calls it a failure when a plug-in, which the face may have nothing to do with, is missing."""
    maya.missing_plugins.add("studioTool")
    text = Path(scenes[0]).read_text()
    Path(scenes[0]).write_text(
        text.replace('requires maya "2022";', 'requires maya "2022";\nrequires "studioTool" "1.0";')
    )
    assert batch.main([scenes[0], *ARGUMENTS, "--json"]) == 0
    (result,) = json.loads(capsys.readouterr().out)
    assert result["status"] == "done"
    assert 'warnings: Plug-in, "studioTool", was not found' in result["findings"][0]


def test_a_file_that_is_no_scene_is_a_failure(scenes, solver, monkeypatch, capsys):
    def refuses(*args, **flags):
        raise RuntimeError("Error reading file.\n")

    real = cmds.file
    monkeypatch.setattr(
        sys.modules["maya.cmds"], "file", lambda *a, **k: (refuses if "open" in k else real)(*a, **k), raising=False
    )
    assert batch.main([scenes[0], *ARGUMENTS]) == 1
    assert "could not be opened: Error reading file." in capsys.readouterr().out


def test_a_crash_on_mayas_way_out_does_not_turn_success_into_failure(scenes, monkeypatch):
    monkeypatch.setenv("FACESOLVE_STAND_IN_CRASHES", "1")
    assert run_as_mayapy(scenes[0], *ARGUMENTS, "--preflight").returncode == 0


def run_as_mayapy(*arguments):
    environment = {
        **os.environ,
        "PYTHONPATH": PYTHON_PATH,
    }
    command = [sys.executable, "-m", "tests.maya_emulator", "-m", "facesolve_maya.batch", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300, check=False)


def test_preflight_in_mayapys_place(scenes):
    run = run_as_mayapy(scenes[0], *ARGUMENTS, "--preflight", "--json")
    assert run.returncode == 0, run.stderr
    (result,) = json.loads(run.stdout)
    assert result["status"] == "checked"
    assert run_as_mayapy(scenes[1], *ARGUMENTS, "--preflight").returncode == 1
    assert run_as_mayapy(scenes[0], "--mesh").returncode == 2


def test_the_large_scene_is_checked_in_mayapys_place(facesolve_data, tmp_path):
    folder = facesolve_data / "ict_rom"
    scene = tmp_path / "scene.ma"
    scene.write_bytes(gzip.decompress((folder / "scene.ma.gz").read_bytes()))
    run = run_as_mayapy(
        scene,
        "--mesh",
        "face_GEO",
        "--head",
        "head_GRP",
        "--cameras",
        "cam0,cam1,cam2",
        "--frames",
        "1001-1040",
        "--project",
        folder,
        "--preflight",
        "--json",
    )
    assert run.returncode == 0, run.stderr
    assert json.loads(run.stdout)[0]["findings"] == []
