"""The test of an environment: what the solver says of itself, and what is said when it cannot speak."""

import json
import time
from pathlib import Path

import pytest

from facesolve_maya.run import DoctorTask, Interpreter, examine_environment
from facesolve_maya.run.doctor import read_report

CHECKS = [
    {"name": "torch", "state": "ok", "detail": "2.13"},
    {"name": "nvdiffrast", "state": "optional", "remedy": "r"},
]


def doctor(root, code):
    """Replaces the fake solver's module by ``code``."""
    (root / "solver" / "facesolve" / "__main__.py").write_text(code, encoding="utf-8")


@pytest.fixture
def root(fake_solver, tmp_path):
    return tmp_path / "module root ünï"


def test_a_healthy_environment_is_ready(root, interpreter):
    doctor(root, "import json; print(json.dumps({}))".format({"checks": CHECKS}))
    report = examine_environment(interpreter)
    assert report.ready
    assert [(check.name, check.state, check.remedy) for check in report.checks] == [
        ("torch", "ok", ""),
        ("nvdiffrast", "optional", "r"),
    ]


def test_what_is_missing_is_named(interpreter):
    checks = [{"name": "torch", "state": "missing", "remedy": "pip install torch"}]
    report = read_report(interpreter, 2, json.dumps({"checks": checks}), "")
    assert not report.ready
    assert "lacks torch" in report.text
    assert report.checks[0].remedy == "pip install torch"


@pytest.mark.parametrize(
    ("errors", "expected"),
    [
        ("Traceback\nModuleNotFoundError: No module named 'numpy'", "pip install"),
        ("SyntaxError: invalid syntax", "3.10 or later"),
        ("Segmentation fault", "Segmentation fault"),
        ("", "exit code 1"),
    ],
)
def test_a_python_that_cannot_examine_itself_is_explained(interpreter, errors, expected):
    report = read_report(interpreter, 1, "no json", errors)
    assert not report.ready
    assert expected in report.text
    assert str(interpreter.path) in report.text


def test_a_missing_module_is_explained_by_a_real_process(root, interpreter):
    doctor(root, "import a_module_that_is_not_there")
    assert "a_module_that_is_not_there" in examine_environment(interpreter).text


def test_one_that_hangs_is_given_up_and_killed(root, interpreter):
    doctor(root, "import time; time.sleep(100)")
    began = time.monotonic()
    report = examine_environment(interpreter, timeout=1.0)
    assert not report.ready
    assert "no answer" in report.text
    assert time.monotonic() - began < 10


def test_a_python_that_is_not_there_is_a_report_not_an_exception(tmp_path):
    report = examine_environment(Interpreter(tmp_path / "none", "the tests"))
    assert not report.ready
    assert "none" in report.text


def test_the_task_can_be_killed(root, interpreter):
    doctor(root, "import time; time.sleep(100)")
    task = DoctorTask(interpreter)
    task.poll()
    task.kill()
    assert task._process.exit_code not in (None, 0)


def test_the_real_solver_answers(interpreter):
    if not (Path(__file__).parents[3] / "solver" / "facesolve" / "jobs" / "doctor.py").exists():
        pytest.skip("facesolve.jobs.doctor is not part of this checkout")
    pytest.importorskip("torch", reason="torch is not installed")
    report = examine_environment(interpreter)
    assert report.ready, report.text
    assert report.checks
