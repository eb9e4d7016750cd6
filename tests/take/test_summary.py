"""What stands out in a solution: frames against the usual error of their kind, controls by their deviation."""

from dataclasses import replace

import numpy as np
import pytest

from facesolve.take.summary import frame_errors, keyframe_mask, summarize, usual_error_of_frames, usual_errors
from tests.facesolve_maya.ui.fake_scene import solution


def test_summary_marks_what_stands_out():
    summary = summarize(solution())
    marked = {frame.time: frame.level for frame in summary.frames if frame.level}
    assert marked[1028.0] == 2
    assert marked[1013.0] == 2
    assert marked[1036.0] == 2
    assert summary.frames[35].error is None
    assert set(marked) <= {1011.0, 1012.0, 1013.0, 1014.0, 1015.0, 1028.0, 1036.0}
    assert summary.suspicious[0].time == 1036.0
    assert summary.suspicious[1].time == 1028.0


def test_summary_of_an_even_take_marks_nothing():
    even = replace(solution(), residual=np.full((40, 3), 0.02))
    assert summarize(even).suspicious == ()


def test_summary_names_the_least_certain_controls_relative_to_their_range():
    first, second = summarize(solution()).uncertain[:2]
    assert (first.name, first.confused, first.time) == ("mouthPress_L", "mouthClose", 1021.0)
    assert first.std == pytest.approx(0.21)
    assert first.correlation == pytest.approx(-0.93)
    assert second.confused == "mouthPress_L"
    assert summarize(solution(), {"mouthPress_L": 10.0}).uncertain[0].name == "mouthClose"


def test_keyframes_are_judged_among_themselves():
    """A keyframe with the error of an ordinary frame stands out, though no ordinary frame does."""
    keyframes = np.arange(0, 40, 4)
    residual = np.full((40, 3), 0.30)
    residual[keyframes] = 0.20
    residual[8] = 0.30
    frames = solution().frames
    made = replace(solution(), residual=residual, provenance={"keyframes": frames[keyframes].tolist()})
    assert np.flatnonzero(keyframe_mask(made)).tolist() == keyframes.tolist()
    np.testing.assert_allclose(usual_errors(made)[[0, 1, 8]], np.tile([[0.20], [0.30], [0.20]], 3))
    assert [index for index, frame in enumerate(frame_errors(made)) if frame.level] == [8]
    assert not summarize(replace(made, provenance={"keyframes": "none"})).suspicious


def test_a_take_that_no_camera_saw_has_no_usual_error():
    blind = replace(solution(), residual=np.full((40, 3), np.nan))
    assert np.isnan(usual_errors(blind)).all()
    assert np.isnan(usual_error_of_frames(blind)).all()
    assert all(frame.error is None and frame.level == 2 for frame in summarize(blind).frames)


def test_a_frame_that_a_good_camera_missed_is_not_worse_for_it():
    residual = np.tile([0.1, 0.1, 0.4], (40, 1))
    residual[5, :2] = np.nan
    made = replace(solution(), residual=residual)
    assert not any(frame.level for frame in frame_errors(made))
    np.testing.assert_allclose(usual_error_of_frames(made)[[4, 5]], [np.sqrt(0.06), 0.4])
    assert frame_errors(made)[5].error == pytest.approx(0.4)
