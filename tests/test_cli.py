"""The command line: exit codes, sentences, and that each command hands over what it was given."""

from __future__ import annotations

import importlib.util
import io
import json
import os
import re
import subprocess
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from facesolve.cli import main
from facesolve.jobs.doctor import print_findings, required_packages
from facesolve.take import SolveError, read_take, write_solution, write_take
from facesolve.take.finding import NOTE, Finding, read_findings
from facesolve.take.settings_record import SettingsChange
from tests.jobs.test_pack import Job

from .take import rigs

Captured = pytest.CaptureFixture[str]


def pack_arguments(job: Job) -> list[str]:
    job.pack()
    (job.folder / "take" / "take.json").unlink()
    folder = job.folder
    return [
        *("pack", "--rig", str(folder / "rig.npz"), "--cameras", str(folder / "cameras.json")),
        *("--footage", job.source["footage"], "--frames", "3-5", "--fps", "30"),
        *("--start", str(folder / "start.json"), "--out", str(folder / "take")),
    ]


def the_sentence(captured: Captured) -> str:
    """The one line on stderr of a command that failed; stdout must be empty."""
    out, err = captured.readouterr()
    assert out == ""
    lines = err.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("facesolve: error: ")
    return lines[0]


@pytest.fixture
def solve(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[..., Any]], None]:
    """Puts a function in the place of the solve."""

    def replace(function: Callable[..., Any]) -> None:
        module = types.ModuleType("facesolve.jobs.solve_folder")
        module.solve_take_folder = function  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "facesolve.jobs.solve_folder", module)
        monkeypatch.setattr("facesolve.commands.solve.told_one", lambda *_: 0)  # it leaves no solution to speak of

    return replace


def test_module_runs_as_the_command() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "facesolve", "--version"], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0
    assert ended.stdout.startswith("facesolve 0.")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no pipes that break like this")
