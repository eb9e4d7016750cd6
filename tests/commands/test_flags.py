"""What a text on the command line becomes, and the sentence for one that makes no sense."""

from __future__ import annotations

import pytest

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
