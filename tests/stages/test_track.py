"""Alignment and tracking on the synthetic scene, up to the bundle: the start-pose problem, and what removes it.

Ratios are to the disturbance of the start, 5 mm on a head of 18 cm; one pixel is 2 mm.
"""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch

from facesolve.footage.stream import FramePixels
from facesolve.geometry.pose import Pose, joined
from facesolve.geometry.rigid import retract
from facesolve.stages.align import align
from facesolve.stages.bundle import BundleOptions, bundle
from facesolve.stages.keyframes import choose_keyframes
from facesolve.stages.track import Tracker, predict
from facesolve.take import HeadPin, Settings
from tests.synthetic import COLOR_ONLY, HEIGHT, WIDTH, Scene, film, head_rig, head_scene, make_problem, make_take


def track(scene: Scene, start: Pose, window: int = 4) -> Pose:
    """All frames, tracked from the first one at ``start`` (B = 1), ``window`` of them together."""
    tracker = Tracker(scene.problem)
    tracker.start(0, scene.pixels[0], start)
    poses = start
    for first in range(1, len(scene.pixels), window):
        frames = list(range(first, min(first + window, len(scene.pixels))))
        before = poses.at([first - 2]) if first > 1 else None
        found = tracker.follow(frames, [scene.pixels[f] for f in frames], poses.at([first - 1]), before)
        poses = joined([poses, found])
    return poses


def step(tracker: Tracker, frame: int, last: Pose) -> Pose:
    """One frame of the head's scene, from where it was last."""
    return tracker.follow([frame], [head_scene().pixels[frame]], last, None)


def offset() -> float:
    """Error of the disturbed start in cm."""
    return float(head_scene().errors(head_scene().disturbed()).mean())


@cache
def aligned() -> Pose:
    scene = head_scene()
    return align(scene.problem, scene.pixels[0], scene.disturbed().at([0]), 0)


@cache
def tracked_from_the_misaligned_start() -> Pose:
    return track(head_scene(), head_scene().disturbed().at([0]))


def bundled(pose: Pose) -> Pose:
    scene = head_scene()
    for level in (1, 1, 0):
        pose = bundle(scene.problem, scene.views(pose, level), pose, scene.frames, level, BundleOptions(4)).pose
    return pose


def test_the_disturbance_is_two_to_three_percent_of_the_size():
    assert 0.02 < offset() / 18 < 0.03


def test_alignment_takes_most_of_the_disturbance_away():
    assert head_scene().errors(aligned(), [0]) < 0.25 * offset()


def test_alignment_keeps_the_controls_on_a_leash():
    """One frame says little about them: they move by no more than a few deviations of the hold, a twentieth each."""
    moved = aligned().controls - head_scene().disturbed().controls[:1]
    assert moved.abs().max() < 0.3
    assert moved.abs().max() > 0


def test_alignment_with_one_camera_changes_nothing():
    scene, start = head_scene(), head_scene().disturbed().at([0])
    take = scene.problem.take
    problem = make_problem(replace(take, cameras=take.cameras[:1], footage=take.footage[:1]))
    pixels = FramePixels(scene.pixels[0].luminance[:1], scene.pixels[0].mask[:1])
    assert align(problem, pixels, start, 0) is start


def test_alignment_of_the_truth_stays():
    scene = head_scene()
    pose = align(scene.problem, scene.pixels[0], scene.truth.at([0]), 0)
    assert scene.errors(pose, [0]) < 0.15 * offset()


def test_tracking_from_the_truth_follows():
    """Within a third of a pixel, though the head turns and every control moves."""
    scene = head_scene()
    motion = scene.errors(
        Pose(*(value[:1].repeat_interleave(5, 0) for value in (scene.truth.controls, scene.truth.head)))
    )
    assert motion[-1] > 5 * offset() / 2
    assert scene.errors(track(scene, scene.truth.at([0]))).max() < 0.07


def test_a_template_from_the_misaligned_start_bakes_it_in():
    """The start-pose problem: tracked frames stay at least 0.7 of the disturbance off, and agree with each other."""
    errors = head_scene().errors(tracked_from_the_misaligned_start())
    assert errors.min() > 0.7 * offset()


def test_align_track_and_bundle_recover_the_pose():
    scene = head_scene()
    tracked = track(scene, aligned())
    assert scene.errors(tracked).max() < 0.25 * offset()
    assert scene.errors(bundled(tracked)).max() < 0.15 * offset()


