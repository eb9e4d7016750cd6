"""Cameras: scenes that Maya saved, numbers that others checked in Maya, and what is refused."""

import numpy as np
import pytest
from maya import cmds

from facesolve.take.film import intrinsics_from_film_back
from facesolve_maya.export.cameras import camera_shape, film_back, read_camera
from facesolve_maya.scene.findings import ExportError

STA_TIMES = tuple(float(frame) for frame in range(95))


def open_data(folder, name):
    cmds.file(str(folder / "maya" / name), open=True, force=True)


def marker_errors() -> np.ndarray:
    """Distances in pixels between tracked markers and the bundles' images through the exported camera of stA.ma."""
    camera = read_camera(camera_shape("stA_1_1"), STA_TIMES, 1936, 1288)
    errors = []
    for marker in cmds.ls("marker_*_MKR"):
        (bundle,) = cmds.listConnections(marker + ".bundle", source=True, destination=False)
        point = np.reshape(cmds.getAttr(bundle + ".worldMatrix[0]"), (4, 4))[3, :3]
        keyed = cmds.keyframe(marker, attribute="translateX", query=True, timeChange=True)
        for index, time in enumerate(STA_TIMES):
            if time not in keyed or not cmds.getAttr(marker + ".enable", time=time):
                continue
            k, r, t = camera.at(index)
            x = k @ (r @ point + t)
            seen = (
                (cmds.getAttr(marker + ".translateX", time=time) + 0.5) * 1936,
                (0.5 - cmds.getAttr(marker + ".translateY", time=time)) * 1288,
            )
            errors.append(np.hypot(*(x[:2] / x[2] - seen)))
    return np.array(errors)


def test_a_tracked_camera_reprojects_its_bundles(maya, facesolve_data):
    open_data(facesolve_data, "mmsolver_stA.ma")
    errors = marker_errors()
    assert len(errors) == 1006
    assert np.median(errors) == pytest.approx(0.81, abs=0.005)
    assert np.percentile(errors, 95) == pytest.approx(1.81, abs=0.005)


@pytest.mark.parametrize(("order", "median"), [(0, 1.74), (4, 12.1)])
def test_a_wrong_rotate_order_has_the_error_that_was_measured(maya, facesolve_data, order, median):
    open_data(facesolve_data, "mmsolver_stA.ma")
    cmds.setAttr("stA_1_1.rotateOrder", order)
    assert np.median(marker_errors()) == pytest.approx(median, abs=0.05)


def test_animated_focal_length_and_place(maya, facesolve_data):
    open_data(facesolve_data, "mayausd_UsdExportCameraTest.ma")
    shape = camera_shape("PerspCamAnimShape")
    assert film_back(shape, 1).focal_length == pytest.approx(35.0)
    assert film_back(shape, 25).focal_length == pytest.approx(100.0)
    camera = read_camera(shape, (1.0, 25.0), 1920, 1280)
    assert camera.intrinsics[1, 0, 0] / camera.intrinsics[0, 0, 0] == pytest.approx(100 / 35)
    moving = read_camera(camera_shape("PerspCamAnimTransform"), (1.0, 25.0, 49.0, 73.0), 1920, 1280)
    centers = [-r.T @ t for _, r, t in map(moving.at, range(4))]
    np.testing.assert_allclose(centers, [[0, -5, 5], [5, 0, 5], [0, 5, 5], [-5, 0, 5]], atol=1e-9)
    forward = moving.rotation[:, 2]  # the scene is z up: 45 degrees down towards the axis
    s = np.sqrt(0.5)
    np.testing.assert_allclose(forward, [[0, s, -s], [-s, 0, -s], [0, -s, -s], [s, 0, -s]], atol=1e-9)


def corner_images(camera) -> np.ndarray:
    """Images of the cubes that stand in the four corners of the ViewCheck camera's view, -1..1 of half the size."""
    images = []
    for corner in ("TopLeft", "TopRight", "BottomLeft", "BottomRight"):
        point = np.reshape(cmds.getAttr(f"CubePerspective{corner}.worldMatrix[0]"), (4, 4))[3, :3]
        x = camera.intrinsics @ (camera.rotation @ point + camera.translation)
        images.append((x[:2] / x[2]) / (camera.width / 2, camera.height / 2) - 1)
    return np.array(images)


def test_view_check_camera_sees_the_cubes_in_its_corners(maya, facesolve_data):
    open_data(facesolve_data, "mayausd_UsdExportCameraTest.ma")
    camera = read_camera(camera_shape("PerspectiveCamera"), (1.0,), 2960, 1600)
    np.testing.assert_allclose(-camera.rotation.T @ camera.translation, [-25, 25, 25], atol=1e-9)
    back = film_back(camera_shape("PerspectiveCamera"), 1)
    assert (back.horizontal_aperture * 25.4, back.vertical_aperture * 25.4) == pytest.approx((29.6, 16.0))
    found = corner_images(camera)
    np.testing.assert_array_equal(np.sign(found), [[-1, -1], [1, -1], [-1, 1], [1, 1]])
    assert np.abs(np.abs(found) - np.abs(found).mean()).max() < 0.15
    cmds.setAttr("PerspectiveCamera.rotateOrder", 5)
    mutated = corner_images(read_camera(camera_shape("PerspectiveCamera"), (1.0,), 2960, 1600))
    assert np.abs(mutated - found).max() > 0.5


