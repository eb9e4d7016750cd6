"""Footage is matched to cameras by the names of folders and files."""

from pathlib import Path

import pytest

from facesolve_maya.cameras import first_images


def fill(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"")


@pytest.mark.parametrize(
    ("names", "camera", "first"),
    [
        (("cam1/img.0007.jpg", "cam1/img.0006.jpg"), "cam1", "cam1/img.0006.jpg"),
        (("take12_cam1_099.png", "take12_cam1_100.png"), "cam1", "take12_cam1_099.png"),
        (("CAM1.1.tif", "cam10.1.tif"), "cam1", "CAM1.1.tif"),
        (("a/left_cam/x_5.exr",), "left_cam", "a/left_cam/x_5.exr"),
        (("other/cam1.1.jpg", "cam1/proxy.1.jpg", "cam1/full.1.jpg", "cam1/full.2.jpg"), "cam1", "cam1/full.1.jpg"),
        (("scam1.1.jpg", "cam1.txt", "cam1.jpg", "a/b/c/cam1.1.jpg"), "cam1", None),
        (("cam.a/x.10.jpg", "cam.a/x.9.jpg"), "cam.a", "cam.a/x.9.jpg"),
    ],
)
def test_the_first_image_of_a_camera(tmp_path, names, camera, first):
    fill(tmp_path, *names)
    expected = {} if first is None else {camera: (tmp_path / first).as_posix()}
    assert first_images(tmp_path, [camera]) == expected


def test_a_folder_that_is_not_there_has_no_footage(tmp_path):
    assert first_images(tmp_path / "none", ["cam1"]) == {}
