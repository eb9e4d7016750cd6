"""The published JSON Schemas describe the files that the product really writes, and refuse others."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from jsonschema import Draft202012Validator

from facesolve.calibrate.board import parse_board
from facesolve.calibrate.calibrate import Request, calibrate
from facesolve.calibrate.geometry import find_weaknesses
from facesolve.calibrate.next_view import next_view
from facesolve.calibrate.report import calibration_record
from facesolve.cli import main as facesolve
from facesolve.runtime.progress import Silent
from facesolve.take import (
    ControlSettings,
    HeadPin,
    Mesh,
    Pin,
    Settings,
    Shape,
    Target,
    read_solution,
    read_take,
    write_take,
)
from facesolve.take.character import Character, CharacterControl, write_character
from facesolve.take.correctives import Correctives, controls_key, write_correctives
from facesolve.take.provenance import Provenance
from facesolve.take.settings_record import read_settings, settings_record
from tests.calibrate.boards_seen import Faults, arc_of_cameras, photograph, waved_boards

from .pages import ROOT, blocks, pages

try:
    import tomllib as toml
except ImportError:  # Python 3.10
    import tomli as toml

FOLDER = ROOT / "docs" / "reference" / "schema"
SCHEMAS = sorted(path.name.removesuffix(".schema.json") for path in FOLDER.glob("*.schema.json"))


def validator(name: str) -> Draft202012Validator:
    return Draft202012Validator(json.loads((FOLDER / f"{name}.schema.json").read_text(encoding="utf-8")))


def read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def written(workspace: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Files as the product writes them, by the name of their schema."""
    folder = tmp_path_factory.mktemp("written")
    solution = read_solution(workspace / "my_solution")
    assert (
        facesolve(["export", str(workspace / "my_solution"), "--format", "json", "--out", str(folder / "all.json")])
        == 0
    )
    count = read_take(workspace / "my_take").rig.vertex_count
    bump = Target("corrective_1", (Shape(1.0, np.array([3], np.int32), np.ones((1, 3), np.float32)),))
    activations = np.ones((len(solution.frames), 1))
    origin = {"controls": controls_key(solution)}
    meshes = (Mesh("head", count, 1),)
    write_correctives(Correctives((bump,), meshes, solution.frames, solution.scene_times, activations, origin), folder)
    return {
        "take": read(workspace / "my_take" / "take.json"),
        "solution": read(workspace / "my_solution" / "solution.json"),
        "correctives": read(folder / "correctives.json"),
        "calibration": read(workspace / "calibration.json"),
        "start": read(workspace / "start.json"),
        "export": read(folder / "all.json"),
    }


def test_every_schema_is_a_schema_and_on_the_page():
    page = (ROOT / "docs" / "reference" / "files.md").read_text(encoding="utf-8")
    assert sorted(re.findall(r"\(schema/(\w+)\.schema\.json\)", page)) == SCHEMAS
    for name in SCHEMAS:
        Draft202012Validator.check_schema(validator(name).schema)


def test_written_files_are_valid(written: dict[str, Any]):
    for name, record in written.items():
        validator(name).validate(record)


def test_a_take_with_every_setting_is_valid(workspace: Path, tmp_path: Path):
    take = read_take(workspace / "my_take")
    write_take(
        replace(take, settings=everything(take.frame_count), texture=str(tmp_path / "head.<UDIM>.png")), tmp_path
    )
    validator("take").validate(read(tmp_path / "take.json"))


def test_a_character_is_valid_and_a_wrong_one_is_not(tmp_path: Path):
    controls = {"jaw": CharacterControl("Jaw", 0.0, 25.0, 2.0, False, 1.0, 2.0, "a", "b"), "smile": CharacterControl()}
    names = dict.fromkeys(("rig", "head", "photometric_mask", "rigid_mask", "actor"), "a.npz")
    hero = Character("hero", **names, meshes=("m",), sampled=("s",), tolerance=0.1, controls=controls)
    write_character(replace(hero, strengths={"stiffness": 2.0}), tmp_path / "character.json")
    record = read(tmp_path / "character.json")
    validator("character").validate(record)
    for wrong in ({"kind": "x"}, {"controls": {"jaw": {"lock": "yes"}}}, {"strengths": {"speed": 1}}, {"surprise": 1}):
        assert not validator("character").is_valid({**record, **wrong})


