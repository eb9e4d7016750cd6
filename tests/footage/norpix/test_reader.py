"""Norpix recordings: every kind gives its images and stamps, and what lies or is cut gives one sentence."""

from __future__ import annotations

import struct
from pathlib import Path

import cv2
import numpy as np
import pytest

from facesolve.footage.container import UnreadableImage
from facesolve.footage.norpix.reader import NorpixFile
from tests.footage.specimens import HEIGHT, WIDTH

from .seq_files import BAYER_COLORS, Kind, pictures, seq_bytes, stamps, stored_pixels, write_seq

COUNT = 5
RAW = [
    Kind(version, color, bits)
    for version in (3, 4, 5)
    for color, bits in (("mono", 8), ("mono", 10), ("mono", 12), ("mono", 14), ("mono", 16), ("bgr", 8), ("bgr", 16))
]
RAW += [Kind(5, "rgb", 8), Kind(5, "rgb", 12), Kind(5, "bgrx", 8), Kind(4, "bayer", 8), Kind(5, "bayer", 12)]
CODED = [
    Kind(version, color, 8, ".jpg", padded=padded, index=index)
    for version, color, padded, index in (
        (3, "mono", False, 0),
        (4, "bgr", True, 0),
        (5, "bgr", False, 24),
        (5, "mono", True, 24),
        (5, "bgr", True, 32),
        (5, "bayer", False, 0),
    )
]
CODED += [
    Kind(3, "bgr", 8, ".jpg", old_codes=True, padded=True),
    Kind(3, "mono", 8, ".jpg", old_codes=True),
    Kind(3, "bgr", 8, ".png", old_codes=True),
    Kind(4, "mono", 16, ".png", old_codes=True),
    Kind(5, "bgr", 8, ".jpg", first=8192),
]


def expanded(stored: np.ndarray, bits: int) -> np.ndarray:
    """Full-scale values of ``stored``, computed bit by bit: the bits of the value, repeated."""
    size = 8 if bits <= 8 else 16
    result = np.zeros(stored.shape, np.int64)
    for place in range(size):
        bit = (stored.astype(np.int64) >> (bits - 1 - place % bits)) & 1
        result |= bit << (size - 1 - place)
    return result


def as_rgb(stored: np.ndarray, kind: Kind) -> np.ndarray:
    order = {"bgr": [2, 1, 0], "bgrx": [2, 1, 0], "rgb": [0, 1, 2]}
    return stored[..., order[kind.color]] if kind.color in order else stored


def refused(path: Path, bayer: str | None = None) -> str:
    with pytest.raises(UnreadableImage) as caught:
        NorpixFile(path, bayer)
    assert "\n" not in str(caught.value)
    assert str(caught.value).endswith(".")
    return str(caught.value)


@pytest.mark.parametrize("kind", RAW, ids=str)
def test_raw_pixels_and_stamps_come_back_in_any_order(tmp_path: Path, kind: Kind) -> None:
    images = pictures(COUNT)
    file = NorpixFile(write_seq(tmp_path / "a.seq", kind, images), "none" if kind.color == "bayer" else None)
    assert (file.count, file.width, file.height, file.note) == (COUNT, WIDTH, HEIGHT, "")
    np.testing.assert_array_equal(file.stamps(), stamps(COUNT))
    for number in (4, 0, 3, 3, 1):
        pixels = file.read(number)
        assert pixels.dtype == (np.uint8 if kind.bits == 8 else np.uint16)
        expected = expanded(as_rgb(stored_pixels(images[number], kind), kind), kind.bits)
        np.testing.assert_array_equal(pixels, expected)
    for number in (-1, COUNT):
        with pytest.raises(UnreadableImage, match=f"has 5 images, 0 to 4, but image {number} is needed"):
            file.read(number)
    file.close()


