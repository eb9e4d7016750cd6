"""Every relative link and anchor in the documentation leads somewhere, and every page can be reached. Offline."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from .pages import ROOT, anchors, links, pages

PICTURES = {".png", ".jpg", ".svg"}
TOP = ("solver/", "maya_plugin/", "tests/", "docs/", ".github/")


def test_a_heading_has_the_anchor_that_links_use(tmp_path: Path):
    page = tmp_path / "page.md"
    page.write_text("# Maya: what works?\n\n```sh\n# no heading\n```\n\n## `solve.py` & more {.x}\n", encoding="utf-8")
    assert anchors(page) == {"maya-what-works", "solvepy-more"}


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_to_files_and_headings_that_exist(page: Path):
    for link in links(page):
        if link.startswith(("https://", "http://")):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.is_file(), f"'{link}' leads nowhere"
        assert target.is_relative_to(ROOT), f"'{link}' leaves the repository"
        if anchor:
            assert anchor in anchors(target), f"'{link}': there is no such heading"


def test_every_page_is_in_the_navigation():
    loader = type("Loader", (yaml.SafeLoader,), {})  # names of Python objects, which extensions have, are text here
    loader.add_multi_constructor("tag:yaml.org,2002:python/name:", lambda _loader, suffix, _node: suffix)
    navigation = yaml.load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"), Loader=loader)["nav"]

    def files(entry: object) -> list[str]:
        if isinstance(entry, str):
            return [entry]
        parts = entry.values() if isinstance(entry, dict) else entry
        return [name for part in parts for name in files(part)]  # type: ignore[attr-defined]

    written = {page.relative_to(ROOT / "docs").as_posix() for page in (ROOT / "docs").rglob("*.md")}
    assert set(files(navigation)) == written


def test_every_picture_is_shown_and_small():
    shown = {
        (page.parent / link.partition("#")[0]).resolve()
        for page in pages()
        for link in links(page)
        if Path(link).suffix in PICTURES and "://" not in link
    }
    held = {path for path in (ROOT / "docs").rglob("*") if path.suffix in PICTURES}
    assert held == shown
    assert all(path.stat().st_size < 300_000 for path in held)
    assert sum(path.stat().st_size for path in held) < 2_000_000


def test_files_named_in_contributing_exist():
    page = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    named = [name for name in re.findall(r"`([\w/.]+)`", page) if name.startswith(TOP) and "NAME" not in name]
    assert len(named) > 15
    assert not [name for name in named if not (ROOT / name).exists()]
