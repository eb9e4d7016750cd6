"""Images that decode to something else than was filmed are found: by the decoder's own words, or by their neighbors."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from facesolve.footage.check import check_footage
from facesolve.footage.check_pixels import check_images, check_pixels, looked_at
from facesolve.footage.container import UnreadableImage
from facesolve.footage.decode import read_pixels
from facesolve.footage.neighbors import odd_pictures
from facesolve.take import Footage, FootageError
from facesolve.take.finding import ERROR, WARNING

from .specimens import HEIGHT, WIDTH, camera, take, write_image

FRAMES = 8


def filmed(frame: int, speed: float = 1.5) -> np.ndarray:
    """(H, W, 3) uint8: waves that pass by, ``speed`` pixels a frame."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    waves = [np.sin((x + speed * frame) / 6 + k) + np.cos((y - 0.7 * speed * frame) / 5 + k) for k in range(3)]
    return np.round(127 + 60 * np.stack(waves, axis=2)).astype(np.uint8)


def sequence(folder: Path, suffix: str = ".png", speed: float = 1.5, *options: int) -> Footage:
    for frame in range(FRAMES):
        write_image(folder / f"a.{frame:04d}{suffix}", filmed(frame, speed), *options)
    return Footage("left", (folder / f"a.{{frame:04d}}{suffix}").as_posix(), offset=-1001)


@pytest.mark.parametrize("damage", ["a gray quarter", "another shot", "a piece of another frame"])
@pytest.mark.parametrize("frame", [0, 4, FRAMES - 1])
def test_an_image_that_agrees_with_no_neighbor_is_named(tmp_path: Path, damage: str, frame: int) -> None:
    footage = sequence(tmp_path)
    pixels = filmed(frame)
    if damage == "a gray quarter":
        pixels[HEIGHT // 2 :, WIDTH // 2 :] = 127
    elif damage == "another shot":
        pixels = 255 - pixels
    else:
        pixels[:, : WIDTH // 3] = filmed(frame + 9)[:, : WIDTH // 3]
    write_image(tmp_path / f"a.{frame:04d}.png", pixels)
    findings = check_pixels(take([footage], [camera()], FRAMES))
    assert [finding.subject for finding in findings] == [f"camera 'left', frame {1001 + frame}"]
    assert findings[0].severity == WARNING
    assert f"a.{frame:04d}.png' does not go on from" in findings[0].sentence


@pytest.mark.parametrize("speed", [0.0, 1.5, 6.0])
def test_motion_however_fast_is_no_damage(tmp_path: Path, speed: float) -> None:
    assert check_pixels(take([sequence(tmp_path, speed=speed)], [camera()], FRAMES)) == []


def test_noise_and_flicker_are_no_damage() -> None:
    random = np.random.default_rng(1)
    still = random.random((24, 32, 3))
    light = 1 + 0.02 * random.standard_normal(40)
    pictures = still * light[:, None, None, None] + 0.01 * random.standard_normal((40, 24, 32, 3))
    assert odd_pictures(pictures.astype(np.float32)) == []


@pytest.mark.parametrize("progressive", [0, 1])
def test_a_jpeg_with_damaged_coefficients_is_not_read_as_gray(tmp_path: Path, progressive: int) -> None:
    footage = sequence(tmp_path, ".jpg", 1.5, cv2.IMWRITE_JPEG_PROGRESSIVE, progressive)
    path = tmp_path / "a.0003.jpg"
    whole = path.read_bytes()
    for place in range(len(whole) - 400, len(whole) - 10, 4):  # in coded data; some bits happen to mean something
        data = bytearray(whole)
        data[place : place + 3] = b"\xf0\x12\x34"
        path.write_bytes(data)
        try:
            pixels = read_pixels(path, (WIDTH, HEIGHT))
        except UnreadableImage:
            break
        assert pixels.shape == (HEIGHT, WIDTH, 3)
    else:
        pytest.fail("no damage was noticed")
    with pytest.raises(FootageError, match=r"frame 1004: '.*a\.0003\.jpg' is damaged"):
        check_images(take([footage], [camera()], FRAMES))


def test_jpeg_pixels_are_those_of_opencv(tmp_path: Path) -> None:
    for name, pixels in (("color.jpg", filmed(0)), ("gray.jpg", filmed(0)[..., 0])):
        path = write_image(tmp_path / name, pixels)
        decoded = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        expected = decoded if decoded.ndim == 2 else cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB)
        np.testing.assert_array_equal(read_pixels(path), expected)


def lossless(path: Path) -> Footage:
    """FFV1, whose slices have checksums, with one keyframe."""
    av = pytest.importorskip("av")
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=24)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.options = {"level": "3", "slices": "4", "slicecrc": "1", "g": "100"}
        for frame in range(FRAMES):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(filmed(frame), format="rgb24")))
        container.mux(stream.encode(None))
    return Footage("left", path.as_posix(), offset=-1001)


