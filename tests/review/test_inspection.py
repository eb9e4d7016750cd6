"""What an inspection finds in takes that were spoilt one way each."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from facesolve.review.inspection import Inspection, inspect_take, inspection_record, print_inspection
from facesolve.take import Control, ControlSettings, Settings, StartPose, Take, Target
from facesolve.take.finding import read_findings
from tests.geometry.test_face_weight import pushes, rig_of, sheet
from tests.jobs.test_pack import Job
from tests.take import rigs


@pytest.fixture
def good(tmp_path: Path) -> Take:
    take: Take = Job(tmp_path).pack()
    return take


def the_finding(take: Take, severity: str) -> str:
    findings = inspect_take(take).findings
    assert [finding.severity for finding in findings] == [severity]
    assert findings[0].subject
    assert findings[0].sentence.endswith(".")
    return findings[0].text


def remedy(take: Take) -> str:
    (finding,) = inspect_take(take).findings
    return finding.remedy


def test_what_to_do_stands_apart_from_what_is_wrong(good: Take, tmp_path: Path) -> None:
    assert remedy(replace(good, cameras=good.cameras[:1], footage=good.footage[:1])) == "Add a second view."
    assert remedy(replace(good, texture="gone.png")) == "Copy it there or pack again."
    assert remedy(replace(good, start=None)).startswith("Run 'facesolve align' first")
    shared = (good.footage[0], replace(good.footage[0], camera=good.footage[1].camera))
    assert remedy(replace(good, footage=shared)) == "Give each camera its own."


def test_good_take_has_no_finding(good: Take) -> None:
    assert inspect_take(good) == Inspection(())
    assert not inspect_take(good).stops_a_solve


def test_missing_image_stops_or_warns_as_the_take_says(good: Take, tmp_path: Path) -> None:
    (tmp_path / "a" / "a_0004.png").unlink()
    assert "camera 'a', frame 4" in the_finding(good, "error")
    assert inspect_take(good).stops_a_solve
    assert "frame 4" in the_finding(replace(good, on_bad_frame="unseen"), "warning")


def test_head_outside_an_image_is_an_error(good: Take) -> None:
    head = np.eye(4)
    head[0, 3] = 30.0
    away = replace(good, start=StartPose(3, np.zeros(2), head))
    findings = inspect_take(away).findings
    assert [finding.severity for finding in findings] == ["error", "error"]
    assert "outside the image of camera 'a'" in findings[0].text
    head[:3, 3] = (0.0, 0.0, -300.0)  # behind the cameras
    assert len(inspect_take(replace(good, start=StartPose(3, np.zeros(2), head))).findings) == 2


def test_head_partly_outside_is_a_warning(good: Take) -> None:
    head = np.eye(4)
    head[0, 3] = 2.2
    partly = replace(good, start=StartPose(3, np.zeros(2), head))
    assert {finding.severity for finding in inspect_take(partly).findings} == {"warning"}


def test_no_start_pose_is_a_warning(good: Take) -> None:
    assert "start pose: there is none" in the_finding(replace(good, start=None), "warning")


def test_start_outside_a_range_is_a_warning(good: Take) -> None:
    start = StartPose(3, np.array([0.0, 1.5]), np.eye(4))
    assert "outside their range (jaw)" in the_finding(replace(good, start=start), "warning")


def test_single_camera_is_a_warning(good: Take) -> None:
    single = replace(good, cameras=good.cameras[:1], footage=good.footage[:1])
    assert "second view" in the_finding(single, "warning")


def test_idle_controls_and_targets_are_named(good: Take) -> None:
    rig = good.rig
    idle = replace(rig, controls=(*rig.controls, Control("idle")))
    start = StartPose(3, np.zeros(3), np.eye(4))
    assert "drive no target (idle)" in the_finding(replace(good, rig=idle, start=start), "warning")
    empty = replace(rig, targets=(Target("smile", (rigs.shape(1.0),)), rig.targets[1]))
    assert "move nothing (smile)" in the_finding(replace(good, rig=empty), "warning")


def test_a_face_most_of_which_has_no_say_is_a_warning(good: Take) -> None:
    neutral, faces = sheet()
    rig = rig_of(neutral, faces, pushes(neutral, (2, 2), (2, 6)))
    elsewhere = (neutral[:, 0] > 8).astype(np.float32)
    told = [
        [finding.text for finding in inspect_take(replace(good, rig=painted)).findings]
        for painted in (rig, replace(rig, photometric_weight=elsewhere))
    ]
    assert not any("has a say" in text for text in told[0])
    assert any("only 0% of the surface that expressions move has a say" in text for text in told[1])


def test_missing_texture_is_an_error(good: Take) -> None:
    assert "gone.png' does not exist" in the_finding(replace(good, texture="gone.png"), "error")


def test_all_controls_off_is_a_warning(good: Take) -> None:
    off = Settings(controls=tuple(ControlSettings(name, active=False) for name in good.rig.control_names))
    assert "switched off" in the_finding(replace(good, settings=off), "warning")


def test_errors_come_first_and_both_forms_tell_all(good: Take, tmp_path: Path) -> None:
    (tmp_path / "b" / "b_0005.png").unlink()
    spoilt = replace(good, start=None)
    inspection = inspect_take(spoilt)
    assert [finding.severity for finding in inspection.findings] == ["error", "warning"]
    record = inspection_record(spoilt, inspection)
    assert record["ok"] is False
    assert read_findings(json.loads(json.dumps(record))) == inspection.findings
    text = io.StringIO()
    print_inspection(spoilt, inspection, Console(file=text, width=120))
    for expected in ("smile, jaw", "40x30", "frame 5", "start pose: there is none"):
        assert expected in text.getvalue()
