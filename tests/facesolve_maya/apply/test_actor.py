"""The actor's neutral as a target in the scene: what is shown, undo as one, gone without a trace."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from maya import cmds

from facesolve.take import Solution, Take, TakeError, write_solution, write_take
from facesolve.take.actor import ActorProfile
from facesolve_maya.apply import ActorRequest, ApplyRequest, apply_actor, apply_solution
from facesolve_maya.scene.undo import load_plugin
from tests.facesolve_maya.shown import shown_vertices, snapshot, solver_vertices
from tests.facesolve_maya.small_head import small_solution, small_take
from tests.maya_emulator.session import Session

NODE = "facesolve_actor_small"


@pytest.fixture
def solved(small: Session, tmp_path: Path) -> tuple[Take, Solution]:
    """The small head with its solution keyed; the actor's neutral is elsewhere."""
    take = small_take(tmp_path)
    count = take.rig.vertex_count
    offset = 0.2 * np.random.default_rng(4).standard_normal((count, 3))
    offset[2:4] = 0
    actor = ActorProfile(offset, np.full(count, 0.01), take.rig.meshes)
    solution = replace(small_solution(take), actor=actor)
    apply_solution(ApplyRequest(take, solution, head="head_GRP"))
    return take, solution


def misses(session: Session, take: Take, solution: Solution) -> float:
    """Largest distance in cm of what the scene shows from the solver's vertices, at all frames."""
    wanted = solver_vertices(replace(take, rig=solution.fitted_rig(take.rig)), solution)
    return max(
        float(np.abs(shown_vertices(session, "headShape", time) - wanted[row]).max())
        for row, time in enumerate(take.scene_times)
    )


def test_the_scene_shows_the_actors_face_and_undo_takes_it_back_as_one(
    small: Session, solved: tuple[Take, Solution]
) -> None:
    take, solution = solved
    assert solution.actor is not None
    before, queue = snapshot(small), len(small.undo_queue)
    assert misses(small, take, solution) > 0.1
    report = apply_actor(ActorRequest(take, solution.actor, "head_GRP"))
    assert report.nodes == (NODE,)
    assert cmds.getAttr(NODE + ".weight[0]") == 1
    assert misses(small, take, solution) < 1e-5
    assert len(small.undo_queue) == queue + 1
    cmds.undo()
    assert snapshot(small) == before
    cmds.redo()
    assert misses(small, take, solution) < 1e-5


def test_switching_the_node_off_leaves_the_rig_as_it_was(small: Session, solved: tuple[Take, Solution]) -> None:
    take, solution = solved
    assert solution.actor is not None
    before = shown_vertices(small, "headShape", 4.0)
    apply_actor(ActorRequest(take, solution.actor, "head_GRP"))
    cmds.setAttr(NODE + ".envelope", 0)
    np.testing.assert_array_equal(shown_vertices(small, "headShape", 4.0), before)


def test_the_command_for_mel(small: Session, solved: tuple[Take, Solution], tmp_path: Path) -> None:
    take, solution = solved
    write_take(take, tmp_path / "take")
    write_solution(replace(solution, provenance={**solution.provenance, "take": "../take"}), tmp_path / "solution")
    load_plugin()
    before = snapshot(small)
    assert "Added the actor's neutral" in cmds.facesolveActor(solution=str(tmp_path / "solution"), head="head_GRP")
    assert misses(small, take, solution) < 1e-5
    cmds.undo()
    assert snapshot(small) == before


def test_a_profile_that_moves_nothing_or_belongs_elsewhere_is_refused(
    small: Session, solved: tuple[Take, Solution]
) -> None:
    take, solution = solved
    assert solution.actor is not None
    before = snapshot(small)
    with pytest.raises(TakeError, match="moves no vertex"):
        apply_actor(ActorRequest(take, replace(solution.actor, offset=0 * solution.actor.offset), "head_GRP"))
    other = replace(solution.actor, meshes=(replace(take.rig.meshes[0], name="other"), *take.rig.meshes[1:]))
    with pytest.raises(TakeError, match="other meshes"):
        apply_actor(ActorRequest(take, other, "head_GRP"))
    assert snapshot(small) == before
