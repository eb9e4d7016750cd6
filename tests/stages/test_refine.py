"""Refinement against the agreed template, corrections between keyframes, and the joint pass over time."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from facesolve.footage.stream import FramePixels
from facesolve.geometry.pose import Pose
from facesolve.geometry.rigid import retract
from facesolve.geometry.rotation import tangent_from_rotation
from facesolve.residuals.quadratic import PackedQuadratics, Quadratic
from facesolve.stages.problem import Problem
from facesolve.stages.refine import (
    Seen,
    Target,
    carry_correction,
    joint_parts,
    joint_pass,
    learn_template,
    refine_frames,
    relaxed_springs,
    smoothness_springs,
)
from facesolve.take import ControlSettings, HeadPin, Pin, Settings, SolveError
from tests.synthetic import HEIGHT, WIDTH, head_rig, head_scene, make_problem, make_take, performance

LOOSE = Settings(stiffness=0.0)


def toy(settings: Settings = LOOSE, frames: int = 6, fps: float = 30.0, numbers: list[int] | None = None) -> Problem:
    take = make_take(head_rig(), frames=frames if numbers is None else len(numbers), fps=fps)
    numbers_or_all = np.arange(frames) if numbers is None else np.array(numbers)
    return make_problem(replace(take, frames=numbers_or_all, scene_times=numbers_or_all, settings=settings), samples=20)


def motion(pose: Pose) -> torch.Tensor:
    """Second differences (F-2, K+6) over time: of controls, and of the head in the axes of the middle frame."""
    rotation, translation = pose.head[:, :3, :3], pose.head[:, :3, 3]
    turn = tangent_from_rotation(rotation[:-1].mT @ rotation[1:])
    bend = translation[:-2] - 2 * translation[1:-1] + translation[2:]
    controls = pose.controls[:-2] - 2 * pose.controls[1:-1] + pose.controls[2:]
    return torch.cat([controls, turn[1:] - turn[:-1], (rotation[1:-1].mT @ bend[..., None])[..., 0]], 1)


def jittered(frames: int, size: float) -> Pose:
    """The performance with a random step on every frame."""
    noise = torch.randn(frames, 11, dtype=torch.float64, generator=torch.manual_seed(frames))
    return performance(frames).stepped(size * noise)


def stiff_quadratic(frames: int, information: float) -> Quadratic:
    A = information * torch.eye(11, dtype=torch.float64).repeat(frames, 1, 1)
    return Quadratic(A, torch.zeros(frames, 11, dtype=torch.float64), torch.zeros(frames, dtype=torch.float64))


def steps_between(before: Pose, after: Pose) -> torch.Tensor:
    local = torch.linalg.inv(before.head) @ after.head
    turn = tangent_from_rotation(local[:, :3, :3])
    return torch.cat([after.controls - before.controls, turn, local[:, :3, 3]], 1)


@pytest.mark.parametrize("frames", [3, 6])
def test_smoothness_pulls_down_the_gradient_of_the_squared_second_differences(frames):
    """Where the footage is certain the joint step is the smoothness force over the footage's information.

    The head's force neglects the relative rotations, here 2 to 10 degrees, hence 15 %.
    """
    problem, pose, certain = toy(frames=frames), jittered(frames, 0.02), 1e12
    step = steps_between(pose, joint_pass(problem, pose, stiff_quadratic(frames, certain)).pose)
    A = stiff_quadratic(frames, certain).A
    springs = relaxed_springs(smoothness_springs(problem), motion(pose), A)[1:-1]

    def energy(change: torch.Tensor) -> torch.Tensor:
        return 0.5 * (springs * motion(pose.stepped(change)) ** 2).sum()

    gradient = torch.zeros(frames, 11, dtype=torch.float64)
    for index in np.ndindex(frames, 11):
        change = torch.zeros(frames, 11, dtype=torch.float64)
        change[index] = 1e-5
        gradient[index] = (energy(change) - energy(-change)) / 2e-5
    torch.testing.assert_close(certain * step[:, :5], -gradient[:, :5], rtol=1e-3, atol=1e-3 * float(springs.max()))
    for part in (slice(5, 8), slice(8, 11)):
        assert (certain * step[:, part] + gradient[:, part]).norm() < 0.15 * gradient[:, part].norm()


def test_joint_pass_equals_the_dense_minimum():
    """Controls only, no bounds: photometric quadratics and second differences in one dense system."""
    frames = 6
    problem, pose = toy(Settings(stiffness=0.0, head="fixed")), jittered(6, 0.02)
    generator = torch.manual_seed(1)
    root = 30 * torch.randn(frames, 11, 11, dtype=torch.float64, generator=generator)
    A = root @ root.mT + 100 * torch.eye(11, dtype=torch.float64)
    b = 20 * torch.randn(frames, 11, dtype=torch.float64, generator=generator)
    result = joint_pass(problem, pose, Quadratic(A, b, torch.zeros(frames, dtype=torch.float64)))
    D = torch.zeros(frames - 2, frames, dtype=torch.float64)
    for row in range(frames - 2):
        D[row, row : row + 3] = torch.tensor([1.0, -2.0, 1.0])
    springs = relaxed_springs(smoothness_springs(problem), motion(pose), A)[1:-1, :5]
    whole = torch.block_diag(*A[:, :5, :5])
    for control in range(5):
        whole[control::5, control::5] += D.T @ torch.diag(springs[:, control]) @ D
    force = b[:, :5] - D.T @ (springs * (D @ pose.controls))
    step = torch.linalg.solve(whole, force.flatten()).view(frames, 5)
    torch.testing.assert_close(result.pose.controls, pose.controls + step, atol=1e-6, rtol=1e-6)
    torch.testing.assert_close(result.pose.head, pose.head)
    variance = torch.linalg.inv(whole).diagonal().view(frames, 5)
    torch.testing.assert_close(result.variance[:, :5], variance, rtol=1e-5, atol=0)
    assert not result.variance[:, 5:].any(), "a fixed head is certain"


def test_smoothness_takes_jitter_away_and_leaves_steady_motion():
    problem, information = toy(frames=25), 2000.0
    steady, jitter = performance(25), jittered(25, 0.01)
    smooth = joint_pass(problem, jitter, stiff_quadratic(25, information)).pose
    assert (motion(smooth) - motion(steady)).norm() < 0.3 * (motion(jitter) - motion(steady)).norm()
    still = joint_pass(problem, steady, stiff_quadratic(25, information)).pose
    assert steps_between(steady, still).abs().max() < 0.005


def test_without_smoothness_nothing_moves():
    problem, pose = toy(Settings(stiffness=0.0, smoothness=0.0)), jittered(6, 0.02)
    result = joint_pass(problem, pose, stiff_quadratic(6, 1.0))
    torch.testing.assert_close(result.pose.controls, pose.controls)
    torch.testing.assert_close(result.pose.head, pose.head)
    torch.testing.assert_close(result.variance, torch.ones(6, 11, dtype=torch.float64), atol=1e-6, rtol=0)


def test_joint_pass_keeps_locks_pins_and_ranges():
    settings = Settings(
        controls=(ControlSettings("jaw", lock=np.linspace(0.1, 0.6, 6)),),
        pins=(Pin(3, "smile", 1.2),),
        head_pins=(HeadPin(4, performance(6).head[5].numpy()),),
        stiffness=0.0,
    )
    problem = toy(settings)
    pose = problem.held(performance(6), torch.arange(6))
    b = torch.full((6, 11), 1e4, dtype=torch.float64)
    quadratic = replace(stiff_quadratic(6, 10.0), b=b)
    result = joint_pass(problem, pose, quadratic)
    np.testing.assert_allclose(result.pose.controls[:, 2].numpy(), np.linspace(0.1, 0.6, 6), atol=1e-12)
    assert float(result.pose.controls[3, 4]) == pytest.approx(1.2, abs=1e-12)
    assert (result.pose.controls <= 1.5).all()
    assert not result.variance[:, 2].any()
    assert float(result.variance[3, 4]) == 0.0
    assert torch.equal(result.pose.head[4], performance(6).head[5])
    assert not torch.equal(result.pose.head[3], pose.head[3])
    assert not result.variance[4, 5:].any()
    assert (result.variance[:, 0] > 0).all()


def test_frames_with_neighbors_as_near_as_any_are_smooth():
    def linked(**of: object) -> list[bool]:
        return (smoothness_springs(toy(**of)) > 0).all(1).tolist()

    assert linked() == [False, True, True, True, True, False]
    assert linked(numbers=[0, 1, 2, 5, 8, 9]) == [False, True, False, False, False, False]
    assert linked(numbers=[4]) == [False]
    assert linked(numbers=[4, 6]) == [False, False]


def test_smoothness_is_of_accelerations_in_seconds():
    """At twice the frame rate the same motion has a quarter of the second difference."""
    normal, fast = (smoothness_springs(toy(fps=fps))[1] for fps in (30.0, 60.0))
    torch.testing.assert_close(fast, 16 * normal)
    torch.testing.assert_close(smoothness_springs(toy(numbers=[0, 2, 4], fps=60.0))[1], normal)
    double = smoothness_springs(toy(Settings(stiffness=0.0, smoothness=2.0)))[1]
    torch.testing.assert_close(double, 2 * normal)


def test_a_blink_that_the_footage_is_sure_of_is_not_flattened():
    problem, pose = toy(frames=9), performance(9)
    pose.controls[4, 0] += 0.5
    sure = joint_pass(problem, pose, stiff_quadratic(9, 1 / 0.03**2))
    assert float((sure.pose.controls - pose.controls)[4, 0].abs()) < 0.02
    unsure = joint_pass(problem, pose, stiff_quadratic(9, 1 / 0.3**2))
    assert float((sure.pose.controls - unsure.pose.controls)[4, 0]) > 0.2, "noise is still smoothed"
    assert float(sure.variance[4, 0].sqrt()) > 0.02, "it is as sure as the footage"


@pytest.mark.parametrize("frames", [1, 2])
def test_short_takes(frames):
    problem, pose = toy(frames=frames), jittered(frames, 0.02)
    result = joint_pass(problem, pose, stiff_quadratic(frames, 5.0))
    torch.testing.assert_close(result.pose.controls, pose.controls)
    torch.testing.assert_close(result.variance, torch.full((frames, 11), 0.2, dtype=torch.float64))


def test_corrections_are_whole_at_keyframes_and_linear_between():
    before = performance(7)
    change = torch.tensor([0.2, 0, -0.1, 0, 0, 0.05, 0, 0.1, 0.3, -0.2, 0], dtype=torch.float64)
    keys = torch.tensor([1, 5])
    after = before.at(keys).stepped(torch.stack([change, 3 * change]))
    carried = carry_correction(before, keys, after)
    torch.testing.assert_close(carried.controls[keys], after.controls)
    torch.testing.assert_close(carried.head[keys], after.head)
    factors = torch.tensor([1, 1, 1.5, 2, 2.5, 3, 3], dtype=torch.float64)
    torch.testing.assert_close(steps_between(before, carried), factors[:, None] * change)


def test_a_correction_that_all_share_carries_over_to_all():
    before = performance(5)
    step = 0.1 * torch.ones(11, dtype=torch.float64)
    carried = carry_correction(before, torch.tensor([2]), before.at([2]).stepped(step[None]))
    torch.testing.assert_close(carried.head, retract(before.head, step[None, 5:].expand(5, -1)))


def refined(pixels: FramePixels, settings: Settings | None = None) -> tuple[float, Seen, Pose]:
    """Frame 2 of the head's scene refined from 2 mm off, against the template of the other frames at their truth."""
    scene, keys = head_scene(), [0, 1, 3, 4]
    problem = scene.problem if settings is None else make_problem(make_take(head_rig(), settings))
    key_pixels = [scene.pixels[k] for k in keys]
    learned = learn_template(problem, key_pixels, scene.truth.at(keys), torch.tensor(keys), 0)
    step = torch.tensor([0.05, -0.05, 0.05, 0, 0.03, 0.01, -0.008, 0, 0.1, 0.05, -0.1], dtype=torch.float64)
    begin = scene.truth.stepped(step.expand(len(scene.pixels), -1))
    start = begin.at([2])
    fit, seen = refine_frames(problem, Target(learned, 0, begin), [2], [pixels])
    return float(scene.errors(fit.pose, [2]) / scene.errors(start, [2])), seen, fit.pose


