"""The actor's profile through a whole solve: given to a take, kept beside the solution, believed by who reads it."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from facesolve import Settings, Solution, Take, evaluate, read_solution, solve, write_take
from facesolve.evaluate.evaluation import Truth
from facesolve.export.performance import load_performance
from facesolve.geometry.rig import RigModel
from facesolve.take import Footage, StartPose, TakeError, read_take
from facesolve.take.actor import ActorProfile, read_actor, write_actor
from facesolve.take.solved import fingerprint, fitted_take
from tests.stages.test_neutral import actors_rig
from tests.synthetic import film, head_rig, make_take, performance

FRAMES = 8


@cache
def filmed() -> Take:
    """A take of the head's own rig, of the person that ``actors_rig`` is, posed by hand at the first frame."""
    take, truth = make_take(head_rig(), Settings(quality="draft", contour=0.0), FRAMES), performance(FRAMES)
    pixels = film(RigModel(actors_rig()), take.cameras, truth)
    images = [[np.round(255 * frame.luminance[c].numpy()).astype(np.uint8) for frame in pixels] for c in range(3)]
    footage = [Footage.from_arrays(lens.name, seen) for lens, seen in zip(take.cameras, images, strict=True)]
    start = StartPose(0, truth.controls[0].numpy(), truth.head[0].numpy())
    return replace(take, footage=tuple(footage), start=start)


def profile() -> ActorProfile:
    rig = head_rig()
    offset = actors_rig().neutral - rig.neutral
    return ActorProfile(offset, np.full(rig.vertex_count, 0.01), rig.meshes, {"takes": ["first"]})


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The profile as an earlier take has left it."""
    path = tmp_path_factory.mktemp("actors") / "anna.npz"
    write_actor(profile(), path)
    return path


@pytest.fixture(scope="module")
def solution(file: Path) -> Solution:
    return solve(replace(filmed(), actor=str(file)), device="cpu")


def error(found: Solution) -> float:
    """Mean distance in cm of the front of the head from the person who was filmed."""
    rig, truth = head_rig(), performance(FRAMES)
    there = RigModel(actors_rig()).vertices(truth.controls.float()) @ truth.head[:, :3, :3].mT.float()
    world = (there + truth.head[:, None, :3, 3].float()).numpy()
    return float(np.linalg.norm(found.vertices(rig) - world, axis=2)[:, rig.neutral[:, 2] > 3].mean())


def test_a_solve_learns_the_profile_unless_it_is_told_not_to() -> None:
    # the start pose's controls would hold a part of what the profile is for
    settings = replace(filmed().settings, quality="standard", anchor=0.0)
    learned, told = (
        solve(filmed(), device="cpu", settings=replace(settings, profile=profile)) for profile in (True, False)
    )
    assert learned.actor is not None
    assert told.actor is None
    assert error(learned) < 0.5 * error(told)


def test_a_take_is_solved_with_the_profile_that_it_is_given(solution: Solution, file: Path) -> None:
    assert solution.actor is not None
    np.testing.assert_allclose(solution.actor.offset, profile().offset, atol=0.05)
    assert error(solution) < 0.1
    assert error(replace(solution, actor=None)) > 2 * error(solution)
    assert read_actor(file).provenance == profile().provenance


def test_the_profile_is_kept_beside_the_solution_and_belongs_to_it(solution: Solution, tmp_path: Path) -> None:
    take, out = filmed(), tmp_path / "out"
    solution.save(out)
    again = read_solution(out)
    assert again.actor is not None
    assert solution.actor is not None
    np.testing.assert_array_equal(again.actor.offset, solution.actor.offset)
    np.testing.assert_array_equal(again.vertices(take.rig), solution.vertices(take.rig))
    truth = performance(FRAMES)
    true = Truth(truth.controls.numpy(), tuple(take.rig.control_names), truth.head.numpy())
    plain = evaluate(replace(again, actor=None), take, true).regions[0].world_mean
    assert evaluate(again, take, true).regions[0].world_mean > plain  # this truth is of the rig, not of the actor
    write_actor(replace(solution.actor, offset=0 * solution.actor.offset), out / "actor.npz")
    with pytest.raises(TakeError, match=r"actor\.npz"):
        read_solution(out)
    replace(solution, actor=None).save(out, overwrite=True)
    assert not (out / "actor.npz").exists()


def test_what_is_exported_is_the_actors_face(solution: Solution, tmp_path: Path) -> None:
    files = tuple(Footage(lens.name, f"{lens.name}.{{frame:04d}}.png") for lens in filmed().cameras)
    write_take(replace(filmed(), footage=files), tmp_path / "take")
    solution.save(tmp_path / "out")
    performed = load_performance(tmp_path / "out", tmp_path / "take")
    _, vertices = next(iter(performed.vertices(stabilized=False)))
    np.testing.assert_allclose(vertices, solution.vertices(filmed().rig)[0], atol=1e-5)


def test_a_take_as_it_was_solved_learns_nothing_more(solution: Solution) -> None:
    assert solution.actor is not None
    fitted = fitted_take(filmed(), solution)
    np.testing.assert_array_equal(fitted.rig.neutral, filmed().rig.neutral + solution.actor.offset)
    assert not fitted.settings.profile


def test_a_take_keeps_where_its_profile_lies_and_another_profile_is_another_solve(file: Path, tmp_path: Path) -> None:
    files = tuple(Footage(lens.name, f"{lens.name}.{{frame:04d}}.png") for lens in filmed().cameras)
    write_take(replace(filmed(), footage=files, actor=str(file)), tmp_path / "take")
    take = read_take(tmp_path / "take")
    assert take.actor is not None
    assert Path(take.actor).samefile(file)
    with_profile = fingerprint(take, tmp_path / "take")
    assert with_profile != fingerprint(replace(take, actor=None), tmp_path / "take")


def test_a_profile_of_another_rig_is_refused(tmp_path: Path) -> None:
    rig = head_rig()
    other = replace(rig.meshes[0], name="other")
    write_actor(ActorProfile(np.zeros((rig.vertex_count, 3)), np.zeros(rig.vertex_count), (other,)), tmp_path / "a.npz")
    with pytest.raises(TakeError, match="made for a rig with other meshes"):
        read_actor(tmp_path / "a.npz").applied(rig)


def test_neutral_frames_of_a_take_must_be_its_own() -> None:
    with pytest.raises(TakeError, match="neutral frame 9 is outside the take"):
        make_take(head_rig(), Settings(neutral=(9,)), FRAMES)
