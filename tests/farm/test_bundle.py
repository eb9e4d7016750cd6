"""Farm jobs: the reference implementation of Open Job Description accepts them, and runs one with the real solver."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from facesolve.cli import main
from facesolve.take import StartPose, TakeError, read_solution, read_take, write_take
from facesolve.take.actor import ActorProfile, write_actor
from tests import synthetic, textured

pytestmark = pytest.mark.skipif(importlib.util.find_spec("openjd") is None, reason="openjd-cli is not installed")

# every task of the jobs by step, as the reference implementation makes them; in a process of its own, as it brings
# pydantic, which changes how the command line is read
JUDGE = """
import json, pathlib, sys
from openjd import model
read = lambda path: json.loads(path.read_text(encoding="utf-8"))
answers = []
for folder in map(pathlib.Path, sys.argv[1:]):
    for environment in (folder / "environments").iterdir():
        model.decode_environment_template(template=read(environment))
    template = read(folder / "template.json")
    decoded = model.decode_job_template(template=template, supported_extensions=template.get("extensions", []))
    values = model.preprocess_job_parameters(
        job_template=decoded, job_parameter_values=read(folder / "parameters.json"),
        job_template_dir=folder, current_working_dir=folder)
    job = model.create_job(job_template=decoded, job_parameter_values=values)
    answers.append({step.name: [
        {name: str(value.value) for name, value in task.items()} if step.parameterSpace else {}
        for task in model.StepParameterSpaceIterator(space=step.parameterSpace)] for step in job.steps})
print(json.dumps(answers))
"""
# the command as a farm's machine has it
COMMAND = f"#!{sys.executable}\nimport sys\nfrom facesolve.cli import main\nsys.exit(main(sys.argv[1:]))\n"


@pytest.fixture(scope="module")
def takes(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two takes of a head of 642 vertices, two frames each."""
    folder = tmp_path_factory.mktemp("farm")
    (folder / "footage").mkdir()
    pose = synthetic.performance(2)
    start = StartPose(0, pose.controls[0].numpy(), pose.head[0].numpy())
    take = replace(textured.make_take(folder / "footage", textured.rig(), frames=2), start=start)
    textured.film(take, pose)
    for name in ("shot_a", "shot_b"):
        write_take(take, folder / name)
    return [folder / "shot_a", folder / "shot_b"]


def bundle(takes: list[Path], out: Path, *options: str) -> dict[str, Any]:
    """The template of a job that is written into ``out``."""
    command = ["farm", "bundle", *map(str, takes), "--solutions", str(out.parent / "solved"), "--out", str(out)]
    assert main([*command, *options]) == 0
    template: dict[str, Any] = json.loads((out / "template.json").read_text(encoding="utf-8"))
    return template


def test_the_reference_implementation_takes_both_kinds_of_job(takes: list[Path], tmp_path: Path) -> None:
    full = bundle(takes, tmp_path / "full", "--chunk", "1")
    plain = bundle(takes, tmp_path / "plain", "--plain", "--chunk", "1", "--device", "cpu")
    command = [sys.executable, "-c", JUDGE, str(tmp_path / "full"), str(tmp_path / "plain")]
    judged = subprocess.run(command, capture_output=True, text=True, check=True)
    tasks, plain_tasks = json.loads(judged.stdout)
    assert list(tasks) == ["Solve", "Overlay 1 shot_a", "Overlay 2 shot_b", "Report", "Index"]
    pairs = [{"Take": take.resolve().as_posix(), "Name": take.name} for take in takes]
    assert tasks["Solve"] == tasks["Report"] == plain_tasks["Solve"] == pairs
    assert [task["Frames"] for task in tasks["Overlay 1 shot_a"]] == ["0-0", "1-1"]
    assert [(task["Name"], task["Frames"]) for task in plain_tasks["Overlay"]] == [
        (name, frames) for name in ("shot_a", "shot_b") for frames in ("0-0", "1-1")
    ]
    assert "extensions" not in plain
    assert full["steps"][0]["hostRequirements"]["amounts"] == [{"name": "amount.worker.gpu", "min": 1}]
    assert not any("hostRequirements" in step for step in plain["steps"])
    uploaded = json.loads((tmp_path / "full" / "asset_references.json").read_text(encoding="utf-8"))
    assert {pair["Take"] for pair in pairs} < set(uploaded["assetReferences"]["inputs"]["directories"])


