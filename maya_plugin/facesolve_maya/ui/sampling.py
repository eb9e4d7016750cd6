"""Sampling of rigs that cannot be read: which controls, and how far it is. Knows neither Qt nor maya."""

from __future__ import annotations

from typing import Any, Tuple

from facesolve.take.errors import FacesolveError

from .bulletin import PROGRESS


class Sampling:
    """``done`` of ``total`` controls are recorded; both are 0 while nothing is."""

    def __init__(self, session: Any, scene: Any) -> None:
        self._session, self._scene = session, scene
        self.done = self.total = 0
        scene.on_recorded = self._recorded

    def sets(self) -> Tuple[str, ...]:
        """The sets that controls may be in."""
        return tuple(self._scene.control_sets())

    def sample(self, where: str) -> bool:
        """Has the rig recorded by controls of the selection, a set or everywhere; False where there are none."""
        session = self._session
        try:
            plugs, text = self._scene.samplable(where, session.settings)
        except FacesolveError as error:
            return bool(session.refuse(str(error)))
        self._take_up(plugs)
        session.tell_user(text)
        return True

    def read(self) -> None:
        """Back to the rig as it can be read."""
        self._take_up(())

    def _take_up(self, plugs: Tuple[str, ...]) -> None:
        session = self._session
        with self._scene.reading_once():
            session.change(sampled=plugs)
            session.check()

    def _recorded(self, done: int, total: int) -> None:
        self.done, self.total = (0, 0) if done == total else (done, total)
        self._session.tell(PROGRESS)
