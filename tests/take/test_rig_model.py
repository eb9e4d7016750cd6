"""Rigs with joints, skin and responses: evaluated as the contract says, kept by files, and refused where broken."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from facesolve.take import TakeError, read_take, write_take
from facesolve.take.reading import read_npz
from facesolve.take.rig_evaluation import RigEvaluator
from facesolve.take.rig_files import rig_from_file, write_rig
from facesolve.take.rig_logic import CHANNEL, CONTROL, SIGNAL, TARGET, Port, Response
from facesolve.take.skeleton import Channel, Joint
from facesolve.take.skinning import euler_rotations

from . import jointed, rigs
from .test_storage import assert_same


def about(axis: int, degrees: float) -> np.ndarray:
    cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    rows = {
        0: [[1, 0, 0], [0, cosine, -sine], [0, sine, cosine]],
        1: [[cosine, 0, sine], [0, 1, 0], [-sine, 0, cosine]],
        2: [[cosine, -sine, 0], [sine, cosine, 0], [0, 0, 1]],
    }
    return np.array(rows[axis])


def test_the_axis_named_first_turns_first() -> None:
    expected = about(1, 30.0) @ about(0, 20.0) @ about(2, 10.0)
    np.testing.assert_allclose(euler_rotations(np.array([20.0, 30.0, 10.0]), "zxy"), expected, atol=1e-15)


def test_joints_follow_their_parents_by_the_formula_of_the_contract() -> None:
    rig = jointed.rig()
    controls = np.array([[0.5, -0.5, 0.4]])
    channels = RigEvaluator(rig).channel_values(controls)[0]
    neck, jaw, chin = rig.joints

    def transform(rotation: np.ndarray, shift: np.ndarray) -> np.ndarray:
        matrix = np.eye(4)
        matrix[:3, :3], matrix[:3, 3] = rotation, shift
        return matrix

    scale = np.diag([1.0 + channels[0], 1.0, 1.0])
    first = transform(about(2, -5.0) @ about(0, 10.0) @ scale, neck.translate)
    turned = about(1, channels[2]) @ about(0, channels[1])
    second = first @ transform(np.linalg.inv(scale) @ jaw.orient @ turned @ np.diag(jaw.scale), jaw.translate)
    third = second @ transform(about(2, channels[4]) @ chin.axis, chin.translate + np.array([0.0, 0.0, channels[3]]))
    np.testing.assert_allclose(RigEvaluator(rig).joint_matrices(controls)[0], [first, second, third], atol=1e-12)


def test_responses_add_up_through_signals() -> None:
    rig = jointed.rig()
    open_, turn, smile = 0.75, 0.1, 0.6
    weights = RigEvaluator(rig).target_weights(np.array([[open_, turn, smile]]))[0]
    channels = RigEvaluator(rig).channel_values(np.array([[open_, turn, smile]]))[0]
    wide = 0.2 + 0.5 * 0.8
    jaw = open_ + 0.9 * 0.7 * wide * smile
    twice = smile + 0.2 * smile * smile * open_
    np.testing.assert_allclose(weights, [twice, jaw, twice * jaw, turn])
    grid = rig.responses[4].values
    x, y = (0.1 - -0.1) / 0.6, (0.6 - 0.4) / 0.6
    between = np.array([1 - x, x]) @ grid[1:, 1:] @ np.array([1 - y, y])
    added = 0.15 * smile - 0.4 * 0.7 * wide * smile
    np.testing.assert_allclose(channels[[0, 4]], [0.18 + added, 8.0 * 0.6 + 3.0 * open_])
    np.testing.assert_allclose(channels[1], 14.0 + 0.5 * 11.0 + between)


def test_vertices_are_carried_by_joints_between_the_targets() -> None:
    rig = jointed.rig()
    evaluator, controls = RigEvaluator(rig), np.random.default_rng(0).uniform(0, 1, (4, 3))
    activations, joints = evaluator.activations(controls), evaluator.joint_matrices(controls)
    assert rig.skin is not None
    influences, weights = rig.skin.padded()
    for frame in range(4):
        carry = np.concatenate([joints[frame], np.eye(4)[None]])[rig.skin.joints] @ rig.skin.inverse_bind
        points = rig.neutral.astype(np.float64)
        late = np.zeros_like(points)
        for shape, activation, target in zip(evaluator.shapes, activations[frame], [0, 0, 0, 1, 2, 3, 3]):
            (late if target == 3 else points)[shape.vertices] += activation * shape.deltas
        homogeneous = np.concatenate([points, np.ones((len(points), 1))], 1)
        expected = np.einsum("vm,vmij,vj->vi", weights, carry[influences], homogeneous)[:, :3]
        expected[-1] = points[-1]
        np.testing.assert_allclose(evaluator.vertices(controls)[frame], expected + late, atol=1e-12)


def test_at_rest_a_bound_skin_leaves_the_neutral_where_it_is() -> None:
    rig = jointed.rig(drivers=(), responses=(), combinations=())
    np.testing.assert_allclose(RigEvaluator(rig).vertices(np.zeros((1, 3)))[0], rig.neutral, atol=1e-6)


def test_vertices_that_hang_on_a_moving_joint_move() -> None:
    rig = jointed.rig(targets=rigs.rig().targets[:0], drivers=(), combinations=(), responses=jointed.without_targets())
    assert RigEvaluator(rig).moving_vertices().tolist() == [True] * 4 + [False]
    still = replace(rig, responses=(), channels=())
    assert not RigEvaluator(still).moving_vertices().any()


def test_rig_returns_from_a_take_and_from_its_own_file_as_it_was(tmp_path: Path) -> None:
    rig = jointed.rig()
    take = rigs.take(tmp_path, rig=rig, start=None, settings=rigs.Settings())
    write_take(take, tmp_path / "take")
    assert_same(read_take(tmp_path / "take").rig, rig)
    write_rig(rig, tmp_path / "rig.npz")
    assert_same(rig_from_file(read_npz(tmp_path / "rig.npz", "rig"), tmp_path / "rig.npz"), rig)


BROKEN = {
    "a joint before its parent": ({"joints": jointed.joints()[::-1]}, "'chin' must come after its parent"),
    "a rotate order": ({"joints": (Joint("jaw", rotate_order="xxy"),)}, "'jaw' has rotate order 'xxy'"),
    "a joint that is not finite": (
        {"joints": (Joint("jaw", translate=np.full(3, np.nan)),)},
        "needs a finite translate",
    ),
    "names of joints": ({"joints": (Joint("jaw"), Joint("jaw"))}, "two joints are named 'jaw'"),
    "a channel twice": ({"channels": jointed.CHANNELS[:1] * 2}, "'scaleX' of joint 'neck' is listed twice"),
    "a channel": ({"channels": (Channel(0, "shearX"),)}, "no channel 'shearX'"),
    "order of responses": ({"responses": jointed.responses()[::-1]}, "reads signal 'wide smile' before it is complete"),
    "what a response reads": (
        {"responses": (Response.linear(Port(TARGET, 0), Port(TARGET, 1), 1.0),)},
        "reads target 1, which does not exist",
    ),
    "what a response sets": (
        {"responses": (Response.linear(Port(CHANNEL, 9), Port(CONTROL, 1), 1.0),)},
        "sets channel 9, which does not exist",
    ),
    "a grid": (
        {"responses": (Response(Port(SIGNAL, 0), (Port(CONTROL, 0),), np.zeros(3), (np.array([0.0, 1.0]),)),)},
        "a value for each place of the grid",
    ),
    "a sum": (
        {"responses": (Response.weighted(Port(SIGNAL, 0), [Port(CONTROL, 0)] * 2, (1.0,)),)},
        "needs a factor for each input and no axes",
    ),
    "a skin of another mesh": ({"skin": jointed.skin(4, jointed.joints())}, "do not fit the rig's 5 vertices"),
    "an influence": (
        {"skin": replace(jointed.skin(5, jointed.joints()), joints=np.array([0, 1, 2, 3]))},
        "uses a joint outside 0..2",
    ),
}


@pytest.mark.parametrize("what", BROKEN)
def test_what_does_not_fit_together_is_refused(what: str) -> None:
    changes, message = BROKEN[what]
    with pytest.raises(TakeError, match="(?i)" + message.replace(".", r"\.")):
        jointed.rig(**changes)
