"""Inputs that an earlier version took wrongly: each is refused in a sentence, or the damaged image is named.

The files lie outside of the repository (``review/faults_inputs`` beside the development data); see CONTRIBUTING.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from facesolve.cli import main
from facesolve.footage.check import check_footage
from facesolve.footage.check_pixels import check_pixels
from facesolve.take import Footage
from tests.footage.specimens import camera, take, write_image

from ..bench.fuzz.media import filmed

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def inputs(facesolve_data: Path) -> Path:
    folder = facesolve_data.parent / "review" / "faults_inputs"
    if not folder.is_dir():
        pytest.skip(f"faulty inputs not found at '{folder}'")
    return folder


def refused(captured: Captured, *words: object) -> str:
    """The one sentence in which a command refuses what it was given."""
    captured.readouterr()
    assert main([str(word) for word in words]) == 2
    said = captured.readouterr()
    assert said.out == ""
    (sentence,) = said.err.splitlines()
    assert sentence.startswith("facesolve: error: ")
    assert "Traceback" not in sentence
    return sentence


@pytest.mark.parametrize("name", ["015b449e", "0ab7e9ad", "1875f1b6", "8b326a96"])
def test_takes(inputs: Path, tmp_path: Path, capsys: Captured, name: str) -> None:
    for suffix in ("json", "npz"):
        shutil.copy(inputs / f"take_{name}_take.{suffix}", tmp_path / f"take.{suffix}")
    before = sorted(path.name for path in tmp_path.iterdir())
    sentence = refused(capsys, "inspect", tmp_path)
    assert "take." in sentence
    assert sorted(path.name for path in tmp_path.iterdir()) == before


@pytest.mark.parametrize("name", ["27d653a8", "521ad164", "7340f3aa"])
def test_packed(inputs: Path, tmp_path: Path, capsys: Captured, name: str) -> None:
    for of in ("left", "front", "right"):
        for frame in range(3):
            cv2.imwrite(str(tmp_path / f"{of}.{frame:04d}.png"), np.full((120, 160, 3), frame * 9, np.uint8))
    given = [
        *("--rig", inputs / f"pack_{name}_rig.npz", "--cameras", inputs / f"pack_{name}_cal.json"),
        *("--start", inputs / f"pack_{name}_start.json", "--footage", tmp_path / "{camera}.####.png", "--fps", 30),
    ]
    sentence = refused(capsys, "pack", *given, "--out", tmp_path / "out")
    assert f"pack_{name}_" in sentence
    assert not (tmp_path / "out").exists()


VIDEOS = {
    "vid_count-differs-flagged_dup.mkv": "has 11 images, but its header says 12",
    "vid_silent-damage_u32.mkv": "damaged",
    "vid_silent-damage_u32.mp4": "damaged",
    "vid_some-flagged-some-silent-damage_flips.avi": "damaged",
    "vid_some-flagged-some-silent-damage_flips.mov": "damaged",
}


@pytest.mark.parametrize("name", VIDEOS)
def test_videos(inputs: Path, name: str) -> None:
    av = pytest.importorskip("av")
    with av.open(str(inputs / name)) as container:
        stream = container.streams.video[0]
        width, height = stream.width, stream.height
    shot = take(
        [Footage("left", str(inputs / name), offset=-1001)],
        [camera("left", width, height)],
        11 if "dup" in name else 12,
    )
    found = check_footage(shot)
    found += check_pixels(shot, found)
    assert found
    assert VIDEOS[name] in " ".join(finding.text for finding in found)


def test_an_image(inputs: Path, tmp_path: Path) -> None:
    for frame in range(8):
        write_image(tmp_path / f"a.{frame:04d}.jpg", filmed(frame), cv2.IMWRITE_JPEG_PROGRESSIVE, 1)
    shutil.copy(inputs / "img_silent_zero_jpg_prog", tmp_path / "a.0003.jpg")
    footage = Footage("left", (tmp_path / "a.{frame:04d}.jpg").as_posix(), offset=-1001)
    shot = take([footage], [camera("left", 96, 64)], 8)
    found = check_footage(shot)
    found += check_pixels(shot, found)
    assert [finding.subject[-10:] for finding in found] == ["frame 1004"]
