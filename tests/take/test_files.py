"""Writing: what cannot be written is told in the user's own words, before any work and without a trace."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from facesolve.take import TakeError
from facesolve.take.files import check_file, check_folder, new_folder, remove_stale, write_atomic

from . import needs_python_3_10


def listing(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*"))


def test_places_that_can_be_written_pass_and_are_not_made(tmp_path: Path) -> None:
    check_file(tmp_path / "new" / "deeper" / "a.json")
    check_folder(tmp_path / "new" / "deeper")
    check_folder(tmp_path)
    assert listing(tmp_path) == []


@pytest.mark.parametrize("name", ["a.txt/b.json", "a.txt/b/c.json"])
def test_a_file_is_no_folder(tmp_path: Path, name: str) -> None:
    (tmp_path / "a.txt").write_text("kept")
    for write in (check_file, lambda path: write_atomic(path, b"")):
        with pytest.raises(TakeError, match=r"cannot be written: '.*a\.txt' is a file, not a folder"):
            write(tmp_path / name)
    with pytest.raises(TakeError, match="is a file"), new_folder(tmp_path / name):
        pass
    assert listing(tmp_path) == ["a.txt"]


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(TakeError, match="folder' is a folder; name a file"):
        write_atomic(tmp_path / "folder", b"")
    assert listing(tmp_path) == ["folder"]


def test_what_the_system_forbids_names_the_file_and_not_its_temporary(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: str, *_: object) -> int:
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(TakeError, match=r"a\.json' cannot be written \(Permission denied\)"):
        write_atomic(tmp_path / "a.json", b"")
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(TakeError, match="you may not write into"):
        check_folder(tmp_path / "new")


def test_a_full_disk_names_the_file_and_keeps_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")  # as write() and fsync() raise it: without a file's name

    write_atomic(tmp_path / "a.json", b"old")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(TakeError, match=r"a\.json' cannot be written \(No space left on device\)"):
        write_atomic(tmp_path / "a.json", b"new")
    assert listing(tmp_path) == ["a.json"]
    assert (tmp_path / "a.json").read_bytes() == b"old"


COMMANDS = {
    "calibrate": ("{empty}", "--board", "chessboard:9x6:25", "--out", "{file}"),
    "extract": ("{empty}/none.seq", "--out", "{file}/x"),
    "report": ("{empty}", "--out", "{file}/report.html"),
    "compare": ("{empty}", "{empty}", "--out", "{file}"),
    "export": ("{empty}", "--format", "json", "--out", "{file}/x.json"),
}


@needs_python_3_10
@pytest.mark.parametrize("command", COMMANDS)
def test_commands_look_at_their_output_before_their_input(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from facesolve.cli import main

    (tmp_path / "empty").mkdir()
    (tmp_path / "a.txt").write_text("kept")
    fill = {"empty": str(tmp_path / "empty"), "file": str(tmp_path / "a.txt")}
    assert main([command, *(word.format(**fill) for word in COMMANDS[command])]) == 2
    assert "a.txt' is a file, not a folder" in capsys.readouterr().err
    assert listing(tmp_path) == ["a.txt", "empty"]


def test_only_what_an_earlier_run_wrote_is_removed(tmp_path: Path) -> None:
    for name in ("a.0001.png", "a.0002.png", "a.png", "b.0001.png", "in/a.0001.png"):
        write_atomic(tmp_path / name, b"old")
    with new_folder(tmp_path, True, r"a\.\d+\.png") as folder:
        write_atomic(folder / "a.0002.png", b"new")
    assert sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.png")) == [
        "a.0002.png",
        "a.png",
        "b.0001.png",
        "in/a.0001.png",
    ]
    assert (tmp_path / "a.0002.png").read_bytes() == b"new"
    remove_stale(tmp_path, r"in/a\.\d+\.png", [])
    assert not (tmp_path / "in" / "a.0001.png").exists()
