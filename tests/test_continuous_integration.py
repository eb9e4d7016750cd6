"""The public workflow and what it runs: read as GitHub reads it, held to what the project says of itself."""

import os
import re
import shlex
from pathlib import Path
from types import SimpleNamespace

import pytest

from .conftest import SLOWEST, pytest_collection_modifyitems

ROOT = Path(__file__).resolve().parents[1]
yaml = pytest.importorskip("yaml", reason="PyYAML is not installed: the workflow file is not read")


def text(*parts: str) -> str:
    return ROOT.joinpath(*parts).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def workflow() -> dict:
    return yaml.safe_load(text(".github", "workflows", "ci.yml"))


def commands(job: dict) -> list[list[str]]:
    return [shlex.split(step["run"]) for step in job["steps"] if "run" in step]


def test_it_runs_on_every_push_of_every_fork_with_no_rights_to_write(workflow):
    assert set(workflow[True]) == {"push", "pull_request", "workflow_dispatch"}  # YAML 1.1 reads the key "on" as true
    assert workflow["permissions"] == {"contents": "read"}
    assert all("if" not in job for job in workflow["jobs"].values())


def test_linux_runs_the_developers_own_command_under_each_python_that_is_claimed(workflow):
    job = workflow["jobs"]["linux"]
    assert [".ci/run"] in commands(job)
    tested = job["strategy"]["matrix"]["python"]
    assert all(isinstance(version, str) for version in tested)  # 3.10 unquoted would be 3.1
    claimed = re.findall(r'"Programming Language :: Python :: (3\.\d+)"', text("pyproject.toml"))
    assert set(tested) <= set(claimed)
    assert (tested[0], tested[-1]) == (claimed[0], claimed[-1])
    assert f'requires-python = ">={claimed[0]}"' in text("pyproject.toml")
    assert f"Python {claimed[0]} to {claimed[-1]}" in text("README.md")


def test_the_command_runs_every_check_that_contributors_are_told_of():
    lines = text(".ci", "run").splitlines()
    for check in ("python -m pytest", "ruff check .", "ruff format --check .", "mypy", "lint-imports"):
        assert check in lines
    assert any(line.startswith("mkdocs build --strict") for line in lines)
    assert any(line.startswith("vermin --target=3.7- ") for line in lines)
    assert '"${PYTHON:-python3}" -m venv' in text(".ci", "run")


@pytest.mark.skipif(os.name == "nt", reason="Windows keeps no executable bit")
def test_its_scripts_can_be_started():
    for name in ("run", "system_packages"):
        assert os.access(ROOT / ".ci" / name, os.X_OK)
        assert text(".ci", name).startswith("#!/usr/bin/env bash\n")


def test_mayas_oldest_python_tests_the_contract_with_numpy_alone(workflow):
    job = workflow["jobs"]["maya-side"]
    assert job["container"]["image"] == "python:3.7"
    install, test, compile_all = commands(job)
    assert set(install[install.index("install") + 1 :]) == {"numpy", "pytest", "pytest-xdist", "hypothesis"}
    assert test == ["python", "-m", "pytest", "-n", "0", "tests/take"]
    assert {"maya_plugin", "solver/facesolve/take"} <= set(compile_all)
    assert job["env"]["PYTHONPATH"].split(":") == ["solver", "maya_plugin"]


def test_jobs_that_nobody_of_us_has_seen_run_say_so_and_fail_nothing(workflow):
    (job,) = (job for job in workflow["jobs"].values() if "ubuntu" not in job["runs-on"])
    assert set(job["strategy"]["matrix"]["system"]) == {"windows-2022", "macos-14"}
    assert "never run by us" in job["name"]
    assert job["continue-on-error"] is True
    assert "never been run by us" in text(".github", "workflows", "ci.yml").splitlines()[1]


def test_the_slowest_files_start_first():
    names = [name for name in SLOWEST if (ROOT / "tests" / name).is_file()]
    assert names == list(SLOWEST)
    listed, other = ROOT / "tests" / SLOWEST[0], ROOT / "tests" / "test_cli.py"
    items = [SimpleNamespace(path=other, name="a"), SimpleNamespace(path=listed, name="b"), SimpleNamespace(path=other)]
    pytest_collection_modifyitems(items)
    assert [item.path for item in items] == [listed, other, other]
