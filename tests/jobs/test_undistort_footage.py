"""``facesolve undistort``: straight lines, depth, colors, the calibration that comes with it, all or nothing."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from facesolve.cli import main
from facesolve.geometry.camera import CameraModel, undistortion_maps, without_distortion
from facesolve.geometry.camera_files import as_calibrated, read_cameras, write_cameras
from facesolve.take import Camera, TakeError
from facesolve.take.files import new_folder
from tests.footage.norpix.seq_files import Kind, pictures, stamps, write_seq

SIZE = (160, 120)


def lens(name: str) -> Camera:
    intrinsics = np.array([[170.0, 0, 82], [0, 171, 59], [0, 0, 1]])
    return Camera(name, *SIZE, intrinsics, np.eye(3), np.zeros(3), np.array([-0.3, 0.1, 0.002, -0.001, 0.0]))


def write_footage(folder: Path, depth: type = np.uint8, suffix: str = "png") -> None:
    """Two cameras, frames 7 and 12: red runs to the right, green downwards, blue is a blob round a known point."""
    top = np.iinfo(depth).max if np.issubdtype(depth, np.integer) else 1.0
    x, y = np.meshgrid(np.arange(SIZE[0]) + 0.5, np.arange(SIZE[1]) + 0.5)
    for camera in ("a", "b"):
        for frame in (7, 12):
            u, v = place(camera, frame)
            blob = np.exp(-((x - u) ** 2 + (y - v) ** 2) / 18)
            image = np.stack([blob, y / SIZE[1], x / SIZE[0]], -1) * top  # BGR
            cv2.imwrite(str(folder / f"{camera}.{frame:03d}.{suffix}"), image.astype(depth))
    write_cameras([as_calibrated(lens("a")), as_calibrated(lens("b"))], folder / "calibration.yml", "yml")


def place(camera: str, frame: int) -> tuple[float, float]:
    return (30.0 + frame, 90.0) if camera == "a" else (120.0, 20.0 + frame)


def undistort(folder: Path, *more: str, suffix: str = "png") -> int:
    pattern = f"{folder.as_posix()}/{{camera}}.{{frame:03d}}.{suffix}"
    cameras = ("--cameras", str(folder / "calibration.yml"))
    return main(["undistort", pattern, *cameras, "--out", str(folder / "out"), "--progress", "quiet", *more])


def test_points_land_where_the_lens_model_says(tmp_path):
    write_footage(tmp_path)
    assert undistort(tmp_path) == 0
    files = sorted(path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.png"))
    assert files == ["a/a_0007.png", "a/a_0012.png", "b/b_0007.png", "b/b_0012.png"]
    model = CameraModel.from_cameras([lens("a")], dtype=torch.float64)
    x, y = np.meshgrid(np.arange(SIZE[0]) + 0.5, np.arange(SIZE[1]) + 0.5)
    for name in files:
        blue = cv2.imread(str(tmp_path / "out" / name))[..., 0].astype(float)
        weight = np.where(blue > 80, blue, 0)
        found = np.array([(weight * x).sum(), (weight * y).sum()]) / weight.sum()
        true = model.undistort_points(torch.tensor([place(name[0], int(name[4:8]))], dtype=torch.float64))[0][0, 0]
        assert np.abs(found - true.numpy()).max() < 0.2
        moved = np.abs(np.array(place(name[0], int(name[4:8]))) - true.numpy()).max()
        assert moved > 0.7  # the test would not see a lens that does nothing


def test_calibration_that_comes_with_it_has_no_distortion(tmp_path):
    write_footage(tmp_path)
    assert undistort(tmp_path, "--only-cameras", "b") == 0
    (camera,) = read_cameras(tmp_path / "out" / "calibration.json")
    np.testing.assert_allclose(camera.intrinsics, lens("b").intrinsics)
    assert (camera.name, camera.size) == ("b", SIZE)
    assert not camera.distortion.any()
    straight = Camera(camera.name, *SIZE, camera.intrinsics, camera.rotation, camera.translation, camera.distortion)
    expected, _ = undistortion_maps(without_distortion(lens("b")))
    np.testing.assert_allclose(undistortion_maps(straight)[0], expected)


@pytest.mark.parametrize(
    ("depth", "suffix", "written"), [(np.uint16, "png", "png"), (np.uint16, "tif", "png"), (np.float32, "tif", "tif")]
)
def test_depth_is_kept(tmp_path, depth, suffix, written):
    write_footage(tmp_path, depth, suffix)
    assert undistort(tmp_path, "--frames", "7", suffix=suffix) == 0
    image = cv2.imread(str(tmp_path / "out" / "a" / f"a_0007.{written}"), cv2.IMREAD_UNCHANGED)
    stored = cv2.imread(str(tmp_path / f"a.007.{suffix}"), cv2.IMREAD_UNCHANGED)
    assert image.dtype == depth
    np.testing.assert_allclose(image[59, 82], stored[59, 82], rtol=0.01)  # nothing moves at the principal point


@pytest.mark.parametrize(
    ("more", "depth", "says"),
    [
        (("--frames", "6-7"), np.uint8, "frame 6"),
        (("--only-cameras", "c"), np.uint8, "no camera 'c'; it has a, b"),
        (("--format", "jpg"), np.uint16, "uint16 values do not fit into jpg"),
    ],
)
def test_refusals_leave_nothing_behind(tmp_path, capsys, more, depth, says):
    write_footage(tmp_path, depth)
    before = sorted(tmp_path.iterdir())
    assert undistort(tmp_path, *more) == 2
    assert says in capsys.readouterr().err
    assert sorted(tmp_path.iterdir()) == before


def test_bad_patterns_are_one_sentence(tmp_path, capsys):
    write_footage(tmp_path)
    cameras = ("--cameras", str(tmp_path / "calibration.yml"), "--out", str(tmp_path / "out"))
    for pattern, says in (("a.{frame:03d}.png", "has no {camera}"), ("{camera}/{frame}.png", "nothing matches")):
        assert main(["undistort", str(tmp_path / pattern), *cameras]) == 2
        assert says in capsys.readouterr().err
    assert undistort(tmp_path) == 0
    assert undistort(tmp_path) == 2
    assert "exists already" in capsys.readouterr().err


def test_recordings_are_matched_by_their_stamps(tmp_path, capsys):
    """Camera b began one pulse later and dropped the fourth: an image of one pulse has one number in both."""
    images = pictures(6, *SIZE)
    write_seq(tmp_path / "a.seq", Kind(5, "bgr"), images, stamps(6))
    pulses = [1, 2, 4, 5]
    write_seq(tmp_path / "b.seq", Kind(5, "bgr"), [images[pulse] for pulse in pulses], stamps(6)[pulses] + 400)
    flat = [as_calibrated(without_distortion(lens(name))) for name in ("a", "b")]
    write_cameras(flat, tmp_path / "calibration.json", "json")
    words = [str(tmp_path / "{camera}.seq"), "--cameras", str(tmp_path / "calibration.json")]
    assert main(["undistort", *words, "--out", str(tmp_path / "out")]) == 0
    said = capsys.readouterr().err
    assert "camera 'b': 4 images, dropped frame 2" in said
    assert "5 frames in common" in said
    for camera, numbers in (("a", range(5)), ("b", (0, 1, 3, 4))):
        files = sorted((tmp_path / "out" / camera).iterdir())
        assert [file.name for file in files] == [f"{camera}_{number:04d}.png" for number in numbers]
        for number, file in zip(numbers, files, strict=True):
            shown = cv2.imread(str(file))[..., ::-1].astype(int)
            assert np.abs(shown - (images[number + 1] >> 8)).max() <= 1
    write_seq(tmp_path / "a.seq", Kind(5, "bayer"), images)
    write_seq(tmp_path / "b.seq", Kind(5, "bayer"), images)
    assert main(["undistort", *words, "--out", str(tmp_path / "raw")]) == 2
    assert "give it as '--bayer RGGB'" in capsys.readouterr().err
    assert main(["undistort", *words, "--out", str(tmp_path / "raw"), "--bayer", "RGGB"]) == 0


def test_new_folder_appears_whole_or_not_at_all(tmp_path):
    with pytest.raises(ZeroDivisionError), new_folder(tmp_path / "a") as folder:
        (folder / str(1 // len(list(tmp_path.glob("b"))))).touch()
    assert not list(tmp_path.iterdir())
    with new_folder(tmp_path / "a") as folder:
        (folder / "file").touch()
        assert not (tmp_path / "a").exists()
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["file"]
    with pytest.raises(TakeError, match="exists already"), new_folder(tmp_path / "a"):
        pass


def test_camera_cannot_name_a_folder_elsewhere(tmp_path, capsys):
    write_footage(tmp_path)
    write_cameras([as_calibrated(lens("../a"))], tmp_path / "calibration.yml", "yml")
    assert undistort(tmp_path) == 2
    assert "is not a valid folder name" in capsys.readouterr().err


def test_overwriting_leaves_no_image_of_before_and_every_file_of_others(tmp_path):
    write_footage(tmp_path)
    assert undistort(tmp_path) == 0
    for name in ("a/notes.txt", "a/a_mask.png", "plate_0007.png"):
        (tmp_path / "out" / name).write_bytes(b"mine")
    assert undistort(tmp_path, "--frames", "12-12", "--only-cameras", "b", "--overwrite") == 0
    files = sorted(path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.*"))
    assert files == ["a/a_mask.png", "a/notes.txt", "b/b_0012.png", "calibration.json", "plate_0007.png"]
