"""Files of trackers and scenes, what is written, and what is no camera file."""

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from facesolve.geometry.camera_files import CameraFile, read_cameras, write_cameras
from facesolve.take import TakeError
from facesolve.take.camera import LENSES

from .seen_by import METERS, PIXELS, SAMPLES, before, sample, seen_alike, sees


def opentrackio(**lens) -> dict:
    record = json.loads((SAMPLES / "opentrackio.json").read_text())
    record["lens"].pop("distortion")
    record["lens"].update(lens)
    record["static"]["camera"]["activeSensorResolution"] = {"width": 3840, "height": 2560}
    return record


def test_opentrackio_is_seen_as_openlensio_says(tmp_path):
    """camdkit's own sample, with the distortion of a real lens: its own numbers, 1 2 3, fold the image."""
    radial, tangential = [-2.1e-4, 0.0, 1.1e-7, 0.0], [1.2e-6, -0.7e-6]
    lens = {"model": "Brown-Conrady U-D", "radial": radial, "tangential": tangential}
    (tmp_path / "c.json").write_text(json.dumps(opentrackio(distortion=[lens])))
    (camera,) = read_cameras(tmp_path / "c.json")
    assert (camera.name, camera.size) == ("A", (3840, 2560))
    points = before(camera, spread=0.4)
    turn = Rotation.from_euler("ZXY", (180, 90, 45), degrees=True).as_matrix()
    rest = (points / 100 - (1, 2, 3)) @ turn  # x to the right, y forward, z up
    x = np.stack((rest[:, 0], -rest[:, 2], rest[:, 1] - 0.123), 1)  # screen axes, at the entrance pupil
    e = 24.305 * x[:, :2] / x[:, 2:]
    r2 = (e**2).sum(1, keepdims=True)
    bent = e * (1 + radial[0] * r2 + radial[2] * r2**2)
    both = 2 * e[:, :1] * e[:, 1:]
    bent += np.concatenate(
        (
            tangential[0] * both + tangential[1] * (r2 + 2 * e[:, :1] ** 2),
            tangential[1] * both + tangential[0] * (r2 + 2 * e[:, 1:] ** 2),
        ),
        1,
    )
    expected = (bent + np.array((0.1, 0.2))) * (3840 / 36) + (1920, 1280)
    seen_alike(camera, points, expected)


def test_the_inverse_model_of_opentrackio_is_turned_round(tmp_path):
    radial = [3e-4, 0.0, -1e-7, 0.0]
    (tmp_path / "c.json").write_text(json.dumps(opentrackio(distortion=[{"radial": radial}])))
    (camera,) = read_cameras(tmp_path / "c.json")
    points = before(camera, spread=0.5)
    e = (sees(camera, points) - (1920, 1280)) * (36 / 3840) - (0.1, 0.2)
    r2 = (e**2).sum(1, keepdims=True)
    straight = e * (1 + radial[0] * r2 + radial[2] * r2**2)
    inside = points @ camera.rotation.T + camera.translation
    np.testing.assert_allclose(straight, 24.305 * inside[:, :2] / inside[:, 2:], atol=PIXELS * 36 / 3840)
    (tmp_path / "c.json").write_text((SAMPLES / "opentrackio.json").read_text())
    with pytest.raises(TakeError, match="tangential distortion in the model Brown-Conrady D-U"):
        read_cameras(tmp_path / "c.json", CameraFile(image_size=lambda name: (3840, 2560)))


def test_3dequalizers_script_is_read_without_running_it():
    notes = []
    left, right = sample("3dequalizer.mel", CameraFile(image_size=lambda name: (1920, 1080)), notes.append)
    assert (left.name, right.name) == ("left", "right")
    assert "holds no lens distortion" in notes[0]
    to_world = Rotation.from_euler("YXZ", (-16.309, -4.12, 0.751), degrees=True).as_matrix()  # Maya's zxy
    points = before(left)
    inside = (points - (-32.512, 158.204, 111.043)) @ to_world  # looks along -z, y up
    film = 49.802 * inside[:, :2] / -inside[:, 2:] / 25.4  # inches
    u = 1920 * (0.5 + (film[:, 0] - 0.004724409448819) / 1.102362204724409)
    v = 1080 * (0.5 - (film[:, 1] + 0.002362204724409) / 0.620078740157480)
    seen_alike(left, points, np.stack((u, v), 1))


