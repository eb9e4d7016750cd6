"""The public Python API: what it offers, what importing it costs, and what a type checker knows of it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import facesolve

HEAVY = ("torch", "cv2", "rich", "matplotlib")


def _python(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout


def test_importing_the_package_and_its_data_types_loads_no_heavy_library():
    code = f"""
import json, sys
import facesolve
print(facesolve.solve, facesolve.evaluate, dir(facesolve))
for name in ("Take", "Rig", "Camera", "Footage", "Settings", "Solution", "read_take", "FacesolveError"):
    getattr(facesolve, name)
print(json.dumps([name for name in {HEAVY} if name in sys.modules]))
"""
    printed, loaded = _python(code).splitlines()
    assert "<function solve at" in printed
    assert json.loads(loaded) == []


def test_solve_stays_the_function_whatever_is_imported_first():
    code = """
from facesolve.solve.pipeline import solve_take
import facesolve.solve, facesolve.evaluate.evaluation, facesolve
assert callable(facesolve.solve) and callable(facesolve.evaluate)
from facesolve.solve import solve
print(solve is facesolve.solve)
"""
    assert _python(code).strip() == "True"


def test_every_public_name_is_there_documented_and_listed():
    assert 12 <= len(facesolve.__all__) <= 18
    assert dir(facesolve) == sorted(facesolve.__all__)
    for name in set(facesolve.__all__) - {"__version__"}:
        assert getattr(facesolve, name).__doc__, name
    with pytest.raises(AttributeError, match="no attribute 'slove'"):
        _ = facesolve.slove  # type: ignore[attr-defined]


@pytest.mark.parametrize("package", ["solver/facesolve", "maya_plugin/facesolve_maya"])
def test_an_installed_package_says_that_it_is_typed(package: str):
    root = Path(__file__).parents[1]
    assert (root / package / "py.typed").is_file()
    shipped = f'\n{Path(package).name} = ["py.typed"'
    assert shipped in (root / "pyproject.toml").read_text(encoding="utf-8").split("[tool.setuptools.package-data]")[1]


def test_a_type_checker_knows_every_signature(tmp_path: Path):
    right = tmp_path / "right.py"
    right.write_text(
        "import facesolve\n"
        "import numpy as np\n"
        "from landmark_residual import LandmarkResidual\n"
        "take: facesolve.Take = facesolve.read_take('take')\n"
        "solution = facesolve.solve(take, device='cpu', settings=facesolve.Settings(smoothness=2), progress=print)\n"
        "landmarks = LandmarkResidual(np.arange(3), np.zeros((2, 1, 3, 2)), 1.0)\n"
        "facesolve.solve(take, residuals=[landmarks])\n"
        "truth = facesolve.Truth(solution.controls, solution.control_names, solution.head)\n"
        "print(facesolve.evaluate(solution, take, truth).regions[0].world_mean + 1.0)\n"
    )
    wrong = tmp_path / "wrong.py"
    wrong.write_text("import facesolve\nfacesolve.solve(3)\nfacesolve.solve('take', residuals=[3])\nfacesolve.slove\n")
    complaints = _mypy(right, wrong)
    assert "right.py" not in complaints
    assert 'Argument 1 to "solve"' in complaints
    assert 'expected "Residual"' in complaints
    assert 'no attribute "slove"' in complaints


def _mypy(*files: Path) -> str:
    """What ``mypy --strict`` says about a user's files, with the package's own sources as they are."""
    root, config = Path(__file__).parents[1], files[0].parent / "mypy.ini"
    config.write_text(
        f"[mypy]\nstrict = true\ncache_dir = {(files[0].parent / 'cache').as_posix()}\n"
        "[mypy-facesolve.*,landmark_residual]\nfollow_imports = silent\n"
        "[mypy-facesolve.solve.in_memory,torch.*]\nfollow_imports = skip\n"  # behind the door, and slow to read
    )
    options = ["--no-error-summary", f"--config-file={config}"]
    done = subprocess.run(
        [sys.executable, "-m", "mypy", *options, *map(str, files)],
        capture_output=True,
        text=True,
        env={**os.environ, "MYPYPATH": os.pathsep.join(map(str, (root / "solver", root / "docs" / "examples")))},
    )
    assert done.returncode == 1, done.stderr
    return done.stdout
