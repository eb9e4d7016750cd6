"""What a text on the command line becomes, and the sentence for one that makes no sense."""

from __future__ import annotations

import pytest

from facesolve.commands import words
from facesolve.commands.words import all_names, clocks, several_devices
from facesolve.take import FacesolveError, TakeError


def test_names_may_be_in_one_text_or_in_several() -> None:
    assert all_names(["left, right", "top"]) == ("left", "right", "top")


def test_clocks_are_seconds_by_camera() -> None:
    assert clocks(["left=0.25", "a=b=-1e-3"]) == {"left": 0.25, "a=b": -0.001}
    for text in ("left", "=1", "left=", "left=fast", "left=nan"):
        with pytest.raises(TakeError, match="is not CAMERA=SECONDS"):
            clocks([text])


def test_devices_are_indices_or_processors() -> None:
    assert several_devices("2, cuda:0") == ("cuda:2", "cuda:0")
    assert several_devices("cpu,cpu") == ("cpu", "cpu")
    for text, sentence in (("0,0", "twice"), ("gpu", "neither CUDA indices"), ("", "neither CUDA indices")):
        with pytest.raises(FacesolveError, match=sentence):
            several_devices(text)


def test_words_with_numbers_are_read_and_others_are_one_sentence() -> None:
    assert words.rate("30000/1001") == pytest.approx(29.97003)
    assert words.rate("29.97") == pytest.approx(29.97003)
    assert words.size_in_pixels("1920x1080") == (1920, 1080)
    assert words.distance("left, right=45.2") == ("left", "right", 45.2)
    assert words.three_lengths("0,120,-35.5") == (0.0, 120.0, -35.5)
    assert words.scale("2.5") == 2.5
    for read, text in (
        (words.rate, "fast"),
        (words.size_in_pixels, "1920"),
        (words.size_in_pixels, "0x1080"),
        (words.distance, "left=45"),
        (words.distance, "left,right=-1"),
        (words.three_lengths, "1,2"),
        (words.scale, "0"),
    ):
        with pytest.raises(TakeError, match=text.split("=")[0].split(",")[0]) as raised:
            read(text)
        assert "\n" not in str(raised.value)
