"""Correctives as targets in the scene: what is shown, undo and redo as one, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from maya import cmds

from facesolve.correctives.apply import applied
from facesolve.take import (
    Correctives,
    Mesh,
    Shape,
    Solution,
    Take,
    TakeError,
    Target,
    write_correctives,
    write_solution,
    write_take,
)
from facesolve.take.correctives import controls_key
from facesolve_maya.apply import ApplyRequest, CorrectivesRequest, apply_correctives, apply_solution
from facesolve_maya.scene.findings import Refusal
from facesolve_maya.scene.undo import load_plugin
from tests.facesolve_maya.shown import opened, shown_vertices, snapshot, solver_vertices
from tests.facesolve_maya.small_head import small_solution, small_take
from tests.maya_emulator.session import Session


def some(take: Take, solution: Solution) -> Correctives:
    """Two shapes with a gap in their vertices, in waves."""
    first = Shape(1.0, np.array([0, 1, 2, 5]), 0.3 * np.random.default_rng(1).standard_normal((4, 3)))
    second = Shape(1.0, np.array([3, 7]), 0.2 * np.random.default_rng(2).standard_normal((2, 3)))
    time = np.linspace(0, 3, take.frame_count)
    return Correctives(
        targets=(Target("corrective_1", (first,)), Target("corrective_2", (second,))),
        meshes=take.rig.meshes,
        frames=take.frames,
        scene_times=take.scene_times,
        activations=np.stack([np.sin(time), 0.5 - np.cos(2 * time)], 1),
        provenance={"controls": controls_key(solution)},
    )


@pytest.fixture
def solved(small: Session, tmp_path: Path) -> tuple[Take, Solution, Correctives]:
    """The small head with its solution keyed."""
    take = small_take(tmp_path)
    solution = small_solution(take)
    apply_solution(ApplyRequest(take, solution, head="head_GRP"))
    return take, solution, some(take, solution)


def misses(session: Session, take: Take, solution: Solution, correctives: Correctives) -> float:
    """Largest distance in cm of what the scene shows from the solver's vertices with correctives, at all frames."""
    wanted = solver_vertices(*applied(take, solution, correctives))
    return max(
        float(np.abs(shown_vertices(session, "headShape", time) - wanted[row]).max())
        for row, time in enumerate(take.scene_times)
    )


def test_the_scene_shows_solution_and_correctives(small: Session, solved: tuple[Take, Solution, Correctives]) -> None:
    take, solution, correctives = solved
    assert misses(small, take, solution, correctives) > 0.1
    report = apply_correctives(CorrectivesRequest(take, correctives, "head_GRP"))
    assert report.nodes == ("facesolve_correctives_small",)
    assert report.keys == 2 * take.frame_count
    assert misses(small, take, solution, correctives) < 1e-5
    assert cmds.aliasAttr(report.plugs[0], query=True) == "corrective_1"


def test_undo_takes_it_back_as_one_and_redo_brings_it_again(
    small: Session, solved: tuple[Take, Solution, Correctives]
) -> None:
    take, solution, correctives = solved
    before, queue = snapshot(small), len(small.undo_queue)
    apply_correctives(CorrectivesRequest(take, correctives, "head_GRP"))
    assert len(small.undo_queue) == queue + 1
    assert cmds.undoInfo(query=True, undoName=True) == "Facesolve: correctives of small"
    cmds.undo()
    assert snapshot(small) == before
    cmds.redo()
    assert len(small.undo_queue) == queue + 1
    assert misses(small, take, solution, correctives) < 1e-5


def test_a_saved_scene_keeps_them(small: Session, solved: tuple[Take, Solution, Correctives], tmp_path: Path) -> None:
    take, solution, correctives = solved
    apply_correctives(CorrectivesRequest(take, correctives, "head_GRP", folder="takes/solution"))
    path = tmp_path / "with.ma"
    path.write_text(snapshot(small))
    again = opened(path)
    assert misses(again, take, solution, correctives) < 1e-4
    assert cmds.getAttr("facesolve_correctives_small.facesolveCorrectives") == "takes/solution (small)"


def test_switching_the_node_off_is_a_full_rollback(small: Session, solved: tuple[Take, Solution, Correctives]) -> None:
    take, _, correctives = solved
    before = shown_vertices(small, "headShape", 4.0)
    apply_correctives(CorrectivesRequest(take, correctives, "head_GRP"))
    assert np.abs(shown_vertices(small, "headShape", 4.0) - before).max() > 0.05
    cmds.setAttr("facesolve_correctives_small.envelope", 0)
    np.testing.assert_array_equal(shown_vertices(small, "headShape", 4.0), before)


def test_a_second_time_gets_a_name_of_its_own(small: Session, solved: tuple[Take, Solution, Correctives]) -> None:
    take, _, correctives = solved
    request = CorrectivesRequest(take, correctives, "head_GRP")
    apply_correctives(request)
    assert apply_correctives(request).nodes == ("facesolve_correctives_small_2",)


def test_the_command_for_mel(small: Session, solved: tuple[Take, Solution, Correctives], tmp_path: Path) -> None:
    take, solution, correctives = solved
    recorded = replace(solution, provenance={**solution.provenance, "take": "../take"})
    write_take(take, tmp_path / "take")
    write_solution(recorded, tmp_path / "solution")
    write_correctives(correctives, tmp_path / "solution")
    load_plugin()
    before = snapshot(small)
    said = cmds.facesolveCorrectives(solution=str(tmp_path / "solution"), head="head_GRP")
    assert "Added 2 correctives" in said
    assert misses(small, take, solution, correctives) < 1e-5
    cmds.undo()
    assert snapshot(small) == before
    with pytest.raises(RuntimeError, match="give -solution"):
        cmds.facesolveCorrectives(head="head_GRP")


def test_nothing_changes_where_it_is_refused(
    small: Session, solved: tuple[Take, Solution, Correctives], tmp_path: Path
) -> None:
    take, _, correctives = solved
    before = snapshot(small)
    other = replace(correctives, meshes=(Mesh("headShape", 9, 6),))
    with pytest.raises(TakeError, match="other meshes"):
        apply_correctives(CorrectivesRequest(take, other, "head_GRP"))
    with pytest.raises(Refusal, match="does not exist"):
        apply_correctives(CorrectivesRequest(take, correctives, "nobody"))
    none = replace(correctives, targets=(), activations=np.zeros((take.frame_count, 0)))
    with pytest.raises(TakeError, match="none to add"):
        apply_correctives(CorrectivesRequest(take, none, "head_GRP"))
    assert snapshot(small) == before
