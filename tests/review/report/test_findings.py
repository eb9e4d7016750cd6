"""Every trouble is found where it is and nowhere else, and said in plain words."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from facesolve.review.motion import head_motion
from facesolve.review.report.findings import find, spike_heights, step_heights
from facesolve.review.report.limits import control_limits
from facesolve.take import Solution, Take
from facesolve.take.finding import ERROR, NOTE, SEVERITIES, WARNING, Finding, Show

from . import troubled


@pytest.fixture(scope="module")
def take(tmp_path_factory: pytest.TempPathFactory) -> Take:
    return troubled.take(tmp_path_factory.mktemp("take"))


def found(solution: Solution, take: Take | None) -> list[Finding]:
    motion = head_motion(solution.head, solution.head_std, solution.head[0])
    return list(find(solution, take, control_limits(solution, take), motion))


def one(findings: list[Finding], words: str) -> Finding:
    """The only finding whose text has these words."""
    matching = [finding for finding in findings if words in finding.text]
    assert len(matching) == 1, (words, [finding.text for finding in findings])
    return matching[0]


@pytest.mark.parametrize(
    ("words", "severity", "frames", "controls"),
    [
        ("frames: 1 frame is seen by no camera", ERROR, (troubled.UNSEEN,), ()),
        ("1 frame fits the footage far worse", ERROR, (troubled.BAD,), ()),
        (f"camera '{troubled.HOSTILE_CAMERA}': it was not used in 3 frames", WARNING, troubled.BLIND, ()),
        ("camera 'top': it fits 1.50 times worse", WARNING, (), ()),
        ("browUp: it is at its upper limit 1 in 12 frames", WARNING, tuple(troubled.LIMIT), ("browUp",)),
        ("smile_L: it spikes", WARNING, (troubled.SPIKE,), ("smile_L",)),
        ("eyeBlink_L: it moves a large part", WARNING, (troubled.STEP,), ("eyeBlink_L",)),
        ("head: it moves away for a single frame", WARNING, (troubled.SPIKE,), ()),
        ("jawOpen: it was pinned to 0.9", ERROR, (troubled.MISSED,), ("jawOpen",)),
        ("1 control is uncertain by more than a tenth of the range (mouthPress)", WARNING, (), ("mouthPress",)),
        ("controls: 2 pairs of them cannot be told apart", NOTE, (), ()),
        ("solution: it was solved in draft quality", NOTE, (), ()),
        ("texture: none was baked", NOTE, (), ()),
    ],
)
def test_each_trouble_is_found(
    take: Take, words: str, severity: str, frames: tuple[int, ...], controls: tuple[str, ...]
) -> None:
    solution = troubled.solution()
    finding = one(found(solution, take), words)
    assert finding.severity == severity
    assert (finding.action or Show()) == Show(tuple(solution.frames[list(frames)].tolist()), controls)


def test_nothing_else_is_found_but_the_missing_footage(take: Take) -> None:
    findings = found(troubled.solution(), take)
    missing = [finding for finding in findings if "none of the 40 images exists" in finding.sentence]
    assert len(missing) == 3
    assert [finding.subject for finding in missing] == [f"camera '{name}'" for name in troubled.solution().camera_names]
    assert all(finding.remedy == "Check the path." for finding in missing)
    assert one(findings, "rig: it has no UVs").severity == NOTE
    assert one(findings, "cameras: all of them are in one place").severity == ERROR
    assert all(finding.subject for finding in findings)
    assert len(findings) == 13 + len(missing) + 2, [finding.text for finding in findings]
    assert [finding.severity for finding in findings] == sorted(
        (finding.severity for finding in findings), key=SEVERITIES.index
    )


def test_a_calm_solution_has_no_findings() -> None:
    calm = troubled.solution(
        controls=np.tile(0.5 + 0.1 * np.sin(np.arange(40) / 5)[:, None], (1, 8)),
        control_std=np.full((40, 8), 0.01),
        head=np.tile(np.eye(4), (40, 1, 1)),
        residual=np.full((40, 3), 0.1),
        confused=(),
        provenance={},
    )
    assert found(calm, None) == []


def test_limits_are_judged_only_where_the_range_is_known(take: Take) -> None:
    assert not any("limit" in finding.text for finding in found(troubled.solution(), None))
    resting = replace(troubled.solution(), controls=np.zeros((40, 8)))
    assert not any("limit" in finding.text for finding in found(resting, take))  # the lower limit is their rest
    low = np.zeros((40, 8))
    low[:, troubled.ODD] = -2.0
    finding = one(found(replace(resting, controls=low), take), "lower limit -2")
    assert finding.action == Show(tuple(range(1, 41)), (troubled.HOSTILE,))


def test_part_of_a_take_is_noted(take: Take) -> None:
    part = troubled.solution()
    names = ("frames", "scene_times", "controls", "head", "control_std", "head_std", "residual")
    part = replace(part, **{name: getattr(part, name)[:30] for name in names})
    assert one(found(part, take), "covers 30 of the take's 40 frames").severity == NOTE


def test_a_solution_without_deviations_says_so() -> None:
    for nothing in (0.0, np.nan):
        bare = troubled.solution(control_std=np.full((40, 8), nothing), head_std=np.full((40, 6), nothing))
        findings = found(bare, None)
        assert one(findings, "has no standard deviations").severity == NOTE
        assert not any("known to no better" in finding.text for finding in findings)
        assert one(findings, "smile_L: it spikes")  # jumps are judged all the same


def test_a_camera_that_saw_nothing_is_a_problem() -> None:
    residual = troubled.residual()
    residual[:, 0] = np.nan
    findings = found(troubled.solution(residual=residual), None)
    assert one(findings, "camera 'front': it did not see the head in any frame").severity == ERROR


def test_a_blink_is_no_jump() -> None:
    blink = np.array([0, 0, 0, 0.6, 1.0, 0.5, 0.1, 0, 0, 0])
    assert not spike_heights(blink).any()
    assert not step_heights(blink).any()
    assert not step_heights(np.linspace(0, 8, 9)).any()


def test_spikes_and_steps_are_measured() -> None:
    values = np.zeros(9)
    values[4] = -0.7
    np.testing.assert_allclose(spike_heights(values), [0, 0, 0, 0, 0.7, 0, 0, 0, 0])
    steps = step_heights(np.array([0, 0, 0, 0.7, 0.7, 0.7]))
    np.testing.assert_allclose(steps, [0, 0, 0, 0.7, 0, 0])
    assert not spike_heights(values[:4]).any()
    assert not step_heights(values[:3]).any()


def test_a_gap_between_frames_is_no_jump() -> None:
    frames = np.arange(1, 41)
    frames[troubled.STEP :] += 20
    findings = found(troubled.solution(frames=frames), None)
    assert not any("eyeBlink_L" in finding.text for finding in findings)
    assert one(findings, "smile_L: it spikes")


def test_a_jump_within_the_deviation_is_noise() -> None:
    deviations = np.full((40, 8), 0.01)
    deviations[:, troubled.SMILE] = 0.13
    findings = found(troubled.solution(control_std=deviations), None)
    assert not any("smile_L: it spikes" in finding.text for finding in findings)


@pytest.mark.parametrize("provenance", [{"settings": 3, "keyframes": [[1], "x"]}, {"settings": {"pins": ["a", {}]}}])
def test_foreign_provenance_does_no_harm(provenance: dict[str, object]) -> None:
    assert found(troubled.solution(provenance=provenance), None)


def test_limits_come_from_the_take_and_holds_from_the_solve(tmp_path: Path) -> None:
    limits = control_limits(troubled.solution(), troubled.take(tmp_path))
    assert limits.span[troubled.ODD] == 10
    assert limits.plugs[troubled.ODD] == "face.odd"
    assert limits.held[troubled.NOSE] == "locked"
    assert limits.held[troubled.CHEEK] == "off"
    assert [(pin.index, pin.control, pin.value) for pin in limits.pins] == [
        (troubled.MISSED, troubled.JAW, 0.9),
        (2, troubled.SMILE, 0.0),
    ]
