"""A list of takes: read by column, done in order of priority, done once, and again only where something changed."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from facesolve.cli import main
from facesolve.jobs import run_manifest as module
from facesolve.jobs.manifest import read_manifest
from facesolve.jobs.many_takes import TakeJob
from facesolve.jobs.opened_take import taken_part
from facesolve.take import Solution, TakeError, read_solution, read_take, write_solution
from facesolve.take.settings_record import SettingsChange
from facesolve.take.solved import fingerprint
from tests.docs.workspace import make_workspace
from tests.review.filmed import solved as true_solution

COLUMNS = "name,rig,cameras,footage,frames,fps,start,quality,export,priority\n"
LINE = "{name},rig.npz,calibration.json,{footage},0-2,30,start.json,{quality},{export},{priority}\n"


def line(name: str, quality: str = "draft", export: str = "", priority: int = 0) -> str:
    footage = "footage/{camera}/{camera}_{frame:04d}.png"
    return LINE.format(name=name, footage=footage, quality=quality, export=export, priority=priority)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Rig, calibration, start and footage of a small head, in a folder."""
    folder = tmp_path_factory.mktemp("manifest")
    with pytest.MonkeyPatch.context() as patch:  # only the files are of use here, not the solve
        patch.setattr("tests.docs.workspace.facesolve", _pack_only)
        patch.setattr(
            "tests.docs.workspace.read_solution", lambda folder: true_solution(read_take(folder.parent / "my_take"))
        )
        make_workspace(folder)
    return folder


def _true(folder: Path) -> Solution:
    return true_solution(read_take(folder.parent / "my_take"))


def _pack_only(arguments: Sequence[str]) -> int:
    return main(arguments) if arguments[0] == "pack" else 0


