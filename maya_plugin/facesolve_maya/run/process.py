"""A child process that is watched without blocking and really stops. Knows nothing about solving, maya or Qt."""

from __future__ import annotations

import atexit
import os
import queue
import signal
import subprocess
import threading
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Callable, Deque, Dict, List, Mapping, Optional, Sequence

from .errors import InterpreterError

NEW_GROUP = getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)  # Windows only
NO_WINDOW = getattr(subprocess, "CREATE_NO_WINDOW", 0)
STDERR_LINES = 200


@dataclass(frozen=True)
class Patience:
    """Seconds given to a process that was asked to stop: first politely, then after being told to terminate."""

    polite: float = 15.0
    terminate: float = 5.0


class ChildProcess:
    """Runs ``command`` without shell or console; ``poll`` from a timer or a loop, on one thread.

    The process leads a group (POSIX) or a tree (Windows), which is ended as a whole: nothing outlives it.
    """

    def __init__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        folder: Path,
        ask_to_stop: Callable[[], object] = lambda: None,
        patience: Optional[Patience] = None,
    ) -> None:
        """Starts the process in ``folder``. ``ask_to_stop`` is called once when a stop is requested, before any signal.

        Raises InterpreterError when the executable cannot be started.
        """
        self._ask_to_stop = ask_to_stop
        self._patience = Patience() if patience is None else patience
        self._lines: queue.Queue = queue.Queue()
        self._stderr: Deque[str] = deque(maxlen=STDERR_LINES)
        self._stop_requested: Optional[float] = None
        self._terminated = False
        try:
            self._process = subprocess.Popen(
                list(command),
                env=dict(environment),
                cwd=str(folder),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                **_group_options(),
            )
        except OSError as error:
            raise InterpreterError("'{}' cannot be started ({}).".format(command[0], error)) from None
        assert self._process.stdout is not None, "a pipe"
        assert self._process.stderr is not None, "a pipe"
        self._streams = (self._process.stdout, self._process.stderr)
        self._readers = [
            _start_reader(self._streams[0], self._lines.put),
            _start_reader(self._streams[1], self._stderr.append),
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
                _terminate_group(self._process)
        lines = []
        while not self._lines.empty():
            lines.append(self._lines.get())
        return lines

    def request_stop(self) -> None:
        """Asks the process to stop; later calls of ``poll`` insist. A second request changes nothing."""
        if self._stop_requested is None and self._process.poll() is None:
            self._stop_requested = time.monotonic()
            self._ask_to_stop()
            _interrupt_group(self._process)

    def kill(self) -> None:
        """Ends the process and everything it started, now, and waits until it is gone."""
        if self._process.poll() is None:
            _kill_group(self._process)
            self._process.wait()
        self._finish()

    def _finish(self) -> None:
        """After the end: sweeps what the process left behind and collects the last lines."""
        if self._readers:
            _kill_group(self._process)
            for reader in self._readers:
                reader.join(timeout=5.0)
            self._readers = []
            for stream in self._streams:
                stream.close()
            atexit.unregister(self.kill)


def _start_reader(stream: IO[bytes], put: Callable[[str], None]) -> threading.Thread:
    def read() -> None:
        for line in stream:
            put(line.decode("utf-8", "replace").rstrip("\r\n"))

    thread = threading.Thread(target=read, name="facesolve reader", daemon=True)
    thread.start()
    return thread


def _group_options() -> Dict[str, Any]:
    if os.name == "nt":
        # Without CREATE_NO_WINDOW a console would pop up over Maya.
        return {"creationflags": NEW_GROUP | NO_WINDOW}
    return {"start_new_session": True}


def _interrupt_group(process: subprocess.Popen) -> None:
    # Ctrl-Break reaches a process only through a console that both share, which Maya's window has not got: on Windows
    # the polite way is what ``ask_to_stop`` does.
    if os.name != "nt":
        _signal_group(process, signal.SIGINT)


def _terminate_group(process: subprocess.Popen) -> None:
    if os.name == "nt":
        _kill_tree(process)
    else:
        _signal_group(process, signal.SIGTERM)


def _kill_group(process: subprocess.Popen) -> None:
    if os.name == "nt":
        if process.returncode is None:
            _kill_tree(process)
    else:
        _signal_group(process, signal.SIGKILL)


def _signal_group(process: subprocess.Popen, number: int) -> None:
    try:
        os.killpg(process.pid, number)
    except (ProcessLookupError, PermissionError):
        # Gone already; macOS answers "not permitted" for a group of which only a zombie is left.
        return


def _kill_tree(process: subprocess.Popen) -> None:
    # TerminateProcess ends one process only; taskkill follows the tree.
    taskkill = os.path.join(os.environ.get("SYSTEMROOT", "C:\\Windows"), "System32", "taskkill.exe")
    try:
        subprocess.run(
            [taskkill, "/PID", str(process.pid), "/T", "/F"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            creationflags=NO_WINDOW,
            timeout=10,
        )
    except (OSError, subprocess.TimeoutExpired):
        process.kill()
