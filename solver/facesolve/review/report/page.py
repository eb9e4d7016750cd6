"""A report's record as one HTML file that loads nothing from a network. Knows no solution."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

UPLOT = "vendor/uplot"  # 1.6.32 as npm gives it, under MIT; it draws the curves
THREE = "vendor/three"  # 0.149.0, the last that npm gives as one plain script, under MIT; it draws the head
_RECORD = re.compile(r'<script type="application/json" id="data">([^<]*)</script>')
SCRIPTS = (  # in the order in which they build on each other
    "data.js",
    "clock.js",
    "axes.js",
    "chart.js",
    "curves.js",
    "picker.js",
    "surface.js",
    "views.js",
    "film.js",
    "moment.js",
    "marks.js",
    "head3d.js",
    "strip.js",
    "certainty.js",
    "provenance.js",
    "page.js",
)


@dataclass(frozen=True, eq=False)
class Film:
    """A video of the solution's frames, one image each. mp4: the whole file, H.264; fps: at which it runs.

    size: (width, height) in pixels. cells: camera's name, x, y, width, height of each picture in it. sound: whether it
    has any.
    """

    label: str
    mp4: bytes
    fps: float
    size: tuple[int, int] | None = None
    cells: tuple[tuple[str, int, int, int, int], ...] = ()
    sound: bool = False


def page_html(title: str, record: Mapping[str, Any], films: Sequence[Film]) -> bytes:
    """The whole page, UTF-8. Every name in ``record`` is data and cannot become markup or script.

    Scripts and styles are the page's own, held by their hashes in a Content-Security-Policy that forbids any request.
    """
    style = _asset(f"{UPLOT}/uPlot.min.css") + _asset("style.css")
    described = {**record, "films": [_described(film) for film in films]}
    embedded = "\n".join(
        f'<script type="text/plain" id="film-{index}">{base64.b64encode(film.mp4).decode("ascii")}</script>'
        for index, film in enumerate(films)
    )
    return offline_page(_asset("page.html"), style, _script(), title, described, {"FILMS": embedded})


def _described(film: Film) -> dict[str, Any]:
    return {"label": film.label, "fps": film.fps, "size": film.size, "cells": film.cells, "sound": film.sound}


def offline_page(
    template: str,
    style: str,
    script: str,
    title: str,
    record: Mapping[str, Any],
    parts: Mapping[str, str] | None = None,
) -> bytes:
    """``template`` with its %%NAMES%% filled, UTF-8: a page that loads nothing and runs nothing but its own script.

    parts: further pieces of HTML by name.
    """
    policy = (
        f"default-src 'none'; script-src {_source(script)}; style-src {_source(style)}; media-src blob:; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )
    known = {
        "POLICY": policy,
        "TITLE": html.escape(title),
        "STYLE": style,
        "DATA": inert_json(record),
        "SCRIPT": script,
        **(parts or {}),
    }
    pieces = template.split("%%")  # text, name, text, name, ..., text
    filled = [piece if index % 2 == 0 else known[piece] for index, piece in enumerate(pieces)]
    return "".join(filled).encode("utf-8")


def record_in(page: str) -> dict[str, Any] | None:
    """The record that ``page`` was made of; None where it is no such page."""
    found = _RECORD.search(page)
    return None if found is None else json.loads(found[1])


def with_record(page: str, record: Mapping[str, Any]) -> bytes:
    """``page`` with another record, UTF-8; its videos stay."""
    found = _RECORD.search(page)
    assert found is not None, "no page of ours"
    return (page[: found.start(1)] + inert_json(record) + page[found.end(1) :]).encode("utf-8")


def inert_json(value: Mapping[str, Any]) -> str:
    """JSON that ends no script element and opens no comment wherever it stands in HTML; ASCII only."""
    text = json.dumps(value, allow_nan=False, separators=(",", ":"))
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


@cache
def _script() -> str:
    libraries = ((UPLOT, "uPlot.iife.min.js"), (THREE, "three.min.js"))
    licensed = "".join(
        f"/*\n{_asset(f'{folder}/LICENSE')}\n*/\n{_asset(f'{folder}/{name}')}\n" for folder, name in libraries
    )
    ours = "\n".join(_asset(name) for name in SCRIPTS)
    return f"(() => {{\n'use strict';\n{licensed}\n{ours}\n}})();"


def _asset(name: str) -> str:
    return resources.files(__package__).joinpath("page", *name.split("/")).read_text(encoding="utf-8")


def _source(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode('utf-8')).digest()).decode('ascii')}'"
