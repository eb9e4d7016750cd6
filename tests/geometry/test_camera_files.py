"""Other programs' calibration files: OpenCV's conventions, round trips, and what is refused."""

import json
from dataclasses import replace

import cv2
import numpy as np
import pytest

from facesolve.cli import main
from facesolve.geometry.camera_files import CameraFile, as_calibrated, read_cameras, write_cameras
from facesolve.take import TakeError
from tests.calibrate.boards_seen import arc_of_cameras

CAMERAS = [as_calibrated(camera) for camera in arc_of_cameras(2)]


def equal(found, expected, sizes=True):
    assert [c.name for c in found] == [c.name for c in expected]
    for a, b in zip(found, expected, strict=True):
        for name in ("intrinsics", "rotation", "translation", "distortion"):
            np.testing.assert_allclose(getattr(a, name), getattr(b, name), rtol=0, atol=1e-12)
        assert a.size == (b.size if sizes else None)


@pytest.mark.parametrize(
    ("layout", "name"), [("json", "c.json"), ("yml", "c.yml"), ("xml", "c.xml"), ("thesis", "c.json")]
)
def test_every_layout_gives_back_what_was_written(tmp_path, layout, name):
    write_cameras(CAMERAS, tmp_path / name, layout)
    equal(read_cameras(tmp_path / name), CAMERAS, sizes=layout != "thesis")


def test_thesis_layout_has_columns_and_no_sizes(tmp_path):
    write_cameras(CAMERAS, tmp_path / "c.json", "thesis")
    record = json.loads((tmp_path / "c.json").read_text(encoding="utf-8"))["cam1"]
    assert set(record) == {"intrinsic", "distortion", "rotation", "translation"}
    assert np.shape(record["translation"]) == (3, 1)
    assert np.shape(record["distortion"]) == (5, 1)


def test_opencv_reads_what_is_written_in_its_own_convention(tmp_path):
    write_cameras(CAMERAS, tmp_path / "c.yml", "yml")
    storage = cv2.FileStorage(str(tmp_path / "c.yml"), cv2.FILE_STORAGE_READ)
    matrix = storage.getNode("cameras").at(0).getNode("camera_matrix").mat()
    np.testing.assert_allclose(matrix[:2, 2], CAMERAS[0].intrinsics[:2, 2] - 0.5)


def test_stereo_file_of_opencv(tmp_path):
    storage = cv2.FileStorage(str(tmp_path / "stereo.yml"), cv2.FILE_STORAGE_WRITE)
    for index, camera in enumerate(CAMERAS, 1):
        storage.write(f"M{index}", camera.intrinsics)
        storage.write(f"D{index}", np.pad(camera.distortion, (0, 9)).reshape(1, -1))
    storage.write("R", CAMERAS[1].rotation)
    storage.write("T", np.array([[-0.0836], [0], [0]]))
    storage.release()
    left, right = read_cameras(tmp_path / "stereo.yml", CameraFile(unit="m"))
    assert (left.name, right.name) == ("left", "right")
    np.testing.assert_allclose(left.intrinsics[:2, 2], CAMERAS[0].intrinsics[:2, 2] + 0.5)
    np.testing.assert_allclose(right.translation, [-8.36, 0, 0])
    assert len(right.distortion) == 8


