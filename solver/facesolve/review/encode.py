"""Pictures into MP4, GIF or PNG files, whole or not at all, one picture in memory. Knows nothing of what they show."""

from __future__ import annotations

import importlib
import math
import os
import re
import uuid
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any, Protocol

import cv2
import numpy as np

from facesolve.take.files import check_file, check_new, remove_stale
from facesolve.take.footage import fill_frame

from .pictures import write_picture
from .request import FAITHFUL, GIF, MP4, PNG, VideoError
from .sound import Track

KEYFRAME_SECONDS = 0.5  # a browser that seeks decodes no more than this
GIF_FASTEST = 50.0  # frames a second; browsers slow down what is faster
# BT.709 with 8-bit studio range: rows Y', Cb, Cr; columns R', G', B' and the offset
YCBCR_709 = np.array(
    [
        [0.2126 * 219 / 255, 0.7152 * 219 / 255, 0.0722 * 219 / 255, 16.0],
        [-0.2126 / 1.8556 * 224 / 255, -0.7152 / 1.8556 * 224 / 255, 0.5 * 224 / 255, 128.0],
        [0.5 * 224 / 255, -0.7152 / 1.5748 * 224 / 255, -0.0722 / 1.5748 * 224 / 255, 128.0],
    ]
)
WAITING = 4  # pictures that wait for the encoder
BT709, STUDIO_RANGE = 1, 1  # FFmpeg's numbers
SOUND_BITS = 96_000  # a second
SOUND_PIECE = 4096  # samples that are encoded at once
SOUND_RATE = 48_000  # samples a second, of sound at a rate that AAC does not have
AAC_RATES = (8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 64_000, 88_200, 96_000)


class Writer(Protocol):
    """Takes pictures (H, W, 3) uint8 RGB one after the other; a block left by an error leaves no unfinished file."""

    def __enter__(self) -> Writer: ...

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def add(self, frame: int, picture: np.ndarray) -> None:
        """The next picture, of frame number ``frame``."""


def check_output(path: Path, count: int) -> None:
    """Raises FacesolveError when ``count`` pictures cannot be written to ``path``: its ending, its place, no PyAV."""
    suffix = path.suffix.lower()
    if suffix not in (MP4, GIF, PNG):
        raise VideoError(f"output: '{path}' ends in none of {MP4}, {GIF} and {PNG}; name the file so.")
    if suffix != PNG:
        _pyav()
    elif count > 1 and fill_frame(path.name, 0) == path.name:
        raise VideoError(f"output: '{path}' is one file for {count} frames; name it '{path.stem}.{{frame:04d}}{PNG}'.")
    check_file(path)


def check_new_pictures(path: Path, overwrite: bool) -> None:
    """Raises TakeError when ``path``, or a picture of the sequence that it names, is there and may not be replaced."""
    name = _sequence_name(path)
    if name is None:
        check_new(path, overwrite)
        return
    there = sorted(path.parent.iterdir()) if path.parent.is_dir() else []
    for picture in there:
        if name.fullmatch(picture.name):
            check_new(picture, overwrite)


def _sequence_name(path: Path) -> re.Pattern[str] | None:
    """The names of a sequence's pictures; None where ``path`` is one picture."""
    before, *after = re.split(r"\{frame[^}]*\}", path.name, maxsplit=1)
    return re.compile(re.escape(before) + r"\d+" + re.escape(after[0])) if after else None


def open_writer(
    path: Path,
    size: tuple[int, int],
    fps: float,
    samples: Callable[[], Iterable[np.ndarray]],
    rate_factor: int = FAITHFUL,
    sound: Track | None = None,
) -> Writer:
    """A writer of the format of ``path``'s suffix. size: (width, height), even. fps: frames a second.

    samples: gives a few of the pictures in advance; a GIF takes its colors from them. sound: of an MP4, from its first
    picture on. Raises as ``check_output``.
    """
    suffix = path.suffix.lower()
    if suffix == PNG:
        return _Sequence(path)
    return _Gif(path, size, fps, samples) if suffix == GIF else _Mp4(path, size, fps, rate_factor, sound)


class _InThread:
    """Hands pictures to ``writer`` on a thread of its own, so that drawing and encoding overlap."""

    def __init__(self, writer: Writer) -> None:
        self._writer, self._thread = writer, ThreadPoolExecutor(1, "facesolve encoder")
        self._pending: deque[Future[None]] = deque()

    def __enter__(self) -> _InThread:
        self._writer.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            while kind is None and self._pending:
                self._pending.popleft().result()
        except BaseException as error:
            self._thread.shutdown(cancel_futures=True)
            self._writer.__exit__(type(error), error, error.__traceback__)
            raise
        self._thread.shutdown(cancel_futures=True)
        self._writer.__exit__(kind, value, trace)

    def add(self, frame: int, picture: np.ndarray) -> None:
        while len(self._pending) >= WAITING:
            self._pending.popleft().result()
        self._pending.append(self._thread.submit(self._writer.add, frame, picture))


