"""Tables in the pages that repeat what the source or another page says."""

from __future__ import annotations

import re
import sys
from dataclasses import fields

from facesolve.review.request import KINDS
from facesolve.take import ControlSettings, Settings
from facesolve.take.events import KINDS as EVENTS
from facesolve.take.footage import BAYER_PATTERNS, SYNC_MODES
from facesolve.take.settings import SCALARS

from .pages import ROOT

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

DEFAULTS = {"on": True, "off": False, "none": None}


def rows(page: str, heading: str) -> list[list[str]]:
    """The rows of every table of a page whose first column is headed so, without the marks of code and emphasis."""
    found: list[list[str]] = []
    inside = False
    for line in (ROOT / page).read_text(encoding="utf-8").splitlines():
        cells = [re.sub(r"[`*]", "", cell).strip() for cell in line.strip("|").split("|")]
        if inside and line.startswith("| ") and not line.startswith("|---"):
            found.append(cells)
        inside = line.startswith("|") and (inside or cells[0] == heading)
    return found


def value(text: str) -> object:
    if text in DEFAULTS:
        return DEFAULTS[text]
    return float(text) if re.fullmatch(r"[\d.]+", text) else text


def test_the_page_about_solving_lists_every_setting_with_its_default():
    whole = {known.name: known.default or DEFAULTS["none"] for known in fields(Settings) if known.default == ()}
    whole = {known.name: whole.get(known.name, known.default) for known in fields(Settings) if known.name in SCALARS}
    single = {known.name: known.default for known in fields(ControlSettings) if known.name != "name"}
    listed = [(name, value(default)) for name, default, _ in rows("docs/guide/solve.md", "setting")]
    assert listed == [*whole.items(), *single.items()]


def test_the_page_about_review_lists_every_kind_of_picture():
    assert {name for name, _ in rows("docs/guide/review.md", "--what")} == set(KINDS)


def test_the_page_about_recordings_lists_every_way_to_match_and_every_mosaic():
    listed = {option for option, _ in rows("docs/guide/norpix.md", "option")}
    assert {f"--sync {mode}" for mode in SYNC_MODES[:3]} <= listed
    modes = {mode.partition(",")[0] for mode, _ in rows("docs/guide/timing.md", "--sync")}
    assert modes == set(SYNC_MODES)
    page = (ROOT / "docs" / "guide" / "norpix.md").read_text(encoding="utf-8")
    assert all(pattern in page for pattern in BAYER_PATTERNS)


def test_the_page_about_events_lists_every_event_with_its_fields():
    listed = [(name, text) for name, text in rows("docs/reference/events.md", "event")]
    assert [name for name, _ in listed] == list(EVENTS)
    page = (ROOT / "docs" / "reference" / "events.md").read_text(encoding="utf-8")
    for name, kind in EVENTS.items():
        (row,) = re.findall(rf"^\| `{name}` \| (.*) \|$", page, re.MULTILINE)
        described = re.findall(r"`(\w+)`", row)
        assert {field.name for field in fields(kind)} <= set(described), name


def test_contributing_puts_every_folder_on_the_floor_that_the_linter_checks():
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    layers = next(contract["layers"] for contract in contracts if contract["name"] == "The solver's floors")
    floors = [{folder.strip() for folder in layer.split("|")} for layer in reversed(layers)]
    listed = rows("CONTRIBUTING.md", "floor")
    assert [int(number) for number, _, _ in listed] == [*range(1, len(floors) + 1)]
    assert [set(folders.split(", ")) for _, folders, _ in listed] == floors


def test_the_readme_shows_only_figures_that_the_page_of_measured_results_holds():
    measured = (ROOT / "docs" / "method" / "measured.md").read_text(encoding="utf-8")
    shown = rows("README.md", "")
    figures = {cell for row in shown for cell in row[1:] if re.fullmatch(r"[\d.]+", cell)}
    assert len(figures) >= 7
    assert not [figure for figure in figures if not re.search(rf"(?<![\d.]){re.escape(figure)}(?![\d.]\d)", measured)]