@pytest.fixture
def solves(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The names of the takes that are solved, a list for each round; in place of solves, true solutions are written."""
    rounds: list[list[str]] = []

    def solve(jobs: Sequence[TakeJob], *_: Any, ended: Any, **__: Any) -> dict[str, str]:
        rounds.append([job.name for job in jobs])
        failed = {}
        for job in jobs:
            if job.name.startswith("bad") or (job.name.startswith("flaky") and len(rounds) == 1):
                failed[job.name] = "the head is in no image."
                continue
            take = read_take(job.take)
            quality = job.options[job.options.index("--quality") + 1]
            change = SettingsChange(values={"quality": quality})
            made = {
                "take": os.path.relpath(job.take, job.out),
                "fingerprint": fingerprint(taken_part(take, change, None), job.take),
            }
            write_solution(replace(true_solution(take), provenance=made), job.out)
            ended()
        return failed

    monkeypatch.setattr(module, "solve_takes", solve)
    return rounds


def test_a_night_is_done_by_priority_once_and_again_where_something_changed(
    files: Path, tmp_path: Path, solves: list[list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    takes, out = files / "takes.csv", tmp_path / "night"
    takes.write_text(COLUMNS + line("later") + line("first", export="json obj", priority=5), encoding="utf-8")
    command = ["manifest", str(takes), "--out", str(out), "--no-report"]
    assert main([*command, "--dry-run"]) == 0
    assert capsys.readouterr().out.splitlines() == ["first: pack, solve, export json, export obj", "later: pack, solve"]
    assert not out.exists()
    assert main([*command, "--progress", "quiet"]) == 0
    assert solves == [["first", "later"]]
    assert sorted(path.name for path in (out / "exports").iterdir()) == ["first", "first.json"]
    assert read_solution(out / "solutions" / "first").frames.tolist() == [0, 1, 2]
    capsys.readouterr()
    assert main([*command, "--dry-run"]) == 0
    assert capsys.readouterr().out.splitlines() == ["first: done", "later: done"]
    takes.write_text(COLUMNS + line("later", quality="final") + line("first", priority=5), encoding="utf-8")
    os.utime(files / "start.json")
    assert main([*command, "--dry-run"]) == 0
    assert capsys.readouterr().out.splitlines() == ["first: pack, solve", "later: pack, solve"]


def test_a_dry_run_names_files_that_are_missing(
    files: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    takes = files / "missing.csv"
    takes.write_text(COLUMNS + line("good") + line("bad").replace("rig.npz", "rig_gone.npz"), encoding="utf-8")
    assert main(["manifest", str(takes), "--out", str(tmp_path / "night"), "--dry-run"]) == 2
    said = capsys.readouterr()
    assert said.out.splitlines() == ["good: pack, solve", "bad: pack, solve"]
    assert "rig_gone.npz' of 'bad'; correct the list" in said.err
    assert said.err.count("' of '") == 1


def test_footage_that_was_replaced_under_its_names_is_packed_and_solved_again(
    files: Path, tmp_path: Path, solves: list[list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    takes, out = files / "one.csv", tmp_path / "night"
    takes.write_text(COLUMNS + line("one"), encoding="utf-8")
    command = ["manifest", str(takes), "--out", str(out), "--no-report"]
    assert main([*command, "--progress", "quiet"]) == 0
    image = next((files / "footage").rglob("*_0001.png"))
    before = image.stat()
    os.utime(image, (before.st_atime, before.st_mtime - 60))
    try:
        capsys.readouterr()
        assert main([*command, "--dry-run"]) == 0
        assert capsys.readouterr().out.splitlines() == ["one: pack, solve"]
        assert main([*command, "--progress", "quiet"]) == 0
        assert solves == [["one"], ["one"]]
    finally:
        os.utime(image, (before.st_atime, before.st_mtime))


def test_what_failed_is_tried_once_more_and_named_when_it_fails_again(
    files: Path, tmp_path: Path, solves: list[list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    takes = files / "trouble.csv"
    lost = line("lost").replace("rig.npz", "none.npz")
    takes.write_text(COLUMNS + line("flaky") + line("bad") + lost + line("good"), encoding="utf-8")
    assert main(["manifest", str(takes), "--out", str(tmp_path / "night"), "--no-report", "--progress", "quiet"]) == 2
    assert solves == [["flaky", "bad", "good"], ["flaky", "bad"]]
    said = capsys.readouterr().err
    assert said.startswith("facesolve: error: 2 of 4 takes failed.")
    assert "'bad': the head is in no image." in said
    assert "'lost': " in said


def test_toml_has_defaults_and_takes_that_are_packed_already(tmp_path: Path) -> None:
    (tmp_path / "takes.toml").write_text(
        '[defaults]\nquality = "final"\nsetup = "actor.toml"\n'
        '[[take]]\ntake = "shots/a"\nframes = "5-9"\n'
        '[[take]]\nname = "b"\nrig = "r.npz"\ncameras = "c.json"\nfootage = "f.####.png"\nfps = "24000/1001"\n'
        'frames = "00:00:10:00-00:00:11:12"\npriority = 3\nout = "elsewhere"\nactor = "monday/actor.npz"\n',
        encoding="utf-8",
    )
    b, a = read_manifest(tmp_path / "takes.toml", tmp_path / "out")
    assert (a.name, a.take, a.request, a.frames) == ("a", tmp_path / "shots" / "a", None, (5, 9))
    assert a.settings == SettingsChange(tmp_path / "actor.toml", {"quality": "final"})
    assert b.request is not None
    assert (b.request.rig, b.request.fps, b.request.frames) == (tmp_path / "r.npz", 24000 / 1001, None)
    assert b.request.actor == tmp_path / "monday" / "actor.npz"
    assert b.request.range == "00:00:10:00-00:00:11:12"  # by the footage's own timecode, as pack takes it
    assert b.out == tmp_path / "elsewhere"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("name,rigg\na,r\n", "take 1 'a': 'rigg' is no column"),
        ("name,other_cameras\na,evening.json\n", "take 1 'a': 'other_cameras' is no column"),
        ("name,rig\na,r\n", "cameras, footage is missing"),
        ("take\nx/a\ny/A\n", "two takes are named 'a'"),
        ("take,export\na,fbx\n", "export 'fbx' is not one of usd"),
        ("take,priority\na,high\n", "priority 'high' is not a number"),
        ("take\n../\n", "it needs a name"),
        ("take,frames\na,00:00:01:00-00:00:02:00\n", "give its frames by number"),
        ("take,frames\na,12 to x\n", "manifest, take 1 'a': "),
        ("name,rig,cameras,footage,frames,range\na,r,c,f,1-2,00:00:01:00-00:00:02:00\n", "both given"),
        ("take,rig\na,r\n", "is packed already; leave out rig"),
        ("take\na,b\n", "more values than columns"),
        ("take\n", "lists no take"),
    ],
)
def test_a_bad_list_is_one_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    (tmp_path / "takes.csv").write_text(text, encoding="utf-8")
    with pytest.raises(TakeError) as caught:
        read_manifest(tmp_path / "takes.csv", tmp_path / "out")
    assert sentence in str(caught.value)
