"""The panel's data: settings and their text. Needs neither Qt nor maya."""

import json
import time
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from facesolve.take import Settings, TakeError
from facesolve.take.settings import OF_FRAMES, SCALARS
from facesolve_maya.scene.choices import FREE, LOCKED, PINNED
from facesolve_maya.ui.document import settings_from_text, settings_to_text
from facesolve_maya.ui.model import ControlChoice, PanelSettings
from facesolve_maya.ui.runs import spoken_time
from facesolve_maya.ui.solve_folders import SolveRow, spoken_date

SETTINGS = PanelSettings(
    mesh='a "quoted" \\ name|größe_GEO',
    first=-5,
    last=40,
    excluded="3, 7-9",
    smoothness=0.5,
    use_texture=False,
    apply_when_done=False,
    skipped_cameras=("cam2",),
    footage={"cam0": "C:\\shows\\{frame:04d}.exr"},
    controls={"jaw": ControlChoice(False, LOCKED, 2.5, "chin", "lid"), "lid": ControlChoice(keys=PINNED)},
)


def test_settings_survive_as_text_that_maya_cannot_spoil():
    text = settings_to_text(SETTINGS)
    assert settings_from_text(text) == SETTINGS
    assert text.isascii()
    assert not set(text) & set("\"'\\\n")


@pytest.mark.parametrize("text", ["", "nonsense", "[]", "{}", "%7B%22schema%22%3A 2%7D"])
def test_foreign_text_is_no_settings(text):
    assert settings_from_text(text) is None


def test_one_odd_value_does_not_lose_the_rest():
    record = {"schema": 1, "mesh": "face", "first": "one", "quality": 7, "apply_when_done": 1, "smoothness": 2}
    record["controls"] = {"a": {"keys": "whatever", "stiffness": -1}, "b": 5}
    read = settings_from_text(json.dumps(record))
    assert read == PanelSettings(mesh="face", smoothness=2.0, controls={"a": ControlChoice()})


def test_default_choices_are_not_stored():
    settings = PanelSettings().with_choice("a", ControlChoice(active=False))
    assert settings.with_choice("a", ControlChoice()).controls == {}


def test_cameras_are_left_out_and_taken_back():
    settings = PanelSettings().with_camera("a", False).with_camera("a", False).with_camera("b", False)
    assert settings.skipped_cameras == ("a", "b")
    assert settings.with_camera("a", True).skipped_cameras == ("b",)


def test_frames_leave_out_the_excluded():
    assert replace(SETTINGS, first=2, last=10).frames() == (2, 4, 5, 6, 10)


def test_empty_ranges_are_refused():
    with pytest.raises(TakeError, match="before the first"):
        PanelSettings(first=2, last=1).frames()
    with pytest.raises(TakeError, match="excluded"):
        PanelSettings(first=1, last=2, excluded="1-2").frames()


def test_solver_settings_carry_what_the_user_chose_and_nothing_else():
    made = SETTINGS.solver_settings(("jaw", "lid", "brow"))
    assert [(c.name, c.active, c.stiffness, c.symmetric) for c in made.controls] == [("jaw", False, 2.5, None)]
    assert made.controls[0].exclusive == "lid"
    assert (made.smoothness, made.quality, made.use_texture) == (0.5, "standard", False)
    assert SETTINGS.choice("brow").keys == FREE


def test_every_setting_of_a_solve_comes_from_the_panel():
    chosen = {"quality": "final", "head_mode": "fixed", "use_texture": False}
    chosen.update(smoothness=2.0, stiffness=3.0, sparsity=4.0, contour=5.0, calibration_error=0.0, anchor=0.5)
    made = PanelSettings(profile=False, **chosen).solver_settings(())
    own = [name for name in SCALARS if name not in OF_FRAMES]  # frames of the scene: the export numbers them
    assert [getattr(made, name) != getattr(Settings(), name) for name in own] == [True] * len(own)


def test_neutral_frames_are_gathered_one_by_one():
    settings = PanelSettings(neutral="1012").with_neutral(1003).with_neutral(1012)
    assert (settings.neutral, settings.neutral_frames()) == ("1003, 1012", (1003, 1012))
    with pytest.raises(TakeError, match="neutral frames: 'x'"):
        PanelSettings(neutral="x").neutral_frames()


@pytest.mark.skipif(not hasattr(time, "tzset"), reason="Windows takes the zone from its settings")
def test_a_kept_solve_is_named_by_number_quality_the_users_clock_and_verdict(monkeypatch):
    monkeypatch.setenv("TZ", "JST-9")
    time.tzset()
    try:
        date = "2024-12-01T20:46:09+00:00"
        assert spoken_date(date, datetime(2024, 12, 2, 9)) == "05:46"
        assert spoken_date(date, datetime(2024, 12, 3, 9)) == "12-02 05:46"
        row = SolveRow(3, Path("solve_3"), date, "draft", "fits")
        assert row.text == "#3   draft   2024-12-02   fits"
        assert replace(row, date="of old").text == "#3   draft   of old   fits"
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize(("seconds", "text"), [(8.2, "8 s"), (125, "2 min 05 s"), (4320, "1 h 12 min")])
def test_times_are_spoken(seconds, text):
    assert spoken_time(seconds) == text
