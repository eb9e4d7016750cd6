"""One task at a time writes into a folder: a lock that ends with the process that holds it, and says who that is.

Knows nothing of what is written.
"""

from __future__ import annotations

import errno
import json
import os
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path

from facesolve.take import FacesolveError, SolveError
from facesolve.take.checks import NAME, whole
from facesolve.take.files import check_folder
from facesolve.take.names import LOCK
from facesolve.take.reading import read_json

WAIT = 20.0  # seconds: a task whose starter was killed needs some to end, and a farm starts it anew at once
LOOK_EVERY = 0.2
_HELD = (errno.EACCES, errno.EAGAIN, errno.EDEADLK)
_BYTE = 1 << 30  # on Windows others cannot read what is locked: far behind the words about the holder

if sys.platform == "win32":
    import msvcrt

    def _take_lock(handle: int) -> None:
        """Raises OSError when another process, or another opening of the file in this one, holds it."""
        os.lseek(handle, _BYTE, os.SEEK_SET)
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _take_lock(handle: int) -> None:
        """Raises OSError when another process, or another opening of the file in this one, holds it."""
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)  # on NFS, Linux locks for all machines


@contextmanager
def sole_writer(folder: Path, say: Callable[[str], None], wait: float | None = None) -> Iterator[None]:
    """Inside, no other task is inside for ``folder``, on this machine or another that shares it.

    The system gives the lock free when its process ends, however it ends. say: hears that it waits, or that the file
    system knows no locks. wait: seconds for which another task may go on. Raises SolveError when it is still there
    then, TakeError when the folder cannot be written.
    """
    check_folder(folder)
    folder.mkdir(parents=True, exist_ok=True)
    path, until = folder / LOCK, time.monotonic() + (WAIT if wait is None else wait)
    handle, waited = _opened_and_locked(path, say), False
    while handle is None:
        if time.monotonic() >= until:
            raise SolveError(f"'{folder}' is being written by {_holder(path)}; let it end, or stop it.")
        if not waited:
            say(f"waits for {_holder(path)}, which writes into '{folder}'")
            waited = True
        time.sleep(LOOK_EVERY)
        handle = _opened_and_locked(path, say)
    try:
        _introduce(handle)
        yield
    finally:
        _give_back(handle, path)


def has_writer(folder: Path) -> bool:
    """Whether a task writes into ``folder`` now; where the file system knows no locks nobody knows, and it is False."""
    try:
        handle = os.open(folder / LOCK, os.O_RDWR | getattr(os, "O_BINARY", 0))
    except OSError:
        return False
    try:
        _take_lock(handle)
    except OSError as error:
        return error.errno in _HELD
    finally:
        os.close(handle)
    return False


def _opened_and_locked(path: Path, say: Callable[[str], None]) -> int | None:
    """The locked file's handle, None while another task holds it."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o666)
    try:
        _take_lock(handle)
    except OSError as error:
        if error.errno in _HELD:
            os.close(handle)
            return None
        say(f"the file system of '{path.parent}' knows no locks ({error.strerror}): let no other task write there")
        return handle
    if not _is(handle, path):  # its holder has removed it in the meantime
        os.close(handle)
        return None
    return handle


def _is(handle: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), os.stat(path))
    except FileNotFoundError:
        return False


def _introduce(handle: int) -> None:
    """Writes who holds the lock, for whom it concerns."""
    since = datetime.now(timezone.utc).isoformat(timespec="seconds")
    words = json.dumps({"process": os.getpid(), "host": socket.gethostname(), "since": since}) + "\n"
    os.ftruncate(handle, 0)
    os.lseek(handle, 0, os.SEEK_SET)
    os.write(handle, words.encode())


def _holder(path: Path) -> str:
    try:
        said = read_json(path, "lock")
        process, host, since = whole(0, 2**32)(said["process"], "process"), NAME(said["host"], "host"), said["since"]
        return f"process {process} on '{host}' since {NAME(since, 'since')}"
    except (FacesolveError, KeyError):  # it has just begun or ended
        return "another task"


def _give_back(handle: int, path: Path) -> None:
    """Removes the file where that is safe, which is while it is locked; Windows removes none that is open."""
    if os.name != "nt":
        path.unlink(missing_ok=True)
    os.close(handle)
