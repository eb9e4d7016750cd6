"""Which images belong to which camera and view."""

from pathlib import Path

import pytest

from facesolve.calibrate.images import find_images
from facesolve.take import FootageError


def files(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return folder


def found(source: object, cameras: tuple[str, ...] = ()) -> list[tuple[str, str]]:
    return [(image.camera, image.view) for image in find_images(str(source), cameras)]


def test_pattern_with_camera_and_view(tmp_path):
    folder = files(tmp_path, "a/a_001.png", "a/a_002.png", "b/b_001.png", "b/c_003.png", "b/b_004.txt")
    pattern = f"{folder.as_posix()}/{{camera}}/{{camera}}_{{view}}.png"
    assert found(pattern) == [("a", "001"), ("a", "002"), ("b", "001")]
    assert found(pattern, ("b", "a")) == [("b", "001"), ("a", "001"), ("a", "002")]


def test_camera_and_view_without_anything_between(tmp_path):
    files(tmp_path, "left01.jpg", "left02.jpg", "right01.jpg", "left.jpg")
    expected = [("left", "01"), ("left", "02"), ("right", "01")]
    assert found(tmp_path / "{camera}{view}.jpg") == expected


def test_one_camera_by_pattern_is_named_after_it(tmp_path):
    files(tmp_path, "left01.jpg", "left02.jpg", "right01.jpg")
    assert found(tmp_path / "left{view}.jpg") == [("left", "01"), ("left", "02")]


def test_star_stands_for_anything_in_one_name(tmp_path):
    files(tmp_path, "cam1_take7/5.png", "cam2_take8/5.png")
    assert found(tmp_path / "{camera}_*" / "{view}.png") == [("cam1", "5"), ("cam2", "5")]


def test_folder_of_folders(tmp_path):
    files(tmp_path, "a/a_1.png", "a/a_2.png", "b/1.png", "notes/readme.txt")
    assert found(tmp_path) == [("a", "1"), ("a", "2"), ("b", "1")]


def test_stereo_folder(tmp_path):
    files(tmp_path, "left_01.jpg", "right_01.jpg", "right_02.jpg")
    assert found(tmp_path) == [("left", "01"), ("right", "01"), ("right", "02")]


def test_folder_of_one_camera_and_single_image(tmp_path):
    folder = files(tmp_path / "front", "IMG_01.jpg", "IMG_02.jpg", "board.png")
    assert found(folder) == [("front", "IMG_01"), ("front", "IMG_02"), ("front", "board")]
    assert found(folder / "board.png") == [("camera", "board")]


@pytest.mark.parametrize(
    ("source", "cameras", "says"),
    [
        ("nowhere", (), "does not exist"),
        ("k3", (), "k3' and the folders in it hold no .jpg, .jpeg"),
        ("{camera}/x.png", (), "no {view}"),
        ("{camera}/{frame}{view}.png", (), "only"),
        ("c{view}.png", (), "nothing matches"),
        ("{camera}{view}.png", ("a", "z"), "no camera 'z'; there are a"),
        ("{camera}*/{view}.png", (), "are both view '1' of camera 'k'"),
    ],
)
def test_what_fits_nothing_is_one_sentence(tmp_path, source, cameras, says):
    files(tmp_path, "a1.png", "k1/1.png", "k2/1.png", "k3/notes.txt")
    with pytest.raises(FootageError, match=says):
        found(tmp_path / source, cameras)