def test_a_video_frame_that_the_decoder_makes_up_is_damaged_and_so_are_those_after_it(tmp_path: Path) -> None:
    av = pytest.importorskip("av")
    footage = lossless(tmp_path / "a.mkv")
    assert check_pixels(take([footage], [camera()], FRAMES)) == []
    with av.open(footage.path) as container:
        packet = bytes([p for p in container.demux(video=0) if p.size][3])
    data = bytearray(Path(footage.path).read_bytes())
    at = data.index(packet)
    data[at + len(packet) // 2] ^= 0xFF
    Path(footage.path).write_bytes(data)
    findings = check_pixels(take([footage], [camera()], FRAMES))
    assert [finding.subject[-10:] for finding in findings] == [f"frame {frame}" for frame in range(1004, 1009)]
    assert {finding.severity for finding in findings} == {ERROR}


def test_damage_in_motion_jpeg_that_its_decoder_passes_over_is_named(tmp_path: Path) -> None:
    av = pytest.importorskip("av")
    pytest.importorskip("simplejpeg", reason="OpenCV hides damage")
    path = tmp_path / "a.avi"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mjpeg", rate=24)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuvj420p"
        for frame in range(FRAMES):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(filmed(frame), format="rgb24")))
        container.mux(stream.encode(None))
    footage = Footage("left", path.as_posix(), offset=-1001)
    assert check_pixels(take([footage], [camera()], FRAMES)) == []
    with av.open(footage.path) as container:
        packets = [bytes(packet) for packet in container.demux(video=0) if packet.size]
    data = bytearray(path.read_bytes())
    for packet in packets[1::2]:  # as many as are whole: what is usual in this footage tells nothing
        at = data.index(packet) + len(packet) - 100
        data[at : at + 8] = b"\x55" * 8
    path.write_bytes(data)
    findings = check_pixels(take([footage], [camera()], FRAMES))
    assert {finding.subject[-10:] for finding in findings} >= {f"frame {frame}" for frame in range(1002, 1009, 2)}


def test_a_video_with_fewer_images_than_its_header_says_is_told(tmp_path: Path) -> None:
    av = pytest.importorskip("av")
    footage = lossless(tmp_path / "a.mp4x.mkv")
    shorter = tmp_path / "b.mkv"
    with av.open(footage.path) as source, av.open(str(shorter), "w") as container:
        stream = container.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.size and packet.pts != 0:
                packet.stream = stream
                container.mux(packet)
    whole = check_footage(take([footage], [camera()], FRAMES))
    assert not [finding for finding in whole if "header says" in finding.sentence]
    findings = check_footage(take([Footage("left", shorter.as_posix(), offset=-1001)], [camera()], FRAMES - 1))
    sentences = [finding.sentence.partition("' ")[2] for finding in findings]
    assert sentences == [f"has {FRAMES - 1} images, but its header says {FRAMES}."]


def test_of_long_takes_parts_are_looked_at() -> None:
    runs = looked_at(list(range(10_000)), 300)
    assert sum(map(len, runs)) == 300
    assert runs[0][0] == 0
    assert runs[-1][-1] == 9999
    assert looked_at([1, 2, 3], 300) == [[1, 2, 3]]
