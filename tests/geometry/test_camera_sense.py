"""The mistakes that people make with cameras are named, and sound rigs are left in peace."""

import json
from dataclasses import replace

import numpy as np
import pytest

from facesolve.geometry.camera import look_along
from facesolve.geometry.camera_files import read_cameras, write_cameras
from facesolve.geometry.camera_sense import camera_findings
from facesolve.take import TakeError
from facesolve.take.calibration import CalibratedCamera

FLIP = np.diag((1.0, -1.0, -1.0))
K = np.array([[1850.0, 0, 955.0], [0, 1848.0, 548.0], [0, 0, 1]])


def rig(count=3, distance=90.0, **changes) -> list[CalibratedCamera]:
    """Cameras on an arc that look at a head at (0, 150, 0), y up."""
    cameras = []
    for index, angle in enumerate(np.radians(np.linspace(-35, 35, count))):
        center = distance * np.array([np.sin(angle), 0.12 * (-1) ** index, np.cos(angle)])
        turn = look_along(np.array([0.7, -0.5, 0]) - center, np.array([0.0, 1, 0]))
        place = -turn @ (center + np.array([0, 150, 0]))
        values = {"distortion": np.array([-0.09, 0.11, 0.0004, -0.0007, 0.02]), "width": 1920, "height": 1080}
        cameras.append(CalibratedCamera(f"cam{index}", K, turn, place, **{**values, **changes}))
    return cameras


def told(cameras) -> list[str]:
    return [str(finding) for finding in camera_findings(cameras)]


def changed(cameras, change) -> list[CalibratedCamera]:
    return [replace(camera, **change(camera)) for camera in cameras]


@pytest.mark.parametrize("cameras", [rig(), rig(2), rig(8, 250.0), rig(1), rig(4, 18.0), rig(3, lens="fisheye")])
def test_sound_rigs_are_left_in_peace(cameras):
    if cameras[0].lens == "fisheye":
        cameras = changed(cameras, lambda c: {"distortion": c.distortion[:4]})
    assert told(cameras) == []


def test_real_rigs_are_left_in_peace(facesolve_data):
    for name in ("ict_rom", "ict_stage"):
        assert told(read_cameras(facesolve_data / name / "calibration.json")) == []


def inverted(camera):
    return {"rotation": camera.rotation.T, "translation": -camera.rotation.T @ camera.translation}


