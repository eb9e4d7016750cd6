"""Which image and video readers this Python has, for a report of the installation."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2

from .container import EXR, JPEG, PNG, TIFF, UnreadableImage
from .decode import read_pixels
from .exr import optional_module
from .self_test import run_checks
from .video import VideoFile

_OPENCV = {JPEG: ".jpg", PNG: ".png", TIFF: ".tif"}
_VIDEO = ("h264", "hevc", "prores", "dnxhd", "mjpeg", "ffv1")


@dataclass(frozen=True)
class Codec:
    """A reader of footage. version: what is installed, or None. reads: formats it can decode here.

    install: the command that adds it, empty when it is there. wrong: what it makes of files of known content, empty
    when that is right.
    """

    version: str | None
    reads: tuple[str, ...]
    install: str = ""
    wrong: str = ""


def describe_codecs() -> dict[str, Codec]:
    """The readers by name: ``OpenCV`` for images, ``OpenImageIO`` for OpenEXR, ``PyAV`` for videos."""
    wrong = run_checks(VideoFile, read_pixels)
    images = tuple(name for name, suffix in _OPENCV.items() if cv2.haveImageWriter("image" + suffix))
    codecs = {"OpenCV": Codec(cv2.__version__, images), "OpenImageIO": _openimageio(), "PyAV": _pyav()}
    return {name: replace(codec, wrong=wrong.get(name, "")) for name, codec in codecs.items()}


def _openimageio() -> Codec:
    try:
        module = optional_module("OpenImageIO", "exr")
    except UnreadableImage:
        return Codec(None, (), 'pip install "facesolve[exr]"')
    return Codec(module.VERSION_STRING, (EXR,))


def _pyav() -> Codec:
    try:
        module = optional_module("av", "video")
    except UnreadableImage:
        return Codec(None, (), 'pip install "facesolve[video]"')
    return Codec(module.__version__, tuple(name for name in _VIDEO if name in module.codecs_available))
