"""Sound of any number of channels is read, or refused with a sentence."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest

from facesolve.footage.container import UnreadableImage
from facesolve.footage.timing.sound import read_sound

pytest.importorskip("av", reason='needs PyAV: pip install "facesolve[video]"')


def write_wave(path: Path, channels: int, rate: int = 48000) -> Path:
    """A second in which channel k stands at k + 1 thousandths of full scale."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(np.tile((np.arange(channels) + 1) * 32.768, (rate, 1)).astype("<i2").tobytes())
    return path


@pytest.mark.parametrize("channels", [1, 2, 8, 36])
def test_each_channel_of_a_recorder_is_read(tmp_path: Path, channels: int) -> None:
    sound = read_sound(write_wave(tmp_path / "a.wav", channels))
    assert sound is not None
    assert sound.channels.shape == (channels, 24000)
    middle = sound.channels[:, 6000:18000].mean(1)
    assert middle == pytest.approx((np.arange(channels) + 1) / 1000, abs=1e-4)


def test_what_no_recorder_writes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableImage, match="states 65 channels of sound, of which at most 64 are read"):
        read_sound(write_wave(tmp_path / "a.wav", 65))
    damaged = bytearray(write_wave(tmp_path / "b.wav", 1).read_bytes())
    damaged[27] = 0x24  # the highest byte of the sample rate
    (tmp_path / "b.wav").write_bytes(damaged)
    with pytest.raises(UnreadableImage, match="states 604027776 samples of sound a second"):
        read_sound(tmp_path / "b.wav")
