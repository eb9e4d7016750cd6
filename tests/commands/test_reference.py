"""The page of the documentation about the command line is what the commands say now."""

from __future__ import annotations

from pathlib import Path

from facesolve.cli import COMMANDS
from facesolve.commands.declare import name_of
from facesolve.commands.reference import reference_page

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "cli.md"


def test_the_page_is_not_stale() -> None:
    assert PAGE.read_text(encoding="utf-8") == reference_page(COMMANDS), "run: python docs/generate_cli.py"


def test_the_page_has_every_command_with_its_flags() -> None:
    page = reference_page(COMMANDS)
    for command in COMMANDS:
        assert f"\n## {name_of(command)}\n" in page
    assert "| `--smoothness X` | strength of the prior on second differences over time; 0 turns it off" in page
    assert "facesolve solve TAKE... --out OUT [options]" in page
