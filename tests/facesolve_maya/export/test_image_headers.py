"""Sizes from headers, of files that other programs write: every kind, cut anywhere, and what is none."""

from __future__ import annotations

import struct
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from facesolve_maya.export.image_headers import stored_size

WIDTH, HEIGHT = 66, 34
IMAGES = [("png", np.uint8), ("png", np.uint16), ("jpg", np.uint8), ("tif", np.uint8), ("tif", np.uint16)]


def written(folder: Path, ending: str, kind: type) -> Path:
    path = folder / f"a.{ending}"
    cv2.imwrite(str(path), np.full((HEIGHT, WIDTH, 3), 90, kind))
    return path


def movie(folder: Path, ending: str, codec: str) -> Path:
    """Two frames; with sound in front where the container takes it."""
    path = folder / f"a.{ending}"
    with av.open(str(path), "w") as container:
        if ending != "avi":
            sound = container.add_stream("aac", rate=44100)
        stream = container.add_stream(codec, rate=Fraction(25))
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuvj420p" if codec == "mjpeg" else "yuv420p"
        for _ in range(2):
            frame = av.VideoFrame.from_ndarray(np.full((HEIGHT, WIDTH, 3), 90, np.uint8), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
        if ending != "avi":
            silence = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
            silence.sample_rate = 44100
            container.mux(sound.encode(silence))
            container.mux(sound.encode())
    return path


@pytest.mark.parametrize(("ending", "kind"), IMAGES)
def test_images_of_8_and_16_bits(tmp_path: Path, ending: str, kind: type):
    assert stored_size(written(tmp_path, ending, kind)) == (WIDTH, HEIGHT)


@pytest.mark.parametrize(("ending", "codec"), [("mp4", "mpeg4"), ("mov", "mjpeg"), ("avi", "mjpeg")])
def test_movies(tmp_path: Path, ending: str, codec: str):
    assert stored_size(movie(tmp_path, ending, codec)) == (WIDTH, HEIGHT)


@pytest.mark.parametrize("order", ["<", ">"])
def test_plates_of_film_scanners(tmp_path: Path, order: str):
    magic = b"SDPX" if order == ">" else b"XPDS"
    (tmp_path / "a.dpx").write_bytes(magic.ljust(772, b"\0") + struct.pack(order + "2I", 2048, 1556))
    assert stored_size(tmp_path / "a.dpx") == (2048, 1556)


def test_a_file_that_is_cut_short_has_its_size_or_none(tmp_path: Path):
    paths = [written(tmp_path, ending, kind) for ending, kind in IMAGES] + [movie(tmp_path, "mp4", "mpeg4")]
    for path in paths:
        content = path.read_bytes()
        for length in [*range(0, min(len(content), 400), 3), len(content) // 2, len(content) - 9]:
            path.write_bytes(content[:length])
            assert stored_size(path) in ((0, 0), (WIDTH, HEIGHT)), (path, length)


@pytest.mark.parametrize("content", [b"", b"no image", b"\x89PNG\r\n\x1a\n" + b"\xff" * 40, b"II*\0" + b"\xff" * 40])
def test_what_is_no_image_has_no_size(tmp_path: Path, content: bytes):
    (tmp_path / "a").write_bytes(content)
    assert stored_size(tmp_path / "a") == (0, 0)
    assert stored_size(tmp_path / "none") == (0, 0)
