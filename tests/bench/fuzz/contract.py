"""The readers of the contract: takes, rigs, calibrations, start poses, solutions, correctives, settings, events."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
from rich.console import Console

from facesolve.evaluate.evaluation import read_truth
from facesolve.geometry.camera_files import write_cameras
from facesolve.geometry.rig_files import read_rig
from facesolve.jobs.pack import pack_take, read_start
from facesolve.jobs.requests import PackRequest
from facesolve.review.inspection import inspect_take, inspection_record, print_inspection
from facesolve.take import (
    Correctives,
    StartPose,
    read_correctives,
    read_solution,
    read_take,
    write_correctives,
    write_solution,
    write_take,
)
from facesolve.take.calibration import CalibratedCamera
from facesolve.take.character import Character, CharacterControl, read_character, write_character
from facesolve.take.character_rig import rig_of_character
from facesolve.take.events import Message, Stage, event_record, read_event
from facesolve.take.finding import ERROR, Finding, findings_record, read_findings
from facesolve.take.reading import json_value
from facesolve.take.rig_files import write_rig
from facesolve.take.settings_record import read_settings, settings_record
from facesolve.take.vertex_mask import read_mask
from tests.footage.specimens import picture, write_image
from tests.synthetic import HEIGHT, WIDTH, cameras, compound_rig, make_take
from tests.take import jointed, rigs

from .campaign import Files, Subject
from .mutations import Random, mutated_json, mutated_npz, mutated_text, pick

FRAMES = 3


def _mutated(files: Files, random: Random) -> Files:
    """One of the files, or its pair of JSON and arrays, changed by its kind."""
    name = pick(random, sorted(files))
    data = files[name]
    if name.endswith(".json"):
        return {name: mutated_json(data, random)}
    if name.endswith(".npz"):
        return {name: mutated_npz(data, random)}
    return {name: mutated_text(data, random)}


def _mutated_pair(files: Files, random: Random) -> Files:
    """The JSON, or the arrays with the digest in the JSON made right mostly."""
    record = next(name for name in files if name.endswith(".json"))
    arrays = next(name for name in files if name.endswith(".npz"))
    if random.random() < 0.6:
        return {record: mutated_json(files[record], random)}
    changed = mutated_npz(files[arrays], random)
    if random.random() < 0.1:
        return {arrays: changed}
    value = dict(json.loads(files[record]), sha256=hashlib.sha256(changed).hexdigest())
    return {arrays: changed, record: json.dumps(value).encode()}


def _footage(folder: Path) -> None:
    for camera in cameras():
        for frame in range(FRAMES):
            write_image(folder / f"{camera.name}.{frame:04d}.png", picture(frame, WIDTH, HEIGHT))


def _make_take(folder: Path, jointed_rig: bool) -> None:
    folder.mkdir(parents=True)
    _footage(folder)
    rig = jointed.rig() if jointed_rig else compound_rig()
    take = make_take(rig, frames=FRAMES)
    footage = tuple(replace(one, path=(folder / one.path).as_posix()) for one in take.footage)
    start = StartPose(1, rig.default_controls, rigs.TURNED)
    write_take(replace(take, footage=footage, start=start), folder)


def _inspect_take(folder: Path) -> None:
    """As ``inspect`` and ``inspect --json`` do, then written and read again."""
    take = read_take(folder)
    inspection = inspect_take(take)
    stdout = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    print_inspection(take, inspection, Console(file=stdout, width=100))
    json_value(json.dumps(inspection_record(take, inspection), allow_nan=False))
    again = folder.with_name("again")
    try:
        write_take(take, again)
        assert repr(read_take(again)) == repr(take)
    finally:
        shutil.rmtree(again, ignore_errors=True)


def _make_pack(folder: Path) -> None:
    folder.mkdir(parents=True)
    _footage(folder)
    rig = compound_rig()
    deltas = np.zeros((len(rig.targets), rig.vertex_count, 3), np.float32)
    for index, target in enumerate(rig.targets):
        deltas[index, target.shapes[-1].vertices] = target.shapes[-1].deltas
    uv = rig.neutral[:, :2] / 20 + 0.5
    np.savez_compressed(
        folder / "rig.npz",
        neutral=rig.neutral,
        deltas=deltas,
        names=np.array(rig.target_names),
        face_counts=rig.face_counts,
        faces=rig.face_vertices,
        uv=uv,
        face_uvs=rig.face_vertices,
        photometric_weight=np.ones(rig.vertex_count, np.float32),
    )
    for name, layout in (("json", "json"), ("thesis.json", "thesis")):
        write_cameras(_calibrated(layout != "json"), folder / f"cameras.{name}", layout)
    start = {"frame": 1001, "weights": {"jaw": 0.5, "brow": 0.25}, "head": rigs.TURNED.tolist()}
    (folder / "start.json").write_text(json.dumps(start), encoding="utf-8")


def _calibrated(without_size: bool) -> list[CalibratedCamera]:
    return [
        CalibratedCamera(
            *(c.name, c.intrinsics, c.rotation, c.translation, np.array([0.01, 0.0, 0.0, 0.0])),
            *(() if without_size else (c.width, c.height)),
        )
        for c in cameras()
    ]


def _pack(calibration: str) -> Callable[[Path], None]:
    def read(folder: Path) -> None:
        out = folder.with_name("packed")
        request = PackRequest(
            rig=folder / "rig.npz",
            cameras=folder / calibration,
            footage=(folder / "{camera}.{frame:04d}.png").as_posix(),
            fps=25.0,
            start=folder / "start.json",
        )
        try:
            take = pack_take(request, out)
            assert repr(read_take(out)) == repr(take)
        finally:
            shutil.rmtree(out, ignore_errors=True)

    return read


def _make_own_rig(folder: Path) -> None:
    folder.mkdir(parents=True)
    write_rig(jointed.rig(), folder / "rig.npz")


def _read_own_rig(folder: Path) -> None:
    rig = read_rig(folder / "rig.npz")
    write_rig(rig, folder / "again.npz")
    try:
        assert read_rig(folder / "again.npz").control_names == rig.control_names
    finally:
        (folder / "again.npz").unlink()


_compound_rig = cache(compound_rig)


def _read_start(folder: Path) -> None:
    pose, frame = read_start(folder / "start.json", _compound_rig(), 1)
    assert np.isfinite(pose.controls).all()
    assert np.isfinite(frame)


def _make_solution(folder: Path) -> None:
    write_solution(rigs.solution(), folder)


def _read_solution(folder: Path) -> None:
    solution = read_solution(folder)
    assert repr(solution).isprintable()
    solution.uncertain_controls()
    again = folder.with_name("again")
    try:
        write_solution(solution, again)
        assert repr(read_solution(again)) == repr(solution)
    finally:
        shutil.rmtree(again, ignore_errors=True)


def _make_correctives(folder: Path) -> None:
    rig, solution = rigs.rig(), rigs.solution()
    targets = tuple(replace(rig.targets[1], name=name) for name in ("a", "b"))
    write_correctives(Correctives(targets, rig.meshes, solution.frames, solution.scene_times, np.ones((3, 2))), folder)


def _read_correctives(folder: Path) -> None:
    correctives = read_correctives(folder)
    assert np.isfinite(correctives.activations).all()


def _make_character(folder: Path) -> None:
    folder.mkdir(parents=True)
    controls = {"smile": CharacterControl("Mouth", -0.5, 0.8, 0.1, True, 0.2, 2.0, "jaw"), "jaw": CharacterControl()}
    hero = Character("hero", "rig.npz", "head_GRP", ("skin",), strengths={"stiffness": 2.0}, controls=controls)
    write_character(hero, folder / "character.json")


def _read_character(folder: Path) -> None:
    character = read_character(folder / "character.json")
    rig = rig_of_character(rigs.rig(), character, folder / "character.json")
    character.settings(rig.control_names)


SETTINGS = """
quality = "standard"
smoothness = 1.0
contour = 0.5

