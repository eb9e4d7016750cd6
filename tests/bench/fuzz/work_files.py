"""Files around a solve: lists of takes, cut lists, actor profiles, review marks, checkpoints, requests, sound."""

from __future__ import annotations

import json
import shutil
import wave
from collections.abc import Callable
from pathlib import Path

import numpy as np

from facesolve.footage.timing.cut_list import read_cuts
from facesolve.footage.timing.sound import read_sound
from facesolve.jobs.manifest import read_manifest
from facesolve.review.index.rows import index_record
from facesolve.runtime.checkpoint import Checkpoint
from facesolve.runtime.sole_writer import sole_writer
from facesolve.take import SolveError, write_solution
from facesolve.take.actor import ActorProfile, read_actor, write_actor
from facesolve.take.names import CHECKPOINT, LOCK
from facesolve.take.requests import Solve, read_request, request_line
from facesolve.take.review import ReviewMark, read_review, write_review
from tests.take import rigs

from .campaign import LONGEST_SENTENCE, Files, Subject
from .mutations import Random, mutated_bytes, mutated_json, mutated_npz, mutated_text, pick

TOML = """
[defaults]
quality = "standard"

[[take]]
name = "a"
rig = "rig.npz"
cameras = "cameras.json"
fps = "30000/1001"
footage = "a/{camera}.{frame:04d}.png"
frames = "1001-1010"
export = "usd, csv"
priority = 3

[[take]]
name = "b"
take = "packed/b"
quality = "draft"
frames = "5-9"
"""
CSV = """name,take,rig,cameras,footage,fps,frames,quality,export,priority
a,,rig.npz,cameras.json,a/{camera}.{frame:04d}.png,30000/1001,1001-1010,draft,"usd, csv",3
b,packed/b,,,,,5-9,,,
c,,rig.npz,cameras.json,c/{camera}.mov,24,01:00:00:00-01:00:02:10,standard,json,-1
"""
EDL = """TITLE: DAY 3
FCM: NON-DROP FRAME

001  A001     V     C        01:00:10:00 01:00:12:05 00:00:00:00 00:00:02:05
* FROM CLIP NAME: smile_01.mov
002  A001     AA/V  C        01:01:00:00 01:01:03:00 00:00:02:05 00:00:05:05
003  BL       V     C        00:00:00:00 00:00:01:00 00:00:05:05 00:00:06:05
004  A002     B     D    024 02:00:00:10 02:00:04:00 00:00:06:05 00:00:10:00
"""
FINGERPRINT = "of this take"
RATE = 8000


def _mutated(files: Files, random: Random) -> Files:
    name = pick(random, sorted(files))
    data = files[name]
    if name.endswith(".json"):
        return {name: mutated_json(data, random)}
    if name.endswith(".npz"):
        return {name: mutated_npz(data, random)}
    return {name: mutated_bytes(data, random) if name.endswith(".wav") else mutated_text(data, random)}


def _text(name: str, text: str) -> Callable[[Path], None]:
    def make(folder: Path) -> None:
        folder.mkdir(parents=True)
        (folder / name).write_text(text, encoding="utf-8")

    return make


def _read_list(name: str) -> Callable[[Path], None]:
    def read(folder: Path) -> None:
        for entry in read_manifest(folder / name, folder / "out"):
            assert entry.name == Path(entry.name).name, "a name that leaves its folder"
            assert repr(entry)

    return read


def _read_cuts(folder: Path) -> None:
    for cut in read_cuts(folder / "day.edl"):
        assert cut.name == Path(cut.name).name, "a name that leaves its folder"


def _make_actor(folder: Path) -> None:
    folder.mkdir(parents=True)
    rig = rigs.rig()
    offset = np.linspace(-0.2, 0.2, rig.vertex_count * 3).reshape(-1, 3)
    deviation = np.full(rig.vertex_count, 0.01)
    write_actor(ActorProfile(offset, deviation, rig.meshes, {"takes": ["a"]}), folder / "actor.npz")