def test_the_bundle_alone_undoes_what_tracking_baked_in():
    assert head_scene().errors(bundled(tracked_from_the_misaligned_start())).max() < 0.15 * offset()


def test_a_restored_tracker_goes_on_as_if_nothing_had_happened():
    scene = head_scene()
    first = Tracker(scene.problem)
    first.start(0, scene.pixels[0], scene.truth.at([0]))
    state = first.state()
    second = Tracker(scene.problem)
    second.restore(state)
    poses = [step(tracker, 1, scene.truth.at([0])) for tracker in (first, second)]
    assert torch.equal(poses[0].controls, poses[1].controls)
    assert torch.equal(poses[0].head, poses[1].head)
    third = Tracker(scene.problem)
    third.restore(state)
    assert torch.equal(step(third, 1, scene.truth.at([0])).head, poses[0].head), "state is a copy"


def test_levels_go_from_coarse_to_half_resolution():
    assert Tracker(head_scene().problem).levels == [2, 1]


def test_a_frame_that_no_camera_saw_keeps_its_prediction():
    scene = head_scene()
    tracker = Tracker(scene.problem)
    tracker.start(0, scene.pixels[0], scene.truth.at([0]))
    blank = torch.zeros(HEIGHT, WIDTH)
    last = scene.truth.at([1])
    pose = tracker.follow([1], [FramePixels((blank,) * 3, (blank,) * 3)], last, None)
    assert pose.controls.isfinite().all()
    torch.testing.assert_close(pose.head, last.head)
    # only the pull towards the defaults against that towards the last pose, five deviations against one
    torch.testing.assert_close(pose.controls, last.controls, atol=0.1, rtol=0)
    assert scene.errors(step(tracker, 2, scene.truth.at([2])), [2]) < 0.07


def test_prediction_goes_on_at_the_same_speed():
    step = torch.tensor([[0.1, -0.2, 0.05, 0.4, 0.3, -0.2]], dtype=torch.float64)
    start = retract(torch.eye(4, dtype=torch.float64)[None], 3 * step)
    motion = retract(torch.eye(4, dtype=torch.float64)[None], step)
    heads = [start, motion @ start, motion @ motion @ start]
    controls = [torch.tensor([[0.1 * i, 0.5 - 0.2 * i]], dtype=torch.float64) for i in range(3)]
    predicted = predict(Pose(controls[1], heads[1]), Pose(controls[0], heads[0]))
    torch.testing.assert_close(predicted.head, heads[2])
    torch.testing.assert_close(predicted.controls, controls[2])


def test_prediction_from_a_pose_that_rests_is_that_pose():
    last = head_scene().truth.at([0])
    predicted = predict(last, last)
    torch.testing.assert_close(predicted.head, last.head)
    torch.testing.assert_close(predicted.controls, last.controls)


def test_the_window_does_not_matter():
    """Windows of one, where every frame is approached from the one before it, and of all frames at once."""
    scene = head_scene()
    errors = [scene.errors(track(scene, scene.truth.at([0]), window)) for window in (1, 2, 4)]
    assert torch.stack(errors).max() < 0.07


def test_motion_too_large_for_a_fit_is_followed_from_frame_to_frame():
    """The last frame of the window is farther from where the window begins than a fit reaches, its predecessor not."""
    scene = head_scene()
    model, count = scene.problem.model, 6
    motion = torch.zeros(count, scene.truth.controls.shape[1] + 6, dtype=torch.float64)
    motion[:, -2] = 1.5 * torch.arange(count)  # cm
    motion[:, -6] = 0.06 * torch.arange(count)
    truth = scene.truth.at([0] * count).stepped(motion)
    problem = make_problem(make_take(head_rig(), COLOR_ONLY, count))
    far = Scene(problem, truth, film(model, problem.take.cameras, truth))
    tracker = Tracker(problem)
    tracker.start(0, far.pixels[0], truth.at([0]))
    alone = tracker.follow([count - 1], far.pixels[-1:], truth.at([0]), None)
    assert far.errors(alone, [count - 1]) > 1
    assert far.errors(track(far, truth.at([0]), count - 1)).max() < 0.1


@pytest.mark.parametrize("frame", [1, 4])
def test_tracking_keeps_to_the_ranges(frame):
    """A prediction far beyond the range comes back into it."""
    scene = head_scene()
    tracker = Tracker(scene.problem)
    tracker.start(0, scene.pixels[0], scene.truth.at([0]))
    wild = Pose(scene.truth.controls[[frame]] + 4.0, scene.truth.head[[frame]])
    controls = step(tracker, frame, wild).controls
    assert (controls <= 1.5).all()
    assert (controls >= -0.5).all()


