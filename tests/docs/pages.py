"""The documentation's pages and what stands in them: links, anchors, fenced blocks. Knows Markdown, not Facesolve."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RUN = "<!-- run -->"  # before a block whose commands the tests execute; they only parse the others

_FENCE = re.compile(r"^( *)(```+)(.*)$")
_TITLE = re.compile(r'title="([^"]+)"')
_HEADING = re.compile(r"^#{1,6} +(.*?)(?: *\{[^}]*\})? *#*$")
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)(?:\s+\"[^\"]*\")?\)")


@dataclass(frozen=True)
class Block:
    """A fenced block. line: number of its first line in the page; title: the file that it shows, empty for none; run:
    the tests execute it."""

    page: Path
    line: int
    language: str
    title: str
    text: str
    run: bool

    @property
    def place(self) -> str:
        """The page and the line, for messages and test names."""
        return f"{self.page.relative_to(ROOT).as_posix()}:{self.line}"


def pages() -> list[Path]:
    """README, CONTRIBUTING and every page of ``docs``."""
    return [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]


def blocks(page: Path) -> list[Block]:
    """The fenced blocks of ``page`` in order, without the indentation of a list that they stand in."""
    found: list[Block] = []
    opened: tuple[int, re.Match[str], bool] | None = None  # line, fence, run
    inside: list[str] = []
    before = ""
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
        fence = _FENCE.match(line)
        if opened is None and fence is not None:
            opened = (number + 1, fence, before == RUN)
            inside = []
        elif opened is not None and fence is not None and fence[2] == opened[1][2] and not fence[3]:
            language, _, about = opened[1][3].partition(" ")
            title = _TITLE.search(about)
            found.append(Block(page, opened[0], language, title[1] if title else "", "\n".join(inside), opened[2]))
            opened = None
        elif opened is not None:
            inside.append(line.removeprefix(opened[1][1]))
        before = line.strip() or before
    assert opened is None, f"{page}: the block at line {opened and opened[0]} is not closed"
    return found


def prose(page: Path) -> str:
    """The page without fenced blocks and without code in the line."""
    kept, inside = [], False
    for line in page.read_text(encoding="utf-8").splitlines():
        if _FENCE.match(line):
            inside = not inside
        elif not inside:
            kept.append(re.sub(r"`[^`]*`", "", line))
    return "\n".join(kept)


def links(page: Path) -> list[str]:
    """Targets of links and pictures, as written."""
    return _LINK.findall(prose(page))


def anchors(page: Path) -> set[str]:
    """The anchors that the headings of ``page`` have on the site and on GitHub."""
    found, inside = set(), False
    for line in page.read_text(encoding="utf-8").splitlines():
        inside ^= _FENCE.match(line) is not None
        heading = None if inside else _HEADING.match(line)
        if heading is not None:
            found.add(_slug(heading[1]))
    return found


def _slug(heading: str) -> str:
    plain = unicodedata.normalize("NFKD", heading.replace("`", "")).encode("ascii", "ignore").decode()
    return re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", plain).strip().lower())
