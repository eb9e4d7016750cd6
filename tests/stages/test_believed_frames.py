"""Frames that show something else: how much they are believed, and what takes their place."""

import torch

from facesolve.geometry.pose import Pose
from facesolve.geometry.rigid import retract
from facesolve.residuals.quadratic import PackedQuadratics, Quadratic
from facesolve.stages.believed_frames import belief, interpolated, through_shut_eyes, without_strangers
from facesolve.stages.refine import Seen
from tests.stages.test_jointed_rig import scene

USUAL = torch.tensor([[0.95, 0.93], [0.94, 0.96], [0.9, 0.92], [0.95, 0.95]])


def shown(correlation: torch.Tensor, clear: float = 1.0) -> Seen:
    """What cameras make of frames by correlations (F, C), all of them clear to a part that looks as it should."""
    count = len(correlation)
    parts = (torch.full((count,), part) for part in (clear, 0.9, 1 - clear))
    return Seen(torch.zeros_like(correlation), correlation, *parts)


def test_frames_like_the_others_are_believed_and_strangers_are_not():
    found = belief(shown(torch.cat([USUAL, torch.tensor([[0.05, 0.02], [0.5, 0.45], [torch.nan, torch.nan]])])))
    assert found[:4].tolist() == [1, 1, 1, 1]
    assert found[4] == 0
    assert 0 < found[5] < 0.5
    assert found[6] == 1  # no camera saw it: it says nothing anyway
    assert belief(shown(torch.full((2, 1), torch.nan))).tolist() == [1, 1]


def test_a_frame_of_which_a_part_is_covered_is_believed_by_the_rest():
    correlation = torch.cat([USUAL, torch.tensor([[0.4, 0.42]])])
    assert belief(shown(correlation))[4] < 0.2
    assert belief(shown(correlation, 0.5))[4] == 1


def poses(count: int) -> Pose:
    """Controls and head that move evenly."""
    time = torch.linspace(0, 1, count, dtype=torch.float64)[:, None]
    step = torch.tensor([0.0, 0.2, 0.0, 1.0, -0.5, 2.0], dtype=torch.float64)
    return Pose(time * torch.tensor([0.3, 0.8]), retract(torch.eye(4).double().repeat(count, 1, 1), time * step))


def test_lost_frames_lie_between_their_neighbors_and_at_the_ends_stay_where_those_are():
    true = poses(7)
    lost = torch.tensor([True, False, True, True, False, False, True])
    wrong = Pose(
        torch.where(lost[:, None], 5.0, true.controls), torch.where(lost[:, None, None], torch.eye(4), true.head)
    )
    found = interpolated(wrong, lost)
    torch.testing.assert_close(found.controls[1:6], true.controls[1:6])
    torch.testing.assert_close(found.head[2:4], true.head[2:4], rtol=0, atol=0.03)  # a turn is not quite a line
    torch.testing.assert_close(found.controls[[0, 6]], true.controls[[1, 5]])
    torch.testing.assert_close(found.head[[0, 6]], true.head[[1, 5]])


def test_what_a_stranger_says_does_not_count_and_a_sound_take_stays_the_same():
    pose, count = poses(5), 8
    said = Quadratic(torch.eye(count).double().repeat(5, 1, 1), torch.ones(5, count).double(), torch.ones(5).double())
    correlation = torch.full((5, 2), 0.9)
    assert without_strangers(pose, said, shown(correlation)) == (pose, said)
    correlation[2] = 0.0
    posed, left = without_strangers(pose, said, shown(correlation))
    assert left.A[2].abs().max() == left.b[2].abs().max() == 0
    assert torch.equal(left.A[3], said.A[3])
    torch.testing.assert_close(posed.controls, pose.controls)


def test_shut_eyes_look_from_where_they_did_before_to_where_they_do_after():
    head, truth = scene().problem, scene().truth
    gaze, count = [6, 7], truth.controls.shape[1] + 6
    said = Quadratic(torch.eye(count).double().repeat(5, 1, 1), torch.ones(5, count).double(), torch.ones(5).double())
    said.A[2, gaze, gaze] = 1e-4
    wandered = truth.controls.clone()
    wandered[2, gaze] = torch.tensor([24.0, -29.0], dtype=torch.float64)
    for quadratic in (said, PackedQuadratics.of(said)):
        found, kept = through_shut_eyes(head, Pose(wandered, truth.head), quadratic)
        between = (truth.controls[1, gaze] + truth.controls[3, gaze]) / 2
        torch.testing.assert_close(found.controls[2, gaze], between)
        assert kept.b[2, gaze].tolist() == [0, 0]
        assert int((kept.b != quadratic.b).sum()) == int((found.controls != wandered).sum()) == 2
