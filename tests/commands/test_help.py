"""Help: read at 80 columns and through a pipe, quick, and with something to type."""

from __future__ import annotations

import subprocess
import sys

import pytest

from facesolve.cli import COMMANDS, main
from facesolve.commands.declare import name_of
from facesolve.commands.flags import flags_of

Captured = pytest.CaptureFixture[str]
NAMES = [name_of(command) for command in COMMANDS]
HEAVY = ("torch", "cv2", "matplotlib", "av")  # modules that take long to import

ALL_HELP = f"""
import contextlib, io, sys
from facesolve.cli import main
for name in {["", *NAMES]!r}:
    with contextlib.redirect_stdout(io.StringIO()):
        assert main([*name.split(), "--help"]) == 0
print([name for name in {HEAVY!r} if name in sys.modules])
"""


@pytest.fixture(autouse=True)
def _eighty_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("FORCE_COLOR", raising=False)


@pytest.mark.parametrize("name", ["", *NAMES])
def test_no_line_is_wider_than_the_terminal_nor_colored(name: str, capsys: Captured) -> None:
    assert main([*name.split(), "--help"]) == 0
    printed = capsys.readouterr().out
    assert max(map(len, printed.splitlines())) <= 80
    assert "\x1b" not in printed


@pytest.mark.parametrize("name", NAMES)
def test_it_says_what_a_command_does_what_each_flag_means_and_what_to_type(name: str, capsys: Captured) -> None:
    assert main([name, "--help"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith(f"Usage: facesolve {name}")
    about = printed.split("\n\n")[1]
    assert about.count(". ") == 0
    assert about.rstrip().endswith(".")
    assert f"Examples:\n  facesolve {name}" in printed
    assert "object at 0x" not in printed
    assert not [flag.names for flag in flags_of(COMMANDS[NAMES.index(name)])[1] if not flag.help]


def test_help_of_all_commands_imports_nothing_heavy() -> None:
    done = subprocess.run([sys.executable, "-c", ALL_HELP], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_settings_tell_their_effect_and_default(capsys: Captured) -> None:
    for name in ("solve", "pack", "correctives"):
        assert main([name, "--help"]) == 0
        words = " ".join(capsys.readouterr().out.replace("│", " ").split())
        assert "--contour X weight of the silhouette against the background; 0 turns it off (default: 1)" in words
        assert "--head transform|fixed" in words


def test_flags_that_the_documentation_promises_mean_one_thing(capsys: Captured) -> None:
    """``--out``, ``--overwrite``, ``--only-cameras`` ... are in every command that has any use for them."""
    # manifest goes on where it was, and makes anew what was made from something else
    writes = set(NAMES) - {"inspect", "evaluate", "doctor", "completion", "serve", "maya", "manifest"}
    for name in NAMES:
        assert main([name, "--help"]) == 0
        printed = capsys.readouterr().out
        assert ("--overwrite" in printed) == (name in writes)
        assert "--only " not in printed
        assert "--replace" not in printed
        if name != "completion":
            assert "--quiet, -q" in printed
            assert "--verbose, -v" in printed


def test_a_completion_script_knows_commands_and_flags(capsys: Captured) -> None:
    for shell in ("bash", "zsh", "fish"):
        assert main(["completion", shell]) == 0
        script = capsys.readouterr().out
        assert all(name in script for name in NAMES)
        assert "smoothness" in script
    assert main(["completion", "cmd"]) == 2
