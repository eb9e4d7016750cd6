"""What the README promises about itself."""

from __future__ import annotations

import re

from .pages import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_it_is_read_on_one_screen():
    assert len(README.splitlines()) <= 120


def test_the_steps_in_maya_stand_as_the_page_about_maya_has_them():
    steps = README.split("## In Maya")[1].split("## Measured")[0]
    page = (ROOT / "docs" / "start" / "maya.md").read_text(encoding="utf-8")
    typed = [text for text in re.findall(r"`([^`]+)`", " ".join(steps.split())) if " " in text or "/" in text]
    assert len(typed) >= 2
    assert not [text for text in typed if text not in page]


def test_the_two_commands_stand_as_they_are_typed():
    for command in (
        "python -m pip install -e . && facesolve demo",
        'python -m pip install -e ".[test]" && python -m pytest',
    ):
        assert f"\n    {command}\n" in README
        assert command in (ROOT / "docs" / "start" / "install.md").read_text(encoding="utf-8")
