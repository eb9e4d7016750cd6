"""One task at a time writes into a folder; the lock ends with the process that holds it, however it ends."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from facesolve.runtime.sole_writer import sole_writer
from facesolve.take import SolveError

HOLDER = """
import pathlib, sys, time
from facesolve.runtime.sole_writer import sole_writer
with sole_writer(pathlib.Path(sys.argv[1]), print):
    print("inside", flush=True)
    time.sleep(60)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is a signal on POSIX only")
def test_a_killed_holder_keeps_nobody_out(tmp_path: Path) -> None:
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "inside\n"
    with (
        pytest.raises(SolveError, match=f"is being written by process {holder.pid} on '"),
        sole_writer(tmp_path, print, 0),
    ):
        pass
    holder.send_signal(signal.SIGKILL)
    holder.communicate()
    assert (tmp_path / "writing.lock").exists()
    with sole_writer(tmp_path, print, 0):
        pass
    assert not (tmp_path / "writing.lock").exists()


def test_one_waits_for_the_other_and_says_so(tmp_path: Path) -> None:
    said: list[str] = []
    order: list[str] = []

    def first() -> None:
        with sole_writer(tmp_path, print):
            order.append("first in")
            while not said:
                time.sleep(0.01)
            order.append("first out")

    thread = threading.Thread(target=first)
    thread.start()
    while not order:
        time.sleep(0.01)
    with sole_writer(tmp_path, said.append, 20):
        order.append("second in")
    thread.join()
    assert order == ["first in", "first out", "second in"]
    assert len(said) == 1
    assert said[0].startswith("waits for process ")
