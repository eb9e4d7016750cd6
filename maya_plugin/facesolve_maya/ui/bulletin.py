"""Who in the panel hears of what, and the sentence at its foot. Knows neither Qt nor maya."""

from __future__ import annotations

from typing import Callable, Dict, List

from facesolve.take.errors import FacesolveError

SCENE, SETTINGS, FINDINGS, ENVIRONMENT, PROGRESS, PICTURE, STATE, RESULT = (
    "scene",
    "settings",
    "findings",
    "environment",
    "progress",
    "picture",
    "state",
    "result",
)
TOPICS = (SCENE, SETTINGS, FINDINGS, ENVIRONMENT, PROGRESS, PICTURE, STATE, RESULT)


class Bulletin:
    """Listeners by topic, and one notice for the user."""

    def __init__(self) -> None:
        self.notice = ""
        self.notice_is_error = False
        self._listeners: Dict[str, List[Callable[[], None]]] = {topic: [] for topic in TOPICS}

    def listen(self, topic: str, listener: Callable[[], None]) -> None:
        """Calls ``listener`` whenever ``topic`` (one of TOPICS) changes."""
        self._listeners[topic].append(listener)

    def tell(self, *topics: str) -> None:
        """Calls the listeners of ``topics``."""
        for topic in topics:
            for listener in self._listeners[topic]:
                listener()

    def tell_user(self, text: str, error: bool = False) -> None:
        """Shows one sentence at the foot of the panel."""
        self.notice, self.notice_is_error = text, error
        self.tell(STATE)

    def refuse(self, text: str) -> bool:
        """Says why something is not done; False, for whoever was to do it."""
        self.tell_user(text, error=True)
        return False

    def attempt(self, work: Callable[[], str]) -> bool:
        """Shows the sentence that ``work`` returns, or that of the error that it raises; whether it was done."""
        try:
            self.tell_user(work())
        except FacesolveError as error:
            return self.refuse(str(error))
        return True