MISTAKES = {
    "axes of OpenGL": (
        lambda c: {"rotation": FLIP @ c.rotation, "translation": FLIP @ c.translation},
        "they do not look at one place, but would if their axes were OpenGL's (y up, z backwards).",
    ),
    "cropped after the calibration": (
        lambda c: {"intrinsics": c.intrinsics + np.array([[0, 0, 40], [0, 0, 60], [0, 0, 0]])},
        "the principal points of all are off the middle by about +35 pixels across and +68 down.",
    ),
    "camera to world": (inverted, "they do not look at one place, but would if the transforms went from the camera"),
    "NeRF's transforms": (
        lambda c: {"rotation": c.rotation.T @ FLIP, "translation": inverted(c)["translation"]},
        "but would if the transforms went from the camera to the world with OpenGL's axes",
    ),
    "meters": (lambda c: {"translation": c.translation / 100}, "error: cameras: they are 0.906 cm from what they film"),
    "millimeters": (lambda c: {"translation": c.translation * 10}, "The lengths seem to be in mm."),
    "other lengths": (lambda c: {"translation": c.translation * 1e3}, "Check the unit of the lengths."),
    "half the image size": (
        lambda c: {"width": 960, "height": 540},
        "camera 'cam0': its intrinsic matrix is that of images of about 1910x1096 pixels, not of 960x540.",
    ),
    "twice the image size": (
        lambda c: {"width": 3840, "height": 2160},
        "camera 'cam0': its intrinsic matrix is that of images of about 1910x1096 pixels, not of 3840x2160.",
    ),
    "width for height": (lambda c: {"width": 1080, "height": 1920}, "camera 'cam0': its principal point"),
    "k1 k2 k3 p1 p2": (
        lambda c: {"distortion": np.array([-0.2, 0.15, -0.06, 0.0004, -0.0007])},
        "Check the order of the coefficients: k1 k2 p1 p2 k3, k3 behind p2.",
    ),
    "transposed matrix": (lambda c: {"intrinsics": K.T}, "camera 'cam0': its intrinsic matrix is transposed."),
    "normalized matrix": (
        lambda c: {"intrinsics": np.diag((1 / 1920, 1 / 1080, 1)) @ K},
        "in parts of the image instead of pixels. Multiply the first row by the image's width",
    ),
    "no place": (lambda c: {"translation": np.zeros(3)}, "all of them are in one place."),
    "mirrored": (lambda c: {"rotation": np.diag((-1.0, 1, 1)) @ c.rotation}, "its rotation is mirrored"),
    "scaled": (lambda c: {"rotation": 1.3 * c.rotation}, "its rotation is scaled by 1.3."),
    "not a rotation": (lambda c: {"rotation": c.rotation + 0.1}, "its rotation matrix is none"),
    "negative focal length": (lambda c: {"intrinsics": K * (-1, 1, 1)}, "its focal length is not positive"),
    "telescope": (lambda c: {"intrinsics": K + np.diag((2e5, 2e5, 0))}, "its focal length of 201850 pixels cannot be"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_are_named(name):
    change, sentence = MISTAKES[name]
    found = told(changed(rig(), change))
    assert any(sentence in one for one in found), found


UNLIKELY = {"k1 k2 k3 p1 p2", "millimeters", "width for height", "cropped after the calibration"}


@pytest.mark.parametrize("name", sorted(set(MISTAKES) - UNLIKELY))
def test_impossible_cameras_are_refused_when_they_are_read(tmp_path, name):
    write_cameras(changed(rig(), MISTAKES[name][0]), tmp_path / "c.json", "json")
    with pytest.raises(TakeError, match=r"calibration: '.*c.json': (camera 'cam0'|cameras): ") as raised:
        read_cameras(tmp_path / "c.json")
    assert "\n" not in str(raised.value)


def test_cameras_that_look_at_the_origin_written_camera_to_world_are_not_taken_for_lenses():
    """Their translations, read the wrong way round, are all on one axis: the same point."""
    cameras = []
    for index, angle in enumerate((-0.3, 0.3)):
        center = 82.0 * np.array([np.sin(angle), 0, np.cos(angle)])
        turn = look_along(-center, np.array([0.0, 1, 0]))
        cameras.append(CalibratedCamera(f"cam{index}", K, turn.T, center, np.zeros(0), 1920, 1080))
    (only,) = told(cameras)
    assert "in one place, but would stand around one if the transforms went from the camera to the world" in only


def test_a_pair_that_looks_a_little_apart_is_no_more_than_warned_of(tmp_path):
    """Two cameras mounted side by side, each turned outwards by two degrees: a sound rig, if an odd one."""
    cameras = []
    for index, side in enumerate((-1.0, 1.0)):
        center = np.array([5.0 * side, 0, 60])
        turn = look_along(np.array([np.sin(np.radians(2)) * side, 0, -1]), np.array([0.0, 1, 0]))
        cameras.append(CalibratedCamera(f"cam{index}", K, turn, -turn @ center, np.zeros(0), 1920, 1080))
    (only,) = told(cameras)
    assert only.startswith("warning: cameras: they do not look at one place")
    parallel = [
        replace(c, rotation=np.diag((1.0, -1, -1)), translation=-np.diag((1.0, -1, -1)) @ (5.0 * s, 0, 60))
        for c, s in zip(cameras, (-1, 1), strict=True)
    ]
    assert told(parallel) == []


def test_unlikely_cameras_are_read_with_a_word(tmp_path):
    write_cameras(changed(rig(), MISTAKES["k1 k2 k3 p1 p2"][0]), tmp_path / "c.json", "json")
    notes = []
    assert len(read_cameras(tmp_path / "c.json", tell=notes.append)) == 3
    assert len(notes) == 3
    assert all(note.startswith("warning: camera 'cam") for note in notes)


def test_two_cameras_of_one_name_are_refused(tmp_path):
    write_cameras(rig(2), tmp_path / "c.yml", "yml")
    (tmp_path / "c.yml").write_text((tmp_path / "c.yml").read_text().replace("cam1", "cam0"))
    with pytest.raises(TakeError, match="has two cameras named 'cam0'; name them apart"):
        read_cameras(tmp_path / "c.yml")


def test_later_samples_of_a_tracked_camera_are_left_out_with_a_word(tmp_path):
    samples = []
    write_cameras(rig(2), tmp_path / "c.json", "opentrackio")
    for sample in json.loads((tmp_path / "c.json").read_text()):
        sample["static"]["camera"]["label"] = sample["static"]["camera"]["label"].replace("1", "0")
        samples.append(sample)
    (tmp_path / "c.json").write_text(json.dumps(samples))
    notes = []
    assert len(read_cameras(tmp_path / "c.json", tell=notes.append)) == 1
    assert "1 later samples" in notes[0]