def everything(frames: int) -> Settings:
    """Settings of which none is left out."""
    return Settings(
        controls=(
            ControlSettings("jaw", lock=np.array(0.5)),
            ControlSettings("puff", active=False, stiffness=2.0, symmetric="puff_other", rest=0.25),
            ControlSettings("brow", lock=np.linspace(0, 1, frames), exclusive="smile"),
        ),
        pins=(Pin(1, "smile", 0.5),),
        head_pins=(HeadPin(2, np.eye(4)),),
    )


def test_settings_files_in_the_pages_are_valid_and_so_is_a_file_of_everything(tmp_path: Path):
    shown = [block.text for page in pages() for block in blocks(page) if block.language == "toml"]
    assert len(shown) > 3
    for number, text in enumerate(shown):
        path = tmp_path / f"{number}.toml"
        path.write_text(text, encoding="utf-8")
        read_settings(path)
        validator("settings").validate(toml.loads(text))
    validator("settings").validate(json.loads(json.dumps(settings_record(everything(3)))))
    for wrong in ({"smoothnes": 1}, {"contour": -1}, {"controls": {"jaw": {"lock": "yes"}}}, {"pins": [{"frame": 1}]}):
        assert not validator("settings").is_valid(wrong)


def test_provenance_has_the_keys_that_are_published():
    published = validator("solution").schema["properties"]["provenance"]["properties"]  # type: ignore[index]
    assert list(published) == [field.name for field in fields(Provenance)]


WRONG: dict[str, Callable[[Any], Any]] = {
    "take": lambda take: {**take, "schema": 1},
    "solution": lambda solution: {**solution, "sha256": "none"},
    "correctives": lambda correctives: {**correctives, "provenance": {}},
    "calibration": lambda cameras: {name: {**camera, "translation": [1, 2]} for name, camera in cameras.items()},
    "start": lambda start: {**start, "head": start["head"][:3]},
    "export": lambda export: {**export, "fps": 0},
}


@pytest.mark.parametrize("name", sorted(WRONG))
def test_a_wrong_file_is_refused(name: str, written: dict[str, Any]):
    assert not validator(name).is_valid(WRONG[name](copy.deepcopy(written[name])))


@pytest.mark.parametrize("name", sorted(WRONG))
def test_a_file_with_an_unknown_key_or_without_a_known_one_is_refused(name: str, written: dict[str, Any]):
    whole = written[name]
    if name != "calibration":  # its keys are the cameras' names
        assert not validator(name).is_valid({**whole, "surprise": 1})
        for key in whole:
            assert not validator(name).is_valid({k: v for k, v in whole.items() if k != key}), key


def test_events_of_a_solve_are_valid(workspace: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    command = ["solve", str(workspace / "my_take"), "--out", str(tmp_path / "out"), "--quality", "draft", "--no-report"]
    assert facesolve([*command, "--frames", "0-1", "--progress", "jsonl"]) == 0
    events = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert {event["event"] for event in events} >= {"stage", "progress", "message", "done"}
    for event in events:
        validator("events").validate(event)
    assert not validator("events").is_valid({"event": "progress", "stage": "track"})


def test_the_report_of_a_calibration_is_valid():
    board = parse_board("circles:10x10:20")
    session = photograph(board, arc_of_cameras(2), waved_boards(board, 8), Faults(noise=0.1))
    calibration = calibrate(session, Request(origin="000"), Silent())
    told = calibration_record(calibration, find_weaknesses(calibration), next_view(calibration))
    record = json.loads(json.dumps(told))
    validator("calibration_report").validate(record)
    assert not validator("calibration_report").is_valid({**record, "cameras": {"a": {}}})
