"""Where eyes look: degrees off in the world, only of open eyes, only where controls turn eyeballs."""

from functools import cache

import numpy as np

from facesolve.demo.head import build_head, build_rig
from facesolve.demo.jointed import build_jointed_rig
from facesolve.evaluate.gaze import Gaze, gaze_error
from facesolve.evaluate.vertex_errors import Poses
from facesolve.take.rig_evaluation import RigEvaluator


@cache
def evaluator() -> RigEvaluator:
    return RigEvaluator(build_jointed_rig(build_head()))


def posed(turned: float = 0.0, **controls: float) -> Poses:
    """One frame with the head turned by degrees about the vertical."""
    names = evaluator().rig.control_names
    values = np.zeros((1, len(names)))
    for name, value in controls.items():
        values[0, names.index(name)] = value
    transform = np.eye(4)[None].copy()
    cos, sin = np.cos(np.radians(turned)), np.sin(np.radians(turned))
    transform[0, :3, :3] = [[cos, 0, sin], [0, 1, 0], [-sin, 0, cos]]
    return Poses(evaluator(), values, transform)


def error(one: Poses, true: Poses) -> Gaze:
    found = gaze_error(one, true)
    assert found is not None
    return found


def test_each_eye_has_its_own_error_in_degrees() -> None:
    found = error(posed(eye_L_yaw=5.0, eye_R_pitch=-3.0), posed())
    np.testing.assert_allclose(found.degrees, [[5.0, 3.0]], atol=1e-3)
    assert found.open.all()


def test_it_is_the_direction_in_the_world() -> None:
    found = error(posed(turned=4.0), posed(eye_L_yaw=4.0, eye_R_yaw=4.0))
    np.testing.assert_allclose(found.degrees, 0.0, atol=1e-3)


def test_closed_eyes_do_not_count() -> None:
    found = error(posed(eye_L_yaw=5.0, eye_R_yaw=5.0), posed(eyeBlink_L=1.0))
    assert found.open.tolist() == [[False, True]]
    np.testing.assert_allclose(found.of_open_eyes(), [5.0], atol=1e-3)


def test_eyeballs_that_nothing_turns_have_no_gaze() -> None:
    still = RigEvaluator(build_rig(build_head()))
    poses = Poses(still, np.zeros((1, len(still.rig.controls))), np.eye(4)[None])
    assert gaze_error(poses, poses) is None