def test_stereo_pair_in_two_files_of_opencv(tmp_path, capsys):
    """As OpenCV's stereo_calib writes it: lenses in one file, R and T in another."""
    lenses = cv2.FileStorage(str(tmp_path / "intrinsics.yml"), cv2.FILE_STORAGE_WRITE)
    for index, camera in enumerate(CAMERAS, 1):
        lenses.write(f"M{index}", camera.intrinsics)
        lenses.write(f"D{index}", camera.distortion.reshape(1, -1))
    lenses.release()
    places = cv2.FileStorage(str(tmp_path / "extrinsics.yml"), cv2.FILE_STORAGE_WRITE)
    places.write("R", CAMERAS[1].rotation)
    places.write("T", np.array([[-83.6], [0], [1]]))
    places.release()
    source, target = str(tmp_path / "intrinsics.yml"), str(tmp_path / "c.json")
    assert main(["convert-cameras", source, "--out", target]) == 2
    assert "no R and T for camera 'right'" in capsys.readouterr().err
    assert not (tmp_path / "c.json").exists()
    more = ["--extrinsics", str(tmp_path / "extrinsics.yml"), "--unit", "mm"]
    assert main(["convert-cameras", source, "--out", target, *more]) == 0
    left, right = read_cameras(tmp_path / "c.json")
    np.testing.assert_allclose(left.rotation, np.eye(3))
    np.testing.assert_allclose(right.rotation, CAMERAS[1].rotation)
    np.testing.assert_allclose(right.translation, [-8.36, 0, 0.1])
    capsys.readouterr()
    assert main(["convert-cameras", target, "--out", str(tmp_path / "d.json"), *more]) == 2
    assert "is not an OpenCV file" in capsys.readouterr().err
    assert main(["convert-cameras", source, "--out", target, "--overwrite", "--extrinsics", source]) == 2
    assert "lacks a matrix of finite numbers under 'R'" in capsys.readouterr().err


def test_opencvs_own_samples(facesolve_data):
    folder = facesolve_data / "calibration"
    (left,) = read_cameras(folder / "chessboard_stereo" / "left_intrinsics.yml")
    assert left.size == (640, 480)
    assert left.intrinsics[0, 2] == pytest.approx(342.28315 + 0.5, abs=1e-4)
    pair = read_cameras(folder / "chessboard_stereo" / "intrinsics.yml", CameraFile(lenses_only=True))
    assert [c.name for c in pair] == ["left", "right"]


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("a.yml", None, "does not exist"),
        ("a.yml", "%YAML:1.0\ngarbage: [", "not readable YAML"),
        ("a.yml", "garbage", "no camera file that is read"),
        ("a.yml", "%YAML:1.0\n---\nfoo: 1\n", "neither 'camera_matrix'"),
        ("a.yml", "%YAML:1.0\n---\ncamera_matrix: 3\n", "lacks a matrix of finite numbers under 'camera_matrix'"),
        ("a.yml", "%YAML:1.0\n---\nunit: feet\nM1: 3\n", "is in 'feet'"),
        ("a.yml", "%YAML:1.0\n---\ncameras: [ 1, 2 ]\n", "camera 1 in .* is not a group"),
        ("a.xml", "<?xml version='1.0'?><opencv_storage><cameras></cameras></opencv_storage>", "holds no camera"),
    ],
)
def test_bad_opencv_files_are_one_sentence(tmp_path, name, text, says):
    if text is not None:
        (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(TakeError, match=says):
        read_cameras(tmp_path / name)


def test_coefficients_that_are_not_supported_are_refused(tmp_path):
    thin_prism = replace(CAMERAS[0], distortion=np.full(12, 0.01))
    write_cameras([thin_prism], tmp_path / "c.yml", "yml")
    with pytest.raises(TakeError, match="thin-prism"):
        read_cameras(tmp_path / "c.yml")


def test_convert_cameras_command(tmp_path, capsys):
    write_cameras(CAMERAS, tmp_path / "c.json", "json")
    assert main(["convert-cameras", str(tmp_path / "c.json"), "--out", str(tmp_path / "c.xml")]) == 0
    assert main(["convert-cameras", str(tmp_path / "c.xml"), "--out", str(tmp_path / "t.json"), "--to", "thesis"]) == 0
    equal(read_cameras(tmp_path / "t.json"), CAMERAS, sizes=False)
    capsys.readouterr()
    assert main(["convert-cameras", str(tmp_path / "c.json"), "--out", str(tmp_path / "c.txt")]) == 2
    assert main(["convert-cameras", str(tmp_path / "c.json"), "--out", str(tmp_path / "c.yml"), "--to", "thesis"]) == 2
    assert "must end in .json" in capsys.readouterr().err
