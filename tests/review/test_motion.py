"""Head motion against hand-made poses."""

import numpy as np

from facesolve.review.motion import head_motion


def quarter_turn() -> np.ndarray:
    """90 degrees about z."""
    head = np.eye(4)
    head[:3, :3] = [[0, -1, 0], [1, 0, 0], [0, 0, 1]]
    return head


def test_motion_is_degrees_and_millimeters_against_the_reference() -> None:
    reference = quarter_turn()
    reference[:3, 3] = (1, 2, 3)
    moved = reference @ quarter_turn()
    moved[:3, 3] = (1, 2.5, 3)
    motion = head_motion(np.stack([reference, moved]), np.zeros((2, 6)), reference)
    np.testing.assert_allclose(motion.rotation, [[0, 0, 0], [0, 0, 90]], atol=1e-9)
    np.testing.assert_allclose(motion.translation, [[0, 0, 0], [0, 5, 0]], atol=1e-9)


def test_deviations_along_the_heads_axes_turn_into_the_worlds() -> None:
    std = np.array([[0.01, 0, 0, 0.3, 0.1, 0.2]])
    motion = head_motion(quarter_turn()[None], std, np.eye(4))
    np.testing.assert_allclose(motion.rotation_std, [[np.degrees(0.01), 0, 0]])
    np.testing.assert_allclose(motion.translation_std, [[1, 3, 2]])  # the head's x is the world's y
    assert np.isnan(head_motion(quarter_turn()[None], np.full((1, 6), np.nan), np.eye(4)).translation_std).all()
