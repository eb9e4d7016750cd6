"""Images and videos among good ones, checked as ``inspect`` does: each damaged image is named, or reads as it was."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import cv2
import numpy as np

from facesolve.footage.check import check_footage
from facesolve.footage.check_pixels import check_pixels
from facesolve.footage.neighbors import CELLS, small_picture
from facesolve.footage.reader import open_footage
from facesolve.take import Footage, FootageError, TakeError
from tests.footage.specimens import camera, take, write_image

from .campaign import Files, Subject
from .mutations import Random, mutated_bytes

WIDTH, HEIGHT, COUNT = 96, 64, 8
DAMAGED = 3  # the image of a sequence that is changed
SEEN = 0.2  # of white, for all but a few cells: what a person sees at once
IMAGES: dict[str, tuple[str, tuple[int, ...]]] = {
    "PNG": (".png", ()),
    "JPEG": (".jpg", ()),
    "JPEG, progressive": (".jpg", (cv2.IMWRITE_JPEG_PROGRESSIVE, 1)),
    "TIFF, LZW": (".tif", ()),
    "TIFF, raw": (".tif", (cv2.IMWRITE_TIFF_COMPRESSION, 1)),
    "BMP": (".bmp", ()),
}
VIDEOS: dict[str, tuple[str, str, str, dict[str, str]]] = {
    "FFV1 in mkv": ("a.mkv", "ffv1", "yuv420p", {"level": "3", "slicecrc": "1", "slices": "4"}),
    "H.264 in mp4": ("a.mp4", "libx264", "yuv420p", {"g": "4", "crf": "18"}),
    "MJPEG in avi": ("a.avi", "mjpeg", "yuvj420p", {}),
    "ProRes in mov": ("a.mov", "prores_ks", "yuv422p10le", {}),
}


@cache
def filmed(frame: int) -> np.ndarray:
    """(H, W, 3) uint8: waves that pass slowly, and noise as of a camera."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    waves = [np.sin((x + frame) / 9 + k) + np.cos((y - 0.7 * frame) / 7 + k) for k in range(3)]
    noise = np.random.default_rng(frame).normal(0, 2, (HEIGHT, WIDTH, 3))
    return np.clip(127 + 55 * np.stack(waves, axis=2) + noise, 0, 255).astype(np.uint8)


def _make_images(suffix: str, options: tuple[int, ...]) -> Callable[[Path], None]:
    def make(folder: Path) -> None:
        folder.mkdir(parents=True)
        for frame in range(COUNT):
            write_image(folder / f"a.{frame:04d}{suffix}", filmed(frame), *options)

    return make


def _make_video(name: str, codec: str, pixels: str, options: dict[str, str]) -> Callable[[Path], None]:
    def make(folder: Path) -> None:
        import av

        folder.mkdir(parents=True)
        with av.open(str(folder / name), "w") as container:
            stream = container.add_stream(codec, rate=24)
            stream.width, stream.height, stream.pix_fmt, stream.options = WIDTH, HEIGHT, pixels, options
            for frame in range(COUNT):
                container.mux(stream.encode(av.VideoFrame.from_ndarray(filmed(frame), format="rgb24")))
            container.mux(stream.encode(None))

    return make


def _mutated(files: Files, random: Random) -> Files:
    return {name: mutated_bytes(data, random) for name, data in files.items()}


def _reader(pattern: str) -> Callable[[Path], None]:
    def read(folder: Path) -> None:
        footage = Footage("left", (folder / pattern).as_posix(), offset=-1001)
        shot = take([footage], [camera("left", WIDTH, HEIGHT)], COUNT)
        findings = check_footage(shot)
        findings += check_pixels(shot, findings)
        if findings:
            raise TakeError(findings[0].text)
        reader = open_footage(footage, shot.cameras[0])
        try:
            for index, frame in enumerate(shot.frames.tolist()):
                off = np.abs(small_picture(reader.stored(frame)) - small_picture(filmed(index))).max(axis=2)
                worst = np.partition(off.ravel(), -CELLS)[-CELLS]
                assert worst < SEEN, f"image {index} reads as something else, off by {worst:.2f}"
        except FootageError as error:
            raise AssertionError(f"no finding, but {error}") from None
        finally:
            reader.close()

    return read


SUBJECTS = (
    *(
        Subject(
            name,
            _make_images(suffix, options),
            _mutated,
            _reader(f"a.{{frame:04d}}{suffix}"),
            changed=rf"a\.{DAMAGED:04d}\..*",
        )
        for name, (suffix, options) in IMAGES.items()
    ),
    *(Subject(name, _make_video(*how), _mutated, _reader(how[0]), seconds=2.0) for name, how in VIDEOS.items()),
)
