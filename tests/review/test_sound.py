"""A video of a solution has the sound of its footage, at the very frames; timecode and silence are no sound."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from facesolve.review.encode import open_writer
from facesolve.review.sound import Track, sound_of
from facesolve.take import Footage, Take
from tests.footage.timing.recordings import ltc_sound, write_video

from .filmed import Filmed

FPS, RATE = 30, 48000


def clicks(seconds: float, at: float) -> np.ndarray:
    """48 kHz, a click of 10 ms at one time."""
    sound = np.zeros(round(seconds * RATE))
    begin = round(at * RATE)
    sound[begin : begin + 480] = 0.8 * np.sin(np.arange(480) * 2 * np.pi * 1000 / RATE)
    return sound


def take_of(filmed: Filmed, footage: Footage) -> Take:
    other = Footage("other", "nothing.{frame:04d}.png")
    cameras = tuple(replace(filmed.take.cameras[0], name=name) for name in ("other", footage.camera))
    return replace(filmed.take, cameras=cameras, footage=(other, footage))


def onset(samples: np.ndarray, rate: float) -> float:
    return float(np.argmax(np.abs(samples) > 0.2)) / rate


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sound") / "a.mov"
    return write_video(path, np.arange(30) / FPS, sound=clicks(1.0, 0.5))


def test_the_click_is_heard_at_the_frame_that_it_was_made_at(filmed: Filmed, recording: Path, tmp_path: Path) -> None:
    track = sound_of(take_of(filmed, Footage("a", str(recording))), range(10, 25), FPS)
    assert track is not None
    assert len(track.samples) == round(track.rate * 15 / FPS)
    assert onset(track.samples, track.rate) == pytest.approx(0.5 - 10 / FPS, abs=2e-3)
    picture = np.zeros((64, 64, 3), np.uint8)
    with open_writer(tmp_path / "v.mp4", (64, 64), FPS, lambda: (), sound=track) as writer:
        for frame in range(10, 25):
            writer.add(frame, picture)
    with av.open(str(tmp_path / "v.mp4")) as container:
        assert sum(1 for _ in container.decode(video=0)) == 15
    with av.open(str(tmp_path / "v.mp4")) as container:
        heard = list(container.decode(audio=0))
    begin = float(heard[0].pts * Fraction(heard[0].time_base))
    samples = np.concatenate([frame.to_ndarray()[0] for frame in heard])
    assert begin + onset(samples, heard[0].sample_rate) == pytest.approx(0.5 - 10 / FPS, abs=0.01)


def test_frames_that_are_left_out_are_left_out_of_the_sound(filmed: Filmed, recording: Path) -> None:
    footage = Footage("a", str(recording), images=((0, 4, 0), (5, 9, 14), (20, 22, 25)))
    track = sound_of(take_of(filmed, footage), range(0, 12), FPS)
    assert isinstance(track, Track)
    assert onset(track.samples, track.rate) == pytest.approx(5 / FPS + 0.5 - 14 / FPS, abs=2e-3)
    assert not track.samples[round(10 * track.rate / FPS) :].any()


def test_silence_timecode_and_files_that_are_gone_are_no_sound(filmed: Filmed, tmp_path: Path) -> None:
    timecode = ltc_sound((1, 0, 0, 0), 30, FPS, False, FPS)
    for name, sound in (("mute", None), ("silent", np.zeros(RATE)), ("code", timecode)):
        path = write_video(tmp_path / f"{name}.mov", np.arange(30) / FPS, sound=sound)
        assert sound_of(take_of(filmed, Footage("a", str(path))), range(5), FPS) is None
    assert sound_of(take_of(filmed, Footage("a", str(tmp_path / "none.mov"))), range(5), FPS) is None


@pytest.mark.parametrize("rate", [192_000, 47_952, 48_000])
def test_sound_of_any_rate_is_written_at_its_time(tmp_path: Path, rate: int) -> None:
    samples = np.zeros(rate, np.float32)
    samples[rate // 2 : rate // 2 + rate // 100] = 0.8
    with open_writer(tmp_path / "v.mp4", (64, 64), FPS, lambda: (), sound=Track(samples, rate)) as writer:
        for frame in range(FPS):
            writer.add(frame, np.zeros((64, 64, 3), np.uint8))
    with av.open(str(tmp_path / "v.mp4")) as container:
        heard = list(container.decode(audio=0))
    found = np.concatenate([frame.to_ndarray()[0] for frame in heard])
    begin = float(heard[0].pts * Fraction(heard[0].time_base))
    assert begin + onset(found, heard[0].sample_rate) == pytest.approx(0.5, abs=0.01)
