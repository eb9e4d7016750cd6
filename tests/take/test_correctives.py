"""Correctives on disk: what is written is read back; what does not fit is refused with one sentence."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from facesolve.take import Correctives, Mesh, Shape, Solution, TakeError, Target, read_correctives, write_correctives
from facesolve.take.correctives import controls_key


def solution() -> Solution:
    return Solution(
        frames=np.arange(3),
        scene_times=np.arange(3) + 0.5,
        fps=24.0,
        control_names=("a",),
        controls=np.array([[0.1], [0.2], [0.3]]),
        head=np.tile(np.eye(4), (3, 1, 1)),
        control_std=np.zeros((3, 1)),
        head_std=np.zeros((3, 6)),
        camera_names=("c",),
        residual=np.zeros((3, 1)),
    )


def correctives() -> Correctives:
    bump = Shape(1.0, np.array([1, 4]), np.array([[0.1, 0, 0], [0, 0.2, 0.3]]))
    other = Shape(1.0, np.array([0]), np.array([[0.0, 0.0, -1.0]]))
    return Correctives(
        targets=(Target("corrective_1", (bump,)), Target("corrective_2", (other,))),
        meshes=(Mesh("skin", 4, 3), Mesh("ear", 2, 1)),
        frames=np.arange(3),
        scene_times=np.arange(3) + 0.5,
        activations=np.array([[1.0, 0.0], [0.5, -0.2], [0.0, 1.0]]),
        provenance={"controls": controls_key(solution())},
    )


def test_round_trip(tmp_path: Path) -> None:
    write_correctives(correctives(), tmp_path)
    found = read_correctives(tmp_path)
    assert found.names == ("corrective_1", "corrective_2")
    assert found.meshes == correctives().meshes
    np.testing.assert_array_equal(found.activations, correctives().activations)
    np.testing.assert_array_equal(found.scene_times, [0.5, 1.5, 2.5])
    np.testing.assert_array_equal(found.targets[0].shapes[0].vertices, [1, 4])
    np.testing.assert_allclose(found.targets[0].shapes[0].deltas, [[0.1, 0, 0], [0, 0.2, 0.3]], rtol=1e-6)
    found.check_belong_to(solution())


@pytest.mark.parametrize("change", [{"controls": np.ones((3, 1))}, {"frames": np.arange(3) + 1}])
def test_another_solution_is_told_apart(change: dict[str, np.ndarray]) -> None:
    with pytest.raises(TakeError, match="another solution"):
        correctives().check_belong_to(replace(solution(), **change))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"activations": np.zeros((3, 1))}, "activations have shape"),
        ({"activations": np.full((3, 2), np.nan)}, "not finite"),
        ({"scene_times": np.zeros(2)}, "scene times"),
        ({"meshes": (Mesh("skin", 3, 3),)}, "does not fit"),
        ({"targets": (correctives().targets[0],) * 2}, "same name"),
    ],
)
def test_what_does_not_fit_is_refused(change: dict[str, object], sentence: str) -> None:
    with pytest.raises(TakeError, match=sentence):
        replace(correctives(), **change)


def test_a_target_has_one_shape_at_weight_one() -> None:
    target = Target("half", (replace(correctives().targets[0].shapes[0], weight=0.5),))
    with pytest.raises(TakeError, match="one shape, at weight 1"):
        replace(correctives(), targets=(target, correctives().targets[1]))


def test_missing_and_malformed_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(TakeError, match="facesolve correctives"):
        read_correctives(tmp_path)
    write_correctives(correctives(), tmp_path)
    record = json.loads((tmp_path / "correctives.json").read_text())
    for spoilt, sentence in (
        ({"targets": 3}, "malformed"),
        ({"schema": 9}, "update Facesolve"),
        ({"sha256": "0"}, "does not match its JSON"),
    ):
        (tmp_path / "correctives.json").write_text(json.dumps({**record, **spoilt}))
        with pytest.raises(TakeError, match=sentence):
            read_correctives(tmp_path)
    del record["meshes"]
    (tmp_path / "correctives.json").write_text(json.dumps(record))
    with pytest.raises(TakeError, match="lacks 'meshes'"):
        read_correctives(tmp_path)