def test_mattes_texture_and_the_actors_profile_are_uploaded_too(takes: list[Path], tmp_path: Path) -> None:
    take = read_take(takes[0])
    (tmp_path / "skin").mkdir()
    shutil.copy(take.footage[0].image_path(0), tmp_path / "skin" / "albedo.png")
    footage = tuple(replace(one, matte=str(tmp_path / "mattes" / "m_{frame:04d}.png")) for one in take.footage)
    nothing = np.zeros((take.rig.vertex_count, 3), np.float32)
    (tmp_path / "monday").mkdir()
    write_actor(ActorProfile(nothing, nothing[:, 0], take.rig.meshes), tmp_path / "monday" / "actor.npz")
    files = {"texture": str(tmp_path / "skin" / "albedo.png"), "actor": str(tmp_path / "monday" / "actor.npz")}
    write_take(replace(take, footage=footage, **files), tmp_path / "masked")
    bundle([tmp_path / "masked"], tmp_path / "job", "--device", "cpu")
    uploaded = json.loads((tmp_path / "job" / "asset_references.json").read_text(encoding="utf-8"))
    wanted = {(tmp_path / name).as_posix() for name in ("masked", "mattes", "skin", "monday")}
    assert wanted < set(uploaded["assetReferences"]["inputs"]["directories"])


@pytest.mark.skipif(
    shutil.which("deadline") is None, reason="the command 'deadline' is not installed (pip install deadline)"
)
def test_the_reader_of_deadline_cloud_takes_both_kinds_of_job(takes: list[Path], tmp_path: Path) -> None:
    bundle(takes, tmp_path / "full")
    bundle(takes, tmp_path / "plain", "--plain")
    for name in ("full", "plain"):
        command = ["deadline", "bundle", "info", str(tmp_path / name)]
        told = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
        assert told["steps"][0] == "Solve"
        assert told["steps"][-1] == "Index"
        values = {one["name"]: one["_display_value"] for one in told["parameters"]}
        assert values["Out"] == (tmp_path / "solved").as_posix()


def test_takes_that_would_share_a_folder_are_refused(takes: list[Path], tmp_path: Path) -> None:
    from facesolve.farm.bundle import BundleRequest, write_bundle

    with pytest.raises(TakeError, match="two takes are named 'shot_a'"):
        write_bundle([takes[0], takes[0]], tmp_path / "s", [], BundleRequest(), tmp_path / "job", False)
    assert not (tmp_path / "job").exists()


@pytest.mark.skipif(os.name == "nt", reason="the command is a script with a shebang")
def test_openjd_runs_the_job_with_the_real_solver(takes: list[Path], tmp_path: Path) -> None:
    command = tmp_path / "facesolve"
    command.write_text(COMMAND, encoding="utf-8")
    command.chmod(0o755)
    bundle(takes[:1], tmp_path / "job", "--device", "cpu", "--quality", "draft", "--facesolve", str(command))
    home = os.pathsep.join(sys.path)
    run = [sys.executable, "-m", "openjd", "run", str(tmp_path / "job" / "template.json"), "--step", "Solve"]
    ended = subprocess.run(
        [*run, "--job-param", f"file://{tmp_path / 'job' / 'parameters.json'}"],
        env={**os.environ, "PYTHONPATH": home},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert ended.returncode == 0, ended.stdout[-3000:]
    assert "openjd_status: refine" in ended.stdout
    assert "openjd_progress: 100.0" in ended.stdout
    assert read_solution(tmp_path / "solved" / "shot_a").frames.tolist() == [0, 1]
