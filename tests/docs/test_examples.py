"""The Python examples run as they stand, and pages show the files that run."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from facesolve import read_solution

from .pages import ROOT

EXAMPLES = ROOT / "docs" / "examples"


def run(example: str, folder: Path) -> str:
    """What an example prints when it runs in ``folder``."""
    path = os.pathsep.join(entry for entry in sys.path if entry)
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / example)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_take_is_solved_in_ten_lines(workspace: Path, tmp_path: Path):
    folder = tmp_path / "workspace"
    shutil.copytree(workspace, folder)
    printed = run("solve_a_take.py", folder).splitlines()
    assert printed[0].startswith("<Take 'my_take': 3 frames")
    assert printed[1].startswith("<Solution of take 'my_take': 3 frames")
    assert printed[2].startswith("jaw up to 0.")
    assert printed[3].startswith("<Evaluation of 3 frames: face ")
    assert read_solution(folder / "python_solution").provenance["take"] == "../my_take"
    assert len((EXAMPLES / "solve_a_take.py").read_text(encoding="utf-8").splitlines()) == 10


@pytest.mark.parametrize(
    ("page", "name"),
    [
        ("README.md", "solve_a_take.py"),
        ("docs/reference/api/index.md", "solve_a_take.py"),
        ("docs/tutorials/researcher.md", "landmark_residual.py"),
    ],
)
def test_pages_show_the_example_that_runs(page: str, name: str):
    example = (EXAMPLES / name).read_text(encoding="utf-8")
    assert f"```python\n{example}```" in (ROOT / page).read_text(encoding="utf-8")
