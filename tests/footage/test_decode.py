"""Image files of every kind: exact round trips, sizes from headers, and cut or damaged files always refused."""

import struct
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from facesolve.footage.container import UnreadableImage
from facesolve.footage.decode import image_size, read_pixels

from .specimens import HEIGHT, WIDTH, picture, write_image

JPEG_KINDS = {
    "baseline": (),
    "progressive": (cv2.IMWRITE_JPEG_PROGRESSIVE, 1),
    "restart": (cv2.IMWRITE_JPEG_RST_INTERVAL, 2),
}


def layouts(rgb: np.ndarray) -> dict[str, np.ndarray]:
    opaque = np.full((*rgb.shape[:2], 1), np.iinfo(rgb.dtype).max // 3, rgb.dtype)
    return {"gray": rgb[..., 0], "rgb": rgb, "rgba": np.concatenate((rgb, opaque), axis=2)}


def write_strips(path: Path, rows: int = 4, big: bool = False, order: str = "<") -> np.ndarray:
    """An 8-bit gray TIFF whose directory comes first and whose strips end the file; gives its pixels."""
    pixels = picture(1)[..., 0]
    strips = [pixels[y : y + rows].tobytes() for y in range(0, HEIGHT, rows)]
    word, header = ("Q", 16) if big else ("L", 8)
    tags = [(256, WIDTH), (257, HEIGHT), (258, 8), (259, 1), (262, 1), (273, None), (277, 1), (278, rows), (279, None)]
    directory = (8 if big else 2) + len(tags) * (20 if big else 12) + (8 if big else 4)
    table = struct.calcsize(f"={len(strips)}{word}")
    start = header + directory + 2 * table
    offsets = [start + sum(map(len, strips[:k])) for k in range(len(strips))]
    data = (b"II" if order == "<" else b"MM") + (
        struct.pack(order + "HHHQ", 43, 8, 0, header) if big else struct.pack(order + "HL", 42, header)
    )
    data += struct.pack(order + ("Q" if big else "H"), len(tags))
    for tag, value in tags:
        kind, count = ((16 if big else 4), len(strips)) if value is None else (3, 1)
        entry = struct.pack(order + "HH" + word, tag, kind, count)
        place = header + directory + (table if tag == 279 else 0)
        payload = struct.pack(order + word, place) if value is None else struct.pack(order + "H", value)
        data += entry + payload.ljust(8 if big else 4, b"\0")
    data += struct.pack(order + word, 0)
    data += struct.pack(f"{order}{len(strips)}{word}", *offsets)
    data += struct.pack(f"{order}{len(strips)}{word}", *map(len, strips))
    path.write_bytes(data + b"".join(strips))
    return pixels


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("layout", ["gray", "rgb", "rgba"])
@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_lossless_round_trip(tmp_path: Path, suffix: str, layout: str, dtype: type) -> None:
    written = layouts(picture(3, dtype=dtype))[layout]
    path = write_image(tmp_path / f"image{suffix}", written)
    read = read_pixels(path)
    assert read.dtype == dtype
    np.testing.assert_array_equal(read, written[..., :3] if written.ndim == 3 else written)
    assert image_size(path) == (WIDTH, HEIGHT)


@pytest.mark.parametrize("layout", ["gray", "rgb"])
def test_bitmaps_are_read_and_cut_ones_refused(tmp_path: Path, layout: str) -> None:
    written = layouts(picture(3))[layout]
    path = write_image(tmp_path / "image.bmp", written)
    np.testing.assert_array_equal(read_pixels(path), written)
    assert image_size(path) == (WIDTH, HEIGHT)
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(UnreadableImage, match="ends before its pixel data"):
        read_pixels(path)


def test_sixteen_bits_keep_every_level(tmp_path: Path) -> None:
    levels = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    np.testing.assert_array_equal(read_pixels(write_image(tmp_path / "levels.png", levels)), levels)


def test_float_tiff(tmp_path: Path) -> None:
    written = np.linspace(-1, 9, HEIGHT * WIDTH * 3, dtype=np.float32).reshape(HEIGHT, WIDTH, 3)
    np.testing.assert_array_equal(read_pixels(write_image(tmp_path / "float.tif", written)), written)


@pytest.mark.parametrize("kind", JPEG_KINDS)
@pytest.mark.parametrize("layout", ["gray", "rgb"])
def test_jpeg_round_trip(tmp_path: Path, layout: str, kind: str) -> None:
    written = layouts(picture(3))[layout]
    options = (cv2.IMWRITE_JPEG_QUALITY, 98, *JPEG_KINDS[kind])
    path = write_image(tmp_path / "image.jpg", written, *options)
    read = read_pixels(path)
    assert read.shape == written.shape
    assert np.abs(read.astype(int) - written).mean() < 3
    assert image_size(path) == (WIDTH, HEIGHT)


@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("order", ["<", ">"])
def test_tiff_with_its_directory_first(tmp_path: Path, order: str, big: bool) -> None:
    pixels = write_strips(tmp_path / "strips.tif", big=big, order=order)
    np.testing.assert_array_equal(read_pixels(tmp_path / "strips.tif"), pixels)
    assert image_size(tmp_path / "strips.tif") == (WIDTH, HEIGHT)


def _write_jpeg_with_thumbnail(path: Path) -> None:
    """A JPEG that carries a whole smaller JPEG in its header, as cameras write them."""
    data = write_image(path, picture(1)).read_bytes()
    thumbnail = cv2.imencode(".jpg", picture(2, 16, 16))[1].tobytes()
    path.write_bytes(data[:2] + b"\xff\xe1" + struct.pack(">H", len(thumbnail) + 2) + thumbnail + data[2:])


def _write_exr(path: Path) -> None:
    write_exr(path, picture(1).astype(np.float32) / 255)


WRITERS: dict[str, Callable[[Path], object]] = {
    "baseline.jpg": lambda path: write_image(path, picture(1)),
    "progressive.jpg": lambda path: write_image(path, picture(1), *JPEG_KINDS["progressive"]),
    "restart.jpg": lambda path: write_image(path, picture(1), *JPEG_KINDS["restart"]),
    "thumbnail.jpg": _write_jpeg_with_thumbnail,
    "eight.png": lambda path: write_image(path, picture(1)),
    "sixteen.png": lambda path: write_image(path, picture(1, dtype=np.uint16)),
    "lzw.tif": lambda path: write_image(path, picture(1)),
    "strips.tif": write_strips,
    "bigtiff.tif": lambda path: write_strips(path, big=True),
    "half.exr": _write_exr,
}


@pytest.mark.parametrize("name", WRITERS)
def test_a_file_cut_anywhere_is_refused(tmp_path: Path, name: str, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / name
    WRITERS[name](path)
    whole = path.read_bytes()
    assert image_size(path) == (WIDTH, HEIGHT)
    read_pixels(path)
    cuts = {1, 5, 9, 30, *(len(whole) * k // 20 for k in range(1, 20)), len(whole) - 2, len(whole) - 1}
    for cut in sorted(cuts):
        path.write_bytes(whole[:cut])
        with pytest.raises(UnreadableImage, match=r"truncated or damaged|cannot be opened as OpenEXR"):
            read_pixels(path)
        if not name.endswith(".exr"):
            with pytest.raises(UnreadableImage, match="truncated or damaged"):
                image_size(path)
    assert capfd.readouterr().err == ""


def test_a_file_whose_end_was_never_written_is_refused(tmp_path: Path) -> None:
    for name in ("baseline.jpg", "eight.png"):
        path = tmp_path / name
        WRITERS[name](path)
        data = path.read_bytes()
        path.write_bytes(data[: len(data) // 2] + bytes(len(data) - len(data) // 2))
        with pytest.raises(UnreadableImage, match="truncated or damaged"):
            read_pixels(path)


def test_a_flipped_bit_in_a_png_is_refused(tmp_path: Path) -> None:
    path = write_image(tmp_path / "image.png", picture(1))
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 4
    path.write_bytes(data)
    with pytest.raises(UnreadableImage, match="checksum of its IDAT block"):
        read_pixels(path)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (b"GIF89a" + bytes(40), "is not a JPEG, PNG, TIFF, BMP"),
        (None, "does not exist"),
    ],
)
def test_files_that_are_no_images(tmp_path: Path, content: bytes | None, reason: str) -> None:
    path = tmp_path / "image.png"
    if content is not None:
        path.write_bytes(content)
    for read in (read_pixels, image_size):
        with pytest.raises(UnreadableImage, match=reason):
            read(path)


def test_a_folder_in_place_of_the_image(tmp_path: Path) -> None:
    with pytest.raises(UnreadableImage, match="cannot be opened"):
        read_pixels(tmp_path)


def test_the_name_may_hold_any_letters_and_the_wrong_suffix(tmp_path: Path) -> None:
    written = write_image(tmp_path / "image.png", picture(1))
    path = written.rename(tmp_path / "Gesicht ä 顔.jpg")
    np.testing.assert_array_equal(read_pixels(path), picture(1))


def write_exr(
    path: Path, pixels: np.ndarray, channels: tuple[str, ...] = ("R", "G", "B"), kind: str = "half",
    window: tuple[int, int, int, int] | None = None,
) -> None:  # fmt: skip
    """Writes (H, W, C) ``pixels``; window: x, y of the data in a display window of width, height."""
    oiio = pytest.importorskip("OpenImageIO")
    spec = oiio.ImageSpec(pixels.shape[1], pixels.shape[0], pixels.shape[2], kind)
    spec.channelnames = channels
    if window is not None:
        spec.x, spec.y, spec.full_width, spec.full_height = window
    output = oiio.ImageOutput.create(str(path))
    assert output.open(str(path), spec)
    assert output.write_image(pixels)
    output.close()


@pytest.mark.parametrize(("kind", "tolerance"), [("half", 1e-3), ("float", 0)])
def test_exr_round_trip(tmp_path: Path, kind: str, tolerance: float) -> None:
    written = np.random.default_rng(0).random((HEIGHT, WIDTH, 3), np.float32) * 4
    write_exr(tmp_path / "image.exr", written, kind=kind)
    read = read_pixels(tmp_path / "image.exr")
    assert read.dtype == np.float32
    np.testing.assert_allclose(read, written, rtol=tolerance)


def test_exr_channels_are_found_by_name(tmp_path: Path) -> None:
    written = np.random.default_rng(0).random((HEIGHT, WIDTH, 5), np.float32)
    write_exr(tmp_path / "layers.exr", written, ("Z", "beauty.B", "beauty.G", "beauty.R", "beauty.A"), "float")
    np.testing.assert_array_equal(read_pixels(tmp_path / "layers.exr"), written[..., [3, 2, 1]])
    write_exr(tmp_path / "gray.exr", written[..., :1], ("Y",), "float")
    np.testing.assert_array_equal(read_pixels(tmp_path / "gray.exr"), written[..., 0])
    write_exr(tmp_path / "vectors.exr", written[..., :2], ("u", "v"), "float")
    with pytest.raises(UnreadableImage, match="has no R, G, B or Y channels, only u, v"):
        read_pixels(tmp_path / "vectors.exr")


@pytest.mark.parametrize("corner", [(7, 4), (-5, -3)])
def test_exr_data_window_is_placed_in_the_display_window(tmp_path: Path, corner: tuple[int, int]) -> None:
    x, y = corner
    written = np.random.default_rng(0).random((10, 12, 3), np.float32) + 1
    write_exr(tmp_path / "crop.exr", written, kind="float", window=(x, y, WIDTH, HEIGHT))
    expected = np.zeros((HEIGHT, WIDTH, 3), np.float32)
    expected[max(y, 0) : y + 10, max(x, 0) : x + 12] = written[max(-y, 0) :, max(-x, 0) :]
    np.testing.assert_array_equal(read_pixels(tmp_path / "crop.exr"), expected)
    assert image_size(tmp_path / "crop.exr") == (WIDTH, HEIGHT)


def test_exr_without_openimageio_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "image.exr").write_bytes(b"\x76\x2f\x31\x01" + bytes(100))
    monkeypatch.setitem(sys.modules, "OpenImageIO", None)
    with pytest.raises(UnreadableImage, match=r'pip install "facesolve\[exr\]"'):
        read_pixels(tmp_path / "image.exr")
