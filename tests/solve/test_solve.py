"""A solve by way of the public API: from a folder and in memory, with settings, saved and read, progress, errors."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import facesolve
from facesolve.footage import open_footage
from facesolve.take import StartPose
from facesolve.take.frame_range import part_of_take
from facesolve.take.solve_steps import STEPS
from facesolve.take.solved import find_take
from tests import synthetic, textured

TRUTH = "truth.npz"


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


def test_a_head_that_no_camera_can_hold_on_to_ends_with_a_verdict(folder: Path):
    take = facesolve.read_take(folder)
    in_meters = tuple(replace(camera, translation=camera.translation / 100) for camera in take.cameras)
    near = StartPose(0, take.rig.default_controls, np.eye(4))
    short = replace(take, cameras=in_meters, start=near, settings=facesolve.Settings(quality="draft"))
    lost = facesolve.solve(part_of_take(short, 0, 1), device="cpu")
    assert lost.verdict is not None
    assert lost.verdict.verdict == "does not fit"


def test_settings_replace_the_takes_own(folder: Path):
    settings = facesolve.Settings(controls=(facesolve.ControlSettings("jaw", lock=0.25),))
    locked = facesolve.solve(folder, device="cpu", settings=settings)
    assert np.allclose(locked.controls[:, locked.control_names.index("jaw")], 0.25)


def test_the_solution_says_how_far_each_vertex_drove_it(folder: Path, solution: facesolve.Solution):
    rig = facesolve.read_take(folder).rig
    assert solution.say is not None
    assert solution.say.shape == (rig.vertex_count,)
    assert solution.say.max() > 0.9
    assert rig.photometric_weight is not None
    assert not solution.say[rig.photometric_weight == 0].any()


def test_a_solution_is_kept_and_read_back(folder: Path, solution: facesolve.Solution, tmp_path: Path):
    solution.save(tmp_path / "solution")
    read = facesolve.read_solution(tmp_path / "solution")
    assert np.array_equal(read.controls, solution.controls)
    assert read.say is not None
    assert np.array_equal(read.say, solution.say)
    assert find_take(read, tmp_path / "solution").name == "synthetic"
    assert "of take 'synthetic': 6 frames, 0 to 5 at 30 fps" in repr(read)


def test_progress_reaches_a_function(solution: facesolve.Solution, events: list[dict[str, object]]):
    stages = [event["name"] for event in events if event["event"] == "stage"]
    assert stages == [
        "align the start pose",
        "track",
        "bundle the keyframes",
        "refine",
        "join all frames",
        "hold the cameras against each other",
    ]
    assert list(solution.provenance["seconds"]) == stages
    assert set(stages) < {step.stage for step in STEPS}, "an animator sees their names"


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