def test_refinement_against_a_true_template_recovers_the_pose():
    ratio, seen, _ = refined(head_scene().pixels[2])
    assert ratio < 0.2
    assert seen.residual.shape == seen.correlation.shape == (1, 3)
    assert (seen.residual > 0).all()
    assert (seen.residual < 0.3).all()
    assert (seen.correlation > 0.95).all()
    assert (seen.correlation <= 1).all()


def test_a_frame_of_noise_has_nothing_in_common_with_the_template():
    noise = torch.rand(3, HEIGHT, WIDTH, generator=torch.Generator().manual_seed(0))
    _, seen, _ = refined(FramePixels(tuple(noise), head_scene().pixels[2].mask))
    assert (seen.correlation.abs() < 0.3).all()


def test_a_camera_that_saw_nothing_has_no_residual_and_the_others_suffice():
    pixels, blank = head_scene().pixels[2], torch.zeros(HEIGHT, WIDTH)
    unseen = FramePixels((pixels.luminance[0], blank, pixels.luminance[2]), (pixels.mask[0], blank, pixels.mask[2]))
    ratio, seen, _ = refined(unseen)
    assert seen.residual.isnan().tolist() == seen.correlation.isnan().tolist() == [[False, True, False]]
    assert ratio < 0.3


def test_frames_refined_together_are_those_refined_alone():
    scene, keys = head_scene(), [0, 2, 4]
    problem, start, key_pixels = scene.problem, scene.disturbed(), [scene.pixels[k] for k in keys]
    learned = learn_template(problem, key_pixels, scene.truth.at(keys), torch.tensor(keys), 1)
    together, seen = refine_frames(problem, Target(learned, 1, start), [1, 3], scene.pixels[1:4:2])
    for row, frame in enumerate((1, 3)):
        alone, seen_alone = refine_frames(problem, Target(learned, 1, start), [frame], [scene.pixels[frame]])
        torch.testing.assert_close(together.pose.head[row], alone.pose.head[0], rtol=0, atol=1e-5)
        torch.testing.assert_close(together.pose.controls[row], alone.pose.controls[0], rtol=0, atol=1e-5)
        torch.testing.assert_close(seen.residual[row], seen_alone.residual[0], rtol=1e-3, atol=0)


