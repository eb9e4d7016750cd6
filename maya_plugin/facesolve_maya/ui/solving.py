"""The solve under way: its scene, its progress, its end, also when that scene is not open. Knows no Qt, no maya."""

from __future__ import annotations

from pathlib import Path
from typing import Callable, Dict, NamedTuple, Optional, Union

from facesolve_maya.run import CANCELLED, DONE, InProcessTask, Outcome, SolveTask

from .bulletin import PICTURE, PROGRESS, STATE, Bulletin
from .results import Span
from .runs import RunStatus

IDLE, SOLVING, CANCELLING = "idle", "solving", "cancelling"

Task = Union[SolveTask, InProcessTask]


class Solved(NamedTuple):
    """A solve that ended well. seconds: how long it took, None when unknown; span: the frames that it solves again."""

    folder: Path
    seconds: Optional[float]
    span: Span


class Solving:
    """At most one solve. ``scene_path`` gives the path of the open scene, empty while it was never saved."""

    def __init__(
        self,
        bulletin: Bulletin,
        scene_path: Callable[[], str],
        on_done: Callable[[Solved], None],
        on_end: Callable[[], None],
    ) -> None:
        """``on_done`` hears of a solve that ended well while its scene is open, ``on_end`` afterwards of every end."""
        self._bulletin, self._scene_path, self._on_done, self._on_end = bulletin, scene_path, on_done, on_end
        self.task: Optional[Task] = None
        self.run: Optional[RunStatus] = None
        self._span: Span = None
        self._home = ""  # path of its scene, empty when that was never saved
        self._left = False  # its scene is not open any more
        self._waiting: Dict[str, Solved] = {}  # solved while its scene was not open

    @property
    def state(self) -> str:
        """IDLE, SOLVING or CANCELLING."""
        if self.task is None:
            return IDLE
        return CANCELLING if self.task.cancelling else SOLVING

    @property
    def away(self) -> bool:
        """True while a solve runs whose scene is not open."""
        return self.task is not None and self._left

    def begin(self, task: Task, span: Span) -> None:
        """Watches ``task``, which has just been started for the open scene."""
        self.task, self._span, self._home, self._left = task, span, self._scene_path(), False
        self.run = RunStatus.begin()

    def cancel(self) -> None:
        """Asks the solve to stop."""
        if self.task is not None:
            self.task.cancel()
            self._bulletin.tell(STATE)

    def leave_scene(self) -> str:
        """Another scene is open. The solve continues if its scene can come back. A sentence about it, or nothing."""
        text = ""
        self._left = self.task is not None and self._home != self._scene_path()
        if self.task is not None and not self._home:
            self.kill()
            text = "The solve was stopped: its scene was never saved, so it cannot be opened again."
        elif self.away:
            text = "The solve of '{}' continues; its result is kept until that scene is open again.".format(
                Path(self._home).name
            )
        if self.task is None:
            self.run = None
        return text

    def take_waiting(self) -> Optional[Solved]:
        """What was solved for the open scene while another was open; it is given once."""
        return self._waiting.pop(self._scene_path(), None)

    def tick(self) -> None:
        """Looks after the solve; never blocks."""
        if self.task is None:
            return
        if not self._left:
            self._home = self._scene_path()  # the scene may be saved under another name meanwhile
        fresh_picture = self.run is not None and self.run.take(self.task.poll())
        self._bulletin.tell(PROGRESS)
        if fresh_picture:
            self._bulletin.tell(PICTURE)
        if self.task.outcome is not None:
            self._finish(self.task.outcome)

    def kill(self) -> None:
        """Ends the solve now."""
        if self.task is not None:
            self.task.kill()
            self.task = None

    def _finish(self, outcome: Outcome) -> None:
        self.task = None
        if outcome.status == DONE:
            solved = Solved(outcome.out, None if self.run is None else self.run.seconds, self._span)
            if self._left:
                self._waiting[self._home] = solved
                self._bulletin.tell_user("'{}' is solved. Open it to look at the result.".format(Path(self._home).name))
            else:
                self._on_done(solved)
        elif outcome.status == CANCELLED:
            self._bulletin.tell_user("Cancelled. The scene is as it was.")
        else:
            self._bulletin.tell_user("{}\nThe scene is as it was.".format(outcome.text), error=True)
        self._on_end()
        self._bulletin.tell(STATE)
