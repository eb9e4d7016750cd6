"""From a solution's folder to a page: with footage, without it, and refusals that write nothing."""

from __future__ import annotations

import json
import re
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from facesolve.cli import main
from facesolve.review.report import write as module
from facesolve.review.report.write import add_texture
from facesolve.review.request import ReportRequest
from facesolve.take import read_solution, write_solution, write_take
from facesolve.take.actor import ActorProfile
from tests.review.filmed import Filmed

from . import troubled

Captured = pytest.CaptureFixture[str]


def stored(page: Path) -> dict[str, Any]:
    """The record in a page."""
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page.read_text(encoding="utf-8"))
    assert found is not None
    record = json.loads(found[1])
    assert isinstance(record, dict)
    return record


@pytest.fixture
def solved(filmed: Filmed, tmp_path: Path) -> Path:
    """Folder of a solution beside its take, without its texture."""
    write_take(filmed.take, tmp_path / "take")
    provenance = {**filmed.solution.provenance, "take": "../take", "take_name": "filmed"}
    write_solution(replace(filmed.solution, provenance=provenance), tmp_path / "out")
    (tmp_path / "out" / "solve.log").write_text("0.00 s  stage: <track>\n", encoding="utf-8")
    return tmp_path / "out"


def report(folder: Path, page: Path, *more: str) -> int:
    return main(["report", str(folder), "--out", str(page), *more])


def the_sentence(captured: Captured) -> str:
    lines = captured.readouterr().err.splitlines()
    assert len(lines) == 1
    return lines[0]


def test_report_holds_video_provenance_and_log(solved: Path, tmp_path: Path, capsys: Captured) -> None:
    page = tmp_path / "new" / "report.html"
    assert report(solved, page, "--what", "wireframe,shaded", "--only-cameras", "front,left", "--height", "96") == 0
    record = stored(page)
    assert [(film["label"], film["fps"]) for film in record["films"]] == [("Overlay", 30), ("Shaded", 30)]
    assert len(re.findall(r'id="film-\d"', page.read_text(encoding="utf-8"))) == 2
    assert record["take"]["name"] == "synthetic"
    assert record["solution"]["provenance"]["take_name"] == "filmed"
    assert record["take"]["folder"] == (tmp_path / "take").as_posix()
    assert record["log"].endswith("<track>\n")
    assert record["no_film"] == ""
    assert re.search(r"report\.html: [0-9.]+ MB\.$", capsys.readouterr().err.strip())
    assert [path.name for path in page.parent.iterdir()] == ["report.html"]


def test_videos_of_long_takes_are_smaller_unless_a_height_is_given() -> None:
    assert [ReportRequest().height_for(frames) for frames in (1000, 1001)] == [720, 480]
    assert ReportRequest(height=600).height_for(3000) == 600