def test_refinement_honors_locks_and_pins():
    there = retract(head_scene().truth.head[2:3], torch.tensor([[0.02, 0, 0, 0, 0.2, 0]], dtype=torch.float64))[0]
    settings = Settings(
        controls=(ControlSettings("jaw", lock=np.array([0.2])),),
        pins=(Pin(2, "smile", 0.9),),
        head_pins=(HeadPin(2, there.numpy()),),
    )
    _, _, pose = refined(head_scene().pixels[2], settings)
    assert torch.equal(pose.head[0], there)
    assert float(pose.controls[0, 2]) == pytest.approx(0.2, abs=1e-12)
    assert float(pose.controls[0, 4]) == pytest.approx(0.9, abs=1e-12)


def test_joint_pass_moves_finitely_where_rounding_has_made_the_equations_indefinite():
    """Two controls that do the same leave a direction of no curvature, and rounded sums make it negative."""
    problem, pose = toy(), jittered(6, 1e-3)
    photometric = stiff_quadratic(6, 1e8)
    photometric.A[:, 1, 1] = photometric.A[:, 0, 0]
    photometric.A[:, 0, 1] = photometric.A[:, 1, 0] = photometric.A[:, 0, 0] * (1 + 3e-5)
    joint = joint_pass(problem, pose, photometric)
    assert bool(torch.isfinite(joint.pose.controls).all())
    assert bool((joint.variance > 0).all())
    assert float(steps_between(pose, joint.pose).abs().max()) < 0.1


