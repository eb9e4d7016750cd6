"""Pictures that libraries get wrong or that are not what they seem: depth, order, turns, lines, parts, mattes."""

import struct
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

from facesolve.footage import self_test
from facesolve.footage.check import check_footage
from facesolve.footage.codecs import describe_codecs
from facesolve.footage.container import OtherSize, UnreadableImage
from facesolve.footage.decode import image_size, read_matte, read_pixels
from facesolve.footage.reader import open_footage
from facesolve.footage.video import VideoFile

from .specimens import camera, take, write_image, write_video

av = pytest.importorskip("av")


@pytest.mark.parametrize("kind", ["yuv420p10le", "yuv422p12le", "yuv444p10le", "yuv420p16le"])
@pytest.mark.parametrize("width", [32, 33])
def test_deep_video_keeps_its_colors_at_every_width(tmp_path: Path, monkeypatch, kind: str, width: int) -> None:
    monkeypatch.setattr(self_test, "_WIDTH", width)
    bits = int(kind.partition("p")[2][:2])
    (tmp_path / "skin.mkv").write_bytes(self_test.flat_video(av, kind, bits, 1))
    pixels = VideoFile(tmp_path / "skin.mkv").read(0) / 65535
    np.testing.assert_allclose(pixels, np.broadcast_to([0.75, 0.55, 0.45], (18, width, 3)), atol=2e-3)


def test_a_library_that_decodes_wrongly_is_found_out(tmp_path: Path, monkeypatch) -> None:
    assert all(not codec.wrong for codec in describe_codecs().values())
    footage = write_video(tmp_path / "left.mp4", count=2)
    monkeypatch.setattr(self_test, "wrong_colors", self_test.wrong_colors.__wrapped__)
    monkeypatch.setattr(self_test, "rgb_of", lambda frame: np.full((2, 2, 3), (191, 0, 120), np.uint8))
    monkeypatch.setattr("facesolve.footage.video.wrong_colors", self_test.wrong_colors)
    with pytest.raises(UnreadableImage, match=r"8-bit BT.709 video comes out as 0.75, 0.00, 0.47 instead.*pip install"):
        VideoFile(Path(footage.path))
    assert "BT.709" in describe_codecs()["PyAV"].wrong


def test_images_of_avi_with_b_frames_come_in_order(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "b.avi"), "w") as container:
        stream = container.add_stream("libx264", rate=30)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.options = {"bf": "3", "g": "12", "crf": "5"}
        for number in range(20):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 12 * number, np.uint8), format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, 30)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    video = VideoFile(tmp_path / "b.avi")
    assert [round(video.read(number).mean() / 12) for number in (*range(20), 7, 3)] == [*range(20), 7, 3]
    assert video.fps == pytest.approx(30)