def test_usd_cameras_are_seen_as_usd_sees_them(tmp_path):
    usd = pytest.importorskip("pxr.Usd", reason='needs usd-core: pip install "facesolve[usd]"')
    from pxr import Gf, UsdGeom

    stage = usd.Stage.CreateNew(str(tmp_path / "c.usda"))
    UsdGeom.SetStageMetersPerUnit(stage, 1.0)
    lens = Gf.Camera()
    lens.focalLength, lens.horizontalAperture, lens.verticalAperture = 35.0, 24.0, 13.5
    lens.horizontalApertureOffset, lens.verticalApertureOffset = 0.3, -0.2
    move = Gf.Matrix4d().SetTranslate(Gf.Vec3d(0.2, 1.5, 0.9))
    lens.transform = Gf.Matrix4d().SetRotate(Gf.Rotation(Gf.Vec3d(0.1, 1, 0.2), 14.0)) * move
    camera = UsdGeom.Camera.Define(stage, "/stage/left")
    camera.SetFromCamera(lens, usd.TimeCode.Default())
    stage.Save()
    (found,) = read_cameras(tmp_path / "c.usda", CameraFile(image_size=lambda name: (1920, 1080)))
    points = before(found)
    view = lens.frustum.ComputeViewMatrix() * lens.frustum.ComputeProjectionMatrix()
    ndc = np.array([view.Transform(Gf.Vec3d(*(point / 100))) for point in points])
    expected = np.stack(((ndc[:, 0] + 1) / 2 * 1920, (1 - ndc[:, 1]) / 2 * 1080), 1)
    seen_alike(found, points, expected)


@pytest.mark.parametrize(
    ("layout", "name", "how"),
    [
        ("json", "c.json", None),
        ("yml", "c.yml", None),
        ("xml", "c.xml", None),
        ("opentrackio", "c.json", None),
        ("colmap", "model", CameraFile(unit="cm")),
        ("nerfstudio", "c.json", CameraFile(unit="cm")),
    ],
)
def test_what_is_written_reads_back_as_it_was(tmp_path, layout, name, how):
    cameras = [c for c in sample("colmap_binary", METERS) if layout != "opentrackio" or c.lens == LENSES[0]]
    if layout == "nerfstudio":  # has no rational lens
        cameras = [c if len(c.distortion) < 8 else replace(c, distortion=c.distortion[:5]) for c in cameras]
    write_cameras(cameras, tmp_path / name, layout)
    found = read_cameras(tmp_path / name, how)
    assert [c.name for c in found] == [c.name for c in cameras]
    for camera, expected in zip(found, cameras, strict=True):
        assert (camera.size, camera.lens) == (expected.size, expected.lens)
        points = before(expected)
        np.testing.assert_allclose(sees(camera, points), sees(expected, points), atol=1e-6)


def test_what_facesolve_exports_to_usd_reads_back_with_its_lenses(tmp_path):
    pytest.importorskip("pxr", reason='needs usd-core: pip install "facesolve[usd]"')
    from facesolve.export.usd import write_usd
    from tests.export.performances import performance

    one = performance(tmp_path)
    still = one.take.cameras[:1]
    write_usd(replace(one, take=replace(one.take, cameras=still, footage=one.take.footage[:1])), tmp_path / "h.usda")
    (found,) = read_cameras(tmp_path / "h.usda")
    assert (found.name, found.size) == (still[0].name, (still[0].width, still[0].height))
    np.testing.assert_allclose(found.intrinsics, still[0].intrinsics, rtol=1e-5)
    np.testing.assert_allclose(found.distortion, still[0].distortion)
    np.testing.assert_allclose(found.translation, still[0].translation, atol=1e-4)


def test_a_format_is_told_by_what_is_in_the_file_not_by_its_name(tmp_path):
    for name, how in (("kalibr.yaml", None), ("caliscope.toml", None), ("aniposelib.toml", CameraFile(unit="mm"))):
        (tmp_path / "cameras.txt").write_bytes((SAMPLES / name).read_bytes())
        assert read_cameras(tmp_path / "cameras.txt", how)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"Kaydara FBX Binary  \x00\x1a\x00", "is not as an FBX exporter writes it"),
        (b"hello", "is no camera file that is read; those are Facesolve's and the thesis' JSON"),
        (b"\x00\x01\x02", "is no camera file that is read"),
        (b"[1, 2]", "must hold a JSON object"),
        (b"{", "is not valid JSON"),
        (b"{}", "holds no camera"),
        (b'{"a": {"b": 1}}', "is no camera file that is read"),
        (b"<a", "is not readable XML"),
        (b"<!DOCTYPE a [<!ENTITY b 'c'>]><document/>", "declares a document type"),
        (b"<html/>", "is no camera file"),
        (b"cam0: {intrinsics: [1, 2", "is not readable YAML"),
        (b"cam0: {intrinsics: [1, 2]}\n", "is not as Kalibr writes it"),
        (
            b"[cam_0]\nsize=[1,2]\nmatrix=[[1]]\ndistortions=[0]\nrotation=[0,0,0]\ntranslation=[0,0,0]",
            "is not as anip",
        ),
        (b'{"frames": [{"transform_matrix": [[1]], "fl_x": 1, "w": 1, "h": 1}]}', "is not as nerfstudio writes it"),
        (b"#usda 1.0\n(", "is not readable USD|needs 'usd-core'"),
    ],
)
def test_what_cannot_be_read_is_one_sentence(tmp_path, content, says):
    (tmp_path / "c").write_bytes(content)
    with pytest.raises(TakeError, match=says) as raised:
        read_cameras(tmp_path / "c")
    assert "\n" not in str(raised.value)
