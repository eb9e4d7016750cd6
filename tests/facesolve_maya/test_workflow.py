"""The workflow that runs the suite for real Maya: what it says, read as GitHub reads it."""

import shlex
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
yaml = pytest.importorskip("yaml", reason="PyYAML is not installed: the workflow file is not read")


@pytest.fixture(scope="module")
def workflow() -> dict:
    return yaml.safe_load((ROOT / ".github" / "workflows" / "maya.yml").read_text(encoding="utf-8"))


def test_it_runs_on_every_push_with_no_rights_to_write(workflow):
    assert set(workflow[True]) == {"push", "pull_request", "workflow_dispatch"}  # YAML 1.1 reads the key "on" as true
    assert workflow["permissions"] == {"contents": "read"}


def test_it_runs_only_where_someone_has_a_license(workflow):
    for job in workflow["jobs"].values():
        assert job["if"] == "vars.FACESOLVE_MAYA == 'licensed'"


def test_each_version_of_maya_has_an_image_of_that_version(workflow):
    (job,) = workflow["jobs"].values()
    entries = job["strategy"]["matrix"]["include"]
    assert [entry["maya"] for entry in entries] == ["2022", "2023", "2024", "2025", "2026"]
    assert all(entry["image"].rpartition(":")[2] == entry["maya"] for entry in entries)
    assert job["container"]["image"] == "${{ matrix.image }}"


def test_its_commands_run_the_suite_in_mayas_python(workflow):
    (job,) = workflow["jobs"].values()
    commands = [shlex.split(step["run"]) for step in job["steps"] if "run" in step]
    assert all(command[:2] == ["mayapy", "-m"] for command in commands)
    suite = commands[-1]
    assert suite[2] == "pytest"
    assert (ROOT / suite[3] / "conftest.py").is_file()
