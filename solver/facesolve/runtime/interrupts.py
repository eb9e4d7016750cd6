"""How a task is stopped from outside: SIGTERM counts as Ctrl-C, and a parent that is gone as SIGTERM."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from facesolve.take.processes import PARENT_VARIABLE, Patience

LOOK_EVERY = 0.2  # seconds; Windows hears Ctrl-C only between two waits
PARENT_EVERY = 1.0  # seconds


@contextmanager
def interruptible() -> Iterator[None]:
    """Inside, SIGTERM (on Windows Ctrl-Break) raises KeyboardInterrupt, so that a task ends with its children.

    A process started by ``take.processes.ChildProcess`` interrupts itself when its parent has died. Off the main
    thread, which alone receives signals, nothing changes.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = [getattr(signal, name) for name in ("SIGTERM", "SIGBREAK") if hasattr(signal, name)]
    before = {number: signal.signal(number, signal.default_int_handler) for number in numbers}
    try:
        _watch_parent()
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def end_with_parent() -> None:
    """From now on this process interrupts itself when the one that started it is gone.

    Only for those who say so: a solve that somebody left running in the background outlives its shell.
    """
    if os.name != "nt":  # Windows ends the job of a process that is gone
        threading.Thread(target=_end_with, args=(os.getppid(),), name="facesolve parent", daemon=True).start()


def _watch_parent() -> None:
    """Starts the watch where a parent is named that is this process's; children of this one have another.

    One that is gone already, before anybody watched, counts as well.
    """
    parent = os.environ.pop(PARENT_VARIABLE, "")
    if parent == str(os.getppid()):
        end_with_parent()
    elif os.name != "nt" and parent.isdecimal() and not _exists(int(parent)):
        os.kill(os.getpid(), signal.SIGTERM)


def _exists(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(PARENT_EVERY)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(Patience().polite)
    if os.getpgrp() == os.getpid():  # it leads its group, which nobody else is left to end
        os.killpg(os.getpgrp(), signal.SIGKILL)
    os._exit(1)
