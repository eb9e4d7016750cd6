"""The test of an environment: what the solver says of itself, and what is said when it cannot speak."""

import json
import time
from pathlib import Path

import pytest

from facesolve.take.errors import ProcessError
from facesolve.take.finding import ERROR, NOTE, Finding, findings_record
from facesolve_maya.run import DoctorTask, Interpreter
from facesolve_maya.run.doctor import read_report

TORCH, NVDIFFRAST = Finding(NOTE, "torch", "2.13"), Finding(NOTE, "nvdiffrast", "not installed", "r")
THERE = findings_record("facesolve doctor", [TORCH, NVDIFFRAST])


def doctor(root, code):
    """Replaces the fake solver's module by ``code``."""
    (root / "solver" / "facesolve" / "__main__.py").write_text(code, encoding="utf-8")


def examined(interpreter, **options):
    task = DoctorTask(interpreter, **options)
    while task.report is None:
        task.poll()
        time.sleep(0.05)
    return task.report


@pytest.fixture
def root(fake_solver, tmp_path):
    return tmp_path / "module root ünï"


def test_a_healthy_environment_is_ready(root, interpreter):
    doctor(root, f"import json; print(json.dumps({THERE}))")
    report = examined(interpreter)
    assert report.ready
    assert report.findings == (TORCH, NVDIFFRAST)


def test_what_is_missing_is_named(interpreter):
    missing = Finding(ERROR, "torch", "not installed", "pip install torch")
    report = read_report(interpreter, 2, json.dumps(findings_record("facesolve doctor", [missing])), "")
    assert not report.ready
    assert "lacks torch" in report.text
    assert report.findings == (missing,)


def test_a_solver_of_another_version_is_named(interpreter):
    older = {name: value for name, value in THERE.items() if name != "schema"}
    report = read_report(interpreter, 0, json.dumps(older), "")
    assert not report.ready
    assert str(interpreter.path) in report.text
    assert "another version of Facesolve" in report.text


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
    assert "a_module_that_is_not_there" in examined(interpreter).text


def test_one_that_hangs_is_given_up_and_killed(root, interpreter):
    doctor(root, "import time; time.sleep(100)")
    began = time.monotonic()
    report = examined(interpreter, timeout=1.0)
    assert not report.ready
    assert "did not answer" in report.text
    assert time.monotonic() - began < 10


def test_a_python_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ProcessError, match="none"):
        DoctorTask(Interpreter(tmp_path / "none", "the tests"))


def test_the_task_can_be_killed(root, interpreter):
    doctor(root, "import time; time.sleep(100)")
    task = DoctorTask(interpreter)
    task.poll()
    task.kill()
    assert task.process.exit_code not in (None, 0)


def test_the_real_solver_answers(interpreter):
    if not (Path(__file__).parents[3] / "solver" / "facesolve" / "jobs" / "doctor.py").exists():
        pytest.skip("facesolve.jobs.doctor is not part of this checkout")
    pytest.importorskip("torch", reason="torch is not installed")
    report = examined(interpreter)
    assert report.ready, report.text
    assert report.findings
