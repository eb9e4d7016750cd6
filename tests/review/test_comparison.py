"""Two solutions: what differs is found in millimeters and control values, and what cannot be compared is said."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from rich.console import Console
from scipy.spatial.transform import Rotation

from facesolve.review.comparison import compare, write_csv
from facesolve.review.comparison_pictures import draw_compared_curves, draw_compared_heads
from facesolve.review.measures import comparison_record, print_comparison
from facesolve.take import Solution, Take, TakeError
from tests import synthetic

from .filmed import solved

FRAMES = 6


@pytest.fixture(scope="module")
def take() -> Take:
    return synthetic.make_take(synthetic.head_rig(), frames=FRAMES)


@pytest.fixture(scope="module")
def a(take: Take) -> Solution:
    return solved(take, synthetic.performance(FRAMES))


def with_control(solution: Solution, name: str, by: float, frame: int | None = None) -> Solution:
    controls = solution.controls.copy()
    rows = slice(None) if frame is None else frame
    controls[rows, solution.control_names.index(name)] += by
    return replace(solution, controls=controls)


def test_a_solution_does_not_differ_from_itself(a: Solution, take: Take) -> None:
    same = compare(a, a, take)
    assert same.vertices.regions[0].world_max == 0
    assert same.head_rotation.max() == pytest.approx(0, abs=1e-6)
    assert same.head_shift.max() == 0
    assert not same.difference.any()
    assert same.notes == ()


def test_a_control_is_found_with_its_size_sign_and_place(a: Solution, take: Take) -> None:
    found = compare(a, with_control(a, "jaw", -0.2, 3), take)
    k = found.most_different()[0]
    assert found.controls[k] == "jaw"
    np.testing.assert_allclose(found.difference[:, k], [0, 0, 0, -0.2, 0, 0], atol=1e-12)
    assert found.vertices.worst == 3
    jaw = next(target for target in take.rig.targets if target.name == "jaw").shapes[0]
    moved = np.zeros(take.rig.vertex_count)
    moved[jaw.vertices] = 0.2 * 10 * np.linalg.norm(jaw.deltas, axis=1)  # mm
    np.testing.assert_allclose(found.vertices.world_worst, moved, atol=1e-4)
    np.testing.assert_allclose(found.vertices.world_mean, moved / FRAMES, atol=1e-4)
    assert found.vertices.regions[0].frame_rig_max[3] == pytest.approx(moved.max(), abs=1e-4)
    np.testing.assert_allclose(found.deviation, np.hypot(0.01, 0.01))


def test_head_motion_is_apart_from_the_controls(a: Solution, take: Take) -> None:
    head = a.head.copy()
    head[2, :3, :3] = head[2, :3, :3] @ Rotation.from_rotvec([0, np.radians(3), 0]).as_matrix()
    head[4, 0, 3] += 0.5
    found = compare(a, replace(a, head=head), take)
    np.testing.assert_allclose(found.head_rotation, [0, 0, 3, 0, 0, 0], atol=1e-5)
    moving = np.unique(np.concatenate([target.shapes[0].vertices for target in take.rig.targets]))
    middle = take.rig.neutral[moving].mean(0)
    turned = np.linalg.norm((head[2, :3, :3] - a.head[2, :3, :3]) @ middle)
    np.testing.assert_allclose(found.head_shift, [0, 0, 10 * turned, 0, 5, 0], atol=1e-3)
    assert found.vertices.regions[0].world_max > 3
    assert found.vertices.regions[0].rig_max == 0
    assert found.vertices.rig_mean.max() == 0


def test_only_common_frames_are_compared_and_the_others_named(a: Solution, take: Take) -> None:
    early, late = a.part(np.array([0, 1, 2, 3])), with_control(a, "brow", 0.1).part(np.array([2, 3, 5]))
    found = compare(early, late, take)
    assert found.frames.tolist() == [2, 3]
    np.testing.assert_allclose(found.difference[:, found.controls.index("brow")], 0.1)
    assert found.notes == (
        "Frames 0-1 are in A only and are not compared.",
        "Frames 5 are in B only and are not compared.",
    )
    assert np.isnan(found.vertices.jerks).all()


def test_jerk_tells_the_calmer_solution(a: Solution, take: Take) -> None:
    random = np.random.default_rng(0)
    noisy = replace(a, controls=a.controls + 0.1 * random.normal(size=a.controls.shape))
    jerks = compare(a, noisy, take).vertices.jerks
    assert jerks[1] > 3 * jerks[0]
    gaps = noisy.part(np.array([0, 1, 2, 4, 5]))
    assert np.isnan(compare(a, gaps, take).vertices.jerks).all()  # no four follow one another


def test_controls_are_matched_by_name(a: Solution, take: Take) -> None:
    order = [3, 1, 4, 0, 2]
    shuffled = replace(
        a,
        control_names=tuple(a.control_names[k] for k in order),
        controls=a.controls[:, order],
        control_std=a.control_std[:, order],
    )
    assert np.abs(compare(a, shuffled, take).difference).max() == 0


def test_rigs_of_one_mesh_are_compared_with_what_they_share(a: Solution, take: Take) -> None:
    lifted = take.rig.neutral + np.float32([0, 0.1, 0])
    names = [control.name for control in take.rig.controls]
    fewer = replace(
        take.rig,
        neutral=lifted,
        targets=take.rig.targets[:-1],
        controls=take.rig.controls[:-1],
        drivers=take.rig.drivers[:-1],
    )
    other = replace(a, control_names=tuple(names[:-1]), controls=a.controls[:, :-1], control_std=a.control_std[:, :-1])
    found = compare(a, other, take, replace(take, rig=fewer))
    assert found.controls == tuple(names[:-1])
    assert found.notes == (
        "The neutrals of the two rigs differ by up to 1.00 mm, which is included.",
        "Only A's rig has smile; not compared as controls.",
    )
    assert found.vertices.regions[0].rig_mean > 0.5


def test_what_cannot_be_compared_is_refused(a: Solution, take: Take) -> None:
    with pytest.raises(TakeError, match="A has frames 0-1, B has 3, 5: none is in both"):
        compare(a.part(np.array([0, 1])), a.part(np.array([3, 5])), take)
    with pytest.raises(TakeError, match="not the same mesh"):
        compare(a, a, take, replace(take, rig=synthetic.with_ball(take.rig)))
    with pytest.raises(TakeError, match="exceeds the rig's 642 vertices"):
        compare(a, a, take, region=(600, 700))
    with pytest.raises(TakeError, match="solution B: its controls are not the take's"):
        compare(a, replace(a, control_names=("x", *a.control_names[1:])), take)


def test_takes_of_other_name_or_rate_are_noted(a: Solution, take: Take) -> None:
    other = replace(a, fps=60.0, provenance={"take_name": "retake"})
    notes = compare(a, other, take).notes
    assert any("retake" in note for note in notes)
    assert any("30 frames a second, B 60" in note for note in notes)


def test_table_record_and_csv_hold_every_measure(a: Solution, take: Take, tmp_path: Path) -> None:
    found = compare(a, with_control(a, "jaw", 0.25), take, region=(0, 100))
    write_csv(found, tmp_path / "new" / "compare.csv")
    rows = list(csv.DictReader((tmp_path / "new" / "compare.csv").open(encoding="utf-8")))
    assert [int(row["frame"]) for row in rows] == found.frames.tolist()
    assert [float(row["jaw"]) for row in rows] == pytest.approx([0.25] * FRAMES, abs=1e-6)
    face = found.vertices.regions[0]
    assert [float(row["vertex_max_mm"]) for row in rows] == pytest.approx(face.frame_world_max, abs=1e-5)
    assert [float(row["head_removed_mean_mm"]) for row in rows] == pytest.approx(face.frame_rig_mean, abs=1e-5)
    region = found.vertices.regions[1]
    assert [float(row["0:100 vertex_mean_mm"]) for row in rows] == pytest.approx(region.frame_world_mean, abs=1e-5)
    assert [float(row["0:100 head_removed_max_mm"]) for row in rows] == pytest.approx(region.frame_rig_max, abs=1e-5)
    record = json.loads(json.dumps(comparison_record(found), allow_nan=False))
    assert record["controls"]["jaw"]["mean_absolute"] == pytest.approx(0.25)
    assert set(record["regions"]) == {"face", "0:100"}
    text = io.StringIO()
    print_comparison(found, Console(file=text, width=100))
    for part in ("6 common frames", "jaw", "+0.250", "0:100 (100 vertices)", "head rotation"):
        assert part in text.getvalue()


def test_pictures_show_where_the_surfaces_differ(a: Solution, take: Take, tmp_path: Path) -> None:
    found = compare(a, with_control(a, "puff", 0.5), take)
    draw_compared_heads(found, take, tmp_path / "heads.png")
    picture = cv2.imread(str(tmp_path / "heads.png")).astype(int)
    redness = picture[..., 2] - picture[..., 1]
    front = redness[:420, 562:1122]  # of the second of three cameras
    side = np.array([front[:, :280].max(), front[:, 280:].max()])
    assert side.max() > 100  # the cheek
    assert side.min() < 60
    draw_compared_curves(found, tmp_path / "new" / "curves.png")
    assert cv2.imread(str(tmp_path / "new" / "curves.png")).shape[1] > 1000
