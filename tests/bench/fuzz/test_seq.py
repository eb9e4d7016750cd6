"""The fuzzer of recordings on few inputs, and that it fails when the reader does."""

from __future__ import annotations

import struct
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from facesolve.footage.norpix.reader import NorpixFile

from . import fuzz_seq


def test_hostile_recordings_give_frames_or_sentences(tmp_path: Path) -> None:
    tally = fuzz_seq.fuzz(range(240), 7, tmp_path)
    assert tally.inputs == 240
    assert tally.good_frames > 100
    assert tally.sentences > 500
    assert len(tally.kinds_of_sentence) > 20


def test_an_input_is_the_same_each_time() -> None:
    first, again = fuzz_seq.make_input(3, 11), fuzz_seq.make_input(3, 11)
    assert first == again
    assert fuzz_seq.make_input(3, 12) != first


@pytest.mark.parametrize(
    "fault",
    [
        lambda file, number: struct.unpack("<I", b""),
        lambda file, number: np.zeros((1, 1), np.uint8),
        lambda file, number: np.zeros(1 << 30, np.uint8)[: file.height * file.width].reshape(file.height, file.width),
    ],
    ids=["crash", "wrong size", "memory"],
)
def test_the_fuzzer_sees_faults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: Any) -> None:
    monkeypatch.setattr(NorpixFile, "read", fault)
    with pytest.raises(AssertionError, match="input 0 of seed 0"):
        fuzz_seq.fuzz([0], 0, tmp_path)


def test_the_command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["fuzz_seq", "--only", "20", "--seed", "4"])
    assert fuzz_seq.main() == 0
    assert "1 inputs of seed 4: no crash" in capsys.readouterr().out
