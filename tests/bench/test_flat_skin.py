"""The table of flat skin tells what it says it tells."""

from pathlib import Path

import numpy as np
import pytest

from facesolve.demo.head import build_head, build_rig
from tests.bench import flat_skin


def test_errors_are_those_of_a_known_pose(tmp_path: Path):
    rig = build_rig(build_head())
    real = flat_skin.actor(rig)
    take = flat_skin.some_frames(flat_skin.unfilmed(tmp_path, rig), 5)
    truth = np.load(tmp_path / "truth.npz")
    controls, heads = truth["weights"][take.frames - 1], truth["head"][take.frames - 1]
    misfit = flat_skin.errors(take, real, (controls, heads), tmp_path)
    assert 0.3 < misfit.regions["face"] < 0.6, "millimeters that the actor is off the rig"
    assert not misfit.standing
    exact = flat_skin.errors(take, rig, (controls, heads), tmp_path)
    assert exact.regions["lips"] == pytest.approx(0)
    assert exact.lids == pytest.approx((0, 0))
    raised = controls.copy()
    raised[:, rig.control_names.index("browInnerUp")] = 0.3
    raised[:, rig.control_names.index("eyeBlink_L")] = 1.0
    wrong = flat_skin.errors(take, rig, (raised, heads), tmp_path)
    assert wrong.standing == {"browInnerUp": 0.3}
    assert wrong.regions["brows"] > 0.5
    assert wrong.lids[1] > 5, "millimeters by which a lid is shut over an open eye"