def _read_actor(folder: Path) -> None:
    profile = read_actor(folder / "actor.npz")
    assert np.isfinite(profile.applied(rigs.rig()).neutral).all()


def _make_marks(folder: Path) -> None:
    folder.mkdir(parents=True)
    write_review(folder, [ReviewMark(1, 2, "approved"), ReviewMark(3, 3, "noted", "a lip")])


def _read_marks(folder: Path) -> None:
    for mark in read_review(folder):
        assert mark.first <= mark.last


def _make_night(folder: Path) -> None:
    for name in ("a", "b"):
        write_solution(rigs.solution(), folder / name)
        write_review(folder / name, [ReviewMark(1, 2, "approved")])


def _read_night(folder: Path) -> None:
    """As ``index`` does, which must show whatever it finds."""
    json.dumps(index_record(folder, folder / "index.html"), allow_nan=False)


def _make_checkpoint(folder: Path) -> None:
    folder.mkdir(parents=True)
    kept = Checkpoint(folder, FINGERPRINT, resume=False)
    kept.put("track", lambda: {"controls": np.ones((3, 5)), "done": np.array(2)}, now=True)


def _read_checkpoint(folder: Path) -> None:
    Checkpoint(folder, FINGERPRINT, resume=True).get("track")


def _make_lock(folder: Path) -> None:
    folder.mkdir(parents=True)
    record = {"process": 2**22 + 1, "host": "farm07", "since": "2026-11-30T08:00:00+00:00"}
    (folder / "lock.json").write_text(json.dumps(record), encoding="utf-8")


def _read_lock(folder: Path) -> None:
    """The folder is being written by a task whose words about itself are the file's."""
    busy = folder / "busy"
    try:
        with sole_writer(busy, lambda sentence: None):
            (busy / LOCK).write_bytes((folder / "lock.json").read_bytes())
            sentence = ""
            try:
                with sole_writer(busy, lambda sentence: None, wait=0.0):
                    pass
            except SolveError as refusal:
                sentence = str(refusal)
            assert sentence, "two tasks write into one folder"
            assert sentence.isprintable()
            assert len(sentence) < LONGEST_SENTENCE
    finally:
        shutil.rmtree(busy)


def _make_requests(folder: Path) -> None:
    folder.mkdir(parents=True)
    head = ((1.0, 0.0, 0.0, 2.0), (0.0, 1.0, 0.0, 0.0), (0.0, 0.0, 1.0, 9.0), (0.0, 0.0, 0.0, 1.0))
    line = request_line(Solve("out", ((5, "jaw", 0.5),), ((5, head),)))
    (folder / "request.json").write_text(line, encoding="utf-8")


def _read_request(folder: Path) -> None:
    read_request((folder / "request.json").read_text(encoding="utf-8", errors="surrogateescape"))


def _make_sound(folder: Path) -> None:
    folder.mkdir(parents=True)
    with wave.open(str(folder / "a.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        samples = 3000 * np.sin(np.arange(RATE // 4) / 5)
        file.writeframes(samples.astype("<i2").tobytes())


def _read_sound(folder: Path) -> None:
    sound = read_sound(folder / "a.wav")
    assert sound is None or np.isfinite(sound.channels).all()


SUBJECTS = (
    Subject("takes.toml", _text("takes.toml", TOML), _mutated, _read_list("takes.toml")),
    Subject("takes.csv", _text("takes.csv", CSV), _mutated, _read_list("takes.csv")),
    Subject("cuts, EDL", _text("day.edl", EDL), _mutated, _read_cuts),
    Subject("actor.npz", _make_actor, _mutated, _read_actor),
    Subject("review.json", _make_marks, _mutated, _read_marks),
    Subject("index of a night", _make_night, _mutated, _read_night),
    Subject("words of a lock", _make_lock, _mutated, _read_lock),
    Subject("checkpoint", _make_checkpoint, _mutated, _read_checkpoint, changed=CHECKPOINT),
    Subject("requests", _make_requests, _mutated, _read_request),
    Subject("sound", _make_sound, _mutated, _read_sound),
)
