"""A terminated command stops as one that is interrupted, and no solve outlives whoever started it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from facesolve.runtime.interrupts import interruptible
from facesolve.take.processes import PARENT_VARIABLE

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="SIGTERM is a signal on POSIX only")

CHILD = """
import pathlib, sys, time
from facesolve.runtime.interrupts import interruptible
note = pathlib.Path(sys.argv[1])
with interruptible():
    try:
        note.with_name("ready").touch()
        time.sleep(60)
    except KeyboardInterrupt:
        note.write_text("interrupted")
"""

PARENT = """
import os, pathlib, sys, time
from facesolve.take.processes import ChildProcess
child = ChildProcess([sys.executable, "-c", sys.argv[2], sys.argv[1]], os.environ, pathlib.Path.cwd())
time.sleep(60)
"""


def until(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


def test_sigterm_interrupts_and_the_old_handler_comes_back() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt), interruptible():
        signal.raise_signal(signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) == before


def test_off_the_main_thread_nothing_changes() -> None:
    found = []

    def work() -> None:
        with interruptible():
            found.append(signal.getsignal(signal.SIGTERM))

    before = signal.getsignal(signal.SIGTERM)
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [before]


def test_a_parent_that_died_before_anybody_watched_counts_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    """A solve that is still importing when Maya is killed would have run to its end, seen by nobody."""
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    monkeypatch.setenv(PARENT_VARIABLE, str(gone.pid))
    with pytest.raises(KeyboardInterrupt), interruptible():
        time.sleep(5)


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM])
def test_a_child_is_interrupted_when_its_parent_dies(tmp_path: Path, end: signal.Signals) -> None:
    note = tmp_path / "note"
    parent = subprocess.Popen([sys.executable, "-c", PARENT, str(note), CHILD])
    until((tmp_path / "ready").exists)
    parent.send_signal(end)
    parent.wait()
    until(note.exists)
    assert note.read_text() == "interrupted"


def test_a_terminated_solve_of_several_takes_leaves_no_child(tmp_path: Path) -> None:
    """The real command, whose children are stand-ins that ignore everything but the file that asks them to stop."""
    stand_in = (
        "import json, os, pathlib, signal, sys, time\n"
        "signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        "out = pathlib.Path(json.loads(sys.stdin.readline())[2])\n"
        "out.mkdir(parents=True)\n"
        "(out / 'pid').write_text(str(os.getpid()))\n"
        "while not (out / 'cancel').exists():\n"
        "    time.sleep(0.02)\n"
    )
    (tmp_path / "stand_in.py").write_text(stand_in)
    code = (
        "import sys\nfrom facesolve import cli\nfrom facesolve.jobs import many_takes\n"
        f"many_takes.CHILD = (sys.executable, {str(tmp_path / 'stand_in.py')!r})\n"
        "sys.exit(cli.main(sys.argv[1:]))\n"
    )
    takes, out = [tmp_path / "a", tmp_path / "b"], tmp_path / "out"
    command = ["solve", *map(str, takes), "--out", str(out), "--device", "cpu", "--progress", "jsonl"]
    parent = subprocess.Popen([sys.executable, "-c", code, *command], stderr=subprocess.PIPE, text=True)
    until(lambda: (out / "a" / "pid").exists() and (out / "a" / "pid").read_text() != "")
    parent.terminate()
    _, errors = parent.communicate(timeout=30)
    assert parent.returncode == 130
    assert "interrupted" in errors
    with pytest.raises(ProcessLookupError):
        os.kill(int((out / "a" / "pid").read_text()), 0)
    assert not (out / "b").exists()
