"""The commands in the pages: blocks marked to run are run on a small take, all others are read by the real parsers."""

from __future__ import annotations

import re
import runpy
import shlex
import shutil
from functools import cache
from pathlib import Path

import pytest

from facesolve.cli import build_app
from facesolve.cli import main as facesolve
from facesolve_maya.batch import argument_parser as batch_parser

from .pages import ROOT, Block, blocks, pages

SHELLS = {"sh", "console", "bat"}
NOT_OURS = re.compile(r"(mayapy|python3?|py|\S+[/\\]python) -m (pip|venv|pytest)\b")  # installing and testing


def commands(block: Block) -> list[list[str]]:
    """The commands of a block, each as words, without where its output goes."""
    text = block.text.replace("\\\n", " ") if block.language != "bat" else block.text
    lines = [part.strip() for line in text.splitlines() for part in line.split("&&") if part.strip()]
    ours = [line for line in lines if not NOT_OURS.match(line)]
    return [shlex.split(line.partition(" > ")[0]) for line in ours]


ALL = [block for page in pages() for block in blocks(page) if block.language in SHELLS]
PYTHON = [block for page in pages() for block in blocks(page) if block.language == "python"]
RUN = {page: [block for block in blocks(page) if block.run] for page in pages()}


app = cache(build_app)  # of use to many commands


def parse(words: list[str]) -> None:
    """Reads a command as the program would, and runs nothing."""
    if words[0] == "facesolve":
        app().parse_args(words[1:], exit_on_error=False, print_error=False)
    elif words[:3] == ["mayapy", "-m", "facesolve_maya.batch"]:
        batch_parser().parse_args(words[3:])
    elif words[:2] == ["python", "-m"]:  # a benchmark: its module knows each flag
        place = ROOT / words[2].replace(".", "/")
        module = place / "__main__.py" if place.is_dir() else place.with_suffix(".py")
        assert module.is_file(), words[2]
        source = module.read_text(encoding="utf-8")
        assert not [word for word in words[3:] if word.startswith("--") and f'"{word}"' not in source]
    elif words[:1] == ["openjd"]:  # not ours; tests/farm runs it
        assert words[1] in ("check", "run")
        assert set(words[3::2]) <= {"--job-param", "--environment"}
    else:
        raise AssertionError(f"'{words[0]}' is not a command of this project")


def test_the_parsers_refuse_what_does_not_exist():
    for wrong in (
        "facesolve solve my_take --out x --smoothnes 2",
        "facesolve solve my_take --out x --quality best",
        "facesolve slove my_take --out x",
        "mayapy -m facesolve_maya.batch a.ma --mesh m --head h --cameras c --frames 1-2 --fast",
        "python -m tests.bench.gpu --fast",
        "rm -r my_take",
    ):
        with pytest.raises((Exception, SystemExit)):
            parse(shlex.split(wrong))


@pytest.mark.parametrize("block", ALL, ids=lambda block: block.place)
def test_commands_have_flags_that_exist(block: Block):
    for words in commands(block):
        parse(words)


@pytest.mark.parametrize("block", PYTHON, ids=lambda block: block.place)
def test_python_is_python(block: Block):
    compile(block.text, block.place, "exec")


@pytest.mark.parametrize(
    "page", [page for page in pages() if RUN[page]], ids=lambda page: page.relative_to(ROOT).as_posix()
)
def test_what_a_page_does_works_one_after_the_other(
    page: Path, workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    shutil.copytree(workspace, tmp_path / "files")
    monkeypatch.chdir(tmp_path / "files")
    for block in blocks(page):
        if block.title:
            Path(block.title).write_text(block.text, encoding="utf-8")
    for block in RUN[page]:
        if block.language == "python":
            Path("page.py").write_text(block.text, encoding="utf-8")
            runpy.run_path("page.py")
            continue
        for words in commands(block):
            assert words[0] == "facesolve"
            assert facesolve(words[1:]) == 0, " ".join(words)


def test_most_commands_are_run_somewhere():
    run = {
        words[1] for found in RUN.values() for block in found if block.language in SHELLS for words in commands(block)
    }
    assert run >= {"pack", "inspect", "solve", "evaluate", "compare", "render", "report", "export", "undistort"}
