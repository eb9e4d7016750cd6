"""The record holds the numbers; the page holds the record, its own script, and nothing that can run beside it."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import facesolve.review.report.page
from facesolve.review.report.page import THREE, UPLOT, Film, inert_json, page_html
from facesolve.review.report.record import report_record

from . import troubled


class Elements(HTMLParser):
    """All elements of a page with their attributes, and the text of scripts and styles."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {"script": [], "style": [], "title": []}
        self._inside = ""
        self.feed(page.decode("utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        self._inside = tag
        if tag in self.texts:
            self.texts[tag].append("")

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside in self.texts:
            self.texts[self._inside][-1] += data


def unpacked(text: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), "<f4").reshape(-1, troubled.COUNT)


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return report_record(troubled.solution(), troubled.take(tmp_path_factory.mktemp("take")))


@pytest.fixture(scope="module")
def page(record: dict[str, Any]) -> Elements:
    return Elements(page_html(troubled.HOSTILE_TAKE, record, [Film("Overlay", b"not <a> video", 24.0)]))


def test_numbers_survive_the_way_into_the_page(record: dict[str, Any]) -> None:
    solution = troubled.solution()
    np.testing.assert_array_equal(unpacked(record["values"]), solution.controls.T.astype(np.float32))
    np.testing.assert_array_equal(unpacked(record["error"]), solution.residual.T.astype(np.float32))
    rotation = unpacked(record["rotation"])
    np.testing.assert_allclose(rotation[:, -1], [0, 10, 0], atol=1e-5)
    np.testing.assert_allclose(unpacked(record["translation"])[:, -1], [20, 0, 0], atol=1e-5)
    np.testing.assert_allclose(unpacked(record["rotation_deviations"])[:, 0], np.degrees(0.001), rtol=1e-5)
    usual = unpacked(record["usual_error"])[0]
    assert usual[1] == pytest.approx(0.1, rel=0.02)  # the weak third camera does not raise it
    assert usual[0] == pytest.approx(0.08, rel=0.02)  # a keyframe
    assert record["keyframes"] == list(troubled.KEYFRAMES)


def test_controls_are_described(record: dict[str, Any]) -> None:
    jaw, odd = record["controls"][troubled.JAW], record["controls"][troubled.ODD]
    assert (jaw["region"], jaw["pins"], jaw["held"]) == ("Jaw", [[troubled.MISSED, 0.9]], "")
    assert (odd["minimum"], odd["maximum"], odd["plug"], odd["range_known"]) == (-2, 8, "face.odd", True)
    assert record["controls"][troubled.NOSE]["held"] == "locked"
    assert not report_record(troubled.solution(), None)["controls"][0]["range_known"]


def test_how_lively_the_curves_are_is_said(record: dict[str, Any]) -> None:
    assert list(record["activity"]) == [
        "Controls above 0.01 in a frame",
        "Roughness of the controls",
        "Motion where the face is stillest",
    ]
    calm = troubled.solution(controls=np.tile(np.full(len(troubled.NAMES), 0.3), (troubled.COUNT, 1)))
    assert report_record(calm, None)["activity"] == {
        "Controls above 0.01 in a frame": "8.0 of 8",
        "Roughness of the controls": "0.00 % of their ranges",
    }


def test_least_certain_come_first_and_held_ones_are_left_out(record: dict[str, Any]) -> None:
    rows = record["uncertain"]
    assert rows[0]["control"] == troubled.PRESS
    assert rows[0]["frame"] == troubled.COUNT - 1
    assert rows[-1]["control"] == troubled.ODD  # its range is ten times as long
    assert {row["control"] for row in rows}.isdisjoint({troubled.NOSE, troubled.CHEEK})
    assert [(pair["first"], pair["second"]) for pair in record["confused"]] == [
        (troubled.JAW, troubled.PRESS),
        (troubled.SMILE, troubled.ODD),
    ]


def test_names_stay_data(page: Elements) -> None:
    tags = [tag for tag, _ in page.found]
    assert tags.count("script") == 3  # the record, the film, the page's own
    assert "img" not in tags
    assert "b" not in tags
    assert page.texts["title"] == [troubled.HOSTILE_TAKE]
    stored = json.loads(page.texts["script"][0])
    assert stored["controls"][troubled.ODD]["name"] == troubled.HOSTILE
    assert stored["cameras"][1] == troubled.HOSTILE_CAMERA
    assert base64.b64decode(page.texts["script"][1]) == b"not <a> video"


@pytest.mark.parametrize("text", ["</script>", "<!--", "]]>", "&lt;", "\u2028", "\ud800", "\x00"])
def test_no_text_leaves_its_json(text: str) -> None:
    inert = inert_json({text: text})
    assert not re.search(r"[<>&\u2028\x00]", inert)
    assert inert.isascii()
    assert json.loads(inert) == {text: text}


def test_policy_lets_nothing_but_the_pages_own_script_run(page: Elements) -> None:
    (policy,) = (
        attributes["content"]
        for tag, attributes in page.found
        if tag == "meta" and attributes.get("http-equiv") == "Content-Security-Policy"
    )
    assert policy is not None
    directives = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert directives["default-src"] == "'none'"
    own = base64.b64encode(hashlib.sha256(page.texts["script"][2].encode()).digest()).decode()
    assert directives["script-src"] == f"'sha256-{own}'"
    style = base64.b64encode(hashlib.sha256(page.texts["style"][0].encode()).digest()).decode()
    assert directives["style-src"] == f"'sha256-{style}'"
    assert set(directives) == {
        *("default-src", "script-src", "style-src", "media-src", "img-src", "base-uri", "form-action")
    }


def test_page_refers_to_nothing_outside(page: Elements) -> None:
    for tag, attributes in page.found:
        for name in ("src", "href", "action", "data", "poster", "srcset"):
            value = attributes.get(name)
            assert value is None or value.startswith(("data:", "#")), (tag, value)
        assert not any(name.startswith("on") or name == "style" for name in attributes), (tag, attributes)
    assert "url(" not in page.texts["style"][0]
    assert "@import" not in page.texts["style"][0]


def test_numbers_that_json_lacks_are_refused() -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        inert_json({"a": float("nan")})


def test_uplot_travels_as_published_with_its_license(page: Elements) -> None:
    vendored = Path(facesolve.review.report.page.__file__).parent / "page" / UPLOT
    (script,) = (text for text in page.texts["script"] if "uPlot" in text)
    assert "github.com/leeoniya/uPlot (v1.6.32)" in script
    for name in ("LICENSE", "uPlot.iife.min.js"):
        assert (vendored / name).read_text(encoding="utf-8") in script
    assert "Permission is hereby granted, free of charge" in script
    assert (vendored / "uPlot.min.css").read_text(encoding="utf-8") in page.texts["style"][0]
    published = {  # sha256 in uplot-1.6.32.tgz of the npm registry
        "uPlot.iife.min.js": "19c8d4c6ad88929a79f4ae49d6f7161566dfd0ba3d15cc495e974f787eb78f1f",
        "uPlot.min.css": "df630c6a8d6f8eeaff264b50f73ce5b114f646ffd9a0bb74f049b0a00135fa04",
        "LICENSE": "8f989229699b4fe2f1a0432d0e9edc338a8a911e250e2d1b01ecd770a5f5b1bd",
    }
    for name, digest in published.items():
        assert hashlib.sha256((vendored / name).read_bytes()).hexdigest() == digest


def test_three_travels_as_published_with_its_license(page: Elements) -> None:
    vendored = Path(facesolve.review.report.page.__file__).parent / "page" / THREE
    (script,) = (text for text in page.texts["script"] if "Three.js Authors" in text)
    published = {  # sha256 in three-0.149.0.tgz of the npm registry
        "three.min.js": "8a5f7249903b54d30f79f708699d2fed2d6a1d0741a4cd41377d1f01bb5a2271",
        "LICENSE": "852e0e8699169bf9f6fdc6bda3e682d078dcbc738b5d33e74df594721bff271d",
    }
    for name, digest in published.items():
        assert (vendored / name).read_text(encoding="utf-8") in script
        assert hashlib.sha256((vendored / name).read_bytes()).hexdigest() == digest
