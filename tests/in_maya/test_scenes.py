"""Cameras from a calibration, constraints, references and namespaces, a second layer: in Maya as it is. Python 3.7."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from tests.in_maya.head import black_png, maya_points, solution_of, solved_points, take_of_head


def calibration(folder, *names):
    """A calibration file with cameras of these names."""
    turn = [[0.36, 0.48, -0.8], [-0.8, 0.6, 0.0], [0.48, 0.64, 0.6]]
    camera = {
        "intrinsic": [[2000.0, 0, 4.0], [0, 2010.0, 3.0], [0, 0, 1]],
        "distortion": [[0.01], [-0.2], [0.001], [0.002], [0.05]],
        "rotation": turn,
        "translation": [[1.0], [2.0], [100.0]],
        "width": 8,
        "height": 6,
    }
    path = folder / "calibration.json"
    path.write_text(json.dumps({name: camera for name in names}), encoding="utf-8")
    return path, camera


def test_cameras_with_image_planes_come_out_of_the_export_as_they_went_in(cmds, tmp_path):
    from facesolve_maya.cameras import Stage, create_cameras
    from facesolve_maya.export.cameras import camera_shape, read_camera
    from facesolve_maya.export.footage import footage_of_plane, image_plane
    from facesolve_maya.scene.findings import Report

    path, record = calibration(tmp_path, "left", "0")
    for number in range(7, 10):
        (tmp_path / "left.{:04d}.png".format(number)).write_bytes(black_png(8, 6))
    nodes = set(cmds.ls())
    images = {"left": (tmp_path / "left.0007.png").as_posix()}
    create_cameras(path, images, first_frame=101.0, stage=Stage(up="file"))
    for name in ("left", "0"):
        camera = read_camera(camera_shape(name), (101.0,), 8, 6)
        assert camera.name == name
        np.testing.assert_allclose(camera.intrinsics, record["intrinsic"], rtol=1e-6)
        np.testing.assert_allclose(camera.rotation, record["rotation"], atol=1e-6)
        np.testing.assert_allclose(camera.translation, np.ravel(record["translation"]), atol=1e-4)
    plane = image_plane(camera_shape("left"), Report())
    footage = footage_of_plane("left", plane, (101.0, 103.0), (), Report())
    assert list(footage.numbers) == [7, 9]
    cmds.undo()
    assert set(cmds.ls()) == nodes


def test_a_stage_in_another_unit_and_place_is_one_undo_and_looks_the_same(cmds, tmp_path):
    from facesolve_maya.cameras import Stage, create_cameras, place_stage
    from facesolve_maya.export.cameras import camera_shape, read_camera

    path, record = calibration(tmp_path, "left")
    create_cameras(path, stage=Stage(up="file"))
    before = cmds.getAttr("facesolve_cameras.worldMatrix[0]")
    place_stage("facesolve_cameras", Stage(up="file", origin="camera", unit="mm"))
    camera = read_camera(camera_shape("left"), (1.0,), 8, 6)
    np.testing.assert_allclose(camera.intrinsics, record["intrinsic"], rtol=1e-6)
    np.testing.assert_allclose(camera.rotation, record["rotation"], atol=1e-6)
    np.testing.assert_allclose(camera.translation, 0.0, atol=1e-4)
    cmds.undo()
    assert cmds.getAttr("facesolve_cameras.worldMatrix[0]") == before


def test_a_head_below_a_constrained_neck_shows_what_was_solved(head, cmds):
    from facesolve_maya.apply import ApplyRequest, apply_solution

    cmds.createNode("transform", name="spine_CTL")
    for time, value in ((1, 0), (10, 60)):
        cmds.setKeyframe("spine_CTL.rotateY", time=time, value=value)
    cmds.parentConstraint("spine_CTL", "body", maintainOffset=True)
    cmds.currentTime(4)
    take = take_of_head(head)
    solution = solution_of(take)
    apply_solution(ApplyRequest(take, solution, head="head_GRP"))
    for row in range(len(take.frames)):
        cmds.currentTime(float(take.scene_times[row]))
        np.testing.assert_allclose(maya_points(world=True), solved_points(take, solution, row), atol=1e-3)


def test_a_take_is_applied_to_the_rig_under_another_namespace(head, cmds):
    from facesolve_maya.apply import ApplyRequest, apply_solution

    take = take_of_head(head)
    solution = solution_of(take)
    for node in ("BS", "face_CTL"):
        cmds.rename(node, "hero1:" + node)
    controls = tuple(replace(control, plug="hero:" + control.plug) for control in take.rig.controls)
    shot = replace(take, rig=replace(take.rig, controls=controls))
    report = apply_solution(ApplyRequest(shot, solution, head="head_GRP"))
    assert "hero1:face_CTL.open" in report.plugs
    assert report.skipped == ()


def test_a_referenced_rig_is_exported_and_keyed(cmds, tmp_path):
    """The rig of a shot is a reference: nothing of it may be renamed or deleted, all of it may be keyed."""
    from facesolve_maya.apply import ApplyRequest, apply_solution
    from facesolve_maya.export import ExportRequest, export_take
    from tests.in_maya.head import FRAMES, rig_text

    (tmp_path / "rig.ma").write_text(rig_text(), encoding="utf-8")
    shot = [
        "//Maya ASCII 2022 scene",
        'file -rdi 1 -ns "hero" -rfn "heroRN" -typ "mayaAscii" "{}";'.format((tmp_path / "rig.ma").as_posix()),
        'file -r -ns "hero" -dr 1 -rfn "heroRN" -typ "mayaAscii" "{}";'.format((tmp_path / "rig.ma").as_posix()),
        'requires maya "2022";',
        "currentUnit -l centimeter -a degree -t film;",
        'createNode reference -n "heroRN";',
    ]
    (tmp_path / "shot.ma").write_text("\n".join(shot) + "\n", encoding="utf-8")
    cmds.file((tmp_path / "shot.ma").as_posix(), open=True, force=True)
    for number in range(1, FRAMES + 1):
        (tmp_path / "plate.{:04d}.png".format(number)).write_bytes(black_png(8, 8))
    times = tuple(float(time) for time in range(1, FRAMES + 1))
    footage = {"hero:cam": str(tmp_path / "plate.{frame:04d}.png")}
    take = export_take(ExportRequest(("hero:head",), "hero:head_GRP", ("hero:cam",), times, footage=footage))
    assert {control.plug for control in take.rig.controls} == {"hero:face_CTL.open", "hero:BS.blink"}
    report = apply_solution(ApplyRequest(take, solution_of(take), head="hero:head_GRP"))
    assert report.skipped == ()
    assert cmds.referenceQuery("hero:BS", isNodeReferenced=True)


def test_a_second_layer_above_is_named(head, cmds):
    from facesolve_maya.apply import ApplyRequest, apply_solution

    take = take_of_head(head)
    request = ApplyRequest(take, solution_of(take), head="head_GRP", layer="solved")
    assert apply_solution(request).warning == ""
    cmds.animLayer("polish", override=True)
    cmds.animLayer("polish", edit=True, attribute=["BS.blink"])
    cmds.setKeyframe("BS.blink", animLayer="polish", time=1, value=0.123)
    assert "'polish'" in apply_solution(request).warning


def test_the_rest_of_a_rotation_goes_on_in_the_layer(head, cmds):
    from facesolve_maya.apply.companions import companions

    for time, value in ((1, 0), (10, 20)):
        cmds.setKeyframe("body.rotateY", time=time, value=value)
    found = companions(["body.rotateX"], "solved", [1.0, 10.0])
    assert [beside.plug for beside in found] == ["body.rotateY", "body.rotateZ"]
    assert found[0].values[-1] == pytest.approx(cmds.getAttr("body.rotateY", time=found[0].times[-1]))
