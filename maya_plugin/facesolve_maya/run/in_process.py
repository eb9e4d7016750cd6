"""A solve on a thread of this very Python, for those who have torch in Maya and ask for it. Imports torch late."""

from __future__ import annotations

import importlib.util
import queue
import threading
from typing import List, Optional

from facesolve.take.errors import FacesolveError
from facesolve.take.events import Done, Event, EventProgress
from facesolve.take.settings_record import SettingsChange

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
        self._stop = threading.Event()
        self._events: queue.Queue = queue.Queue()
        self._result: Optional[Outcome] = None
        self._thread = threading.Thread(target=self._run, name="facesolve solve", daemon=True)
        self._thread.start()

    @property
    def cancelling(self) -> bool:
        """True from the request to cancel until the outcome is known."""
        return self.outcome is None and self._stop.is_set()

    def poll(self) -> List[Event]:
        """Events since the last call; sets ``outcome`` when the solve has ended."""
        ended = not self._thread.is_alive()
        events = []
        while not self._events.empty():
            events.append(self._events.get())
        if ended and self.outcome is None:
            self.outcome = self._result
        return events

    def cancel(self) -> None:
        """Asks the solve to stop."""
        self._stop.set()

    def kill(self) -> None:
        """Asks the solve to stop; a thread cannot be killed."""
        self.cancel()

    def _run(self) -> None:
        request, out, progress = self.request, self.request.out, EventProgress(self._hear)
        try:
            from facesolve.jobs.solve_folder import solve_take_folder

            solve_take_folder(
                request.take,
                out,
                device=request.device,
                settings=SettingsChange(values={} if request.quality is None else {"quality": request.quality}),
                frames=request.frames,
                resume=request.resume,
                overwrite=request.overwrite,
                pictures=request.pictures,
                keep_state=request.keep_state,
                texture=request.texture,
                progress=progress,
            )
            progress.done(out)
            self._result = Outcome(DONE, out)
        except _Cancelled:
            self._result = Outcome(CANCELLED, out, "The solve was cancelled.")
        except FacesolveError as error:
            self._result = Outcome(FAILED, out, str(error))
        except Exception as error:
            # The thread's last line of defense: whatever breaks in torch must reach the user, not the void.
            self._result = Outcome(FAILED, out, "{}: {}".format(type(error).__name__, error))

    def _hear(self, event: Event) -> None:
        """Called in the solving thread; raises _Cancelled once a stop is wanted, but not of a solve that is done."""
        self._events.put(event)
        if self._stop.is_set() and not isinstance(event, Done):
            raise _Cancelled


def in_process_obstacle() -> Optional[str]:
    """Why a solve cannot run in this Python, or None when it can. Finds torch without importing it."""
    missing = [name for name in ("torch", "cv2", "rich") if importlib.util.find_spec(name) is None]
    if missing:
        return "This Python lacks {}.".format(", ".join(missing))
    return None
