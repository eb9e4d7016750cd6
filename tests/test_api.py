"""The public Python API: what it offers, what importing it costs, and a solve and its evaluation by way of it."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import facesolve
from facesolve.footage import open_footage
from facesolve.take import StartPose
from facesolve.take.solved import find_take

from . import synthetic, textured

TRUTH = "truth.npz"
HEAVY = ("torch", "cv2", "rich", "matplotlib")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small head in six frames, a start pose that is off, and the truth."""
    folder = tmp_path_factory.mktemp("api") / "take"
    folder.mkdir()
    take, pose = textured.make_take(folder, textured.rig(), frames=6), synthetic.performance(6)
    textured.film(take, pose)
    start = StartPose(0, pose.controls[0].numpy() + 0.05, pose.head[0].numpy())
    facesolve.write_take(replace(take, start=start), folder)
    names = np.array(take.rig.control_names)
    np.savez(folder / TRUTH, weights=pose.controls.numpy(), names=names, head=pose.head.numpy())
    return folder


@pytest.fixture(scope="module")
def events() -> list[dict[str, object]]:
    return []


@pytest.fixture(scope="module")
def solution(folder: Path, events: list[dict[str, object]]) -> facesolve.Solution:
    return facesolve.solve(folder, device="cpu", progress=events.append)


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
    shipped = f'\n{Path(package).name} = ["py.typed"]\n'
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


def test_a_take_is_solved_from_its_folder(folder: Path, solution: facesolve.Solution):
    take = facesolve.read_take(folder)
    evaluation = facesolve.evaluate(solution, take, folder / TRUTH)
    assert evaluation.regions[0].world_mean < 2.0  # mm, a pixel
    assert solution.frames.tolist() == take.frames.tolist()
    assert solution.provenance["take"] == folder.as_posix()


def test_a_take_in_memory_gives_the_same_solution(folder: Path, solution: facesolve.Solution):
    take = facesolve.read_take(folder)
    footage = []
    for files, camera in zip(take.footage, take.cameras, strict=True):
        reader = open_footage(files, camera)
        images = np.stack([reader.stored(frame) for frame in take.frames.tolist()])
        footage.append(facesolve.Footage.from_arrays(camera.name, images, color_space=files.color_space))
    in_memory = facesolve.solve(replace(take, footage=tuple(footage)), device="cpu")
    assert np.array_equal(in_memory.controls, solution.controls)
    assert np.array_equal(in_memory.head, solution.head)
    assert "take" not in in_memory.provenance


def test_settings_replace_the_takes_own(folder: Path):
    settings = facesolve.Settings(controls=(facesolve.ControlSettings("jaw", lock=0.25),))
    locked = facesolve.solve(folder, device="cpu", settings=settings)
    assert np.allclose(locked.controls[:, locked.control_names.index("jaw")], 0.25)


def test_a_solution_is_kept_and_read_back(folder: Path, solution: facesolve.Solution, tmp_path: Path):
    solution.save(tmp_path / "solution")
    read = facesolve.read_solution(tmp_path / "solution")
    assert np.array_equal(read.controls, solution.controls)
    assert find_take(read, tmp_path / "solution").name == "synthetic"
    assert "of take 'synthetic': 6 frames, 0 to 5 at 30 fps" in repr(read)


def test_progress_reaches_a_function(solution: facesolve.Solution, events: list[dict[str, object]]):
    stages = [event["name"] for event in events if event["event"] == "stage"]
    assert stages == ["align the start pose", "track", "bundle the keyframes", "refine", "join all frames"]
    assert list(solution.provenance["seconds"]) == stages


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"device": "gpu"}, r"device: 'gpu' is not one of auto, cpu, cuda, cuda:N"),
        ({"device": "cuda:x"}, r"device: 'cuda:x' is not one of"),
        ({"progress": "loud"}, r"progress: 'loud' is neither"),
    ],
)
def test_what_cannot_be_is_one_sentence(folder: Path, options: dict[str, str], sentence: str):
    with pytest.raises(facesolve.FacesolveError, match=sentence):
        facesolve.solve(folder, **options)  # type: ignore[arg-type]


def test_a_folder_without_a_take_is_one_sentence(tmp_path: Path):
    with pytest.raises(facesolve.FacesolveError, match=r"no take\.json"):
        facesolve.solve(tmp_path)