def test_tracking_leaves_a_pinned_head_where_it_is_pinned():
    scene = head_scene()
    pin = retract(scene.truth.head[1:2], torch.tensor([[0.02, 0, 0, 0, 0.1, 0]], dtype=torch.float64))[0]
    settings = Settings(contour=0.0, head_pins=(HeadPin(1, pin.numpy()),))
    tracker = Tracker(make_problem(make_take(scene.problem.take.rig, settings)))
    tracker.start(0, scene.pixels[0], scene.truth.at([0]))
    found = tracker.follow([1, 2], scene.pixels[1:3], scene.truth.at([1]), None)
    assert torch.equal(found.head[0], pin)
    assert not torch.equal(found.head[1], scene.truth.head[2])


def test_the_template_learns_from_the_pose_that_was_reconsidered(monkeypatch: pytest.MonkeyPatch):
    scene = head_scene()
    truth = scene.truth.at([1])
    tracker, wanted = Tracker(scene.problem), Tracker(scene.problem)
    for each in (tracker, wanted):
        each.start(0, scene.pixels[0], scene.truth.at([0]))
    wanted.start(1, scene.pixels[1], truth)
    monkeypatch.setattr("facesolve.stages.track.reconsider", lambda *_, **__: (truth, {0}))
    tracker.follow([1], [scene.pixels[1]], scene.disturbed().at([0]), None)
    sums_and_weights = {name: sums for name, sums in tracker.state().items() if name.startswith(("sums", "weights"))}
    for name, sums in sums_and_weights.items():
        np.testing.assert_allclose(sums, wanted.state()[name], atol=1e-5, err_msg=name)


def test_frames_of_noise_are_not_learned_from_and_the_frames_after_them_are_found_again():
    scene = head_scene()
    noise = torch.rand(2, *scene.pixels[0].luminance[0].shape, generator=torch.Generator().manual_seed(0))
    spoiled = list(scene.pixels)
    for frame in (1, 2):
        spoiled[frame] = FramePixels(tuple(noise[[0, 1, 0]]), scene.pixels[frame].mask)
    tracker = Tracker(scene.problem)
    tracker.start(0, spoiled[0], scene.truth.at([0]))
    found = tracker.follow([1, 2, 3, 4], spoiled[1:], scene.truth.at([0]), None)
    assert tracker.believed().tolist() == [True, False, False, True, True]
    assert (scene.errors(found.at([2, 3]), [3, 4]) < 0.15).all()
    torch.testing.assert_close(found.head[:2], scene.truth.head[[0, 0]])  # where the last frame was that shows it


def test_frames_as_noisy_as_the_start_frame_are_believed_and_noise_alone_is_not():
    """Skin without contrast, filmed with noise, has little in common with itself; it is all that there is."""
    scene = head_scene()
    random = torch.Generator().manual_seed(0)

    def noisy(frame: FramePixels, share: float) -> FramePixels:
        noise = [torch.randn(image.shape, generator=random) for image in frame.luminance]
        images = [image * share + 1.6 * image.std() * each for image, each in zip(frame.luminance, noise, strict=True)]
        return replace(frame, luminance=tuple(images))

    pixels = [noisy(frame, share) for frame, share in zip(scene.pixels, (1, 1, 0, 1, 1), strict=True)]
    tracker = Tracker(scene.problem)
    tracker.start(0, pixels[0], scene.truth.at([0]))
    assert tracker.fits.usual[tracker.levels[-1]] < 0.6
    tracker.follow([1, 2, 3, 4], pixels[1:], scene.truth.at([0]), None)
    assert tracker.believed().tolist() == [True, True, False, True, True]
    again = Tracker(scene.problem)
    again.restore(tracker.state())
    assert again.fits.usual == tracker.fits.usual


def test_a_spoiled_frame_is_no_keyframe():
    scene = head_scene()
    few = replace(scene.problem, quality=replace(scene.problem.quality, keyframes=3))
    believed = torch.tensor([True, True, False, True, True])
    assert 2 not in choose_keyframes(few, scene.truth, [0], believed).tolist()
    assert choose_keyframes(scene.problem, scene.truth, [0], believed).tolist() == [0, 1, 3, 4]
