"""How far two poses of a head lie apart, wherever the rig's origin is."""

from dataclasses import replace

import numpy as np
import pytest

from facesolve.verdict.heads_apart import heads_apart
from tests.synthetic import head_rig


def test_a_turn_on_the_spot_is_no_way_even_where_the_origin_lies_at_the_feet():
    rig, middle = head_rig(), np.array([0.0, 150.0, 0.0])
    tall = replace(rig, neutral=rig.neutral - rig.neutral.mean(0) + middle)
    c, s = np.cos(np.radians(20)), np.sin(np.radians(20))
    turned = np.eye(4)
    turned[:3, :3] = [[1, 0, 0], [0, c, -s], [0, s, c]]
    turned[:3, 3] = middle - turned[:3, :3] @ middle + (0.0, 0.0, 2.0)
    assert heads_apart(tall, np.eye(4), turned) == pytest.approx((20.0, 2.0), abs=1e-3)
