"""Nothing that exists is replaced without ``--overwrite``: each command says so in one sentence before any work."""

from __future__ import annotations

from pathlib import Path

import pytest

from facesolve.cli import COMMANDS, main
from facesolve.commands.declare import name_of
from facesolve.commands.flags import flags_of
from facesolve.take import write_solution, write_take
from tests.take import rigs

# the command, and the file that is there already; inputs that do not exist show that nothing was read before
REPLACED = {
    "calibrate": (["{dir}/images", "--board", "chessboard:9x6:25", "--out", "{dir}/old"], "old/calibration.json"),
    "undistort": (["{dir}/{{camera}}.mov", "--cameras", "{dir}/none.json", "--out", "{dir}/old"], "old/a.png"),
    "convert-cameras": (["{dir}/none.json", "--out", "{dir}/old.json"], "old.json"),
    "refine-cameras": (["{dir}/none", "--out", "{dir}/old"], "old/take.json"),
    "pack": (
        ["--rig", "{dir}/none.npz", "--cameras", "{dir}/none.json", "--footage", "x", "--out", "{dir}/old"],
        "old/take.json",
    ),
    "align": (["{dir}/take", "--out", "{dir}/old"], "old/take.json"),
    "solve": (["{dir}/none", "--out", "{dir}/old"], "old/solution.json"),
    "correctives": (["{dir}/old"], "old/correctives.json"),
    "compare": (["{dir}/none", "{dir}/none", "--out", "{dir}/old"], "old/compare.csv"),
    "render": (["{dir}/none", "--out", "{dir}/a.{{frame:04d}}.png"], "a.0007.png"),
    "report": (["{dir}/none", "--out", "{dir}/old.html"], "old.html"),
    "personalize": (["{dir}/none.npz", "{dir}/take", "--out", "{dir}/old.npz"], "old.npz"),
    "repair": (["{dir}/take", "--fix", "units=mm", "--out", "{dir}/old"], "old/take.json"),
    "farm": (["bundle", "{dir}/take", "--solutions", "{dir}/s", "--out", "{dir}/old"], "old/template.json"),
    "bugreport": (["{dir}/take", "--out", "{dir}/old.zip"], "old.zip"),
    "index": (["{dir}", "--out", "{dir}/old.html"], "old.html"),
    "export": (["{dir}/none", "--format", "json", "--out", "{dir}/old.json"], "old.json"),
    "baseline": (["{dir}/none", "--out", "{dir}/old"], "old/solution.json"),
    "demo": (["--out", "{dir}/old"], "old/take/take.json"),
}


def run(command: str, words: list[str], folder: Path, *more: str) -> int:
    return main([command, *(word.format(dir=folder) for word in words), *more])


def test_every_command_that_writes_is_looked_at_here_or_in_a_test_of_its_own() -> None:
    writes = {name_of(c) for c in COMMANDS if any("--overwrite" in flag.names for flag in flags_of(c)[1])}
    assert writes == {*REPLACED, "extract"}  # extract: tests/jobs/test_extract_images.py


@pytest.mark.parametrize("command", REPLACED)
def test_what_is_there_is_named_and_kept(command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words, name = REPLACED[command]
    write_take(rigs.take(tmp_path), tmp_path / "take")
    file = tmp_path / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("the only copy", encoding="utf-8")
    assert run(command, words, tmp_path) == 2
    errors = [line for line in capsys.readouterr().err.splitlines() if line.startswith("facesolve: error: ")]
    assert len(errors) == 1
    assert "exists already; choose another name, or give --overwrite to replace it." in errors[0]
    assert str(file if command not in ("undistort", "refine-cameras", "farm") else file.parent) in errors[0]
    assert file.read_text(encoding="utf-8") == "the only copy"


@pytest.mark.parametrize("command", [name for name in REPLACED if name not in ("align", "demo", "correctives")])
def test_the_flag_lets_the_command_go_on_to_its_input(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words, name = REPLACED[command]
    file = tmp_path / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("the only copy", encoding="utf-8")
    assert run(command, words, tmp_path, "--overwrite") == 2
    error = capsys.readouterr().err
    assert "--overwrite" not in error
    assert file.read_text(encoding="utf-8") == "the only copy"  # the input is missing


def test_an_interrupted_solve_is_continued_or_given_up_by_a_word(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "checkpoint.npz").write_bytes(b"")
    assert main(["solve", str(tmp_path / "none"), "--out", str(tmp_path / "out")]) == 2
    assert "give --resume to continue it, or --overwrite to start again." in capsys.readouterr().err


def test_several_takes_are_looked_at_before_the_first_is_solved(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_solution(rigs.solution(), tmp_path / "out" / "b")
    takes = [str(tmp_path / "a"), str(tmp_path / "b")]
    assert main(["solve", *takes, "--out", str(tmp_path / "out")]) == 2
    assert "give --overwrite" in capsys.readouterr().err
    assert not (tmp_path / "out" / "a").exists()