def test_equations_that_are_not_finite_end_in_a_sentence():
    problem, pose = toy(), performance(6)
    photometric = stiff_quadratic(6, 1e4)
    photometric.A[2] = torch.nan
    with pytest.raises(SolveError, match="1 of 6 frames are not finite"):
        joint_pass(problem, pose, photometric)


def test_the_heads_smoothness_is_in_the_axes_of_the_head_whichever_way_it_is_turned():
    """Heads whose own axes are called otherwise move as they would have."""
    frames, called = 6, torch.eye(4, dtype=torch.float64)[[1, 2, 0, 3]]
    pose, quadratic = jittered(frames, 0.02), stiff_quadratic(frames, 2000.0)
    renamed = Pose(pose.controls, pose.head @ called)
    here, there = (joint_pass(toy(), one, quadratic).pose for one in (pose, renamed))
    assert (here.head - pose.head).abs().max() > 1e-3
    torch.testing.assert_close(there.head, here.head @ called, atol=1e-9, rtol=0)


def test_a_long_take_joined_in_parts_is_what_it_is_joined_at_once(monkeypatch: pytest.MonkeyPatch):
    """Also where a frame says nothing, next to the ends of parts too, and to a thousandth of what is known."""
    frames, fps = 500, 30.0
    problem, pose = toy(Settings(), frames, fps), jittered(frames, 0.02)
    said = stiff_quadratic(frames, 2000.0).scaled(
        torch.ones(frames).double().index_fill_(0, torch.arange(236, 244), 1e-9)
    )
    assert [kept.stop - kept.start for _, kept in joint_parts(frames, fps, 1.0)] == [240, 240, 20]
    found = joint_pass(problem, pose, said)
    monkeypatch.setattr("facesolve.stages.refine.JOINED_SECONDS", frames / fps)
    whole = joint_pass(problem, pose, said)
    apart = steps_between(found.pose, whole.pose).abs() / whole.variance.sqrt()
    assert apart.max() < 1e-3
    torch.testing.assert_close(found.variance, whole.variance, rtol=1e-3, atol=1e-12)
    apart = steps_between(pose, whole.pose).abs() / whole.variance.sqrt()
    assert apart.mean() > 0.3  # there was something to smooth


