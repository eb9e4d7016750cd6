"""Image and video files that lie: refused with a sentence, before memory is spent on what they claim."""

from __future__ import annotations

import struct
import tracemalloc
from pathlib import Path

import cv2
import numpy as np
import pytest

from facesolve.footage import open_footage
from facesolve.footage.container import OtherSize, UnreadableImage
from facesolve.footage.decode import image_size, read_pixels
from facesolve.footage.video import VideoFile
from facesolve.take import Footage, FootageError

from .specimens import HEIGHT, WIDTH, camera, picture, write_image, write_video
from .test_decode import write_exr

MEGABYTE = 1 << 20


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif"])
def test_an_image_of_another_size_is_not_decoded(tmp_path: Path, suffix: str) -> None:
    """A few kilobytes of one color would become 36 megabytes of pixels, and as many more of linear light."""
    path = write_image(tmp_path / f"bomb1{suffix}", np.zeros((3000, 4000, 3), np.uint8))
    with pytest.raises(OtherSize) as caught:
        read_pixels(path, (WIDTH, HEIGHT))
    assert (caught.value.width, caught.value.height) == (4000, 3000)
    reader = open_footage(Footage("left", (tmp_path / f"bomb{{frame}}{suffix}").as_posix()), camera())
    tracemalloc.start()
    try:
        with pytest.raises(
            FootageError, match=r"frame 1: .* is 4000x3000 pixels, but the camera is calibrated at 48x32"
        ):
            reader.read(1)
        assert tracemalloc.get_traced_memory()[1] < 8 * MEGABYTE
    finally:
        tracemalloc.stop()
    assert read_pixels(path, (4000, 3000)).shape == (3000, 4000, 3)


def test_an_exr_with_a_huge_window_is_not_read(tmp_path: Path) -> None:
    written = picture(0).astype(np.float32) / 255
    path = tmp_path / "a.exr"
    write_exr(path, written, window=(0, 0, 60_000, 60_000))
    with pytest.raises(UnreadableImage, match="which is too many"):
        read_pixels(path)
    with pytest.raises(OtherSize, match="is 60000x60000 pixels"):
        read_pixels(path, (WIDTH, HEIGHT))
    write_exr(path, written, window=(0, 0, 4, 4))  # 32 x 48 stored pixels around 16 that are shown
    with pytest.raises(UnreadableImage, match="holds 48x32 pixels, which is too many"):
        read_pixels(path, (4, 4))


@pytest.mark.parametrize("corner", [(WIDTH, 0), (-WIDTH, 0), (0, HEIGHT + 9), (3, -HEIGHT - 20)])
def test_an_exr_whose_pixels_all_lie_outside_is_black(tmp_path: Path, corner: tuple[int, int]) -> None:
    written = picture(0).astype(np.float32) / 255
    path = tmp_path / "a.exr"
    write_exr(path, written, window=(-corner[0], -corner[1], WIDTH, HEIGHT))
    assert not read_pixels(path, (WIDTH, HEIGHT)).any()


def test_an_exr_header_damaged_anywhere_gives_a_sentence(tmp_path: Path) -> None:
    """OpenImageIO quotes what it cannot read, and the bytes need not be text."""
    path = tmp_path / "a.exr"
    write_exr(path, picture(0).astype(np.float32) / 255)
    data = path.read_bytes()
    told = set()
    for at in range(4, 300, 2):
        path.write_bytes(data[:at] + b"\xff" + data[at + 1 :])
        try:
            image_size(path)
        except UnreadableImage as problem:
            told.add(str(problem))
    assert "cannot be opened as OpenEXR (its header is damaged); write or copy it again." in told


@pytest.mark.parametrize(("start", "count", "where"), [(1 << 63, 1, 0), (16, 1 << 63, 0), (16, 1, 1 << 63)])
def test_a_bigtiff_with_offsets_beyond_any_file_is_refused(tmp_path: Path, start: int, count: int, where: int) -> None:
    data = b"II+\0" + struct.pack("<HHQQ", 8, 0, start, count) + struct.pack("<HHQQ", 256, 3, 5, where) + bytes(64)
    (tmp_path / "a.tif").write_bytes(data)
    with pytest.raises(UnreadableImage, match="ends inside a header"):
        read_pixels(tmp_path / "a.tif")


def test_a_jpeg_with_thousands_of_scans_is_refused(tmp_path: Path) -> None:
    data = write_image(tmp_path / "a.jpg", picture(0), cv2.IMWRITE_JPEG_PROGRESSIVE, 1).read_bytes()
    scan = data.rindex(b"\xff\xda")
    (tmp_path / "a.jpg").write_bytes(data[:scan] + data[scan:-2] * 500 + data[-2:])
    with pytest.raises(UnreadableImage, match="scans"):
        read_pixels(tmp_path / "a.jpg")


def test_a_video_whose_title_is_no_text_is_read(tmp_path: Path) -> None:
    av = pytest.importorskip("av")
    path = tmp_path / "a.mkv"
    with av.open(str(path), "w") as container:
        container.metadata["title"] = "Gesicht"
        stream = container.add_stream("mjpeg", rate=24)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuvj420p"
        frame = av.VideoFrame.from_ndarray(picture(0), format="rgb24")
        container.mux(stream.encode(frame.reformat(format="yuvj420p")))
        container.mux(stream.encode(None))
    path.write_bytes(path.read_bytes().replace(b"Gesicht", b"Ges\xefcht"))  # Latin-1
    assert VideoFile(path).read(0).shape == (HEIGHT, WIDTH, 3)


def test_a_video_without_its_first_keyframe_gives_sentences(tmp_path: Path) -> None:
    pytest.importorskip("av")
    path = tmp_path / "a.ts"
    write_video(path, 10)
    data = path.read_bytes()
    packets = [data[at : at + 188] for at in range(0, len(data), 188)]
    begun = 0
    kept = []
    for packet in packets:
        video = packet[1] & 0x1F == 1 and packet[2] == 0
        begun += video and bool(packet[1] & 0x40)  # a new frame begins
        if not video or begun > 1:
            kept.append(packet)
    path.write_bytes(b"".join(kept))
    video_file = VideoFile(path)
    assert video_file.count == 9
    for number in (0, 5, 8):
        with pytest.raises(UnreadableImage):
            video_file.read(number)
    video_file.close()


def test_a_video_of_an_unknown_codec_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("av")
    path = tmp_path / "a.mkv"
    write_video(path, 3)
    data = path.read_bytes()
    assert b"V_MPEG4/ISO/AVC" in data
    path.write_bytes(data.replace(b"V_MPEG4/ISO/AVC", b"V_MPEG4/ISO/XYZ"))
    with pytest.raises(UnreadableImage, match="of an unknown kind"):
        VideoFile(path)
