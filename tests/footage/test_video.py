"""Videos: the frame of an index is the same by any order of access, and damage is refused."""

from pathlib import Path

import numpy as np
import pytest

from facesolve.footage import open_footage
from facesolve.footage.container import UnreadableImage
from facesolve.footage.video import VideoFile
from facesolve.take import Footage, FootageError

from .specimens import HEIGHT, WIDTH, camera, picture, write_video

pytest.importorskip("av")

KINDS = {
    "bframes.mp4": {"codec": "libx264"},
    "bframes.mkv": {"codec": "libx264"},
    "stream.ts": {"codec": "libx264"},
    "untimed.h264": {"codec": "libx264"},
    "intra.avi": {"codec": "mjpeg", "pixels": "yuvj420p"},
    "lossless.mkv": {"codec": "ffv1", "pixels": "bgr0"},
    "tenbit.mov": {"codec": "prores_ks", "pixels": "yuv422p10le"},
}


@pytest.mark.parametrize("name", KINDS)
def test_any_order_gives_the_frames_of_reading_forward(tmp_path: Path, name: str) -> None:
    write_video(tmp_path / name, **KINDS[name])
    video = VideoFile(tmp_path / name)
    assert (video.count, video.width, video.height) == (30, WIDTH, HEIGHT)
    forward = [video.read(number) for number in range(30)]
    for number, pixels in enumerate(forward):
        errors = [np.abs(pixels / np.iinfo(pixels.dtype).max - picture(k) / 255).mean() for k in range(30)]
        assert np.argmin(errors) == number
    order = np.random.default_rng(0).permutation(30).tolist()
    for number in [*order, 29, 0, 0, 28, 1]:
        np.testing.assert_array_equal(video.read(number), forward[number])
    video.close()


def test_lossless_video_keeps_its_values(tmp_path: Path) -> None:
    write_video(tmp_path / "lossless.mkv", codec="ffv1", pixels="bgr0")
    np.testing.assert_array_equal(VideoFile(tmp_path / "lossless.mkv").read(17), picture(17))


def test_more_than_eight_bits_are_kept(tmp_path: Path) -> None:
    write_video(tmp_path / "tenbit.mov", 2, "prores_ks", "yuv422p10le")
    pixels = VideoFile(tmp_path / "tenbit.mov").read(1)
    assert pixels.dtype == np.uint16
    assert len(np.unique(pixels[..., 1] >> 6)) > 256


def test_with_a_variable_rate_the_index_counts_frames(tmp_path: Path) -> None:
    times = np.cumsum(np.random.default_rng(2).integers(1, 9, 20)).tolist()
    write_video(tmp_path / "variable.mkv", 20, "ffv1", "bgr0", times)
    video = VideoFile(tmp_path / "variable.mkv")
    assert video.count == 20
    for number in (13, 4, 19, 0, 12):
        np.testing.assert_array_equal(video.read(number), picture(number))


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("part", [0.3, 0.7, 0.97])
def test_a_cut_video_gives_whole_frames_or_an_error(tmp_path: Path, name: str, part: float) -> None:
    write_video(tmp_path / name, **KINDS[name])
    whole = VideoFile(tmp_path / name)
    data = (tmp_path / name).read_bytes()
    cut = tmp_path / f"cut-{name}"
    cut.write_bytes(data[: int(len(data) * part)])
    try:
        video = VideoFile(cut)
    except UnreadableImage:
        return
    refused = 0
    for number in range(30):
        try:
            pixels = video.read(number)
        except UnreadableImage:
            refused += 1
        else:
            np.testing.assert_array_equal(pixels, whole.read(number))
    assert refused


def test_damage_in_the_middle_spares_the_later_frames(tmp_path: Path) -> None:
    write_video(tmp_path / "intra.avi", codec="mjpeg", pixels="yuvj420p")
    good = VideoFile(tmp_path / "intra.avi")
    data = (tmp_path / "intra.avi").read_bytes()
    starts = [k for k in range(len(data)) if data.startswith(b"\xff\xd8\xff", k)]
    (tmp_path / "damaged.avi").write_bytes(
        data[: starts[10]] + bytes(starts[11] - 40 - starts[10]) + data[starts[11] - 40 :]
    )
    video = VideoFile(tmp_path / "damaged.avi")
    with pytest.raises(UnreadableImage, match="image 10"):
        video.read(10)
    for number in (11, 29, 9):
        np.testing.assert_array_equal(video.read(number), good.read(number))


def test_the_reader_names_camera_frame_and_range(tmp_path: Path) -> None:
    reader = open_footage(write_video(tmp_path / "take.mp4"), camera())
    assert reader.in_order
    assert reader.read(1030).pixels.shape == (HEIGHT, WIDTH, 3)
    with pytest.raises(FootageError, match=r"camera 'left', frame 1031: .*take.mp4' has 30 images, 0 to 29"):
        reader.read(1031)
    reader.close()


def test_files_that_are_no_videos(tmp_path: Path) -> None:
    (tmp_path / "text.mp4").write_text("not a video")
    for name, reason in (("text.mp4", "cannot be opened as a video"), ("absent.mp4", "does not exist")):
        with pytest.raises(FootageError, match=f"camera 'left': .*{name}' {reason}"):
            open_footage(Footage("left", (tmp_path / name).as_posix()), camera())
