"""One solve as the panel sees it: what it does, how far it is, picture, end. Knows neither Qt nor maya."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Callable, List, Optional, Tuple

from facesolve.take.events import Done, Event, Message, Picture, Stage, StageProgress
from facesolve.take.solve_steps import part_done, seconds_left, words_of

MESSAGES_KEPT = 200


@dataclass
class RunStatus:
    """What is known of a solve under way. stage, done, total: its present stage, in the solver's words."""

    stage: str = ""
    done: int = 0
    total: int = 0
    picture: str = ""
    seconds: Optional[float] = None
    messages: Tuple[str, ...] = ()
    clock: Callable[[], float] = time.monotonic
    began: float = field(default=0.0)

    @staticmethod
    def begin() -> RunStatus:
        """The status of a solve that starts now."""
        return RunStatus(stage="starting", began=time.monotonic())

    @property
    def doing(self) -> str:
        """What the solve does now, for an animator."""
        words = words_of(self.stage)
        return "{}: {} of {}".format(words, self.done, self.total) if self.total > 1 else words

    @property
    def fraction(self) -> Optional[float]:
        """0..1 of the whole solve, None while that is unknown."""
        return part_done(self.stage, self.done, self.total)

    @property
    def seconds_left(self) -> Optional[float]:
        """Of the whole solve, None while that cannot be told."""
        return seconds_left(self.fraction, self.clock() - self.began)

    def take(self, events: List[Event]) -> bool:
        """Brings the status up to date; True when there is a new picture."""
        fresh = False
        for event in events:
            if isinstance(event, Stage):
                self.stage, self.done, self.total = event.name, 0, event.total
            elif isinstance(event, StageProgress):
                self.stage, self.done, self.total = event.stage, event.done, event.total
            elif isinstance(event, Picture):
                self.picture, fresh = event.path, True
            elif isinstance(event, Message):
                self.messages = (*self.messages, event.text)[-MESSAGES_KEPT:]
            elif isinstance(event, Done):
                self.seconds = event.seconds
        return fresh


def spoken_time(seconds: float) -> str:
    """A duration as people say it: ``8 s``, ``2 min 05 s``, ``1 h 12 min``."""
    whole = round(seconds)
    if whole < 60:
        return "{} s".format(whole)
    if whole < 3600:
        return "{} min {:02d} s".format(whole // 60, whole % 60)
    return "{} h {:02d} min".format(whole // 3600, whole % 3600 // 60)
