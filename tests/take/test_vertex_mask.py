"""Vertex masks: arrays and lists are read; anything else is one sentence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from facesolve.take import TakeError
from facesolve.take.vertex_mask import read_mask


def test_masks_are_arrays_or_lists(tmp_path: Path) -> None:
    np.save(tmp_path / "mask.npy", np.array([0.0, 0.5, 1.0, 1.0]))
    (tmp_path / "mask.txt").write_text("3\n1\n")
    assert read_mask(tmp_path / "mask.npy", 4).tolist() == [0.0, 0.5, 1.0, 1.0]
    assert read_mask(tmp_path / "mask.txt", 4).tolist() == [0.0, 1.0, 0.0, 1.0]


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("short.npy", np.ones(3), "one number for 4 vertices"),
        ("large.npy", np.array([0, 0, 2.0, 0]), "numbers in 0..1"),
        ("empty.npy", np.zeros(4), "not all of them 0"),
        ("words.npy", np.array(["a", "b", "c", "d"]), "expected numbers"),
        ("far.txt", "1 4", "outside 0..3"),
        ("words.txt", "nose", "neither"),
        ("objects.npy", np.array([None] * 4), "not a readable .npy"),
    ],
)
def test_bad_masks_are_refused(name: str, content: object, sentence: str, tmp_path: Path) -> None:
    path = tmp_path / name
    if isinstance(content, str):
        path.write_text(content)
    else:
        np.save(path, content)
    with pytest.raises(TakeError, match=sentence):
        read_mask(path, 4)
