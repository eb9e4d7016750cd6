"""Child processes that are watched without blocking and really stop, with everything they started.

Knows nothing about what runs in them. It belongs to the contract because both sides start solves: Maya, whose Python
has only this package and numpy, and the command line.
"""

from __future__ import annotations

import atexit
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Callable, Deque, Dict, List, Mapping, Optional, Sequence, Tuple

from .errors import ProcessError
from .windows_job import Job

PARENT_VARIABLE = "FACESOLVE_PARENT"  # number of the process that started this one, whose end is its own
STDERR_LINES = 200
_READ_SECONDS = 5.0  # for the last lines of a process that has ended
# Its stdin ends with the process that holds the other end, however that dies; a byte says that nobody is to be ended.
_WATCH = "import os, signal, sys; sys.stdin.buffer.read(1) or os.killpg(int(sys.argv[1]), signal.SIGKILL)"


@dataclass(frozen=True)
class Patience:
    """Seconds given to a process that was asked to stop: first politely, then after being told to terminate.

    Together they are less than the 15 seconds after which nothing of a stopped task may be left.
    """

    polite: float = 10.0
    terminate: float = 3.0


class ChildProcess:
    """Runs ``command`` without shell or console; ``poll`` from a timer or a loop, on one thread.

    The process leads a group (POSIX) or a job (Windows), which is ended as a whole: nothing outlives it. Where this
    process is killed, Windows ends the job; on POSIX PARENT_VARIABLE names the process that the child watches, and what
    does not watch (pip, uv) gets a ``watcher``.
    """

    def __init__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        folder: Path,
        ask_to_stop: Callable[[], object] = lambda: None,
        patience: Optional[Patience] = None,
        talks: bool = False,
        watcher: Optional[Path] = None,
    ) -> None:
        """Starts the process in ``folder``. ``ask_to_stop`` is called once when a stop is requested, before any signal.

        talks: ``send`` reaches its stdin, which is closed otherwise. watcher: any Python; it ends the process when this
        one is killed, for commands that do not look after PARENT_VARIABLE. Raises ProcessError when an executable
        cannot be started.
        """
        self._ask_to_stop = ask_to_stop
        self._patience = Patience() if patience is None else patience
        self._lines: "queue.Queue[str]" = queue.Queue()
        self._stderr: Deque[str] = deque(maxlen=STDERR_LINES)
        self._stop_requested: Optional[float] = None
        self._terminated = False
        self._group = _Group(
            command,
            env=dict(environment, **{PARENT_VARIABLE: str(os.getpid())}),
            cwd=str(folder),
            stdin=subprocess.PIPE if talks else subprocess.DEVNULL,
        )
        self._process = self._group.process
        self._watcher = None if watcher is None else _watch(watcher, self._group, environment)
        self._readers = [
            _start_reader(self._process.stdout, self._lines.put),
            _start_reader(self._process.stderr, self._stderr.append),
        ]
        atexit.register(self.kill)

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._process.pid

    @property
    def exit_code(self) -> Optional[int]:
        """None while the process runs."""
        return self._process.returncode

    @property
    def stop_requested(self) -> bool:
        """True once ``request_stop`` was called."""
        return self._stop_requested is not None

    @property
    def stderr_tail(self) -> str:
        """The last lines that the process wrote to stderr."""
        return "\n".join(self._stderr)

    def send(self, line: str) -> None:
        """Writes a line to the process's stdin. Nothing happens when it has ended: ``poll`` tells that."""
        stream = self._process.stdin
        if stream is not None and self.exit_code is None:
            try:
                stream.write(line.encode("utf-8") + b"\n")
                stream.flush()
            except OSError:  # it ends just now
                return

    def send_no_more(self) -> None:
        """Closes the process's stdin: one that reads it to its end then ends by itself."""
        if self._process.stdin is not None:
            _close(self._process.stdin)

    def poll(self) -> List[str]:
        """New lines of stdout. Escalates a requested stop when its time is up; returns at once."""
        if self._process.poll() is not None:
            self._finish()
        elif self._stop_requested is not None:
            waited = time.monotonic() - self._stop_requested
            if waited > self._patience.polite + self._patience.terminate:
                self.kill()
            elif waited > self._patience.polite and not self._terminated:
                self._terminated = True
                self._group.terminate()
        lines = []
        while not self._lines.empty():
            lines.append(self._lines.get())
        return lines

    def request_stop(self) -> None:
        """Asks the process to stop; later calls of ``poll`` insist. A second request changes nothing."""
        if self._stop_requested is None and self._process.poll() is None:
            self._stop_requested = time.monotonic()
            self._ask_to_stop()
            self._group.interrupt()

    def kill(self) -> None:
        """Ends the process and everything it started, now, and waits until it is gone."""
        if self._process.poll() is None:
            self._group.kill()
            self._process.wait()
        self._finish()

    def _finish(self) -> None:
        """After the end: sweeps what the process left behind and collects the last lines."""
        if self._readers:
            self._group.kill()
            for reader in self._readers:
                reader.join(timeout=_READ_SECONDS)
            self._readers = []
            if self._watcher is not None:
                self._watcher.communicate(b".")
                self._watcher = None
            for stream in (self._process.stdout, self._process.stderr, self._process.stdin):
                if stream is not None:
                    _close(stream)
            atexit.unregister(self.kill)