@pytest.mark.parametrize(
    ("count", "fps", "smoothness"), [(1, 30.0, 1.0), (400, 30.0, 1.0), (3000, 24.0, 50.0), (361, 30.0, 1.0)]
)
def test_parts_cover_all_frames_once_and_begin_no_take_anew(count: int, fps: float, smoothness: float):
    kept = []
    for whole, own in joint_parts(count, fps, smoothness):
        frames = list(range(whole.start, whole.stop))
        kept += frames[own]
        assert own.start >= min(2 * fps, frames[own][0])
        assert len(frames) - own.stop >= min(2 * fps, count - 1 - frames[own][-1])
        assert len(frames) <= max(12.0, 8 + 4 * smoothness**0.25) * fps + 2
    assert kept == list(range(count))


def test_packed_quadratics_are_those_of_all_frames_rounded():
    generator = torch.manual_seed(2)
    root = torch.randn(7, 11, 11, dtype=torch.float64, generator=generator)
    whole = Quadratic(root @ root.mT, root[:, 0], root[:, 0, 0])
    packed = PackedQuadratics.joined(
        [PackedQuadratics.of(whole.at(torch.tensor(rows))) for rows in ([0, 1, 2], [3, 4, 5, 6])]
    )
    rows = torch.tensor([4, 1])
    for one, other in (
        (packed.at(rows), whole.at(rows)),
        (packed.some(rows).scaled(rows).at(torch.tensor([1])), whole.scaled(torch.arange(7)).at(rows[1:])),
    ):
        torch.testing.assert_close(one.A, other.A, rtol=1e-6, atol=1e-6)
        torch.testing.assert_close(one.b, other.b, rtol=0, atol=0)
        torch.testing.assert_close(one.cost, other.cost, rtol=0, atol=0)
    assert packed.lower.numel() * 4 < 0.3 * whole.A.numel() * 8
