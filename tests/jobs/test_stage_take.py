"""A three-camera take as a stage records it, through the command line: put in step, or stopped with the table."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from facesolve.cli import main
from facesolve.footage.reader import open_footage
from facesolve.take import FootageError, read_take
from tests.footage.timing.recordings import SIZE, ltc_sound, time_of, write_video

from .test_pack import Job

STEP = 1 / 25
FAST = 1.01  # of camera b's clock: a frame and a half over the take
LATE, LATER = 30, 50  # frames


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    """'a' films well; 'b' began 30 frames late, its clock is fast, and it lost the images 60 and 61; 'c' began 50
    frames late and films at a variable rate. All of them hear the room's linear timecode."""
    folder = tmp_path_factory.mktemp("stage")
    even = STEP * np.arange(150)
    write_video(folder / "a.mov", even, sound=ltc_sound((1, 0, 0, 0), 150, 25, False, 25.0), rate=Fraction(25))
    kept = np.r_[0:60, 62:120]
    ltc = ltc_sound((1, 0, 1, 5), 120, 25, False, 25.0, 48000 * FAST)
    write_video(folder / "b.mov", FAST * even[kept], even[kept] + LATE * STEP, sound=ltc, rate=Fraction(25))
    wander = even[:100] + np.random.default_rng(1).uniform(-0.2, 0.2, 100) * STEP
    wander -= wander[0]
    ltc = ltc_sound((1, 0, 2, 0), 100, 25, False, 25.0)
    write_video(folder / "c.mov", wander, wander + LATER * STEP, sound=ltc, rate=Fraction(25))
    job = Job(folder)
    matrix = [[400.0, 0, SIZE[0] / 2], [0, 400, SIZE[1] / 2], [0, 0, 1]]
    camera = {**job.cameras["a"], "width": SIZE[0], "height": SIZE[1], "intrinsic": matrix}
    places = {"a": [0.0, 1, 90], "b": [1.0, 1, 90], "c": [2.0, 1, 90]}
    job.cameras = {name: {**camera, "translation": place} for name, place in places.items()}
    job.pack_files()
    return folder


def pack(stage: Path, out: Path, *more: str) -> int:
    files = [f"--{name}={stage / file}" for name, file in (("rig", "rig.npz"), ("cameras", "cameras.json"))]
    return main(["pack", *files, f"--footage={stage / '{camera}.mov'}", f"--out={out}", *more])


def test_dropped_frames_a_drifting_clock_late_cameras_and_a_variable_rate_are_put_in_step(stage, tmp_path, capsys):
    assert pack(stage, tmp_path / "take", "--on-bad-frame=unseen") == 0
    take = read_take(tmp_path / "take")
    assert (len(take.frames), take.fps) == (100, 25)
    readers = [open_footage(source, camera) for source, camera in zip(take.footage, take.cameras, strict=True)]
    for frame in take.frames.tolist():
        shown = [time_of(reader.stored(frame)) for reader in readers if reader.footage.image_number(frame) is not None]
        assert len(shown) == (2 if frame in (40, 41) else 3), frame
        assert np.ptp(shown) <= 0.51 * STEP + 0.011, frame  # images tell their time in hundredths
    with pytest.raises(FootageError, match="camera 'b', frame 40"):
        readers[1].read(40)
    for reader in readers:
        reader.close()
    capsys.readouterr()
    assert main(["inspect", str(tmp_path / "take"), "--json"]) == 0
    findings = json.loads(capsys.readouterr().out)["findings"]
    assert any("camera 'b', frame 40" in json.dumps(finding) for finding in findings)


def test_else_it_is_stopped_with_what_each_camera_recorded(stage, tmp_path, capsys):
    assert pack(stage, tmp_path / "take") == 2
    assert "camera 'b' has no image of 2 frames (40, 41), by its time stamps" in capsys.readouterr().err
    other = tmp_path / "other"
    other.mkdir()
    for path in stage.iterdir():
        if path.is_file():
            (other / path.name).write_bytes(path.read_bytes())
    write_video(other / "c.mov", 0.05 * np.arange(60), rate=Fraction(20), timecode="01:00:02:00")
    assert pack(other, tmp_path / "take", "--on-bad-frame=unseen") == 2
    said = " ".join(capsys.readouterr().err.split())
    assert "camera 'a' films 25 images a second and 'c' 20" in said
    for row in ("'a': 150 images from 01:00:00:00", "'b': 118 images from 01:00:01:05", "'c': 60 images"):
        assert row in said
    assert not (tmp_path / "take").exists()