@pytest.mark.parametrize("kind", CODED, ids=str)
def test_coded_pixels_and_stamps_come_back_in_any_order(tmp_path: Path, kind: Kind) -> None:
    images = pictures(COUNT)
    path = write_seq(tmp_path / "a.seq", kind, images)
    file = NorpixFile(path, "none" if kind.color == "bayer" else None)
    assert (file.count, file.width, file.height, file.note) == (COUNT, WIDTH, HEIGHT, "")
    np.testing.assert_array_equal(file.stamps(), stamps(COUNT))
    for number in (4, 0, 3, 3, 1):
        expected = as_rgb(stored_pixels(images[number], kind), kind).astype(int)
        error = np.abs(file.read(number) - expected)
        assert error.max() <= (0 if kind.codec == ".png" else 100)
        assert error.mean() <= (0 if kind.codec == ".png" else 3 if kind.color != "bayer" else 12)
    whole = file.jpeg(2)
    if kind.codec == ".jpg":
        assert whole is not None
        assert whole in path.read_bytes()
        np.testing.assert_array_equal(cv2.imdecode(np.frombuffer(whole, np.uint8), -1).shape[:2], (HEIGHT, WIDTH))
    else:
        assert whole is None
    file.close()


@pytest.mark.parametrize("pattern", BAYER_COLORS)
@pytest.mark.parametrize("bits", [8, 12])
def test_a_mosaic_becomes_colors_of_the_right_pattern(tmp_path: Path, pattern: str, bits: int) -> None:
    flat = np.zeros((HEIGHT, WIDTH, 3), np.uint16)
    flat[:, : WIDTH // 2] = (60000, 20000, 4000)
    flat[:, WIDTH // 2 :] = (3000, 50000, 30000)
    path = write_seq(tmp_path / "a.seq", Kind(5, "bayer", bits, bayer=pattern), [flat])
    pixels = NorpixFile(path, pattern).read(0)
    expected = flat >> (8 if bits == 8 else 0)
    for half in (np.s_[:, 4 : WIDTH // 2 - 4], np.s_[:, WIDTH // 2 + 4 : -4]):
        np.testing.assert_allclose(pixels[half], expected[half], atol=1 if bits == 8 else 16)


def test_a_mosaic_needs_its_pattern_and_colors_refuse_one(tmp_path: Path) -> None:
    assert "give it as '--bayer RGGB'" in refused(write_seq(tmp_path / "a.seq", Kind(5, "bayer"), pictures(1)))
    colors = write_seq(tmp_path / "b.seq", Kind(5, "bgr"), pictures(1))
    assert "not a Bayer mosaic; leave '--bayer' out" in refused(colors, "RGGB")
    tiny = write_seq(tmp_path / "c.seq", Kind(5, "bayer"), pictures(1, 2, 2))
    assert "too small for a Bayer mosaic" in refused(tiny, "RGGB")
    mono = write_seq(tmp_path / "d.seq", Kind(5, "mono"), pictures(1))
    assert NorpixFile(mono, "GRBG").read(0).shape == (HEIGHT, WIDTH, 3)


def test_microseconds_of_old_files_count_only_where_all_are_plausible(tmp_path: Path) -> None:
    path = write_seq(tmp_path / "a.seq", Kind(3, "mono"), pictures(3))
    data = bytearray(path.read_bytes())
    struct.pack_into("<H", data, 1024 + WIDTH * HEIGHT + 6, 40000)
    path.write_bytes(data)
    np.testing.assert_array_equal(NorpixFile(path).stamps(), stamps(3) // 1000 * 1000)


def test_a_cut_recording_gives_its_whole_images_and_says_so(tmp_path: Path) -> None:
    raw = write_seq(tmp_path / "raw.seq", Kind(5, "mono"), pictures(3))
    raw.write_bytes(raw.read_bytes()[: 8192 + 2 * 8192 + 100])
    file = NorpixFile(raw)
    assert (file.count, file.note) == (2, "ends inside image 2, which is left out.")
    for kept, note in ((-9, "is damaged or truncated after image 1"), (-5, "ends inside the time stamp of image 2")):
        jpeg = write_seq(tmp_path / "jpeg.seq", Kind(5, "bgr", 8, ".jpg"), pictures(3))
        jpeg.write_bytes(jpeg.read_bytes()[:kept])
        file = NorpixFile(jpeg)
        assert file.count == 2
        assert note in file.note
        np.testing.assert_array_equal(file.stamps(), stamps(2))
    last = write_seq(tmp_path / "last.seq", Kind(3, "mono"), pictures(3))
    last.write_bytes(last.read_bytes().rstrip(b"\0"))  # no padding behind the last stamp
    file = NorpixFile(last)
    assert (file.count, file.note) == (3, "")
    np.testing.assert_array_equal(file.stamps(), stamps(3))


def test_an_index_that_lies_is_not_used(tmp_path: Path) -> None:
    kind = Kind(5, "bgr", 8, ".jpg", index=24)
    path = write_seq(tmp_path / "a.seq", kind, pictures(4))
    index = path.with_name("a.seq.idx")
    honest = index.read_bytes()

    def spoilt(at: int, form: str, value: int) -> bytes:
        data = bytearray(honest)
        struct.pack_into(form, data, at, value)
        return bytes(data)

    second = struct.unpack_from("<q", honest, 24)[0]
    lies = [
        spoilt(0, "<q", -1),
        spoilt(24, "<q", second + 1),
        spoilt(48, "<q", second),
        honest[:48] + honest[24:48] + honest[72:],  # one image twice
        spoilt(48, "<q", 1 << 62),
        spoilt(24 + 8, "<I", 0),
        spoilt(24 + 8, "<I", 0xFFFFFFFF),
        honest[24:],
        b"",
        b"\xff" * 1000,
        bytes(24 * 100_000),
    ]
    for lie in lies:
        index.write_bytes(lie)
        file = NorpixFile(path)
        assert file.count == 4
        assert "'a.seq.idx', that does not match it and was ignored" in file.note
        np.testing.assert_array_equal(file.stamps(), stamps(4))
        assert file.read(3).shape == (HEIGHT, WIDTH, 3)


def test_an_index_carries_over_damage_that_a_walk_cannot_pass(tmp_path: Path) -> None:
    path = write_seq(tmp_path / "a.seq", Kind(5, "bgr", 8, ".jpg", index=24), pictures(200))
    data = bytearray(path.read_bytes())
    offset = struct.unpack_from("<q", path.with_name("a.seq.idx").read_bytes(), 24 * 2)[0]
    data[offset : offset + 20] = bytes(20)
    path.write_bytes(data)
    file = NorpixFile(path)
    assert file.count == 200
    with pytest.raises(UnreadableImage, match="holds an image, number 2, that"):
        file.read(2)
    assert file.read(3).shape == (HEIGHT, WIDTH, 3)
    path.with_name("a.seq.idx").unlink()
    assert NorpixFile(path).count == 2


def test_a_recording_goes_on_behind_a_stale_index(tmp_path: Path) -> None:
    path = write_seq(tmp_path / "a.seq", Kind(5, "bgr", 8, ".jpg", index=24), pictures(6))
    index = path.with_name("a.seq.idx")
    index.write_bytes(index.read_bytes()[: 24 * 4])
    file = NorpixFile(path)
    assert (file.count, file.note) == (6, "")
    np.testing.assert_array_equal(file.stamps(), stamps(6))


HEADER_LIES = [
    (0, "<I", 0xBEEF, "is not a Norpix sequence"),
    (28, "<i", 2, "of version 2; versions 3 to 5"),
    (28, "<i", -5, "of version -5"),
    (548, "<I", 0, "images of 0x32 pixels"),
    (548, "<I", 0xFFFFFFFF, "images of 4294967295x32 pixels"),
    (552, "<I", 1 << 30, "pixels"),
    (548, "<I", 47, "1536 bytes for an image of 1504 samples"),
    (564, "<I", 0, "0 bytes for an image"),
    (564, "<I", 0xFFFFFFFF, "4294967295 bytes for an image"),
    (568, "<I", 0, "of an unknown kind (format 0)"),
    (568, "<I", 131, "packed mono or Bayer"),
    (568, "<I", 112, "aligned to the high bits"),
    (568, "<I", 300, "planar color"),
    (568, "<I", 610, "YUV"),
    (568, "<I", 12345, "image format 12345"),
    (568, "<I", 200, "1536 bytes for an image of 4608 samples"),
    (580, "<I", 0, "1536 bytes every 0 bytes"),
    (580, "<I", 1541, "1536 bytes every 1541 bytes"),
    (580, "<I", 0xFFFFFFF0, "bytes every 4294967280 bytes"),
    (620, "<I", 8, "is compressed with H.264"),
    (620, "<I", 99, "compression 99"),
    (620, "<I", 1, "holds no JPEG image"),
]


@pytest.mark.parametrize(("at", "form", "value", "sentence"), HEADER_LIES)
def test_a_header_that_lies_gives_one_sentence(tmp_path: Path, at: int, form: str, value: int, sentence: str) -> None:
    path = write_seq(tmp_path / "a.seq", Kind(5, "mono"), pictures(1))
    data = bytearray(path.read_bytes())
    struct.pack_into(form, data, at, value)
    path.write_bytes(data)
    assert sentence in refused(path)


@pytest.mark.parametrize(("size", "sentence"), [(0, "truncated"), (3, "truncated"), (1000, "header is 1000 bytes")])
def test_a_file_without_a_whole_header_is_truncated(tmp_path: Path, size: int, sentence: str) -> None:
    path = write_seq(tmp_path / "a.seq", Kind(5, "mono"), pictures(1))
    path.write_bytes(path.read_bytes()[:size])
    assert sentence in refused(path)


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    assert "does not exist" in refused(tmp_path / "none.seq")
    assert refused(tmp_path) == "is not a file; check the footage path."


def test_values_above_the_stated_bits_are_refused(tmp_path: Path) -> None:
    path = write_seq(tmp_path / "a.seq", Kind(5, "mono", 16), pictures(1))
    data = bytearray(path.read_bytes())
    struct.pack_into("<I", data, 560, 12)
    path.write_bytes(data)
    with pytest.raises(UnreadableImage, match="at image 0 values above the 12 bits"):
        NorpixFile(path).read(0)


def test_a_jpeg_of_another_size_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    """A start-of-frame that claims 60000 x 60000 pixels would decode to ten gigabytes."""
    data, _ = seq_bytes(Kind(5, "bgr", 8, ".jpg"), pictures(2), stamps(2))
    spoilt = bytearray(data)
    frame = spoilt.index(b"\xff\xc0")
    struct.pack_into(">HH", spoilt, frame + 5, 60000, 60000)
    path = tmp_path / "a.seq"
    path.write_bytes(spoilt)
    file = NorpixFile(path)
    with pytest.raises(UnreadableImage, match="number 0, that is 60000x60000 pixels instead of 48x32"):
        file.read(0)
    assert file.read(1).shape == (HEIGHT, WIDTH, 3)
    struct.pack_into("<II", spoilt, 548, 11000, 11000)
    struct.pack_into(">HH", spoilt, frame + 5, 11000, 11000)
    path.write_bytes(spoilt)
    assert "holds no JPEG image" in refused(path)  # too few bytes for so many pixels


def test_a_jpeg_with_thousands_of_scans_is_refused(tmp_path: Path) -> None:
    data, _ = seq_bytes(Kind(5, "mono", 8, ".jpg"), pictures(1), stamps(1))
    scan = data.index(b"\xff\xda")
    (length,) = struct.unpack_from(">H", data, scan + 2)
    bomb = data[:scan] + data[scan : scan + 2 + length] * 2000 + data[scan:]
    (size,) = struct.unpack_from("<I", data, 1024)
    bomb = bomb[:1024] + struct.pack("<I", size + len(bomb) - len(data)) + bomb[1028:]
    (tmp_path / "a.seq").write_bytes(bomb)
    with pytest.raises(UnreadableImage, match="it has 2001 scans"):
        NorpixFile(tmp_path / "a.seq").read(0)


def test_the_samples_of_streampix_and_of_others(facesolve_data: Path) -> None:
    raw = NorpixFile(facesolve_data / "norpix" / "sample_norpix6.seq")
    assert (raw.count, raw.width, raw.height, raw.note) == (6, 36, 32, "")
    taken = raw.stamps()
    assert taken[0] == 1435776075_775_430
    np.testing.assert_array_equal(np.round(np.diff(taken) / 1000, 1), [32.8, 33.0, 33.0, 36.6, 33.6])
    stored = (facesolve_data / "norpix" / "sample_norpix6.seq").read_bytes()
    for number in range(6):
        start = 8192 + 8192 * number
        assert raw.read(number).tobytes() == stored[start : start + 36 * 32]
    jpeg = NorpixFile(facesolve_data / "norpix" / "peds30.seq")
    assert (jpeg.count, jpeg.width, jpeg.height, jpeg.note) == (30, 640, 480, "")
    images = [jpeg.read(number) for number in range(30)]
    assert {image.shape for image in images} == {(480, 640, 3)}
    assert len({image.tobytes() for image in images}) == 30
    np.testing.assert_array_equal(jpeg.stamps(), 9_900_000 + 33_000 * np.arange(30))
    sky = images[0][20:80, 100:300].reshape(-1, 3).mean(axis=0)
    assert sky[2] > sky[0] + 20  # blue, not red
