"""docs/reference/cli.md from the commands: ``python docs/generate_cli.py`` writes it, and the site shows it anew."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from facesolve.cli import COMMANDS
from facesolve.commands.reference import reference_page

PAGE = Path(__file__).parent / "reference" / "cli.md"


def on_page_read_source(page: Any, **_: Any) -> str | None:
    """mkdocs' hook: the page as the commands are now, so that ``mkdocs serve`` follows their docstrings."""
    return reference_page(COMMANDS) if Path(page.file.abs_src_path) == PAGE else None


def main() -> None:
    PAGE.write_text(reference_page(COMMANDS), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
