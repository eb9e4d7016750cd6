"""The measures against cases whose numbers can be worked out by hand."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from facesolve.evaluate import evaluate
from facesolve.evaluate.evaluation import Truth, read_truth
from facesolve.review.measures import evaluation_record, print_evaluation
from facesolve.take import (
    Camera,
    Combination,
    Control,
    Driver,
    Footage,
    Rig,
    Shape,
    Solution,
    Take,
    TakeError,
    Target,
    write_take,
)
from facesolve.take.solved import find_take

FRAMES = 5
VERTICES = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [5, 5, 5]], np.float32)


@pytest.fixture
def take() -> Take:
    """Vertex 0 moves by 1 cm along x with control a, vertex 1 by 2 cm along y with control b; 2 and 3 never move."""
    deltas = np.zeros((2, 4, 3), np.float32)
    deltas[0, 0, 0], deltas[1, 1, 1] = 1.0, 2.0
    rig = Rig.from_dense(VERTICES, deltas, ["a", "b"], np.array([4]), np.arange(4))
    camera = Camera("cam", 10, 10, np.eye(3), np.eye(3), np.zeros(3))
    return Take("t", rig, (camera,), (Footage("cam", "x.mov"),), np.arange(10, 10 + FRAMES), 10.0)


@pytest.fixture
def truth() -> Truth:
    return Truth(np.zeros((FRAMES, 2)), ("a", "b"), np.tile(np.eye(4), (FRAMES, 1, 1)))


def solved(truth: Truth, frames: slice = slice(None)) -> Solution:
    numbers = np.arange(10, 10 + FRAMES)[frames]
    return Solution(
        frames=numbers,
        scene_times=numbers,
        fps=10.0,
        control_names=truth.names,
        controls=truth.weights[frames],
        head=truth.head[frames],
        control_std=np.zeros((len(numbers), 2)),
        head_std=np.zeros((len(numbers), 6)),
        camera_names=("cam",),
        residual=np.zeros((len(numbers), 1)),
    )


def turned(degrees: float) -> np.ndarray:
    angle = np.radians(degrees)
    head = np.eye(4)
    head[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    return head


def test_truth_itself_has_no_error(take: Take, truth: Truth) -> None:
    result = evaluate(solved(truth), take, truth)
    face = result.regions[0]
    assert face.vertex_count == 2
    assert (face.world_max, face.rig_max, result.weight_error.max(), result.jerk) == (0, 0, 0, 0)
    assert result.head_rotation.max() < 1e-6


def test_vertex_errors_are_millimeters_of_moving_vertices(take: Take, truth: Truth) -> None:
    controls = np.zeros((FRAMES, 2))
    controls[2] = (0.5, 0.25)  # 5 mm at vertex 0, 5 mm at vertex 1
    result = evaluate(replace(solved(truth), controls=controls), take, truth, (1, 4))
    face, region = result.regions
    assert face.world_mean == pytest.approx(5.0 / FRAMES)
    assert face.world_max == pytest.approx(5.0)
    np.testing.assert_allclose(face.frame_rig_mean, [0, 0, 5, 0, 0], atol=1e-6)
    assert (region.name, region.vertex_count) == ("1:4", 3)
    np.testing.assert_allclose(region.frame_world_mean, [0, 0, 5 / 3, 0, 0], atol=1e-6)
    np.testing.assert_allclose(result.weight_error, [0, 0, 0.375, 0, 0])
    np.testing.assert_array_equal(result.active, [0, 0, 2, 0, 0])
    assert result.control_error == {"a": pytest.approx(0.1), "b": pytest.approx(0.05)}


def test_an_evaluation_is_one_informative_paragraph(take: Take, truth: Truth) -> None:
    controls, head = np.zeros((FRAMES, 2)), np.tile(turned(30.0), (FRAMES, 1, 1))
    controls[2] = (0.5, 0.25)
    result = evaluate(replace(solved(truth), controls=controls, head=head), take, replace(truth, head=head))
    assert repr(result) == (
        "<Evaluation of 5 frames: face 1.000 mm on average, 5.000 at 95 %, 5.000 at most (1.000 without the head "
        "transform); head 0.000 degrees; controls 0.0750>"
    )


def test_the_truth_may_be_a_file(take: Take, truth: Truth, tmp_path: Path) -> None:
    np.savez(tmp_path / "truth.npz", weights=truth.weights + 0.1, names=np.array(truth.names), head=truth.head)
    result = evaluate(solved(truth), take, tmp_path / "truth.npz")
    np.testing.assert_allclose(result.weight_error, 0.1)
    with pytest.raises(TakeError, match=r"no_truth\.npz"):
        evaluate(solved(truth), take, str(tmp_path / "no_truth.npz"))


def test_head_transform_is_seen_in_world_only(take: Take, truth: Truth) -> None:
    head = truth.head.copy()
    head[:, :3, 3] = (0.0, 0.3, 0.4)
    result = evaluate(replace(solved(truth), head=head), take, truth)
    assert result.regions[0].world_mean == pytest.approx(5.0)
    assert result.regions[0].rig_max == 0
    assert result.head_rotation.max() < 1e-6


@pytest.mark.parametrize("degrees", [1e-4, 0.3, 90.0, 179.0])
def test_head_rotation_is_measured_in_degrees(take: Take, truth: Truth, degrees: float) -> None:
    head = np.tile(turned(20.0), (FRAMES, 1, 1))
    rotated = replace(truth, head=head)
    result = evaluate(replace(solved(truth), head=head @ turned(degrees)), take, rotated)
    np.testing.assert_allclose(result.head_rotation, degrees, rtol=1e-6)


def test_controls_are_matched_by_name(take: Take, truth: Truth) -> None:
    weights = np.tile([0.1, 0.7], (FRAMES, 1))
    swapped = Truth(weights[:, ::-1], ("b", "a"), truth.head)
    result = evaluate(replace(solved(truth), controls=weights), take, swapped)
    assert result.weight_error.max() == 0
    with pytest.raises(TakeError, match="truth: its controls are not the take's"):
        evaluate(solved(truth), take, Truth(weights, ("a", "c"), truth.head))


@pytest.fixture
def driven(take: Take) -> Take:
    """The same shapes behind a dial of 0..10 that drives a and, from its middle on, b; c is a combination of both."""
    rig = take.rig
    both = Target("c", (Shape(1.0, np.array([2], np.int32), np.array([[0, 0, 3]], np.float32)),))
    drivers = (
        Driver(0, 0, np.array([0.0, 10.0]), np.array([0.0, 1.0])),
        Driver(0, 1, np.array([0.0, 5.0, 10.0]), np.array([0.0, 0.0, 0.5])),
    )
    controls = (Control("dial", 0.0, 10.0),)
    combined = (Combination(2, (0, 1)),)
    rig = replace(rig, targets=(*rig.targets, both), controls=controls, drivers=drivers, combinations=combined)
    return replace(take, rig=rig)


@pytest.mark.parametrize("names", [("b", "a"), ("c", "b", "a")])
def test_weights_of_targets_are_a_truth_for_controls_that_drive_them(driven: Take, names: tuple[str, ...]) -> None:
    dial = np.array([[0.0], [4.0], [10.0], [7.0], [0.0]])
    weights = np.stack([dial[:, 0] / 10, np.maximum(dial[:, 0] - 5, 0) / 10], 1)
    every = dict(zip("abc", (*weights.T, weights.prod(1)), strict=True))
    truth = Truth(np.stack([every[name] for name in names], 1), names, np.tile(np.eye(4), (FRAMES, 1, 1)))
    solution = replace(
        solved(Truth(np.zeros((FRAMES, 2)), ("a", "b"), truth.head)),
        control_names=("dial",),
        controls=dial,
        control_std=np.zeros_like(dial),
    )
    result = evaluate(solution, driven, truth)
    assert (result.weight_error.max(), result.regions[0].world_max) == pytest.approx((0, 0), abs=1e-9)
    assert set(result.control_error) == {"a", "b"}
    off = evaluate(replace(solution, controls=dial - np.array([[0.0], [0.0], [2.0], [0.0], [0.0]])), driven, truth)
    np.testing.assert_allclose(off.weight_error, [0, 0, 0.2, 0, 0], atol=1e-12)
    assert off.regions[0].world_max == pytest.approx(10 * 3 * (0.5 - 0.8 * 0.3))  # mm, of the combination's vertex
    with pytest.raises(TakeError, match="truth: its controls are not the take's"):
        evaluate(solution, driven, Truth(truth.weights[:, :1], names[:1], truth.head))


def test_jerk_is_third_difference_times_rate_cubed(take: Take, truth: Truth) -> None:
    """x = n^3 at 10 frames a second: third difference 6, so 6000 cm/s^3 at vertex 0 and none at vertex 1."""
    controls = np.stack([np.arange(FRAMES) ** 3.0, np.zeros(FRAMES)], axis=1)
    result = evaluate(replace(solved(truth), controls=controls), take, truth)
    assert result.jerk == pytest.approx(30.0, rel=1e-6)
    assert result.jerk_truth == 0
    assert np.isnan(evaluate(solved(truth, slice(0, 3)), take, truth).jerk)


def test_roughness_is_the_second_difference_in_parts_of_the_range(take: Take, truth: Truth) -> None:
    controls = np.zeros((FRAMES, 2))
    controls[2, 0] = 0.3  # second differences 0.3, -0.6, 0.3 of one control of two
    result = evaluate(replace(solved(truth), controls=controls), take, truth)
    assert result.roughness == pytest.approx((0.3 + 0.6 + 0.3) / 6)
    assert result.roughness_truth == 0
    assert np.isnan(evaluate(solved(truth, slice(0, 2)), take, truth).roughness)


def test_jitter_is_motion_where_the_true_pose_is_held(take: Take, truth: Truth) -> None:
    moving = replace(truth, weights=np.array([[0, 0], [0, 0], [0, 0], [1, 0], [1, 0]], float))
    controls = moving.weights + np.array([[0, 0], [0.02, 0], [0, 0], [0, 0], [0, 0]])
    result = evaluate(replace(solved(truth), controls=controls), take, moving)
    # vertex 0 of the face's two moves by 0.2 mm twice and holds once, where the truth holds three times
    assert result.jitter == pytest.approx((0.1 + 0.1 + 0.0) / 3)
    restless = replace(truth, weights=np.linspace(0, 1, FRAMES)[:, None] * np.ones(2))
    assert np.isnan(evaluate(solved(restless), take, restless).jitter)


def test_true_controls_are_counted_within_standard_deviations_of_what_the_face_shows(take: Take, truth: Truth) -> None:
    controls = np.zeros((FRAMES, 2))
    controls[:, 0] = [0.0, 0.05, 0.15, 0.15, 0.3]
    controls[:, 1] = 0.9
    deviation = np.tile([0.1, 0.5], (FRAMES, 1))  # nothing shows the second control
    result = evaluate(replace(solved(truth), controls=controls, control_std=deviation), take, truth)
    assert result.within == (2 / 5, 4 / 5)
    assert evaluate(solved(truth), take, truth).within is None


def test_solved_part_is_compared_with_its_own_frames(take: Take, truth: Truth) -> None:
    weights = np.stack([np.linspace(0, 1, FRAMES), np.zeros(FRAMES)], axis=1)
    moving = replace(truth, weights=weights)
    result = evaluate(solved(moving, slice(2, 4)), take, moving)
    np.testing.assert_array_equal(result.frames, [12, 13])
    assert result.weight_error.max() == 0


def test_strangers_are_refused(take: Take, truth: Truth) -> None:
    with pytest.raises(TakeError, match="its frame 20 is not one of the take's"):
        evaluate(replace(solved(truth), frames=np.arange(20, 20 + FRAMES)), take, truth)
    with pytest.raises(TakeError, match="it has 4 frames, the take has 5"):
        evaluate(solved(truth), take, Truth(truth.weights[:4], truth.names, truth.head[:4]))
    with pytest.raises(TakeError, match="exceeds the rig's 4 vertices"):
        evaluate(solved(truth), take, truth, (0, 5))
    scaled = replace(truth, head=truth.head * np.array([2.0, 2, 2, 1]))
    with pytest.raises(TakeError, match="frame 10 is scaled"):
        evaluate(solved(truth), take, scaled)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"head": None}, "lacks head"),
        ({"weights": np.zeros((3, 1))}, r"names has shape \(2,\), expected \(1,\)"),
        ({"head": np.zeros((2, 4, 4))}, r"head has shape \(2, 4, 4\), expected \(3, 4, 4\)"),
        ({"weights": np.full((3, 2), np.nan)}, "not finite"),
    ],
)
def test_bad_truths_are_refused(tmp_path: Path, change: dict[str, np.ndarray | None], sentence: str) -> None:
    arrays = {"weights": np.zeros((3, 2)), "names": np.array(["a", "b"]), "head": np.zeros((3, 4, 4)), **change}
    np.savez(tmp_path / "truth.npz", **{name: value for name, value in arrays.items() if value is not None})
    with pytest.raises(TakeError, match=sentence):
        read_truth(tmp_path / "truth.npz")


def test_take_is_found_from_the_solution(tmp_path: Path, take: Take, truth: Truth) -> None:
    write_take(take, tmp_path / "job" / "take")
    solution = replace(solved(truth), provenance={"take": "../take"})
    assert find_take(solution, tmp_path / "job" / "out").name == "t"
    with pytest.raises(TakeError, match=r"not at .* any more; give the take's folder with --take"):
        find_take(solution, tmp_path / "elsewhere" / "out")
    with pytest.raises(TakeError, match="does not record its take"):
        find_take(solved(truth), tmp_path)


def test_record_and_table_hold_every_measure(take: Take, truth: Truth) -> None:
    controls = np.full((FRAMES, 2), 0.5)
    result = evaluate(replace(solved(truth), controls=controls), take, truth, (0, 1))
    record = json.loads(json.dumps(evaluation_record(result), allow_nan=False))
    assert record["regions"]["0:1"]["head_removed"]["mean"] == pytest.approx(5.0)
    assert record["regions"]["face"]["per_frame"]["max"] == pytest.approx([10.0] * FRAMES)
    assert record["per_frame"]["frame"] == [10, 11, 12, 13, 14]
    assert record["weight_error"] == pytest.approx(0.5)
    text = io.StringIO()
    print_evaluation(result, Console(file=text, width=100))
    for expected in ("face (2 vertices)", "0:1 (1 vertices)", "7.500", "10.000", "0.5000"):
        assert expected in text.getvalue()


def test_record_of_a_short_take_is_valid_json(take: Take, truth: Truth) -> None:
    record = evaluation_record(evaluate(solved(truth, slice(0, 1)), take, truth))
    assert json.loads(json.dumps(record, allow_nan=False))["jerk"] == {"solved": None, "truth": None}


def test_start_pose_of_the_development_take(facesolve_data: Path) -> None:
    """Independent check of the units on real arrays: the first frame's truth, 1 cm aside and one degree turned."""
    source = facesolve_data / "ict_rom"
    truth = read_truth(source / "truth.npz")
    arrays = np.load(source / "rig.npz")
    rig = Rig.from_dense(
        arrays["neutral"], arrays["deltas"], list(arrays["names"]), arrays["face_counts"], arrays["faces"]
    )
    camera = Camera("cam", 10, 10, np.eye(3), np.eye(3), np.zeros(3))
    take = Take("ict", rig, (camera,), (Footage("cam", "x.mov"),), np.arange(40), 30.0)
    head = truth.head[:1].copy()
    head[:, :3, 3] += (0.0, 1.0, 0.0)
    one = Solution(
        frames=np.array([0]),
        scene_times=np.array([1001.0]),
        fps=30.0,
        control_names=truth.names,
        controls=truth.weights[:1],
        head=head,
        control_std=np.zeros((1, 55)),
        head_std=np.zeros((1, 6)),
        camera_names=(),
        residual=np.zeros((1, 0)),
    )
    result = evaluate(one, take, truth, (0, 6706))
    assert result.regions[1].world_mean == pytest.approx(10.0, rel=1e-4)
    assert result.regions[1].rig_max == 0
    assert result.weight_error.max() == 0


def test_a_truth_longer_than_the_take_is_matched_by_frame_numbers(take: Take, truth: Truth) -> None:
    before, after = 10, 5  # frames; the take has 10 to 14
    longer = Truth(
        np.pad(truth.weights, ((before, after), (0, 0)), constant_values=0.7),
        truth.names,
        np.concatenate([np.tile(np.diag([1.0, -1, -1, 1]), (before, 1, 1)), truth.head, truth.head]),
    )
    assert evaluate(solved(truth), take, longer).weight_error.max() == 0
    with pytest.raises(TakeError, match=r"it has 12 frames, the take has 5 \(10-14\); a longer truth is matched by"):
        evaluate(solved(truth), take, Truth(longer.weights[:12], truth.names, longer.head[:12]))