def ask_process(
    command: Sequence[str], question: bytes, seconds: float, environment: Mapping[str, str]
) -> Tuple[int, str, str]:
    """Exit code, stdout and stderr of ``command``, which reads ``question`` and has ``seconds`` to answer.

    Nothing of it runs afterwards, also when this call is interrupted. Raises ProcessError when it cannot be started or
    does not answer in time.
    """
    group = _Group(command, env=dict(environment), stdin=subprocess.PIPE)
    try:
        answer, errors = group.process.communicate(question, seconds)
    except subprocess.TimeoutExpired:
        raise ProcessError("no answer within {:.0f} seconds from '{}'.".format(seconds, command[0])) from None
    finally:
        group.kill()
        group.process.wait()
    return group.process.returncode, answer.decode("utf-8", "replace"), errors.decode("utf-8", "replace")


class _Group:
    """A process and all that it starts."""

    def __init__(self, command: Sequence[str], **options: Any) -> None:
        try:
            self.process: "subprocess.Popen[bytes]" = subprocess.Popen(
                list(command), stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options, **_group_options()
            )
        except OSError as error:
            reason = error.strerror or error
            raise ProcessError("'{}' cannot be started ({}).".format(command[0], reason)) from None
        self._job = Job.around(self.process) if sys.platform == "win32" else None

    def interrupt(self) -> None:
        # Ctrl-Break reaches a process only through a console that both share, which Maya's window has not got: on
        # Windows the polite way is what ``ask_to_stop`` does.
        if sys.platform != "win32":
            self._signal(signal.SIGINT)

    def terminate(self) -> None:
        if sys.platform == "win32":
            self.kill()
        else:
            self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """Also of what is left of the group when the process itself has ended."""
        if sys.platform != "win32":
            self._signal(signal.SIGKILL)
        elif self._job is not None:
            self._job.terminate()
        elif self.process.poll() is None:
            _kill_tree(self.process)

    def _signal(self, number: int) -> None:
        try:
            os.killpg(self.process.pid, number)
        except (ProcessLookupError, PermissionError):
            # Gone already; macOS answers "not permitted" for a group of which only a zombie is left.
            return


def _watch(python: Path, group: _Group, environment: Mapping[str, str]) -> "Optional[subprocess.Popen[bytes]]":
    """A process that ends ``group`` when this process dies; None on Windows, where the group's job does that."""
    if sys.platform == "win32":
        return None
    try:
        return subprocess.Popen(
            [str(python), "-c", _WATCH, str(group.process.pid)],
            env=dict(environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            **_group_options(),
        )
    except OSError as error:
        group.kill()
        group.process.wait()
        raise ProcessError("'{}' cannot be started ({}).".format(python, error.strerror or error)) from None


def _close(stream: IO[bytes]) -> None:
    try:
        stream.close()
    except OSError:  # what was still to be written has nobody to read it
        return


def _start_reader(stream: Optional[IO[bytes]], put: Callable[[str], None]) -> threading.Thread:
    def read() -> None:
        for line in stream or ():
            put(line.decode("utf-8", "replace").rstrip("\r\n"))

    thread = threading.Thread(target=read, name="facesolve reader", daemon=True)
    thread.start()
    return thread


def _group_options() -> Dict[str, Any]:
    if sys.platform == "win32":
        # Without CREATE_NO_WINDOW a console would pop up over Maya.
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW}
    return {"start_new_session": True}


def _kill_tree(process: "subprocess.Popen[bytes]") -> None:
    # Where no job could be made: TerminateProcess ends one process only; taskkill follows the tree.
    taskkill = os.path.join(os.environ.get("SYSTEMROOT", "C:\\Windows"), "System32", "taskkill.exe")
    try:
        subprocess.run(
            [taskkill, "/PID", str(process.pid), "/T", "/F"],
            env=dict(os.environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=10,
            **_group_options(),
        )
    except (OSError, subprocess.TimeoutExpired):
        process.kill()
