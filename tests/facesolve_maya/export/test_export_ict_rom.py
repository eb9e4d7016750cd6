"""The main real scene: what the export gives against the same take as arrays."""

import json

import numpy as np
import pytest
from maya import cmds

from facesolve.take import read_take, write_take
from facesolve_maya.export import ExportRequest, export_take, preflight
from facesolve_maya.export.cameras import camera_shape, read_camera
from facesolve_maya.scene.head import head_at, head_node

REQUEST = ExportRequest(("face_GEO",), "head_GRP", ("cam0", "cam1", "cam2"), tuple(range(1001, 1041)))


def reprojection_error(cameras, folder) -> float:
    """Largest distance in pixels between the exported cameras and calibration.json on the head's surface."""
    truth = json.loads((folder / "calibration.json").read_text())
    head = np.array(json.loads((folder / "start.json").read_text())["head"])
    points = np.load(folder / "rig.npz")["neutral"] @ head[:3, :3].T + head[:3, 3]
    worst = 0.0
    for camera in cameras:
        record = truth[camera.name]
        images = []
        for k, r, t in (camera.at(0), (record["intrinsic"], record["rotation"], record["translation"])):
            x = (points @ np.array(r).T + np.ravel(t)) @ np.array(k).T
            images.append(x[:, :2] / x[:, 2:])
        worst = max(worst, float(np.abs(images[0] - images[1]).max()))
    return worst


def rig_error(take, folder) -> float:
    """Largest difference in centimeters between the exported rig and rig.npz, over neutral and all targets."""
    arrays = np.load(folder / "rig.npz")
    assert take.rig.target_names == [str(name) for name in arrays["names"]]
    worst = float(np.abs(take.rig.neutral - arrays["neutral"]).max())
    for target, dense in zip(take.rig.targets, arrays["deltas"], strict=True):
        (shape,) = target.shapes
        found = np.zeros_like(dense)
        found[shape.vertices] = shape.deltas
        worst = max(worst, float(np.abs(found - dense).max()))
    return worst


def test_export_equals_the_packed_arrays(ict_rom, tmp_path):
    take = export_take(REQUEST)
    arrays = np.load(ict_rom / "rig.npz")
    assert rig_error(take, ict_rom) < 1e-4
    np.testing.assert_array_equal(take.rig.face_counts, arrays["face_counts"])
    np.testing.assert_array_equal(take.rig.face_vertices, arrays["faces"])
    np.testing.assert_array_equal(take.rig.face_uvs, arrays["face_uvs"])
    np.testing.assert_allclose(take.rig.uvs, arrays["uv"], atol=1e-6)
    assert reprojection_error(take.cameras, ict_rom) < 0.01
    start = json.loads((ict_rom / "start.json").read_text())
    assert take.start.frame == start["frame"] == take.frames[0] == 1001
    np.testing.assert_allclose(take.start.head, start["head"], atol=1e-6)
    assert take.fps == 30.0
    write_take(take, tmp_path / "take")
    again = read_take(tmp_path / "take")
    assert [camera.name for camera in again.cameras] == ["cam0", "cam1", "cam2"]
    assert all(
        (ict_rom / "footage" / c / f"{c}_0039.jpg").as_posix() == f.image_path(1040)
        for c, f in zip(("cam0", "cam1", "cam2"), again.footage, strict=True)
    )


def test_start_weights_and_driven_controls(ict_rom):
    take = export_take(REQUEST)
    start = json.loads((ict_rom / "start.json").read_text())["weights"]
    controls = {control.name: (index, control) for index, control in enumerate(take.rig.controls)}
    assert controls["jawOpen"][1].plug == "face_CTL.jawOpen"
    assert controls["smileL"][1].plug == "face_CTL.smileL"
    assert (controls["smileL"][1].minimum, controls["smileL"][1].maximum) == (0.0, 10.0)
    assert "mouthSmile_L" not in controls
    for driver in take.rig.drivers:
        target = take.rig.targets[driver.target].name
        value = np.interp(take.start.controls[driver.control], driver.inputs, driver.outputs)
        assert value == pytest.approx(start[target], abs=1e-6), target
        assert len([d for d in take.rig.drivers if d.target == driver.target]) == 1


def test_footage_is_matched_to_frames(ict_rom):
    take = export_take(REQUEST)
    for camera, footage in zip(take.cameras, take.footage, strict=True):
        assert footage.offset == -1001
        assert footage.image_path(1001).endswith(f"footage/{camera.name}/{camera.name}_0000.jpg")


def test_preflight_of_a_sound_scene_is_silent_and_changes_nothing(ict_rom, ict_rom_session):
    maya = ict_rom_session
    before, queue = maya.graph.version, len(maya.undo_queue)
    assert preflight(REQUEST) == ()
    assert (maya.graph.version, len(maya.undo_queue)) == (before, queue)


@pytest.mark.parametrize(
    ("plug", "value"),
    [
        ("cam1.rotateOrder", 1),
        ("cam1Shape.filmFit", 2),
        ("cam2.rotateOrder", 0),
        ("cam0Shape.verticalFilmOffset", 0.0229),
        ("witness_GRP.rotateY", 34.9),
    ],
)
def test_a_wrong_camera_is_seen(ict_rom, plug, value):
    cmds.setAttr(plug, value)
    cameras = [read_camera(camera_shape(name), (1001.0,), 600, 800) for name in REQUEST.cameras]
    assert reprojection_error(cameras, ict_rom) > 0.01


@pytest.mark.parametrize("plug", ["face_BS.inputTarget[0].baseWeights[100]", "face_BS.envelope"])
def test_a_wrong_rig_is_seen(ict_rom, plug):
    cmds.setAttr(plug, 0.99)
    assert rig_error(export_take(REQUEST), ict_rom) > 1e-4


def test_a_wrong_head_rotate_order_is_seen(ict_rom):
    start = json.loads((ict_rom / "start.json").read_text())
    assert np.abs(head_at(head_node("head_GRP"), 1001.0) - start["head"]).max() < 1e-6
    cmds.setAttr("head_GRP.rotateOrder", 0)
    assert np.abs(head_at(head_node("head_GRP"), 1001.0) - start["head"]).max() > 1e-4


def test_a_wrong_frame_offset_is_seen(ict_rom):
    cmds.setAttr("cam1_PLTShape.frameOffset", -1000)
    (finding,) = [f for f in preflight(REQUEST) if f.severity == "error"]
    assert finding.subject == "cam1"
    assert "1 of 40 images are missing" in finding.sentence