[controls.browDown_L]
stiffness = 2.0
symmetric = "browDown_R"

[controls.jawOpen]
lock = [0.0, 0.5]

[[pins]]
frame = 12
control = "mouthSmile_L"
value = 0.4

[[head_pins]]
frame = 3
head = [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]
"""


def _make_settings(folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "a.toml").write_text(SETTINGS, encoding="utf-8")
    record = settings_record(read_settings(folder / "a.toml"))
    (folder / "a.json").write_text(json.dumps(record), encoding="utf-8")


def _read_settings(folder: Path) -> None:
    for name in ("a.toml", "a.json"):
        json_value(json.dumps(settings_record(read_settings(folder / name)), allow_nan=False))


def _make_events(folder: Path) -> None:
    folder.mkdir(parents=True)
    events = [event_record(event, "a") for event in (Stage("track", 3), Message("x"))]
    events.append({"event": "progress", "stage": "track", "done": 1, "total": 3, "seconds_left": 2.5})
    (folder / "events.json").write_text(json.dumps(events), encoding="utf-8")
    findings = findings_record("a", [Finding(ERROR, "a", "b.", "c.")])
    (folder / "findings.json").write_text(json.dumps(findings), encoding="utf-8")


def _read_events(folder: Path) -> None:
    """Lines as a solver would print them; whatever they are, the panel gets an event or nothing."""
    text = (folder / "events.json").read_text(encoding="utf-8", errors="surrogateescape")
    for line in [text, *text.replace("}, {", "}\n{").strip("[]").split("\n")]:
        read_event(line)
    try:
        value = json_value((folder / "findings.json").read_bytes())
    except ValueError:
        return
    read_findings(value)


def _make_truth(folder: Path) -> None:
    folder.mkdir(parents=True)
    np.savez(
        folder / "truth.npz", weights=np.zeros((3, 2)), names=np.array(["a", "b"]), head=np.tile(np.eye(4), (3, 1, 1))
    )


def _read_truth(folder: Path) -> None:
    assert np.isfinite(read_truth(folder / "truth.npz").weights).all()


def _make_masks(folder: Path) -> None:
    folder.mkdir(parents=True)
    np.savez(folder / "mask.npz", mask=np.linspace(0, 1, 50))
    (folder / "mask.txt").write_text("\n".join(map(str, range(0, 50, 3))), encoding="utf-8")


def _read_masks(folder: Path) -> None:
    try:
        with zipfile.ZipFile(folder / "mask.npz") as archive:
            data = archive.read(archive.namelist()[0])
    except Exception:  # damaged as an archive: then its bytes are the array's
        data = (folder / "mask.npz").read_bytes()
    (folder / "mask.npy").write_bytes(data)
    try:
        for name in ("mask.npy", "mask.txt"):
            mask = read_mask(folder / name, 50)
            assert 0 <= mask.min() <= mask.max() <= 1
    finally:
        (folder / "mask.npy").unlink()


def _subject(name: str, make: Callable[[Path], None], read: Callable[[Path], None], changed: str = ".*") -> Subject:
    return Subject(name, make, _mutated, read, changed=changed)


SUBJECTS = (
    Subject("take", lambda folder: _make_take(folder, False), _mutated_pair, _inspect_take, changed=r"take\.\w+"),
    Subject(
        "take, joints", lambda folder: _make_take(folder, True), _mutated_pair, _inspect_take, changed=r"take\.\w+"
    ),
    Subject("solution", _make_solution, _mutated_pair, _read_solution),
    Subject("correctives", _make_correctives, _mutated_pair, _read_correctives),
    _subject("rig.npz", _make_pack, _pack("cameras.json"), r"rig\.npz"),
    _subject("rig.npz, joints", _make_own_rig, _read_own_rig),
    _subject("calibration.json", _make_pack, _pack("cameras.json"), r"cameras\.json"),
    _subject("calibration.json, thesis", _make_pack, _pack("cameras.thesis.json"), r"cameras\.thesis\.json"),
    _subject("start.json", _make_pack, _read_start, r"start\.json"),
    _subject("character.json", _make_character, _read_character),
    _subject("settings", _make_settings, _read_settings),
    _subject("events, findings", _make_events, _read_events),
    _subject("truth.npz", _make_truth, _read_truth),
    _subject("vertex masks", _make_masks, _read_masks),
)
