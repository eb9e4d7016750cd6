"""Writes docs/reference/cli.md from the commands: ``python docs/generate_cli.py``."""

from __future__ import annotations

from pathlib import Path

from facesolve.cli import COMMANDS
from facesolve.commands.reference import reference_page

PAGE = Path(__file__).parent / "reference" / "cli.md"


def main() -> None:
    PAGE.write_text(reference_page(COMMANDS), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
