"""The fuzzer of recordings on few inputs, and that it fails when the reader does."""

from __future__ import annotations

import struct
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from facesolve.footage.norpix import header
from facesolve.footage.norpix.reader import NorpixFile

from . import seq


def test_hostile_recordings_give_frames_or_sentences(tmp_path: Path) -> None:
    tally = seq.fuzz(range(160), 7, tmp_path)
    assert tally.inputs == 160
    assert tally.good_frames > 100
    assert tally.sentences > 300
    assert len(tally.kinds_of_sentence) > 20


def test_an_input_is_the_same_each_time() -> None:
    first, again = seq.make_input(3, 11), seq.make_input(3, 11)
    assert first == again
    assert seq.make_input(3, 12) != first


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
        seq.fuzz([0], 0, tmp_path)


def test_the_command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["seq", "--only", "20", "--seed", "4"])
    assert seq.main() == 0
    assert "1 inputs of seed 4: no crash" in capsys.readouterr().out


def test_the_fuzzer_sees_a_reader_that_believes_any_padding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(header, "_MOST_PADDING", 1 << 40)
    with pytest.raises(AssertionError, match="bytes are believed"):
        seq.fuzz([252], 0, tmp_path)


def test_the_fuzzer_sees_a_reader_that_believes_any_microseconds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = NorpixFile.stamps

    def credulous(file: NorpixFile, numbers: Any = None) -> np.ndarray:
        with monkeypatch.context() as patch:
            patch.setattr(file, "header", replace(file.header, version=5))
            return whole(file, numbers)

    monkeypatch.setattr(NorpixFile, "stamps", credulous)
    with pytest.raises(AssertionError, match="microseconds that are none are believed"):
        seq.fuzz([71], 0, tmp_path)
