"""Takes for the fake solver, and an interpreter that runs it in the solver's place."""

import json
import os
import sys
from pathlib import Path

import pytest

from facesolve_maya.run import Interpreter, SolveRequest


@pytest.fixture
def interpreter():
    return Interpreter(Path(sys.executable), "the tests")


@pytest.fixture
def fake_solver(tmp_path, monkeypatch):
    """Makes a take whose solve behaves as told; returns the request. ``python -m facesolve`` runs the fake."""
    root = tmp_path / "module root ünï"
    package = root / "solver" / "facesolve"
    package.mkdir(parents=True)
    source = Path(__file__).with_name("fake_solver.py").read_text(encoding="utf-8")
    (package / "__main__.py").write_text(source, encoding="utf-8")
    (package / "__init__.py").write_text("", encoding="utf-8")
    for module in ("task", "doctor", "align"):
        monkeypatch.setattr(f"facesolve_maya.run.{module}.module_root", lambda: root)
    monkeypatch.setattr("facesolve_maya.run.environment.module_root", lambda: root)

    def make(**behavior):
        take = tmp_path / "take 012 – Größe"
        take.mkdir()
        (take / "take.json").write_text("{}", encoding="utf-8")
        (take / "behavior.json").write_text(json.dumps(behavior), encoding="utf-8")
        return SolveRequest(take, tmp_path / "solution of take 012")

    return make


def process_exists(number):
    """True while a process of that number runs; a zombie counts as gone."""
    if os.name == "nt":
        import subprocess

        listed = subprocess.run(["tasklist", "/FI", f"PID eq {number}"], capture_output=True, text=True)
        return str(number) in listed.stdout
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{number}/stat")
    return not (status.exists() and status.read_text().rsplit(")", 1)[1].split()[0] == "Z")
