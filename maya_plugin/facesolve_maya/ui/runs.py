"""One solve as the panel sees it: stage, time left, picture, end. Knows neither Qt nor maya."""

from __future__ import annotations

from dataclasses import dataclass
from typing import List, Optional, Tuple

from facesolve.take.events import Done, Event, Message, Picture, Stage, StageProgress

MESSAGES_KEPT = 200


@dataclass
class RunStatus:
    """What is known of a solve under way. fraction: of the present stage, None when unknown."""

    stage: str = ""
    done: int = 0
    total: int = 0
    seconds_left: Optional[float] = None
    picture: str = ""
    seconds: Optional[float] = None
    messages: Tuple[str, ...] = ()

    @staticmethod
    def begin() -> RunStatus:
        """The status of a solve that starts now."""
        return RunStatus(stage="starting")

    @property
    def fraction(self) -> Optional[float]:
        """0..1 within the stage, None when its length is unknown."""
        return min(self.done / self.total, 1.0) if self.total > 0 else None

    def take(self, events: List[Event]) -> bool:
        """Brings the status up to date; True when there is a new picture."""
        fresh = False
        for event in events:
            if isinstance(event, Stage):
                self.stage, self.done, self.total, self.seconds_left = event.name, 0, event.total, None
            elif isinstance(event, StageProgress):
                self.stage, self.done, self.total = event.stage, event.done, event.total
                self.seconds_left = event.seconds_left
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