def test_a_reader_that_has_had_enough_is_no_traceback() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    ended = subprocess.run(
        [sys.executable, "-m", "facesolve", "completion", "bash"],
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(writer)
    assert (ended.returncode, ended.stderr) == (1, "")


@pytest.mark.parametrize(
    "arguments",
    [
        *([], ["fly"], ["pack"], ["solve", "take"], ["solve", "t", "--out", "o", "--quality", "x"]),
        *(["solve", "t", "--out", "o", "--device", "gpu"], ["solve", "t", "--out", "o", "--devices", "0,0"]),
        ["solve", "t", "--out", "o", "--device", "cpu", "--devices", "0"],
    ],
)
def test_wrong_usage_is_one_sentence(arguments: list[str], capsys: Captured) -> None:
    assert main(arguments) == 2
    the_sentence(capsys)


def test_pack_writes_a_take(tmp_path: Path, capsys: Captured) -> None:
    arguments = pack_arguments(Job(tmp_path))
    assert main([*arguments, "--on-bad-frame", "unseen", "--color-space", "linear"]) == 0
    take = read_take(tmp_path / "take")
    assert (take.on_bad_frame, take.footage[0].color_space) == ("unseen", "linear")
    assert "facesolve inspect" in capsys.readouterr().out


def test_pack_refuses_in_one_sentence(tmp_path: Path, capsys: Captured) -> None:
    arguments = pack_arguments(Job(tmp_path))
    arguments[arguments.index("--frames") + 1] = "5-3"
    assert main(arguments) == 2
    assert "range 5-3 is empty" in the_sentence(capsys)
    arguments[arguments.index("--frames") + 1] = "3-5"
    arguments[arguments.index("--rig") + 1] = str(tmp_path / "no.npz")
    assert main(arguments) == 2
    assert "no.npz' does not exist" in the_sentence(capsys)


def test_unwritable_output_is_one_sentence(tmp_path: Path, capsys: Captured) -> None:
    arguments = pack_arguments(Job(tmp_path))
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    arguments[arguments.index("--out") + 1] = str(tmp_path / "file")
    assert main(arguments) == 2
    assert str(tmp_path / "file") in the_sentence(capsys)


def test_inspect_shows_the_take(tmp_path: Path, capsys: Captured) -> None:
    Job(tmp_path).pack()
    assert main(["inspect", str(tmp_path / "take"), "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["ok"] is True
    assert [control["name"] for control in record["controls"]] == ["smile", "jaw"]


def test_inspect_ends_with_2_when_a_solve_would_stop(tmp_path: Path, capsys: Captured) -> None:
    Job(tmp_path).pack()
    (tmp_path / "b" / "b_0004.png").write_bytes(b"\x89PNG")
    assert main(["inspect", str(tmp_path / "take")]) == 2
    assert "error: camera 'b', frame 4:" in capsys.readouterr().out


def test_newer_take_is_one_sentence(tmp_path: Path, capsys: Captured) -> None:
    Job(tmp_path).pack()
    path = tmp_path / "take" / "take.json"
    path.write_text(path.read_text(encoding="utf-8").replace('"schema": 2', '"schema": 99'), encoding="utf-8")
    assert main(["inspect", str(tmp_path / "take")]) == 2
    assert "schema 99" in the_sentence(capsys)


def test_solve_hands_over_every_option(tmp_path: Path, solve: Any, capsys: Captured) -> None:
    calls = []

    def solved(take: Path, out: Path, *, progress: Any, **options: Any) -> None:
        assert callable(options.pop("ready"))
        calls.append((take, out, options))
        progress.stage("track", 1)
        progress.advance()

    solve(solved)
    assert main(["solve", "t", "--out", str(tmp_path), "--no-report", "--progress", "jsonl"]) == 0
    defaults = {"device": "auto", "frames": None, "resume": False, "overwrite": False, "beside": ()}
    defaults.update(settings=SettingsChange(), actor=None, pictures=False, keep_state=False, texture=True)
    assert calls[0] == (Path("t"), tmp_path, defaults)
    events = [json.loads(line)["event"] for line in capsys.readouterr().out.splitlines()]
    assert events == ["stage", "progress", "done"]
    chosen = ["--devices", "2,0,1", "--quality", "draft", "--frames", "3-5", "--resume", "--progress", "quiet"]
    assert main(["solve", "t", "--out", str(tmp_path), "--no-report", *chosen]) == 0
    options = {"settings": SettingsChange(values={"quality": "draft"}), "frames": (3, 5), "resume": True}
    options.update(overwrite=False, actor=None, pictures=False, keep_state=False, texture=True)
    assert calls[1][2] == {"device": "cuda:2", "beside": ("cuda:0", "cuda:1"), **options}
    assert capsys.readouterr() == ("", "")


def test_failed_solve_tells_person_and_program(tmp_path: Path, solve: Any, capsys: Captured) -> None:
    def fail(*_: object, **__: object) -> None:
        raise SolveError("the head is not\nin any image")

    solve(fail)
    assert main(["solve", "t", "--out", str(tmp_path), "--progress", "jsonl"]) == 2
    out, err = capsys.readouterr()
    assert json.loads(out) == {"event": "error", "text": "the head is not\nin any image"}
    assert err == "facesolve: error: the head is not in any image\n"


def test_quiet_says_nothing_but_what_went_wrong(tmp_path: Path, solve: Any, capsys: Captured) -> None:
    def talk(*_: object, progress: Any, **__: object) -> None:
        progress.stage("track", 1)
        progress.message("the built-in rasterizer runs")

    def fail(*_: object, progress: Any, **__: object) -> None:
        progress.message("it will not go well")
        raise SolveError("the head is in no image")

    solve(talk)
    for more in ([], ["-v"], ["--progress", "jsonl"]):
        assert main(["solve", "t", "--out", str(tmp_path), "--no-report", "-q", *more]) == 0
        assert capsys.readouterr() == ("", "")
    solve(fail)
    assert main(["solve", "t", "--out", str(tmp_path), "-q"]) == 2
    assert capsys.readouterr() == ("", "facesolve: error: the head is in no image\n")


def test_interrupted_solve_says_how_to_go_on(tmp_path: Path, solve: Any, capsys: Captured) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    solve(interrupt)
    out = tmp_path / "my solution"
    assert (
        main(["solve", "t", "--out", str(out), "--progress", "jsonl", "--quality", "draft", "--devices", "1,0"]) == 130
    )
    captured = capsys.readouterr()
    assert json.loads(captured.out) == {"event": "error", "text": "interrupted"}
    assert f'facesolve solve t --out "{out}" --resume --quality draft --devices cuda:1,cuda:0\n' in captured.err


def test_ctrl_c_while_the_command_is_still_loading_is_a_sentence() -> None:
    program = """
import sys

class CtrlC:
    def find_spec(self, name, *_):
        if name == "facesolve.cli":
            raise KeyboardInterrupt

sys.meta_path.insert(0, CtrlC())
from facesolve.__main__ import main
sys.exit(main())
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, "", "facesolve: interrupted.\n")


def test_cancel_file_interrupts_the_solve(tmp_path: Path, solve: Any) -> None:
    steps = []

    def long(take: Path, out: Path, *, progress: Any, **_: object) -> None:
        progress.stage("track", 100)
        for step in range(100):
            steps.append(step)
            if step == 3:
                (out / "cancel").touch()
            progress.advance()

    solve(long)
    assert main(["solve", "t", "--out", str(tmp_path), "--progress", "quiet"]) == 130
    assert steps == [0, 1, 2, 3]


def test_evaluate_prints_json(tmp_path: Path, capsys: Captured) -> None:
    take = rigs.take(tmp_path)
    write_take(take, tmp_path / "take")
    head = np.tile(np.eye(4), (4, 1, 1))
    weights = np.full((4, 2), 0.5)
    np.savez(tmp_path / "truth.npz", weights=weights, names=np.array(["smile", "jaw"]), head=head)
    solution = rigs.solution(4, frames=take.frames, controls=weights)
    write_solution(solution, tmp_path / "out")
    arguments = ["evaluate", str(tmp_path / "out"), "--truth", str(tmp_path / "truth.npz"), "--region", "0:2"]
    assert main([*arguments, "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert (record["regions"]["0:2"]["max"], record["weight_error"]) == (0, 0)
    assert main([*arguments, "--take", str(tmp_path / "take")]) == 0
    assert "weight error" in capsys.readouterr().out
    assert main([*arguments, "--take", str(tmp_path / "none")]) == 2
    assert "no take.json" in the_sentence(capsys)


def test_doctor_reports_what_is_there(capsys: Captured) -> None:
    assert main(["doctor", "--json"]) == 0
    findings = read_findings(json.loads(capsys.readouterr().out))
    there = {finding.subject for finding in findings if finding.severity == NOTE and not finding.remedy}
    assert {"facesolve", "torch", "rasterizer"} <= there
    assert ("usd-core" in there) == (importlib.util.find_spec("pxr") is not None)
    assert all(finding.remedy for finding in findings if finding.severity != NOTE)
    assert main(["doctor"]) == 0
    assert "rasterizer" in capsys.readouterr().out


def test_doctor_lists_every_package_that_is_needed() -> None:
    project = (Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8")
    block = project.split("\ndependencies = [", 1)[1].split("\n]", 1)[0]
    needed = {
        re.split(r"[^\w-]", requirement)[0]
        for requirement, before in re.findall(r'^ *"([^"]*?)(?:; python_version < \'([\d.]+)\')?"', block, re.MULTILINE)
        if not before or sys.version_info < tuple(map(int, before.split(".")))
    }
    assert "numpy" in needed
    assert needed == set(required_packages())


def test_extras_in_brackets_survive_the_table_of_doctor() -> None:
    findings = [Finding(NOTE, "usd-core", "not [installed]", 'pip install "facesolve[usd]"')]
    page = io.StringIO()
    print_findings(findings, Console(file=page, width=120))
    assert 'pip install "facesolve[usd]"' in page.getvalue()
    assert "not [installed]" in page.getvalue()
