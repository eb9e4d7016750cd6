"""A solve on a thread of this very Python, for those who have torch in Maya and ask for it. Imports torch late."""

from __future__ import annotations

import importlib.util
import queue
import threading
import time
from pathlib import Path
from typing import List, Optional

from facesolve.take.errors import FacesolveError

from .events import Done, Error, Event, Message, Picture, Stage, StageProgress
from .request import SolveRequest
from .task import CANCELLED, DONE, FAILED, Outcome


class _Cancelled(BaseException):
    """Raised in the solving thread. Not an Exception: the solver must not take it for a fault of its own."""


class InProcessTask:
    """One solve on a thread; same manners as SolveTask. A cancel takes effect at the solver's next progress step."""

    def __init__(self, request: SolveRequest) -> None:
        """Starts the solve. Raises SolveError when it cannot start."""
        self.request = request
        self.outcome: Optional[Outcome] = None
        self._progress = _Progress()
        self._result: Optional[Outcome] = None
        self._thread = threading.Thread(target=self._run, name="facesolve solve", daemon=True)
        self._thread.start()

    @property
    def cancelling(self) -> bool:
        """True from the request to cancel until the outcome is known."""
        return self.outcome is None and self._progress.stop.is_set()

    def poll(self) -> List[Event]:
        """Events since the last call; sets ``outcome`` when the solve has ended."""
        ended = not self._thread.is_alive()
        events = self._progress.take_events()
        if ended and self.outcome is None:
            self.outcome = self._result
        return events

    def cancel(self) -> None:
        """Asks the solve to stop."""
        self._progress.stop.set()

    def kill(self) -> None:
        """Asks the solve to stop; a thread cannot be killed."""
        self.cancel()

    def _run(self) -> None:
        request, out = self.request, self.request.out
        try:
            from facesolve.jobs.solve_folder import solve_take_folder

            solve_take_folder(
                request.take,
                out,
                device=request.device,
                quality=request.quality,
                frames=request.frames,
                resume=request.resume,
                progress=self._progress,
            )
            self._progress.done(out)
            self._result = Outcome(DONE, out)
        except _Cancelled:
            self._result = Outcome(CANCELLED, out, "The solve was cancelled.")
        except FacesolveError as error:
            self._result = Outcome(FAILED, out, str(error))
        except Exception as error:
            # The thread's last line of defence: whatever breaks in torch must reach the user, not the void.
            self._result = Outcome(FAILED, out, "{}: {}".format(type(error).__name__, error))


class _Progress:
    """The solver's Progress protocol, into a queue; raises _Cancelled once ``stop`` is set."""

    def __init__(self) -> None:
        self.stop = threading.Event()
        self._events: queue.Queue = queue.Queue()
        self._stage, self._total, self._count = "", 0, 0
        self._opened = self._began = time.monotonic()

    def take_events(self) -> List[Event]:
        events = []
        while not self._events.empty():
            events.append(self._events.get())
        return events

    def stage(self, name: str, total: int) -> None:
        self._stage, self._total, self._count = name, int(total), 0
        self._began = time.monotonic()
        self._put(Stage(name, int(total)))

    def advance(self, count: int = 1) -> None:
        self._count += count
        left = None
        if self._count > 0:
            left = (time.monotonic() - self._began) / self._count * max(self._total - self._count, 0)
        self._put(StageProgress(self._stage, self._count, self._total, left))

    def message(self, text: str) -> None:
        self._put(Message(text))

    def picture(self, path: Path) -> None:
        self._put(Picture(Path(path).as_posix()))

    def done(self, folder: Path) -> None:
        self._events.put(Done(Path(folder).as_posix(), time.monotonic() - self._opened))

    def error(self, text: str) -> None:
        self._events.put(Error(text))

    def _put(self, event: Event) -> None:
        self._events.put(event)
        if self.stop.is_set():
            raise _Cancelled


def in_process_obstacle() -> Optional[str]:
    """Why a solve cannot run in this Python, or None when it can. Finds torch without importing it."""
    missing = [name for name in ("torch", "cv2", "rich") if importlib.util.find_spec(name) is None]
    if missing:
        return "This Python lacks {}.".format(", ".join(missing))
    return None
