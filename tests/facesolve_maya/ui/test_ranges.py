"""A whole take and ranges of it solved again, as one solution."""

from dataclasses import replace

import numpy as np

from facesolve.take import ConfusedPair
from facesolve_maya.ui.ranges import with_range
from tests.facesolve_maya.ui.fake_scene import part, solution


def test_the_range_replaces_its_own_frames_only():
    joined = with_range(solution(), part(1025, 1030))
    np.testing.assert_array_equal(joined.scene_times, solution().scene_times)
    inside = (joined.scene_times >= 1025) & (joined.scene_times <= 1030)
    np.testing.assert_array_equal(joined.residual[inside], 0.02)
    np.testing.assert_array_equal(joined.residual[~inside], solution().residual[~inside])


def test_frames_that_the_take_left_out_are_added_in_order():
    whole = solution()
    rows = np.delete(np.arange(40), [24, 25])
    short = whole.part(rows)
    joined = with_range(short, part(1025, 1026))
    np.testing.assert_array_equal(joined.scene_times, whole.scene_times)


def test_a_camera_that_took_part_once_has_no_residual_elsewhere():
    again = part(1025, 1030)
    fewer = replace(again, camera_names=("cam2", "witness"), residual=again.residual[:, :2])
    joined = with_range(solution(), fewer)
    assert joined.camera_names == ("cam0", "cam1", "cam2", "witness")
    assert np.isnan(joined.residual[24, :2]).all()
    assert np.isfinite(joined.residual[24, 2:]).all()
    assert np.isnan(joined.residual[0, 3])


def test_of_confused_pairs_the_latest_word_counts():
    again = replace(part(1025, 1030), confused=(ConfusedPair("mouthClose", "mouthPress_L", -0.2),))
    pairs = {(pair.first, pair.second): pair.correlation for pair in with_range(solution(), again).confused}
    assert pairs == {("mouthClose", "mouthPress_L"): -0.2, ("jawLeft", "mouthLeft"): 0.5}


def test_keyframes_are_those_of_the_solve_that_made_the_frame():
    whole = replace(solution(), provenance={"keyframes": [0, 25, 39], "date": "then"})
    again = replace(part(1025, 1030), provenance={"keyframes": [24, 29], "date": "now"})
    assert with_range(whole, again).provenance == {"keyframes": [0, 24, 29, 39], "date": "now"}


def test_a_part_of_another_rig_stands_alone():
    other = replace(part(1025, 1030), control_names=tuple(f"x_{name}" for name in part(1025, 1030).control_names))
    assert with_range(solution(), other) is other
