"""Settings on the command line: flags over a file over the take, and one sentence for a file that makes no sense."""

from __future__ import annotations

import json
import sys
import types
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from facesolve.cli import main
from facesolve.take import ControlSettings, HeadPin, Pin, Settings, TakeError, read_take, write_solution, write_take
from facesolve.take.settings import SCALARS
from facesolve.take.settings_record import SettingsChange, read_settings, settings_from, settings_record
from tests.jobs.test_pack import Job
from tests.take import rigs

Captured = pytest.CaptureFixture[str]

FILE = """
smoothness = 2          # whole numbers do
quality = "final"
use_texture = false

[controls.smile]
active = false
symmetric = "jaw"

[controls.jaw]
lock = [0.1, 0.2]
stiffness = 3.5
exclusive = "smile"

[[pins]]
frame = 3
control = "smile"
value = 0.5

[[head_pins]]
frame = 4
head = [[1, 0, 0, 5], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "soft.toml"
    path.write_text(FILE, encoding="utf-8")
    return path


@pytest.fixture
def changes(monkeypatch: pytest.MonkeyPatch) -> list[SettingsChange]:
    """What solves were asked to change, in the place of solving."""
    asked: list[SettingsChange] = []
    module = types.ModuleType("facesolve.jobs.solve_folder")

    def solved(take: Path, out: Path, *, settings: SettingsChange, **_: object) -> None:
        asked.append(settings)
        write_solution(rigs.solution(), out)

    module.solve_take_folder = solved  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "facesolve.jobs.solve_folder", module)
    return asked


def test_a_file_holds_every_setting(file: Path) -> None:
    read = read_settings(file)
    assert (read.smoothness, read.quality, read.use_texture, read.contour) == (2.0, "final", False, 1.0)
    smile, jaw = read.controls
    assert (smile.name, smile.active, smile.symmetric, smile.lock) == ("smile", False, "jaw", None)
    assert (jaw.stiffness, jaw.exclusive, jaw.active) == (3.5, "smile", True)
    np.testing.assert_array_equal(jaw.lock, [0.1, 0.2])  # type: ignore[arg-type]
    assert read.pins == (Pin(3, "smile", 0.5),)
    assert read.head_pins[0].frame == 4
    assert read.head_pins[0].head[0, 3] == 5


def test_json_has_the_same_keys_and_a_record_returns_as_it_was(file: Path, tmp_path: Path) -> None:
    record = settings_record(read_settings(file))
    (tmp_path / "soft.json").write_text(json.dumps(record), encoding="utf-8")
    assert settings_record(read_settings(tmp_path / "soft.json")) == record
    assert set(record) == {*SCALARS, "controls", "pins", "head_pins"}


def test_a_file_changes_what_it_names_and_leaves_the_rest(file: Path) -> None:
    base = Settings(
        contour=0.5,
        controls=(ControlSettings("smile", stiffness=2.0, lock=np.array([1.0])), ControlSettings("brow", active=False)),
        pins=(Pin(3, "smile", 0.1), Pin(9, "brow", 0.2)),
        head_pins=(HeadPin(4, np.eye(4)),),
    )
    read = read_settings(file, base)
    assert read.contour == 0.5
    assert [control.name for control in read.controls] == ["smile", "brow", "jaw"]
    assert (read.controls[0].stiffness, read.controls[0].active) == (2.0, False)
    assert read.controls[0].lock is not None
    assert read.pins == (Pin(3, "smile", 0.5), Pin(9, "brow", 0.2))
    assert [pin.head[0, 3] for pin in read.head_pins] == [5]
    freed = settings_from({"controls": {"smile": {"lock": False, "symmetric": False}}}, read)
    assert (freed.controls[0].lock, freed.controls[0].symmetric) == (None, None)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("smoothnes = 1", "settings: there is no 'smoothnes'; did you mean 'smoothness'?"),
        ("zzz = 1", "settings: there is no 'zzz'; known are quality, head, smoothness"),
        ("[controls.jaw]\nstifness = 1", "controls.jaw: there is no 'stifness'; did you mean 'stiffness'?"),
        ("smoothness = 'much'", "settings: smoothness is 'much', expected a number."),
        ("smoothness = true", "settings: smoothness is True, expected a number."),
        ("use_texture = 1", "settings: use_texture is 1, expected true or false."),
        ("quality = 'best'", "settings: quality 'best', expected one of draft, standard, final."),
        ("contour = -1", "settings: contour is -1.0, it must be a number of at least 0."),
        ("controls = 3", "settings: controls must be a table of names and values."),
        ("[controls.jaw]\nlock = 'x'", "settings: controls.jaw.lock is 'x', expected a number."),
        ("[controls.jaw]\nsymmetric = 3", "settings: controls.jaw.symmetric is 3, expected the name of a control."),
        ("[pins]\nframe = 1", "settings: pins must be a list of tables."),
        ("[[pins]]\nframe = 1\ncontrol = 'jaw'", "settings: an entry of pins lacks 'value'."),
        ("[[pins]]\nframe = 1.5\ncontrol = 'jaw'\nvalue = 1", "a frame of pins is 1.5, expected a whole number"),
        ("[[head_pins]]\nframe = 1\nhead = [1]", "the head's pin at frame 1 is not 4 rows of 4 numbers."),
        ("smoothness = ", "cannot be read: "),
    ],
)
def test_a_file_that_makes_no_sense_is_one_sentence(text: str, sentence: str, tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(TakeError) as caught:
        read_settings(path)
    assert sentence in str(caught.value)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(TakeError, match=r"none\.toml' does not exist"):
        read_settings(tmp_path / "none.toml")


def test_where_python_reads_no_toml_json_is_offered(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr("importlib.import_module", missing)
    with pytest.raises(TakeError, match=r"write the same keys as a \.json file"):
        read_settings(file)


def test_flags_win_over_the_file_and_the_file_over_the_take(
    file: Path, tmp_path: Path, changes: list[SettingsChange], capsys: Captured
) -> None:
    words = ["--settings", str(file), "--smoothness", "3", "--no-use-texture", "--head", "fixed"]
    assert main(["solve", "t", "--out", str(tmp_path / "o"), *words]) == 0
    taken = Settings(smoothness=5.0, contour=7.0, stiffness=9.0, quality="draft")
    used = changes[0].over(taken)
    assert (used.smoothness, used.quality, used.contour, used.stiffness) == (3.0, "final", 7.0, 9.0)
    assert (used.use_texture, used.head) == (False, "fixed")
    assert taken.smoothness == 5.0


def test_every_scalar_has_a_flag(tmp_path: Path, changes: list[SettingsChange]) -> None:
    chosen = {
        **dict(
            quality="draft",
            head="fixed",
            smoothness=2.0,
            stiffness=3.0,
            sparsity=0.5,
            contour=0.0,
            calibration_error=1.0,
            anchor=0.5,
            profile=False,
            neutral=(3, 12),
            edited=(5,),
        ),
        "use_texture": False,
    }
    assert set(chosen) == set(SCALARS)
    change = SettingsChange(values=chosen)
    assert main(["solve", "t", "--out", str(tmp_path), *change.arguments()]) == 0
    assert changes == [change]


def test_a_solve_of_several_takes_hands_the_settings_on(file: Path) -> None:
    change = SettingsChange(file, {"smoothness": 2.0, "use_texture": True})
    assert change.arguments() == ["--settings", str(file), "--smoothness", "2.0", "--use-texture"]


def test_pack_keeps_the_settings_in_the_take(tmp_path: Path, capsys: Captured) -> None:
    job = Job(tmp_path)
    job.pack_files()
    soft = tmp_path / "soft.toml"
    soft.write_text('sparsity = 0.5\n[controls.jaw]\nstiffness = 4\nexclusive = "smile"\n', encoding="utf-8")
    words = ["pack", "--rig", str(tmp_path / "rig.npz"), "--cameras", str(tmp_path / "cameras.json")]
    words += ["--footage", job.source["footage"], "--frames", "3-5", "--fps", "30", "--out", str(tmp_path / "take")]
    assert main([*words, "--settings", str(soft), "--smoothness", "2"]) == 0
    settings = read_take(tmp_path / "take").settings
    assert (settings.smoothness, settings.sparsity) == (2.0, 0.5)
    assert [(c.name, c.stiffness, c.exclusive) for c in settings.controls] == [("jaw", 4.0, "smile")]


def test_a_control_that_the_rig_does_not_have_is_named(tmp_path: Path, capsys: Captured) -> None:
    job = Job(tmp_path)
    job.pack_files()
    soft = tmp_path / "soft.toml"
    soft.write_text("[controls.jow]\nactive = false\n", encoding="utf-8")
    words = ["pack", "--rig", str(tmp_path / "rig.npz"), "--cameras", str(tmp_path / "cameras.json")]
    words += ["--footage", job.source["footage"], "--frames", "3-5", "--fps", "30", "--out", str(tmp_path / "take")]
    assert main([*words, "--settings", str(soft)]) == 2
    assert "'jow'" in capsys.readouterr().err
    assert not (tmp_path / "take").exists()


def test_a_locked_curve_of_a_take_is_an_array_and_a_value_is_a_number(tmp_path: Path) -> None:
    take: Callable[..., Any] = rigs.take
    made = take(tmp_path)
    curve = np.linspace(0.0, 0.4, len(made.frames))
    controls = (ControlSettings("smile", lock=curve), ControlSettings("jaw", lock=np.array([0.25])))
    write_take(replace(made, settings=Settings(use_texture=False, controls=controls)), tmp_path / "take")
    record = json.loads((tmp_path / "take" / "take.json").read_text(encoding="utf-8"))["settings"]
    assert record["controls"]["smile"]["lock"] == "lock0"
    assert record["controls"]["jaw"]["lock"] == 0.25
    assert record["use_texture"] is False
    back = read_take(tmp_path / "take").settings
    np.testing.assert_array_equal(back.controls[0].lock, curve)  # type: ignore[arg-type]
