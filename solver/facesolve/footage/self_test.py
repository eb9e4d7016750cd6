"""What libraries make of tiny files whose content is known: their answers are not taken on trust.

Versions of PyAV have lost the green channel of deep 4:2:0 video and decoded BT.709 as BT.601. The check of video runs
once, before the first video is read; ``doctor`` runs all of them.
"""

from __future__ import annotations

import io
import struct
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from .container import UnreadableImage
from .planes import rgb_of

_SKIN = np.array([0.75, 0.55, 0.45])
_CLOSE = 0.02  # of full scale
_WIDTH, _HEIGHT = 33, 18  # odd: some versions err there alone
_BT709, _BT601 = 1, 6


def run_checks(video_file: Callable[[Path], Any], read_image: Callable[[Path], np.ndarray]) -> dict[str, str]:
    """By reader, what is wrong with it; only readers that are installed, empty where all is well."""
    found = {"OpenCV": _images(read_image)}
    checks = {"PyAV": lambda: wrong_colors() or _order(video_file), "OpenImageIO": lambda: _parts(read_image)}
    for name, check in checks.items():
        try:
            found[name] = check()
        except ImportError:
            continue
    return found


@cache
def wrong_colors() -> str:
    """What PyAV's video frames get wrong, empty if nothing: flat skin of 8 and 10 bits, by both matrices.

    Raises ImportError without PyAV.
    """
    import av

    for kind, bits, matrix in (("yuv420p", 8, _BT709), ("yuv420p", 8, _BT601), ("yuv420p10le", 10, _BT709)):
        video: Any = av.open(io.BytesIO(flat_video(av, kind, bits, matrix)))
        frame = next(video.decode(video=0))
        pixels = rgb_of(frame)
        got = pixels.reshape(-1, 3).mean(0) / np.iinfo(pixels.dtype).max
        if np.abs(got - _SKIN).max() > _CLOSE:
            what = "BT.709" if matrix == _BT709 else "BT.601"
            shown = ", ".join(f"{value:.2f}" for value in got)
            return f"{bits}-bit {what} video comes out as {shown} instead of 0.75, 0.55, 0.45."
    return ""


def flat_video(av: Any, kind: str, bits: int, matrix: int) -> bytes:
    """A lossless video of one skin-colored frame."""
    red, blue = (0.2126, 0.0722) if matrix == _BT709 else (0.299, 0.114)
    luma = float(_SKIN @ (red, 1 - red - blue, blue))
    scale = 1 << (bits - 8)
    levels = (
        round((16 + 219 * luma) * scale),
        round((128 + 112 * (_SKIN[2] - luma) / (1 - blue)) * scale),
        round((128 + 112 * (_SKIN[0] - luma) / (1 - red)) * scale),
    )
    frame = av.VideoFrame(_WIDTH, _HEIGHT, kind)
    for plane, level in zip(frame.planes, levels, strict=True):
        kept = np.full(plane.buffer_size // (1 if bits == 8 else 2), level, "u1" if bits == 8 else "<u2")
        plane.update(kept.tobytes().ljust(plane.buffer_size, b"\0"))
    frame.colorspace, frame.color_range, frame.pts = matrix, 1, 0
    data = io.BytesIO()
    with av.open(data, "w", format="matroska") as container:
        stream = container.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = _WIDTH, _HEIGHT, kind
        stream.codec_context.colorspace, stream.codec_context.color_range = matrix, 1
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return data.getvalue()


def _order(video_file: Callable[[Path], Any]) -> str:
    """Whether images of an AVI with B-frames come in order; empty too where no encoder can make one."""
    import av

    if "mpeg4" not in av.codecs_available:
        return ""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "order.avi"
        with av.open(str(path), "w") as container:
            stream = container.add_stream("mpeg4", rate=25)
            stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
            stream.codec_context.max_b_frames = 2
            for number in range(9):
                frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 20 + 25 * number, np.uint8), format="rgb24")
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
        video = video_file(path)
        try:
            levels = [float(video.read(number).mean()) for number in range(video.count)]
        except UnreadableImage as problem:
            return f"a video with B-frames in AVI {problem}"
        finally:
            video.close()
    right = levels == sorted(levels) and len(levels) == 9
    return "" if right else "images of AVI files with B-frames come out of order."


def _images(read_image: Callable[[Path], np.ndarray]) -> str:
    """Whether a TIFF with a plane for each color is read exactly, or refused."""
    planes = np.arange(12, dtype="<u2").reshape(3, 2, 2) * 5000
    tags = [(256, 2), (257, 2), (259, 1), (262, 2), (277, 3), (278, 2), (284, 2)]
    lists = [(258, 3, [16] * 3), (273, 4, [200, 208, 216]), (279, 4, [8] * 3)]
    entries = [(tag, struct.pack("<HHLHH", tag, 3, 1, value, 0)) for tag, value in tags]
    extra, place = b"", 140
    for tag, kind, values in lists:
        entries.append((tag, struct.pack("<HHLL", tag, kind, 3, place + len(extra))))
        extra += struct.pack("<3" + ("H" if kind == 3 else "L"), *values)
    directory = struct.pack("<H", len(entries)) + b"".join(entry for _, entry in sorted(entries)) + bytes(4)
    data = (b"II*\0" + struct.pack("<L", 8) + directory).ljust(140, b"\0") + extra
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "planes.tif"
        path.write_bytes(data.ljust(200, b"\0") + planes.tobytes())
        try:
            found = read_image(path)
        except UnreadableImage:
            return ""
    return "" if np.array_equal(found, planes.transpose(1, 2, 0)) else "TIFF files with planes are read wrongly."


def _parts(read_image: Callable[[Path], np.ndarray]) -> str:
    """Whether the picture of an OpenEXR file is found behind a part of normals."""
    import OpenImageIO as oiio

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "parts.exr"
        specs = []
        for name in ("N", "beauty"):
            spec = oiio.ImageSpec(4, 3, 3, "half")
            spec.attribute("oiio:subimagename", name)
            specs.append(spec)
        output: Any = oiio.ImageOutput.create(str(path))
        output.open(str(path), tuple(specs))
        for index, level in enumerate((1.0, 0.25)):
            if index:
                output.open(str(path), specs[index], "AppendSubimage")
            output.write_image(np.full((3, 4, 3), level, np.float32))
        output.close()
        found = read_image(path)
    return "" if np.allclose(found, 0.25) else "the first part of OpenEXR files is taken for the picture."