def in_thread(writer: Writer) -> Writer:
    """``writer`` at work on a thread; its errors are raised by a later call of ``add`` or at the block's end."""
    return _InThread(writer)


def rate(fps: float) -> Fraction:
    """Frames a second as a fraction; 23.976 and its like become what they stand for, 24000/1001."""
    nominal = round(fps)
    if nominal and abs(fps - nominal * 1000 / 1001) < 0.005 and abs(fps - nominal) > 0.005:
        return Fraction(nominal * 1000, 1001)
    return Fraction(fps).limit_denominator(1001)


class _Sequence:
    """A PNG for each picture, or one PNG."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._written: list[Path] = []

    def __enter__(self) -> _Sequence:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        name = _sequence_name(self._path)
        if kind is None and name is not None:
            remove_stale(self._path.parent, name.pattern, self._written)

    def add(self, frame: int, picture: np.ndarray) -> None:
        path = self._path.with_name(fill_frame(self._path.name, frame))
        write_picture(path, picture)
        self._written.append(Path(path.name))


class _Container:
    """A file that PyAV writes beside its final place, and that is moved there when it is whole."""

    def __init__(self, path: Path, kind: str, options: dict[str, str]) -> None:
        self._av = _pyav()
        self._path, self._partial = path, Path(f"{path}.{uuid.uuid4().hex}.part")
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._container = self._av.open(str(self._partial), "w", format=kind, options=options)
        except OSError as error:
            raise VideoError(f"output: '{path}' cannot be written ({error.strerror}).") from None

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._finish()
            self._container.close()
            if kind is None:
                os.replace(self._partial, self._path)
        except OSError as error:
            raise VideoError(f"output: '{self._path}' cannot be written ({error.strerror}).") from None
        finally:
            self._partial.unlink(missing_ok=True)

    def _finish(self) -> None:
        raise NotImplementedError


class _Mp4(_Container):
    """H.264, 4:2:0, BT.709 in studio range, index at the beginning, AAC: what every player and browser shows."""

    def __init__(
        self, path: Path, size: tuple[int, int], fps: float, rate_factor: int, sound: Track | None = None
    ) -> None:
        super().__init__(path, "mp4", {"movflags": "+faststart"})
        self._rate, self._count = rate(fps), 0
        try:
            stream = self._container.add_stream("libx264", rate=self._rate)
        except self._av.codec.codec.UnknownCodecError:
            self._container.close()
            self._partial.unlink(missing_ok=True)
            raise VideoError(
                "output: this PyAV has no H.264 encoder (libx264); write a .gif, or install PyAV from PyPI."
            ) from None
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        stream.options = {
            "crf": str(rate_factor),
            "preset": "faster",  # half the work of medium, and files are as large
            "g": str(max(1, round(fps * KEYFRAME_SECONDS))),
        }
        codec = stream.codec_context
        codec.color_range = STUDIO_RANGE
        codec.colorspace = codec.color_primaries = codec.color_trc = BT709
        self._stream: Any = stream
        self._sound = None if sound is None else self._sound_stream(sound)

    def __enter__(self) -> _Mp4:
        return self

    def _sound_stream(self, track: Track) -> tuple[Any, Track]:
        rate = track.rate if track.rate in AAC_RATES else SOUND_RATE
        stream: Any = self._container.add_stream("aac", rate=rate, layout="mono")
        stream.bit_rate = SOUND_BITS
        return stream, track

    def _write_sound(self) -> None:
        """All of it at once: it is small, and the container puts it between the pictures."""
        if self._sound is None:
            return
        (stream, track), self._sound = self._sound, None
        resampler = self._av.AudioResampler(format="fltp", layout="mono", rate=stream.rate)
        for begin in range(0, len(track.samples), SOUND_PIECE):
            piece = np.ascontiguousarray(track.samples[None, begin : begin + SOUND_PIECE], np.float32)
            frame = self._av.AudioFrame.from_ndarray(piece, format="fltp", layout="mono")
            frame.sample_rate, frame.pts, frame.time_base = track.rate, begin, Fraction(1, track.rate)
            self._mux_sound(stream, resampler.resample(frame))
        self._mux_sound(stream, [*resampler.resample(None), None])

    def _mux_sound(self, stream: Any, frames: Iterable[Any]) -> None:
        for frame in frames:
            self._container.mux(stream.encode(frame))

    def add(self, frame: int, picture: np.ndarray) -> None:
        self._write_sound()
        image = self._av.VideoFrame.from_ndarray(planes_420(picture), format="yuv420p")
        image.pts, image.time_base = self._count, 1 / self._rate
        self._count += 1
        try:
            self._container.mux(self._stream.encode(image))
        except self._av.error.ExternalError:
            width, height = self._stream.width, self._stream.height
            raise VideoError(
                f"output: the H.264 encoder takes no pictures of {width}x{height}; give a smaller --height, or fewer "
                "cameras."
            ) from None

    def _finish(self) -> None:
        self._container.mux(self._stream.encode(None))


class _Gif(_Container):
    """256 colors chosen from samples of the whole, dithered."""

    def __init__(
        self, path: Path, size: tuple[int, int], fps: float, samples: Callable[[], Iterable[np.ndarray]]
    ) -> None:
        palette = _palette(size, samples())
        super().__init__(path, "gif", {"loop": "0"})
        self._every = math.ceil(fps / GIF_FASTEST)
        self._rate, self._count = rate(fps), 0
        self._stream: Any = self._container.add_stream("gif", rate=self._rate)
        self._stream.width, self._stream.height, self._stream.pix_fmt = *size, "pal8"
        self._graph = self._av.filter.Graph()
        self._source = _source(self._graph, size, "rgb24", self._rate)
        colors = _source(self._graph, (palette.width, palette.height), palette.format.name, self._rate)
        use = self._graph.add("paletteuse", "dither=sierra2_4a:diff_mode=rectangle")
        self._sink = self._graph.add("buffersink")
        self._source.link_to(use, 0, 0)
        colors.link_to(use, 0, 1)
        use.link_to(self._sink)
        self._graph.configure()
        palette.pts, palette.time_base = 0, 1 / self._rate
        colors.push(palette)
        colors.push(None)

    def __enter__(self) -> _Gif:
        return self

    def add(self, frame: int, picture: np.ndarray) -> None:
        self._count += 1
        if (self._count - 1) % self._every:
            return
        image = self._av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
        image.pts, image.time_base = self._count - 1, 1 / self._rate
        self._source.push(image)
        self._drain()

    def _drain(self) -> None:
        while True:
            try:
                image = self._sink.pull()
            except (self._av.BlockingIOError, self._av.EOFError):
                return
            self._container.mux(self._stream.encode(image))

    def _finish(self) -> None:
        self._source.push(None)
        self._drain()
        self._container.mux(self._stream.encode(None))


def planes_420(picture: np.ndarray) -> np.ndarray:
    """(H * 3 / 2, W) uint8: luma, then both chroma planes at half size, of (H, W, 3) uint8 RGB; H and W even.

    Rec. ITU-R BT.709-6, section 3, quantized to 8 bits; chroma is the mean of 2x2 pixels.
    """
    height, width = picture.shape[:2]
    full = cv2.transform(picture, YCBCR_709)
    halves = cv2.resize(full[..., 1:], (width // 2, height // 2), interpolation=cv2.INTER_AREA)
    chroma = np.ascontiguousarray(halves.transpose(2, 0, 1)).reshape(height // 2, width)
    return np.concatenate([full[..., 0], chroma])


def _palette(size: tuple[int, int], samples: Iterable[np.ndarray]) -> Any:
    av = _pyav()
    graph = av.filter.Graph()
    source = _source(graph, size, "rgb24", Fraction(1))
    make, sink = graph.add("palettegen", "stats_mode=full"), graph.add("buffersink")
    source.link_to(make)
    make.link_to(sink)
    graph.configure()
    for number, sample in enumerate(samples):
        image = av.VideoFrame.from_ndarray(np.ascontiguousarray(sample), format="rgb24")
        image.pts, image.time_base = number, Fraction(1)
        source.push(image)
    source.push(None)
    return sink.pull()


def _source(graph: Any, size: tuple[int, int], pixels: str, fps: Fraction) -> Any:
    return graph.add_buffer(width=size[0], height=size[1], format=pixels, time_base=1 / fps)


def _pyav() -> ModuleType:
    try:
        return importlib.import_module("av")
    except ImportError:
        raise VideoError(
            'output: videos need PyAV; run: pip install "facesolve[video]", or write pictures (.png).'
        ) from None
