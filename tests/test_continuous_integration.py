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


def test_mayas_oldest_python_tests_the_contract_and_draws_the_panel(workflow):
    job = workflow["jobs"]["maya-side"]
    assert job["container"]["image"] == "python:3.7"
    libraries, install, test, compile_all, draw = commands(job)
    assert libraries == [".ci/system_packages"]
    assert install[install.index("install") + 1 :] == ["--require-hashes", "-r", ".ci/requirements/python37.txt"]
    asked = [line for line in text(".ci", "requirements", "python37.in").splitlines() if not line.startswith("#")]
    assert {line.partition(" ;")[0] for line in asked} == {"numpy", "PySide2", "pytest", "pytest-xdist", "hypothesis"}
    assert test == ["python", "-m", "pytest", "-n", "0", "tests/take"]
    assert {"maya_plugin", "solver/facesolve/take"} <= set(compile_all)
    assert draw == ["python", "-m", "tests.bench.mayas_python"]
    assert (ROOT / "tests" / "bench" / "mayas_python.py").is_file()
    assert job["env"]["PYTHONPATH"].split(":") == ["solver", "maya_plugin"]


def test_the_panel_runs_on_the_newest_mayas_python_and_qt(workflow):
    job = workflow["jobs"]["panel"]
    assert next(step for step in job["steps"] if "with" in step and "python-version" in step["with"])["with"] == {
        "python-version": "3.13"
    }
    _, install, test = commands(job)
    assert install[install.index("install") + 1 :] == ["--require-hashes", "-r", ".ci/requirements/maya2027.txt"]
    assert "tests/facesolve_maya/ui" in test
    locked = text(".ci", "requirements", "maya2027.txt").lower()
    assert re.search(r"^pyside6-essentials==6\.8\.", locked, re.MULTILINE)
    assert "torch" not in locked


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


WORKFLOWS = sorted(path.name for path in (ROOT / ".github" / "workflows").glob("*.yml"))


@pytest.mark.parametrize("name", WORKFLOWS)
def test_actions_are_pinned_by_hash_and_keep_no_credentials(name):
    jobs = yaml.safe_load(text(".github", "workflows", name))["jobs"]
    steps = [step for job in jobs.values() for step in job["steps"] if "uses" in step]
    assert steps
    for step in steps:
        assert re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40}", step["uses"])
        if step["uses"].startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False


@pytest.mark.parametrize("name", WORKFLOWS)
def test_no_workflow_may_write(name):
    workflow = yaml.safe_load(text(".github", "workflows", name))
    for rights in (workflow["permissions"], *(job.get("permissions", {}) for job in workflow["jobs"].values())):
        assert rights in ({}, {"contents": "read"})


@pytest.mark.parametrize("name", ["ci.txt", "product.txt", "release.txt", "python37.txt", "maya2027.txt"])
def test_locks_name_one_version_and_hashes_of_everything(name):
    locked = re.split(r"\n(?=\S)", text(".ci", "requirements", name).strip())
    packages = [entry for entry in locked if not entry.startswith("#")]
    assert packages
    assert all(re.match(r"[A-Za-z0-9._-]+==\S+.*--hash=sha256:[0-9a-f]{64}", entry, re.DOTALL) for entry in packages)


def test_what_the_product_needs_is_locked():
    locked = text(".ci", "requirements", "product.txt").lower()
    needed = re.search(r"\ndependencies = \[(.*?)\n\]", text("pyproject.toml"), re.DOTALL)[1]
    for package in re.findall(r'^ *"([A-Za-z0-9-]+)', needed, re.MULTILINE):
        assert re.search(rf"^{package.lower()}==", locked, re.MULTILINE), f"run .ci/requirements/lock: {package} is new"
