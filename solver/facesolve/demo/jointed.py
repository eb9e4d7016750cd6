"""The demo's head as many studios build theirs: jaw, eyes and neck are joints, and a skin carries the blendshapes."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from facesolve.take import Control, Driver, Rig
from facesolve.take.rig_logic import CHANNEL, CONTROL, SIGNAL, TARGET, Port, Response
from facesolve.take.skeleton import RIG_SPACE, Channel, Joint, Skin

from .head import Head, build_rig
from .performance import control_curves
from .sculpt import EYE_CENTER
from .shapes import COMBINATION, HINGE, JAW_ANGLE, Anatomy, jaw_weight

NECK = np.array([0.0, -11.0, -1.5])  # about which the head nods on the shoulders
NECK_BASE, NECK_TOP = -15.5, -10.0  # cm: below the first the neck stands still, above the second it follows the head
JAW, EYES, NECK_NAME = "jaw", ("eye_L", "eye_R"), "neck"


@dataclass(frozen=True)
class _Turn:
    """A control that turns a joint: the control's name, the joint's, the channel, and its limits in degrees."""

    control: str
    joint: str
    attribute: str
    minimum: float
    maximum: float


TURNS = (
    _Turn("jaw_open", JAW, "rotateX", 0.0, 25.0),
    _Turn("jaw_side", JAW, "rotateY", -8.0, 8.0),
    _Turn("eye_L_pitch", "eye_L", "rotateX", -25.0, 25.0),
    _Turn("eye_L_yaw", "eye_L", "rotateY", -35.0, 35.0),
    _Turn("eye_R_pitch", "eye_R", "rotateX", -25.0, 25.0),
    _Turn("eye_R_yaw", "eye_R", "rotateY", -35.0, 35.0),
    _Turn("neck_nod", NECK_NAME, "rotateX", -15.0, 15.0),
    _Turn("neck_turn", NECK_NAME, "rotateY", -20.0, 20.0),
    _Turn("neck_tilt", NECK_NAME, "rotateZ", -15.0, 15.0),
)

# As in ``performance.ACTIONS``, in degrees.
_TURNING: tuple[tuple[str, float, float, float], ...] = (
    ("jaw_open", 0.50, 0.32, 16.0),
    ("jaw_open", 0.95, 0.2, 6.0),
    ("jaw_side", 0.62, 0.26, 4.0),
    ("jaw_side", 0.16, 0.2, -3.0),
    ("eye_L_pitch", 0.3, 0.3, -7.0),
    ("eye_R_pitch", 0.3, 0.3, -7.0),
    ("eye_L_yaw", 0.1, 0.3, 14.0),
    ("eye_R_yaw", 0.1, 0.3, 11.0),
    ("eye_L_yaw", 0.55, 0.3, -13.0),
    ("eye_R_yaw", 0.55, 0.3, -16.0),
    ("neck_nod", 0.4, 0.4, 6.0),
    ("neck_turn", 0.8, 0.4, -8.0),
    ("neck_tilt", 0.2, 0.3, 4.0),
)


def build_jointed_rig(head: Head) -> Rig:
    """``head`` with joints for jaw, eyes and neck below a skin that comes after the blendshapes.

    The jaw's shape gives way to a joint that turns about the hinge. The shape that an open jaw and a pucker need on top
    of each other follows from the jaw's angle and the pucker, as does one more of funnel and jaw.
    """
    plain = build_rig(head)
    jaw_shape = plain.target_names.index("jawOpen")
    names = [name for name in plain.target_names if name != "jawOpen"]
    targets = tuple(target for index, target in enumerate(plain.targets) if index != jaw_shape)
    shapes = tuple(Control(name) for name in names if name != COMBINATION)
    turns = tuple(Control(turn.control, turn.minimum, turn.maximum) for turn in TURNS)
    controls = (*shapes, *turns)
    joints = (
        Joint(NECK_NAME, RIG_SPACE, NECK),
        Joint(JAW, 0, HINGE - NECK),
        Joint(EYES[0], 0, EYE_CENTER - NECK),
        Joint(EYES[1], 0, EYE_CENTER * (-1.0, 1.0, 1.0) - NECK),
    )
    index_of = {joint.name: index for index, joint in enumerate(joints)}
    channels = tuple(Channel(index_of[turn.joint], turn.attribute) for turn in TURNS)
    open_jaw = Port(SIGNAL, 0)
    responses = [
        Response.curve(open_jaw, Port(CONTROL, len(shapes)), (0.0, float(np.degrees(JAW_ANGLE))), (0.0, 1.0)),
        Response.product(Port(TARGET, names.index(COMBINATION)), (open_jaw, Port(CONTROL, names.index("mouthPucker")))),
        Response.product(
            Port(TARGET, names.index("mouthLowerDown")), (open_jaw, Port(CONTROL, names.index("mouthFunnel"))), 0.4
        ),
    ]
    responses += [
        Response.linear(Port(CHANNEL, place), Port(CONTROL, len(shapes) + place), 1.0) for place in range(len(TURNS))
    ]
    return replace(
        plain,
        targets=targets,
        controls=controls,
        drivers=tuple(Driver.identity(k, k) for k in range(len(shapes))),
        combinations=(),
        joints=joints,
        channels=channels,
        signals=("open jaw",),
        responses=tuple(responses),
        skin=_skin(head, joints),
        photometric_weight=_with_eyes(head, plain),
    )


def jointed_curves(names: list[str], frames: int) -> np.ndarray:
    """(frames, K) values of the jointed head's controls: what the demo does, with jaw, eyes and neck in degrees."""
    curves = control_curves(["jawOpen", *names], frames)[:, 1:]
    time = np.linspace(0.0, 1.0, frames)
    for name, peak, half_length, height in _TURNING:
        phase = np.clip((time - peak) / half_length, -1.0, 1.0)
        curves[:, names.index(name)] += height * 0.5 * (1.0 + np.cos(np.pi * phase))
    return curves


def _skin(head: Head, joints: tuple[Joint, ...]) -> Skin:
    """Eyeballs on their joints, the lower face shared with the jaw, the neck fading into shoulders that stand still."""
    jaw = jaw_weight(Anatomy.of(head.skin, head.parts, head.vertices, head.faces))
    height = np.clip((head.vertices[:, 1] - NECK_BASE) / (NECK_TOP - NECK_BASE), 0.0, 1.0)
    follows = height * height * (3.0 - 2.0 * height)
    weights = np.zeros((len(head.vertices), 5))
    weights[:, 0], weights[:, 1], weights[:, 4] = follows - jaw * follows, jaw * follows, 1.0 - follows
    first = len(head.skin.vertices)
    for part in head.parts:
        if part.name in EYES:
            own = slice(first, first + len(part.vertices))
            weights[own] = 0.0
            weights[own, 2 + EYES.index(part.name)] = 1.0
        first += len(part.vertices)
    bind = np.tile(np.eye(4), (5, 1, 1))
    for index, joint in enumerate(joints):
        bind[index, :3, 3] = -joint.translate - (joints[joint.parent].translate if index else 0.0)
    return Skin.from_dense((0, 1, 2, 3, RIG_SPACE), bind, weights)


def _with_eyes(head: Head, rig: Rig) -> np.ndarray:
    """(V,) what may drive the solve: the skin, and the eyeballs, which tell where the actor looks."""
    assert rig.photometric_weight is not None
    weight = rig.photometric_weight.copy()
    first = len(head.skin.vertices)
    for part in head.parts:
        if part.name in EYES:
            weight[first : first + len(part.vertices)] = 1.0
        first += len(part.vertices)
    return weight
