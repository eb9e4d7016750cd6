"""A take from Norpix recordings: packed in step with the cameras' stamps, reported, and refused in one sentence."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from facesolve.cli import main
from facesolve.footage import open_footage
from facesolve.take import FacesolveError, FootageError, TakeError, read_take
from tests.jobs.test_pack import Job

from .seq_files import START, Kind, pictures, stamps, write_seq

COUNT, STEP = 12, 16_667


class Stage(Job):
    """Two recordings, 'a' of raw and 'b' of JPEG images, of one trigger; each image shows the pulse it was taken at."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.images = pictures(COUNT, 40, 30)
        self.request = {"frames": None, "fps": None}
        self.source = {"footage": str(folder / "{camera}.seq")}
        self.record("a", range(COUNT))
        self.record("b", range(COUNT))

    def record(self, camera: str, pulses: Sequence[int], ahead: int = 0, kind: Kind | None = None) -> None:
        kind = kind or (Kind(5, "bgr") if camera == "a" else Kind(5, "bgr", 8, ".jpg", index=24))
        times = stamps(COUNT, START, STEP)[list(pulses)] + ahead
        write_seq(self.folder / f"{camera}.seq", kind, [self.images[pulse] for pulse in pulses], times)

    def pulses_seen(self, take_folder: Path) -> list[list[int | None]]:
        """For each camera the pulse that the image of each take frame shows, None where there is none."""
        take = read_take(take_folder)
        seen: list[list[int | None]] = []
        for footage, camera in zip(take.footage, take.cameras, strict=True):
            reader = open_footage(footage, camera, take.frames.tolist())
            seen.append([self._pulse(reader, frame) for frame in take.frames.tolist()])
            reader.close()
        return seen

    def _pulse(self, reader: object, frame: int) -> int | None:
        try:
            pixels = reader.read(frame).pixels  # type: ignore[attr-defined]
        except FootageError:
            return None
        linear = [((image / 65535 + 0.055) / 1.055) ** 2.4 for image in self.images]
        return int(np.argmin([np.abs(pixels - image).mean() for image in linear]))


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    job = Stage(tmp_path)
    for camera in job.cameras.values():
        camera["distortion"] = [[0.0]] * 5
    return job


def test_recordings_become_a_take_in_step(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    stage.source["on_bad_frame"] = "unseen"
    stage.record("a", [0, 1, 2, 3, 5, 6, 7, 8, 9, 10])
    stage.record("b", [2, 3, 4, 5, 6, 9, 10, 11], ahead=1500)
    take = stage.pack()
    assert (take.frames.tolist(), take.frame_count) == (list(range(9)), 9)
    assert take.fps == pytest.approx(1e6 / STEP, rel=1e-4)
    assert take.footage[0].images == ((0, 1, 2), (3, 8, 4))
    seen = stage.pulses_seen(stage.folder / "take")
    assert seen == [[2, 3, None, 5, 6, 7, 8, 9, 10], [2, 3, 4, 5, 6, None, None, 9, 10]]


def test_the_command_reports_drops_clocks_and_the_worst_mismatch(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    stage.record("b", [1, 2, 3, 4, 5, 9, 10, 11], ahead=1500)
    stage.pack_files()
    arguments = [
        *("pack", "--rig", str(stage.folder / "rig.npz"), "--cameras", str(stage.folder / "cameras.json")),
        *("--footage", stage.source["footage"], "--out", str(stage.folder / "take")),
    ]
    assert main([*arguments, "--frames", "0-10"]) == 2
    refused = capsys.readouterr().err
    assert "camera 'b' has no image of 3 frames (5-7) (dropped when it was recorded)" in refused
    assert "--on-bad-frame unseen" in refused
    assert not (stage.folder / "take").exists()
    assert main([*arguments, "--on-bad-frame", "unseen"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "camera 'a': 12 images, 1 not in common, nothing dropped."
    assert lines[1] == "camera 'b': 8 images, dropped 3 frames (5-7), clock +1.500 ms relative to 'a'."
    assert lines[2].startswith("11 frames in common at 59.9988 a second; worst mismatch 0.00")
    assert main(["inspect", str(stage.folder / "take")]) == 0
    assert "Frames of the take without an image: 3, from 5 on" in capsys.readouterr().out.replace("\n", " ")
    assert main([*arguments, "--frames", "0-4", "--overwrite"]) == 0  # nothing was lost there


def test_one_range_and_rate_may_be_asked_for(stage: Stage) -> None:
    stage.request.update(frames=(3, 7), fps=59.94)
    take = stage.pack()
    assert (take.frames.tolist(), take.fps) == ([3, 4, 5, 6, 7], 59.94)
    assert stage.pulses_seen(stage.folder / "take") == [[3, 4, 5, 6, 7]] * 2


def test_clocks_may_be_stated(stage: Stage) -> None:
    stage.record("b", range(1, COUNT), ahead=-40_000_000)
    assert "their recordings do not overlap" in stage.refuse(FootageError)
    stage.source["clock"] = {"b": -40.0}
    stage.pack()
    assert stage.pulses_seen(stage.folder / "take") == [list(range(1, COUNT))] * 2


def test_first_images_or_numbers_may_count(stage: Stage) -> None:
    stage.record("a", range(3, COUNT))
    stage.source["sync"] = "start"
    assert stage.pack().frame_count == 9
    stage.record("b", range(COUNT), ahead=-START)  # no stamps worth the name
    stage.source["sync"] = "number"
    stage.request["fps"] = 60.0
    assert stage.pack().footage[1].images == ((0, 8, 0),)


def test_a_damaged_recording_is_told_and_its_whole_images_used(stage: Stage) -> None:
    path = stage.folder / "b.seq"
    path.write_bytes(path.read_bytes()[:-300])
    told: list[str] = []
    stage.pack(told.append)
    assert told[0].startswith(f"camera 'b': '{path}' has an index, 'b.seq.idx', that does not match it")
    assert told[0].endswith("It is damaged or truncated after image 10; the images up to it can be read.")
    assert stage.pulses_seen(stage.folder / "take")[1] == list(range(11))


def test_what_cannot_become_a_take_is_refused(stage: Stage) -> None:
    stage.request["frames"] = (0, COUNT)
    assert "frames 0-12: the recordings have 12 frames in common, 0 to 11." in stage.refuse(FootageError)
    stage.request["frames"] = None
    stage.source["clock"] = {"c": 1.0}
    assert "there is no camera 'c'" in stage.refuse(TakeError)
    del stage.source["clock"]
    stage.record("a", range(COUNT), kind=Kind(5, "bayer"))
    assert "camera 'a'" in stage.refuse(FootageError)
    stage.source["bayer"] = "RGGB"
    assert "leave '--bayer' out" in stage.refuse(FootageError)  # camera b has colors
    stage.source["bayer"] = None
    (stage.folder / "a.seq").write_bytes(b"")
    assert "header is 0 bytes" in stage.refuse(FacesolveError)
    (stage.folder / "a.seq").unlink()
    assert "does not exist" in stage.refuse(FootageError)
    stage.source["footage"] = str(stage.folder / "{camera}" / "{camera}_{frame:04d}.png")
    assert "need --fps" in stage.refuse(TakeError)