def test_orthographic_cameras_are_refused_by_name(maya, facesolve_data):
    open_data(facesolve_data, "mayausd_UsdExportCameraTest.ma")
    for name in ("OrthoCamStatic", "OrthographicCamera", "top"):
        with pytest.raises(ExportError, match=f"{name}: it is orthographic"):
            read_camera(camera_shape(name), (1.0,), 100, 100)


def make_camera(**settings) -> str:
    transform = cmds.createNode("transform", name="shotCam")
    shape = cmds.createNode("camera", name="shotCamShape", parent=transform)
    for attribute, value in settings.items():
        cmds.setAttr(f"{shape}.{attribute}", value)
    return shape


def test_projection_equals_the_numbers_that_mmsolver_checked_in_maya(maya):
    shape = make_camera(focalLength=35, horizontalFilmAperture=36 / 25.4, verticalFilmAperture=24 / 25.4, filmFit=1)
    k = intrinsics_from_film_back(film_back(shape, 1), 2048, 1556)
    assert 2 * k[0, 0] / 2048 == pytest.approx(1.94445, abs=1e-4)
    assert 2 * k[1, 1] / 1556 == pytest.approx(2.55927, abs=1e-4)
    cmds.setAttr(shape + ".filmFit", 2)
    k = intrinsics_from_film_back(film_back(shape, 1), 2048, 1556)
    assert 2 * k[0, 0] / 2048 != pytest.approx(1.94445, abs=1e-4)


@pytest.mark.parametrize(
    ("setting", "value", "words"),
    [
        ("lensSqueezeRatio", 2.0, "anamorphic"),
        ("preScale", 1.1, "pre scale"),
        ("postScale", 0.9, "post scale"),
        ("filmTranslateH", 0.1, "film translate"),
        ("filmRollValue", 5.0, "film roll"),
        ("filmFitOffset", 0.1, "film fit offset"),
        ("cameraScale", 1.5, "camera scale"),
        ("shakeOverscanEnabled", True, "shake overscan"),
        ("orthographic", True, "orthographic"),
    ],
)
def test_unsupported_settings_are_refused_by_name(maya, setting, value, words):
    shape = make_camera(**{setting: value})
    with pytest.raises(ExportError, match=f"shotCam: .*{words}"):
        read_camera(shape, (1.0,), 100, 100)


def test_pan_and_zoom_counts_only_when_rendered(maya):
    shape = make_camera(panZoomEnabled=True, zoom=0.5)
    read_camera(shape, (1.0,), 100, 100)
    cmds.setAttr(shape + ".renderPanZoom", True)
    with pytest.raises(ExportError, match="2D pan and zoom"):
        read_camera(shape, (1.0,), 100, 100)


def test_shake_adds_to_the_film_offset_only_when_on(maya):
    shape = make_camera(horizontalFilmOffset=0.1, horizontalShake=0.05)
    assert film_back(shape, 1).horizontal_offset == pytest.approx(0.1)
    cmds.setAttr(shape + ".shakeEnabled", True)
    assert film_back(shape, 1).horizontal_offset == pytest.approx(0.15)


def test_apertures_are_inches_and_places_centimeters_in_every_scene_unit(maya):
    shape = make_camera()
    cmds.setAttr("shotCam.translate", 1.0, 2.0, 3.0)
    before = read_camera(shape, (1.0,), 100, 80)
    cmds.currentUnit(linear="m")
    after = read_camera(shape, (1.0,), 100, 80)
    assert cmds.getAttr("shotCam.translateX") == pytest.approx(0.01)
    np.testing.assert_allclose(after.intrinsics, before.intrinsics)
    np.testing.assert_allclose(after.translation, before.translation)


def test_parents_scale_is_stripped_and_mirroring_refused(maya):
    shape = make_camera()
    group = cmds.createNode("transform", name="rig")
    cmds.parent("shotCam", group, relative=True)
    cmds.setAttr("shotCam.translate", 1.0, 0.0, 0.0)
    cmds.setAttr("rig.scale", 2.0, 2.0, 2.0)
    camera = read_camera(shape, (1.0,), 100, 80)
    np.testing.assert_allclose(-camera.rotation.T @ camera.translation, [2, 0, 0], atol=1e-12)
    cmds.setAttr("rig.scaleX", -2.0)
    with pytest.raises(Exception, match="mirrored"):
        read_camera(shape, (1.0,), 100, 80)


def test_offset_parent_matrix_moves_the_camera(maya):
    shape = make_camera()
    cmds.setAttr("shotCam.offsetParentMatrix", [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 7, 8, 9, 1], type="matrix")
    camera = read_camera(shape, (1.0,), 100, 80)
    np.testing.assert_allclose(-camera.rotation.T @ camera.translation, [7, 8, 9], atol=1e-12)
