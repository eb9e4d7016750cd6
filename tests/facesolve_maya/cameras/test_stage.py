"""Where loaded cameras stand: upright, around the head, in the right unit, and back with one undo."""

import json

import numpy as np
import pytest
from maya import cmds

from facesolve.take import TakeError
from facesolve_maya.cameras import Stage, create_cameras, place_stage, placed_stage
from facesolve_maya.export.cameras import camera_shape, read_camera
from tests.facesolve_maya.shown import shown_vertices, snapshot
from tests.facesolve_maya.small_head import open_small_head

FOCUS = np.array([3.0, 4.0, 5.0])  # what the cameras look at, in the file
DISTANCE = 60.0


def look_from(angle: float) -> dict:
    """A camera with y down in the world, on a circle around FOCUS: its record in a calibration file."""
    cosine, sine = np.cos(angle), np.sin(angle)
    rotation = np.array([[cosine, 0, -sine], [0, 1, 0], [sine, 0, cosine]])
    place = FOCUS - DISTANCE * rotation[2]
    return {
        "intrinsic": [[1600.0, 0, 300.0], [0, 1600.0, 400.0], [0, 0, 1]],
        "distortion": [],
        "rotation": rotation.tolist(),
        "translation": (-rotation @ place).tolist(),
        "width": 600,
        "height": 800,
    }


@pytest.fixture
def calibration(maya, tmp_path):
    def write(unit: float = 1.0, angles=(-0.6, 0.0, 0.5)):
        """A file whose lengths are in ``unit`` centimeters."""
        records = {f"cam{index}": look_from(angle) for index, angle in enumerate(angles)}
        for record in records.values():
            record["translation"] = (np.array(record["translation"]) / unit).tolist()
        path = tmp_path / "calibration.json"
        path.write_text(json.dumps(records))
        return path

    return write


def places(made):
    return np.array([np.reshape(cmds.getAttr(c.transform + ".worldMatrix[0]"), (4, 4))[3, :3] for c in made])


def looks_at(made) -> np.ndarray:
    """The world's point that all cameras see in the middle of their image, DISTANCE away."""
    points = []
    for each in made:
        camera = read_camera(camera_shape(each.shape), (1.0,), 600, 800)
        points.append(camera.rotation.T @ (np.array([0, 0, DISTANCE]) - camera.translation))
    assert np.ptp(points, axis=0).max() < 1e-6, "they look at one place"
    return points[0]


def test_the_origin_can_be_the_head_the_first_camera_or_the_rig(calibration):
    made = create_cameras(calibration())
    before = places(made)
    found = placed_stage()
    assert (found.stage, found.group) == (Stage(), "facesolve_cameras")
    assert found.distance == pytest.approx(DISTANCE)
    np.testing.assert_allclose(looks_at(made), FOCUS * (1, -1, -1), atol=1e-9)  # y was down in the file
    text = place_stage(found.group, Stage(origin="head"))
    assert text == "The stage is placed: its cameras are 60 cm from what they look at."
    np.testing.assert_allclose(looks_at(made), 0.0, atol=1e-9)
    place_stage(found.group, Stage(up="file", origin="camera"))
    np.testing.assert_allclose(places(made)[0], 0.0, atol=1e-9)
    assert placed_stage().stage == Stage(up="file", origin="camera")
    place_stage(found.group, Stage())
    np.testing.assert_allclose(places(made), before, atol=1e-9)


def test_the_head_that_is_filmed_can_be_put_where_the_rigs_head_is(maya, calibration, tmp_path):
    open_small_head(maya, tmp_path)  # in meters, below a turned and scaled parent
    made = create_cameras(calibration())
    with pytest.raises(TakeError, match="no head to place the stage on"):
        place_stage("facesolve_cameras", Stage(origin="rig"), [])
    place_stage("facesolve_cameras", Stage(origin="rig"), ["head"])
    points = shown_vertices(maya, "headShape", cmds.currentTime(query=True))
    np.testing.assert_allclose(looks_at(made), 0.5 * (points.min(axis=0) + points.max(axis=0)), atol=1e-9)


@pytest.mark.parametrize(("unit", "centimeters"), [("cm", 1.0), ("mm", 0.1), ("m", 100.0)])
def test_a_calibration_in_another_unit_is_taken_in_it(calibration, unit, centimeters):
    made = create_cameras(calibration(centimeters))
    assert placed_stage().stage.unit == unit
    assert placed_stage().distance == pytest.approx(DISTANCE)
    looks_at(made)
    place_stage("facesolve_cameras", Stage(unit="in"))
    assert placed_stage().distance == pytest.approx(DISTANCE / centimeters * 2.54)


def test_a_placed_stage_is_one_undo(maya, calibration):
    create_cameras(calibration())
    before = snapshot(maya)
    place_stage("facesolve_cameras", Stage(origin="head", unit="mm"))
    assert snapshot(maya) != before
    cmds.undo()
    assert snapshot(maya) == before


def test_cameras_side_by_side_do_not_say_where_the_head_is(maya, calibration):
    create_cameras(calibration(angles=(0.0, 0.0)))
    assert placed_stage().distance is None
    before = snapshot(maya)
    with pytest.raises(TakeError, match="do not look at one place"):
        place_stage("facesolve_cameras", Stage(origin="head"))
    assert snapshot(maya) == before


def test_a_group_that_is_held_refuses_and_stays(maya, calibration):
    create_cameras(calibration())
    cmds.setAttr("facesolve_cameras.translateX", lock=True)
    before = snapshot(maya)
    with pytest.raises(TakeError, match="The stage cannot be placed; the scene is unchanged"):
        place_stage("facesolve_cameras", Stage(origin="head"))
    assert snapshot(maya) == before


def test_the_panel_says_in_which_unit_the_file_is_and_places_the_stage(maya, calibration):
    from facesolve_maya.ui.scene import MayaScene
    from facesolve_maya.ui.session import Session

    path, session = calibration(0.1), Session(MayaScene())
    session.load()
    assert session.stage is None
    assert "seems to be in millimeters" in session.scene.create_cameras(path)
    session.load()
    assert session.stage.distance == pytest.approx(DISTANCE)
    assert session.place_stage(Stage(origin="head", unit="mm"))
    assert session.stage.stage.origin == "head"
    assert not session.place_stage(Stage(origin="rig", unit="mm")), "there is no rig"
    assert session.stage.stage.origin == "head"
    session.close()
