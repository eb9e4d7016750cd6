"""CSV files, read back with Python's own reader."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from facesolve.export import ExportError, Performance
from facesolve.export.curves_csv import LIVE_LINK_COLUMNS, write_all_controls_csv, write_live_link_csv

from .performances import performance

# the header of a file that the Live Link Face app recorded
RECORDED = (
    "Timecode,BlendShapeCount,EyeBlinkLeft,EyeLookDownLeft,EyeLookInLeft,EyeLookOutLeft,EyeLookUpLeft,EyeSquintLeft,"
    "EyeWideLeft,EyeBlinkRight,EyeLookDownRight,EyeLookInRight,EyeLookOutRight,EyeLookUpRight,EyeSquintRight,"
    "EyeWideRight,JawForward,JawRight,JawLeft,JawOpen,MouthClose,MouthFunnel,MouthPucker,MouthRight,MouthLeft,"
    "MouthSmileLeft,MouthSmileRight,MouthFrownLeft,MouthFrownRight,MouthDimpleLeft,MouthDimpleRight,MouthStretchLeft,"
    "MouthStretchRight,MouthRollLower,MouthRollUpper,MouthShrugLower,MouthShrugUpper,MouthPressLeft,MouthPressRight,"
    "MouthLowerDownLeft,MouthLowerDownRight,MouthUpperUpLeft,MouthUpperUpRight,BrowDownLeft,BrowDownRight,BrowInnerUp,"
    "BrowOuterUpLeft,BrowOuterUpRight,CheekPuff,CheekSquintLeft,CheekSquintRight,NoseSneerLeft,NoseSneerRight,"
    "TongueOut,HeadYaw,HeadPitch,HeadRoll,LeftEyeYaw,LeftEyePitch,LeftEyeRoll,RightEyeYaw,RightEyePitch,RightEyeRoll"
)


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def renamed(one: Performance, *names: str) -> Performance:
    controls = tuple(replace(control, name=name) for control, name in zip(one.rig.controls, names, strict=True))
    take = replace(one.take, rig=replace(one.rig, controls=controls))
    return Performance(take, replace(one.solution, control_names=names), one.rows, one.folder)


def test_live_link_header_is_that_of_recorded_files(tmp_path: Path) -> None:
    write_live_link_csv(performance(tmp_path), tmp_path / "a" / "x.csv")
    lines = (tmp_path / "a" / "x.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0] == RECORDED
    assert len(lines) == 5
    assert lines[1].startswith("00:00:41:18.000,61,0.0000000000,")
    assert "-0.0000000000" not in lines[1]


def test_live_link_values(tmp_path: Path) -> None:
    one = performance(tmp_path)
    notes = write_live_link_csv(one, tmp_path / "x.csv")
    rows = rows_of(tmp_path / "x.csv")
    assert [float(row["JawOpen"]) for row in rows] == pytest.approx([0, 0.4, 0.75, 1])  # 0..10 on the rig
    assert [float(row["EyeBlinkLeft"]) for row in rows] == pytest.approx([0, 1, 0.5, 0.25])
    used = {"JawOpen", "EyeBlinkLeft", "HeadYaw", "HeadPitch", "HeadRoll"}
    assert {name for row in rows for name in LIVE_LINK_COLUMNS if float(row[name])} == used
    angles = np.array([[float(row[name]) for name in ("HeadYaw", "HeadPitch", "HeadRoll")] for row in rows])
    back = Rotation.from_euler("YXZ", angles * (-1, 1, -1))
    assert (back.inv() * Rotation.from_matrix(one.solution.head[:, :3, :3])).magnitude().max() < 1e-9
    assert notes[0] == "left out, no ARKit name: smile, squash"
    assert notes[1] == "jawOpen is scaled from 0..10 to 0..1"
    assert notes[2].startswith("0 in every row, no such control: EyeLookDownLeft, ")
    assert "TongueOut, LeftEyeYaw" in notes[2]


def test_live_link_says_what_it_merged_and_doubled(tmp_path: Path) -> None:
    one = renamed(performance(tmp_path), "jawOpen", "mouthSmile", "cheekPuff_L", "cheekPuff_R")
    notes = write_live_link_csv(one, tmp_path / "x.csv")
    rows = rows_of(tmp_path / "x.csv")
    assert [float(row["CheekPuff"]) for row in rows] == pytest.approx([0.1, 0.85, 0.75, 0.125])
    assert [row["MouthSmileLeft"] for row in rows] == [row["MouthSmileRight"] for row in rows]
    assert "CheekPuff is the mean of cheekPuff_L and cheekPuff_R" in notes
    assert "MouthSmileLeft and MouthSmileRight are both mouthSmile" in notes


def test_live_link_of_a_z_up_scene(tmp_path: Path) -> None:
    """A head that looks along -y turns about +z: to its left, so the yaw is negative."""
    one = performance(tmp_path)
    head = np.tile(np.eye(4), (4, 1, 1))
    head[:, :3, :3] = Rotation.from_euler("z", 0.3).as_matrix()
    one = Performance(one.take, replace(one.solution, head=head), one.rows, one.folder)
    write_live_link_csv(one, tmp_path / "x.csv", up_axis="z")
    row = rows_of(tmp_path / "x.csv")[0]
    angles = [float(row[name]) for name in ("HeadYaw", "HeadPitch", "HeadRoll")]
    assert angles == pytest.approx([-0.3, 0, 0], abs=1e-9)


def test_rig_without_arkit_names_is_refused(tmp_path: Path) -> None:
    one = renamed(performance(tmp_path), "a", "b", "c", "d")
    with pytest.raises(ExportError, match=r"none of the 4 controls has an ARKit name \(the first is 'a'\).*--all-"):
        write_live_link_csv(one, tmp_path / "x.csv")
    assert not (tmp_path / "x.csv").exists()


def test_frames_before_zero_have_no_timecode(tmp_path: Path) -> None:
    one = performance(tmp_path)
    early = Performance(one.take, replace(one.solution, frames=one.solution.frames - 1004), one.rows, one.folder)
    with pytest.raises(ExportError, match="frame -2 has no timecode"):
        write_live_link_csv(early, tmp_path / "x.csv")
    write_all_controls_csv(early, tmp_path / "x.csv")
    assert rows_of(tmp_path / "x.csv")[0]["frame"] == "-2"


def test_all_controls(tmp_path: Path) -> None:
    one = renamed(performance(tmp_path), "jawOpen", 'smile, "wide"', "squash", "eyeBlink_L")
    write_all_controls_csv(one, tmp_path / "x.csv")
    rows = rows_of(tmp_path / "x.csv")
    solution = one.solution
    assert [(int(row["frame"]), float(row["scene_time"])) for row in rows] == [
        (1002, 501.0),
        (1004, 502.0),
        (1005, 502.5),
        (1006, 503.0),
    ]

    def table(*names: str) -> np.ndarray:
        return np.array([[float(row[name]) for name in names] for row in rows])

    names = solution.control_names
    np.testing.assert_allclose(table(*names), solution.controls, rtol=1e-9)
    np.testing.assert_allclose(table(*(f"{name} std" for name in names)), solution.control_std, rtol=1e-9)
    np.testing.assert_allclose(table("head_tx", "head_ty", "head_tz"), solution.head[:, :3, 3], rtol=1e-9)
    turned = Rotation.from_euler("xyz", table("head_rx", "head_ry", "head_rz"), degrees=True)
    assert (turned.inv() * Rotation.from_matrix(solution.head[:, :3, :3])).magnitude().max() < 1e-7
    deviation = table(*(f"head_rotation_std_{axis}" for axis in "xyz"))
    np.testing.assert_allclose(np.radians(deviation), solution.head_std[:, :3], atol=1e-9)
    shift = table(*(f"head_translation_std_{axis}" for axis in "xyz"))
    np.testing.assert_allclose(shift, solution.head_std[:, 3:], atol=1e-9)
