"""A small rig with joints, skin and every kind of response, for tests of the contract and of its evaluations."""

from __future__ import annotations

import numpy as np

from facesolve.take import Combination, Control, Driver, Rig, Target
from facesolve.take.rig_logic import CHANNEL, CONTROL, LEAST, SIGNAL, TARGET, Port, Response
from facesolve.take.skeleton import RIG_SPACE, Channel, Joint, Skin
from facesolve.take.skinning import euler_rotations, joint_matrices

from . import rigs


def joints() -> tuple[Joint, ...]:
    """A turned root, a jaw that takes its scale out again, and a joint below the jaw in another rotate order."""
    return (
        Joint("neck", translate=np.array([0.2, -0.1, 0.3]), rotate=np.array([10.0, 0.0, -5.0])),
        Joint(
            "jaw",
            0,
            translate=np.array([0.4, 0.5, 0.0]),
            orient=euler_rotations(np.array([20.0, -30.0, 5.0]), "xyz"),
            rotate_order="zxy",
            scale=np.array([1.1, 0.9, 1.0]),
            compensate=True,
        ),
        Joint("chin", 1, np.array([0.1, 0.2, 0.1]), axis=euler_rotations(np.array([0.0, 15.0, 0.0]), "xyz")),
    )


CHANNELS = (
    Channel(0, "scaleX"),
    Channel(1, "rotateX"),
    Channel(1, "rotateY"),
    Channel(2, "translateZ"),
    Channel(2, "rotateZ"),
)


def responses() -> tuple[Response, ...]:
    """Curves, grids, products, a minimum and sums; some through signals, two for one channel."""
    random = np.random.default_rng(5)
    open_, turn, smile = (Port(CONTROL, k) for k in range(3))
    wide, both = Port(SIGNAL, 0), Port(SIGNAL, 1)
    axis = np.array([0.0, 0.4, 1.0])
    return (
        Response.curve(wide, open_, (0.0, 0.5, 1.0), (0.0, 0.2, 1.0)),
        Response.product(both, (wide, smile), 0.7),
        Response.linear(Port(CHANNEL, 0), smile, 0.3),
        Response.curve(Port(CHANNEL, 1), open_, (0.0, 0.5, 1.0), (0.0, 14.0, 25.0)),
        Response(Port(CHANNEL, 1), (turn, smile), random.normal(size=(3, 3)), (axis - 0.5, axis)),
        Response.linear(Port(CHANNEL, 2), turn, 12.0),
        Response(Port(CHANNEL, 3), (open_, turn, smile), random.normal(0, 0.1, (2, 3, 2)), (axis[:2], axis, axis[::2])),
        Response(Port(CHANNEL, 4), (wide, smile, open_), np.array([8.0]), (), LEAST),
        Response.linear(Port(TARGET, 1), both, 0.9),
        Response.weighted(Port(CHANNEL, 0), (smile, both, smile), (0.1, -0.4, 0.05)),
        Response.weighted(Port(CHANNEL, 4), (open_,), (3.0,)),
        Response.product(Port(TARGET, 0), (smile, smile, open_), 0.2),
    )


def without_targets() -> tuple[Response, ...]:
    """Those of ``responses`` that a rig without targets can have."""
    return tuple(response for response in responses() if response.output.kind != TARGET)


def skin(vertex_count: int, bound: tuple[Joint, ...]) -> Skin:
    """Every vertex on two or three influences, but the last one on none; one influence stands still."""
    random = np.random.default_rng(6)
    weights = random.uniform(0.1, 1.0, (vertex_count, 4))
    weights[:, 1:][random.uniform(size=(vertex_count, 3)) < 0.3] = 0.0
    weights /= weights.sum(axis=1, keepdims=True)
    weights[-1] = 0.0
    inverse = np.linalg.inv(joint_matrices(bound, (), np.zeros((1, 0)))[0])
    return Skin.from_dense((1, RIG_SPACE, 0, 2), np.stack([inverse[1], np.eye(4), inverse[0], inverse[2]]), weights)


def rig(**changes: object) -> Rig:
    """``rigs.rig`` with another target after the skin, three controls, and all of the above."""
    plain = rigs.rig()
    values: dict[str, object] = {
        "targets": (*plain.targets, Target("after", (rigs.shape(0.5, 1), rigs.shape(1.0, 0, 1)), after_skin=True)),
        "controls": (Control("open"), Control("turn", -1.0, 1.0), Control("smile")),
        "drivers": (Driver.identity(2, 0), Driver.identity(0, 1), Driver.identity(1, 3)),
        "combinations": (Combination(2, (0, 1)),),
        "joints": joints(),
        "channels": CHANNELS,
        "signals": ("wide", "wide smile"),
        "responses": responses(),
        "skin": skin(plain.vertex_count, joints()),
    }
    values.update(changes)
    return rigs.rig(**values)
