"""Videos of one scene as several cameras film it, each in its own way; made with PyAV."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

av = pytest.importorskip("av", reason='needs PyAV: pip install "facesolve[video]"')

SIZE = (64, 48)


def image_at(seconds: float) -> np.ndarray:
    """(H, W, 3) uint8 that tells its time: 12 bits of frames at 100 a second, as black and white bars; light varies."""
    ticks = round(seconds * 100)
    bits = np.array([(ticks >> n) & 1 for n in range(12)])
    picture = np.kron(bits * 190 + 30, np.ones((SIZE[1], 5))).astype(np.uint8).reshape(SIZE[1], 60)
    return np.repeat(np.pad(picture, ((0, 0), (0, 4)))[..., None], 3, 2)


def time_of(image: np.ndarray) -> float:
    """Seconds that an image of ``image_at`` shows."""
    columns = image[SIZE[1] // 2, :, 1].astype(float)
    bits = [columns[5 * n + 1 : 5 * n + 4].mean() > 125 for n in range(12)]
    return sum(1 << n for n, bit in enumerate(bits) if bit) / 100


def sound_at(seconds: np.ndarray, seed: int = 3) -> np.ndarray:
    """The room's sound at times (n,): syllables of noise that come unevenly."""
    rng = np.random.default_rng(seed)
    noise = rng.normal(size=1 << 18)
    fine = np.interp(seconds * 9000, np.arange(1 << 18) % (1 << 18), noise, period=1 << 18)
    starts = np.cumsum(rng.uniform(0.15, 0.6, 400))
    grid = np.arange(0, 60, 0.005)
    loud = np.exp(-(((grid[:, None] - starts) / 0.06) ** 2)).sum(1)
    return np.asarray(0.3 * fine * np.interp(seconds, grid, loud), np.float64)


def write_video(
    path: Path,
    times: Sequence[float],
    shown: Sequence[float] | None = None,
    rate: Fraction = Fraction(30),
    timecode: str | None = None,
    sound: np.ndarray | None = None,
    codec: str = "mpeg4",
) -> Path:
    """A video with images at ``times``, seconds by the camera's clock, of what the scene's clock ``shown`` said then.

    sound: mono, 48 kHz.
    """
    shown = times if shown is None else shown
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate)
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        ticks = Fraction(1, 30000) if codec == "mpeg4" else 1 / rate  # MPEG-2 has no times of its own
        stream.time_base = stream.codec_context.time_base = ticks
        stream.codec_context.gop_size = 10
        stream.bit_rate = 2_000_000
        if timecode is not None:
            held = container if path.suffix == ".mxf" else stream
            held.metadata["timecode"] = timecode
        track = None
        if sound is not None:
            track = container.add_stream("pcm_s16le", rate=48000, layout="mono")
        for time, scene in zip(times, shown, strict=True):
            frame = av.VideoFrame.from_ndarray(image_at(scene), format="rgb24")
            frame.pts, frame.time_base = round(time / ticks), ticks
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
        if track is not None and sound is not None:
            write_sound(container, track, sound)
    return path


def write_sound(container: av.container.OutputContainer, track: av.AudioStream, sound: np.ndarray) -> None:
    """Mono samples in -1..1 at 48 kHz into a track."""
    samples = np.clip(sound * 32767, -32768, 32767).astype(np.int16)[None]
    for begin in range(0, samples.shape[1], 4800):
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples[:, begin : begin + 4800]), "s16", "mono")
        frame.sample_rate, frame.pts, frame.time_base = 48000, begin, Fraction(1, 48000)
        container.mux(track.encode(frame))
    container.mux(track.encode())


def ltc_sound(first: tuple[int, int, int, int], count: int, fps: int, drop: bool, rate: float, at: float = 48000.0):
    """Linear timecode of ``count`` labels from ``first``, as SMPTE ST 12-1 writes it; mono in -0.5..0.5.

    rate: labels a second of the scene's clock; at: samples a second that the recorder really takes.
    """
    labels, label = [], list(first)
    for _ in range(count):
        labels.append(tuple(label))
        label[3] += 1
        for place, most in ((3, fps), (2, 60), (1, 60)):
            if label[place] == most:
                label[place], label[place - 1] = 0, label[place - 1] + 1
        if drop and label[3] == 0 and label[2] == 0 and label[1] % 10:
            label[3] = 2
    bits = [bit for hours, minutes, seconds, frames in labels for bit in _bits(hours, minutes, seconds, frames, drop)]
    level, levels, edges = 1.0, [], []
    for index, bit in enumerate(bits):
        begin = index / (80 * rate)
        level = -level
        levels.append(level)
        edges.append(begin)
        if bit:
            level = -level
            levels.append(level)
            edges.append(begin + 0.5 / (80 * rate))
    instants = np.arange(int(len(bits) / (80 * rate) * at)) / at
    square = np.array(levels)[np.clip(np.searchsorted(edges, instants, "right") - 1, 0, None)]
    return 0.5 * np.convolve(square, np.ones(5) / 5, "same")  # edges of a real signal take a while


def _bits(hours: int, minutes: int, seconds: int, frames: int, drop: bool) -> list[int]:
    word = [0] * 80
    for value, ones, tens in ((frames, 0, 8), (seconds, 16, 24), (minutes, 32, 40), (hours, 48, 56)):
        for n in range(4):
            word[ones + n] = (value % 10) >> n & 1
        for n in range(3):
            if value // 10 >> n & 1:
                word[tens + n] = 1
    word[10] = int(drop)
    word[64:80] = [0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 1]
    word[27] = sum(word) % 2  # an even number of ones, so that each word begins with the same phase
    return word
