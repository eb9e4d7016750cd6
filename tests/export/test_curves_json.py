"""JSON files, read back with Python's own reader."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from facesolve.export.curves_json import write_curves_json

from .performances import performance


def test_everything_reads_back_exactly(tmp_path: Path) -> None:
    one = performance(tmp_path)
    write_curves_json(one, tmp_path / "a" / "x.json")
    record = json.loads((tmp_path / "a" / "x.json").read_text(encoding="utf-8"))
    solution, rig = one.solution, one.rig
    assert (record["schema"], record["kind"], record["take"], record["fps"]) == (
        2,
        "facesolve export",
        "7 shot",
        23.976,
    )
    assert record["units"]["length"] == "centimeter"
    assert record["provenance"] == solution.provenance
    assert record["frames"] == [1002, 1004, 1005, 1006]
    assert record["scene_times"] == solution.scene_times.tolist()
    curves = {control["name"]: control for control in record["controls"]}
    assert list(curves) == rig.control_names
    np.testing.assert_array_equal(np.array([c["values"] for c in curves.values()]).T, solution.controls)
    np.testing.assert_array_equal(np.array([c["std"] for c in curves.values()]).T, solution.control_std)
    jaw = curves["jawOpen"]
    assert (jaw["plug"], jaw["minimum"], jaw["maximum"], jaw["default"]) == ("rig.jawOpen", 0, 10, 0)
    weights = {target["name"]: target["weights"] for target in record["targets"]}
    assert list(weights) == rig.target_names
    np.testing.assert_array_equal(np.array(list(weights.values())).T, one.target_weights())
    np.testing.assert_array_equal(record["head"]["matrix"], solution.head)
    np.testing.assert_array_equal(record["head"]["rotation_std"], solution.head_std[:, :3])
    np.testing.assert_array_equal(record["head"]["translation_std"], solution.head_std[:, 3:])


def test_cameras_are_those_of_the_frames(tmp_path: Path) -> None:
    one = performance(tmp_path)
    write_curves_json(one, tmp_path / "x.json")
    still, dolly = json.loads((tmp_path / "x.json").read_text(encoding="utf-8"))["cameras"]
    assert (still["moving"], dolly["moving"]) == ([], ["intrinsics", "rotation", "translation"])
    assert (still["width"], still["height"], still["distortion"]) == (640, 480, [1e-3] * 5)
    for index, row in enumerate(one.rows):
        for record, camera in zip((still, dolly), one.take.cameras, strict=True):
            for name, value in zip(("intrinsics", "rotation", "translation"), camera.at(int(row)), strict=True):
                given = record[name][index] if name in record["moving"] else record[name]
                np.testing.assert_array_equal(given, value)
    assert dolly["residual"] == [None, 0.3, 0.1, 0.4]
