"""A command line that is wrong: one sentence, what was probably meant, exit code 2."""

from __future__ import annotations

import pytest

from facesolve.cli import main

PACK = ["--rig", "r", "--cameras", "c", "--footage", "f", "--out", "o"]
SOLVE = ["solve", "t", "--out", "o"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "name a command; see 'facesolve --help'."),
        (["sovle"], "unknown command 'sovle'; did you mean 'solve'; see 'facesolve --help'."),
        ([*SOLVE, "--frmes", "3"], "unknown option: --frmes; did you mean --frames; see 'facesolve solve --help'."),
        (["solve", "t"], "--out is missing; see 'facesolve solve --help'."),
        (["solve", "--out", "o"], "TAKE... is missing; see 'facesolve solve --help'."),
        ([*SOLVE, "--quality"], "--quality needs a value; see 'facesolve solve --help'."),
        (["inspect", "a", "b"], "'b' is one argument too many; see 'facesolve inspect --help'."),
        (
            [*SOLVE, "--quality", "drft"],
            "invalid value 'drft' for --quality; choose from: 'draft', 'standard', 'final'; did you mean 'draft'; "
            "see 'facesolve solve --help'.",
        ),
        (
            [*SOLVE, "--smoothness", "much"],
            "invalid value for --smoothness: unable to convert 'much' into float; see 'facesolve solve --help'.",
        ),
        ([*SOLVE, "--frames", "5-3"], "frames: the range 5-3 is empty; the last frame comes before the first."),
        ([*SOLVE, "--device", "gpu"], "device: 'gpu' is not one of auto, cpu, cuda and cuda:N."),
        ([*SOLVE, "--devices", "0,0"], "devices: '0,0' names a device twice."),
        ([*SOLVE, "--device", "cpu", "--devices", "0"], "solve: --device and --devices are both given; give one"),
        (["align", "t", "--write", "--out", "x"], "align: --write and --out are both given; give one of them."),
        (["calibrate", "--board", "x", "--out", "o"], "IMAGES is missing; see"),
        (["pack", *PACK, "--clock", "a"], "clock: 'a' is not CAMERA=SECONDS, for example left=0.25."),
    ],
)
def test_it_is_one_sentence(arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"facesolve: error: {sentence}")
    assert err.count("\n") == 1


def test_verbose_shows_where_an_error_arose(capsys: pytest.CaptureFixture[str], tmp_path: object) -> None:
    assert main(["inspect", f"{tmp_path}/none", "-v"]) == 2
    err = capsys.readouterr().err
    assert "Traceback" in err
    assert err.splitlines()[-1].startswith("facesolve: error: take: there is no take.json")


def test_quiet_leaves_nothing_but_the_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "-q"]) == 0
    assert capsys.readouterr() == ("", "")
