"""Children end with everything they started: when asked, when told, when nobody waits, and when their parent dies."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from facesolve.take.errors import ProcessError
from facesolve.take.processes import ChildProcess, Patience, ask_process
from facesolve.take.windows_job import ExtendedLimits, Job

posix = pytest.mark.skipif(sys.platform == "win32", reason="looks for processes and sends signals as POSIX does")

WITH_GRANDCHILD = """
import pathlib, signal, subprocess, sys, time
if sys.argv[2] == "deaf":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
grandchild = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
pathlib.Path(sys.argv[1]).write_text(str(grandchild.pid))
print("ready", flush=True)
if sys.argv[2] != "short":
    time.sleep(60)
"""


def until(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


def runs(process: int) -> bool:
    """Whether it is there and no zombie."""
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        if Path("/proc/self").exists():
            return False
        return subprocess.run(["ps", "-p", str(process), "-o", "stat="], capture_output=True).stdout[:1] not in (
            b"",
            b"Z",
        )
    return state != "Z"


def started(tmp_path: Path, manner: str, patience: Patience | None = None) -> tuple[ChildProcess, int]:
    note = tmp_path / "grandchild"
    command = [sys.executable, "-S", "-c", WITH_GRANDCHILD, str(note), manner]
    child = ChildProcess(command, dict(os.environ), tmp_path, patience=patience)
    lines: list[str] = []
    until(lambda: bool(lines.extend(child.poll()) or lines))
    assert lines == ["ready"]
    return child, int(note.read_text())


@posix
def test_one_that_is_asked_to_stop_takes_its_children_along(tmp_path: Path) -> None:
    child, grandchild = started(tmp_path, "polite")
    assert runs(grandchild)
    child.request_stop()
    until(lambda: child.poll() is not None and child.exit_code is not None)
    until(lambda: not runs(grandchild))


@posix
def test_one_that_hears_nothing_is_killed_when_patience_ends(tmp_path: Path) -> None:
    child, grandchild = started(tmp_path, "deaf", Patience(0.3, 0.3))
    child.request_stop()
    until(lambda: child.poll() is not None and child.exit_code is not None, 5)
    assert child.exit_code == -signal.SIGKILL
    until(lambda: not runs(grandchild))


KILLED_PARENT = """
import os, pathlib, signal, sys, time
from facesolve.take.processes import ChildProcess
sleeps = [sys.executable, "-S", "-c", "import time; print('ready', flush=True); time.sleep(60)"]
child = ChildProcess(sleeps, dict(os.environ), pathlib.Path.cwd(), watcher=pathlib.Path(sys.executable))
while not child.poll():
    time.sleep(0.02)
pathlib.Path(sys.argv[1]).write_text(str(child.pid))
os.kill(os.getpid(), signal.SIGKILL)
"""


@posix
def test_one_that_watches_nobody_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    note = tmp_path / "child"
    subprocess.run([sys.executable, "-c", KILLED_PARENT, str(note)], cwd=tmp_path, timeout=30)
    until(lambda: not runs(int(note.read_text())))


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_watcher_goes_with_what_it_watched(tmp_path: Path) -> None:
    def children() -> set[str]:
        return set(Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split())

    before = children()
    said = [sys.executable, "-S", "-c", "print('done')"]
    child = ChildProcess(said, dict(os.environ), tmp_path, watcher=Path(sys.executable))
    assert len(children() - before) == 2
    until(lambda: child.poll() is not None and child.exit_code == 0)
    assert children() <= before
    with pytest.raises(ProcessError, match="cannot be started"):
        ChildProcess(said, dict(os.environ), tmp_path, watcher=tmp_path / "nowhere")
    assert children() <= before


@posix
def test_what_a_process_leaves_behind_at_its_end_is_swept(tmp_path: Path) -> None:
    child, grandchild = started(tmp_path, "short")
    until(lambda: child.poll() is not None and child.exit_code is not None)
    assert child.exit_code == 0
    until(lambda: not runs(grandchild))


def test_a_program_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ProcessError, match="'no_such_program' cannot be started"):
        ChildProcess(["no_such_program"], dict(os.environ), tmp_path)
    with pytest.raises(ProcessError, match="'no_such_program' cannot be started"):
        ask_process(["no_such_program"], b"", 1, {})


def test_a_question_is_answered() -> None:
    code = (
        "import os, sys; print(sys.stdin.read().upper()); print(os.environ['SAID'], file=sys.stderr); "
        "sys.exit(4 if 'PATH' in os.environ else 3)"
    )
    known = {name: value for name, value in os.environ.items() if name.upper() == "SYSTEMROOT"}
    answer = ask_process([sys.executable, "-S", "-c", code], b"hello", 20, {**known, "SAID": "hm"})
    assert (answer[0], answer[1].strip(), answer[2].strip()) == (3, "HELLO", "hm")


@posix
def test_one_that_does_not_answer_is_given_up_with_its_children(tmp_path: Path) -> None:
    note = tmp_path / "grandchild"
    with pytest.raises(ProcessError, match="no answer within 2 seconds"):
        ask_process([sys.executable, "-S", "-c", WITH_GRANDCHILD, str(note), "deaf"], b"", 2, dict(os.environ))
    until(lambda: not runs(int(note.read_text())))


class Kernel:
    """Answers as kernel32 does, and remembers the calls."""

    def __init__(self, assigns: bool = True) -> None:
        self.calls: list[str] = []
        self._assigns = assigns

    def __getattr__(self, name: str) -> Callable[..., int]:
        def call(*arguments: Any) -> int:
            self.calls.append(name)
            if name == "SetInformationJobObject":
                assert arguments[3] == (144 if ctypes.sizeof(ctypes.c_void_p) == 8 else 112)
                assert arguments[2]._obj.BasicLimitInformation.LimitFlags == 0x2000
            return 0 if name == "AssignProcessToJobObject" and not self._assigns else 7

        return call


class Started:
    _handle = 11


def test_a_job_ends_all_its_processes_once() -> None:
    kernel = Kernel()
    job = Job.around(Started(), kernel)  # type: ignore[arg-type]
    assert job is not None
    job.terminate()
    job.terminate()
    assert kernel.calls == [
        *("CreateJobObjectW", "SetInformationJobObject", "AssignProcessToJobObject"),
        *("TerminateJobObject", "CloseHandle"),
    ]


def test_a_process_that_no_job_takes_has_none() -> None:
    kernel = Kernel(assigns=False)
    assert Job.around(Started(), kernel) is None  # type: ignore[arg-type]
    assert kernel.calls[-1] == "CloseHandle"


def test_the_limits_are_laid_out_as_windows_reads_them() -> None:
    if ctypes.sizeof(ctypes.c_void_p) == 8:
        assert ExtendedLimits.IoInfo.offset == 64
        assert ctypes.sizeof(ExtendedLimits) == 144


@pytest.mark.skipif(sys.platform != "win32", reason="Windows has jobs")
def test_on_windows_a_grandchild_ends_with_its_job(tmp_path: Path) -> None:
    child, grandchild = started(tmp_path, "short")
    until(lambda: child.poll() is not None and child.exit_code is not None)
    listed = ["tasklist", "/FI", f"PID eq {grandchild}", "/NH"]
    until(lambda: str(grandchild) not in subprocess.run(listed, capture_output=True, text=True).stdout)