def test_a_texture_that_is_baked_after_the_page_dresses_its_head(solved: Path, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    assert report(solved, page, "--what", "wireframe", "--height", "64", "--progress", "quiet") == 0
    before = page.read_text(encoding="utf-8")
    assert stored(page)["head3d"]["skin"] is None
    cv2.imwrite(str(solved / "texture.1001.png"), np.full((32, 32, 3), 90, np.uint8))
    add_texture(solved, page)
    dressed = stored(page)
    assert len(dressed["head3d"]["skin"]["image"]) > 1000
    assert dressed["films"] == stored(page)["films"]
    film = re.compile(r'<script type="text/plain" id="film-0">[^<]*</script>')
    assert film.findall(before) == film.findall(page.read_text(encoding="utf-8"))
    (tmp_path / "other.html").write_text("<p>not ours", encoding="utf-8")
    add_texture(solved, tmp_path / "other.html")
    assert (tmp_path / "other.html").read_text(encoding="utf-8") == "<p>not ours"


def test_the_texture_is_laid_on_the_head_that_the_actor_has(
    filmed: Filmed, solved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The thinned mesh depends on the neutral: another one would have other triangles."""
    rig = filmed.take.rig
    offset = np.random.default_rng(0).normal(0, 0.05, rig.neutral.shape).astype(np.float32)
    actor = ActorProfile(offset, np.zeros(len(offset), np.float32), rig.meshes)
    write_solution(replace(read_solution(solved), actor=actor), solved)
    page, dressed = tmp_path / "report.html", []
    assert report(solved, page, "--what", "wireframe", "--height", "64", "--progress", "quiet") == 0
    monkeypatch.setattr(module, "head_skin", lambda rig, texture: dressed.append(rig))
    add_texture(solved, page)
    np.testing.assert_allclose(dressed[0].neutral, rig.neutral + offset, atol=1e-6)


def test_without_a_take_the_page_says_so(solved: Path, tmp_path: Path, capsys: Captured) -> None:
    shutil.rmtree(tmp_path / "take")
    assert report(solved, tmp_path / "report.html") == 0
    record = stored(tmp_path / "report.html")
    assert record["films"] == []
    assert record["no_film"].startswith("No video: its take is not at")
    assert record["take"]["name"] == "filmed"
    assert "No video" in capsys.readouterr().err


def test_without_footage_the_page_says_so(solved: Path, tmp_path: Path, filmed: Filmed) -> None:
    gone = tuple(replace(footage, path=str(tmp_path / "gone_{frame:04d}.png")) for footage in filmed.take.footage)
    write_take(replace(filmed.take, footage=gone), tmp_path / "take")
    assert report(solved, tmp_path / "report.html", "--progress", "quiet") == 0
    record = stored(tmp_path / "report.html")
    assert "gone_0000.png' does not exist" in record["no_film"]
    assert any("gone_0000.png" in finding["sentence"] for finding in record["findings"])


def test_without_pyav_the_page_says_what_to_install(
    solved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    assert report(solved, tmp_path / "report.html", "--progress", "quiet") == 0
    assert "facesolve[video]" in stored(tmp_path / "report.html")["no_film"]


def test_no_video_when_none_is_wanted(solved: Path, tmp_path: Path, capsys: Captured) -> None:
    assert report(solved, tmp_path / "report.html", "--no-video", "--progress", "jsonl") == 0
    assert stored(tmp_path / "report.html")["films"] == []
    events = [json.loads(line)["event"] for line in capsys.readouterr().out.splitlines()]
    assert events[-1] == "done"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--what", "hologram"], "'hologram' is not one of"),
        (["--only-cameras", "behind"], "no camera 'behind'"),
        (["--height", "0"], "height 0 is not above 0"),
        (["--take", "nowhere"], "no take.json in 'nowhere'"),
        (["--what", "heatmap"], "texture"),
    ],
)
def test_what_cannot_be_had_is_one_sentence(
    solved: Path, tmp_path: Path, capsys: Captured, arguments: list[str], sentence: str
) -> None:
    (tmp_path / "report.html").write_text("old", encoding="utf-8")
    assert report(solved, tmp_path / "report.html", *arguments, "--overwrite", "--progress", "quiet") == 2
    assert sentence in the_sentence(capsys)
    assert (tmp_path / "report.html").read_text(encoding="utf-8") == "old"


def test_bad_places_are_one_sentence(solved: Path, tmp_path: Path, capsys: Captured) -> None:
    assert report(tmp_path / "none", tmp_path / "report.html") == 2
    assert "no solution.json" in the_sentence(capsys)
    assert report(solved, tmp_path) == 2
    assert "is a folder; name a file in it" in the_sentence(capsys)
    assert report(solved, tmp_path / "report.txt") == 2
    assert "does not end in .html" in the_sentence(capsys)
    assert not any((tmp_path / name).exists() for name in ("report.html", "report.txt"))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"provenance": []}, "provenance is a list of 0, expected an object"),
        ({"fps": "fast"}, "fps is 'fast', expected a number"),
        ({"control_names": [1, 2, 3, 4, 5, 6, 7, 8]}, "control_names[0] is 1, expected text"),
    ],
)
def test_a_malformed_solution_is_one_sentence(
    tmp_path: Path, capsys: Captured, change: dict[str, Any], sentence: str
) -> None:
    write_solution(troubled.solution(), tmp_path)
    path = tmp_path / "solution.json"
    path.write_text(json.dumps({**json.loads(path.read_text(encoding="utf-8")), **change}), encoding="utf-8")
    assert report(tmp_path, tmp_path / "report.html") == 2
    assert sentence in the_sentence(capsys)


def test_unknown_numbers_get_into_the_page(tmp_path: Path) -> None:
    bare = troubled.solution(control_std=np.full((40, 8), np.nan), head_std=np.full((40, 6), np.nan))
    write_solution(bare, tmp_path)
    assert report(tmp_path, tmp_path / "report.html", "--progress", "quiet") == 0
    record = stored(tmp_path / "report.html")
    assert (record["has_deviations"], record["uncertain"]) == (False, [])