def test_interlaced_images_are_refused_with_the_remedy(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "lines.mp4"), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        stream.options = {"x264-params": "tff=1:interlaced=1"}
        for number in range(3):
            frame = av.VideoFrame.from_ndarray(np.full((64, 64, 3), 40 * number, np.uint8), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    with pytest.raises(UnreadableImage, match=r"interlaced at image 1: .*bwdif"):
        VideoFile(tmp_path / "lines.mp4").read(1)


def test_a_phones_video_is_turned_upright(tmp_path: Path) -> None:
    plain = VideoFile(Path(write_video(tmp_path / "left.mp4", count=2).path)).read(1)
    data = (tmp_path / "left.mp4").read_bytes()
    matrix = data.index(b"tkhd") + 44  # QuickTime file format, track header: a quarter clockwise
    turned = struct.pack(">9l", 0, 1 << 16, 0, -1 << 16, 0, 0, 0, 0, 1 << 30)
    (tmp_path / "turned.mp4").write_bytes(data[:matrix] + turned + data[matrix + 36 :])
    video = VideoFile(tmp_path / "turned.mp4")
    assert (video.width, video.height) == plain.shape[:2]
    np.testing.assert_array_equal(video.read(1), np.rot90(plain, -1))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_photographs_are_turned_upright_as_exif_says(tmp_path: Path, orientation: int) -> None:
    stored = cv2.resize(np.random.default_rng(0).integers(0, 255, (6, 9, 3)).astype(np.uint8), (72, 48))
    path = write_image(tmp_path / "a.jpg", stored, cv2.IMWRITE_JPEG_QUALITY, 95)
    exif = b"Exif\0\0II*\0" + struct.pack("<LHHHLHHL", 8, 1, 274, 3, 1, orientation, 0, 0)
    data = path.read_bytes()
    path.write_bytes(data[:2] + b"\xff\xe1" + struct.pack(">H", 2 + len(exif)) + exif + data[2:])
    upright = cv2.cvtColor(cv2.imread(str(path), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)  # OpenCV turns these
    pixels = read_pixels(path)
    assert image_size(path) == pixels.shape[1::-1] == upright.shape[1::-1]
    assert np.abs(pixels.astype(int) - upright).mean() < 2
    with pytest.raises(OtherSize):
        read_pixels(path, upright.shape[:2])


def write_exr(path: Path, *parts: tuple[str, tuple[str, ...], np.ndarray]) -> Path:
    """Parts by name, channels and pixels (H, W, C)."""
    oiio = pytest.importorskip("OpenImageIO")
    specs = []
    for name, channels, pixels in parts:
        spec = oiio.ImageSpec(pixels.shape[1], pixels.shape[0], len(channels), "half")
        spec.channelnames = channels
        if name:
            spec.attribute("oiio:subimagename", name)
        specs.append(spec)
    output = oiio.ImageOutput.create(str(path))
    assert output.open(str(path), tuple(specs))
    for index, (_, _, pixels) in enumerate(parts):
        if index:
            assert output.open(str(path), specs[index], "AppendSubimage")
        assert output.write_image(np.ascontiguousarray(pixels, np.float32))
    output.close()
    return path


RGB = ("R", "G", "B")


def flat(*levels: float) -> np.ndarray:
    return np.broadcast_to(levels, (4, 5, len(levels)))


@pytest.mark.parametrize(
    ("parts", "level"),
    [
        ([("N", RGB, flat(0, 0, 1)), ("C", RGB, flat(0.5, 0.25, 0.125))], (0.5, 0.25, 0.125)),
        ([("albedo", RGB, flat(1, 1, 1)), ("beauty", RGB, flat(0.5, 0.25, 0.5))], (0.5, 0.25, 0.5)),
        ([("", ("N.R", "N.G", "N.B", "rgba_main.R", "rgba_main.G", "rgba_main.B"), flat(0, 0, 1, 0.5, 0.5, 0.25))],
         (0.5, 0.5, 0.25)),
        ([("", (*RGB, "diffuse.R", "diffuse.G", "diffuse.B", "Z"), flat(0.5, 0.25, 0.5, 1, 1, 1, 80))],
         (0.5, 0.25, 0.5)),
        ([("", ("red", "green", "blue"), flat(0.5, 0.25, 0.5))], (0.5, 0.25, 0.5)),
    ],
)  # fmt: skip
def test_the_picture_is_found_among_passes(tmp_path: Path, parts, level) -> None:
    np.testing.assert_allclose(read_pixels(write_exr(tmp_path / "a.exr", *parts)), flat(*level), atol=1e-3)


@pytest.mark.parametrize(
    ("parts", "says"),
    [
        ([("left", RGB, flat(0, 0, 1)), ("right", RGB, flat(1, 0, 1))], r"several pictures \(left, right\)"),
        ([("", ("Z",), flat(80))], "no R, G, B or Y channels, only Z"),
        ([("", ("A",), flat(1))], "no R, G, B or Y channels, only A"),
    ],
)
def test_what_is_no_picture_or_one_of_many_is_refused(tmp_path: Path, parts, says) -> None:
    with pytest.raises(UnreadableImage, match=says):
        read_pixels(write_exr(tmp_path / "a.exr", *parts))


def test_alpha_or_a_matte_layer_is_the_matte(tmp_path: Path) -> None:
    alpha = np.zeros((32, 48), np.uint8)
    alpha[:, 20:] = 255
    footage = write_image(tmp_path / "left_0000.png", np.dstack([np.full((32, 48, 3), 90, np.uint8), alpha]))
    np.testing.assert_array_equal(read_matte(footage), alpha)
    pattern = (tmp_path / "left_{frame:04d}.png").as_posix()
    given = replace(write_video(tmp_path / "unused.mp4", 1), path=pattern, matte=pattern, offset=0)
    image = open_footage(given, camera()).read(0)
    assert image.matte is not None
    np.testing.assert_array_equal(image.matte, alpha / np.float32(255))
    layers = write_exr(tmp_path / "a.exr", ("", (*RGB, "A", "matte.R"), flat(0.5, 0.5, 0.5, 0.75, 0.25)))
    np.testing.assert_allclose(read_matte(layers), 0.25, atol=1e-3)
    plain = write_exr(tmp_path / "b.exr", ("", (*RGB, "A"), flat(0.5, 0.5, 0.5, 0.75)))
    np.testing.assert_allclose(read_matte(plain), 0.75, atol=1e-3)


def test_video_coded_for_hdr_is_warned_of(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "left.mkv"), "w") as container:
        stream = container.add_stream("ffv1", rate=24)
        stream.width, stream.height, stream.pix_fmt = 48, 32, "yuv420p10le"
        stream.codec_context.color_trc = 16
        for _ in range(6):
            container.mux(stream.encode(av.VideoFrame(48, 32, "yuv420p10le")))
        container.mux(stream.encode(None))
    footage = replace(write_video(tmp_path / "unused.mp4", 1), path=(tmp_path / "left.mkv").as_posix())
    words = [finding.words for finding in check_footage(take([footage], [camera()]))]
    assert any("coded for HDR (PQ), but is taken as srgb" in text for text in words)
