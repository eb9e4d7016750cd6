"""What is shown of a result in Maya's own windows, each step one undo. Knows neither Qt nor maya."""

from __future__ import annotations

from typing import Any, Sequence

from facesolve.take.errors import TakeError

from .bulletin import Bulletin
from .model import ControlRow, PanelSettings
from .results import Results


class InMaya:
    """Selection, keys, Graph Editor, time slider and viewports, by the scene adapter."""

    def __init__(self, bulletin: Bulletin, scene: Any, results: Results) -> None:
        self._bulletin, self._scene, self._results = bulletin, scene, results

    def select_solved(self) -> bool:
        """Selects what the applied solve has keyed."""
        return self._bulletin.attempt(self._scene.select_solved)

    def key_as_solved(self) -> bool:
        """Keys the present frame as it was solved: selected controls, else all."""
        return self._bulletin.attempt(self._scene.key_as_solved)

    def toggle_overlay(self, settings: PanelSettings) -> bool:
        """Draws the head's edges over the footage, or no longer."""
        return self._bulletin.attempt(lambda: self._scene.toggle_overlay(settings))

    def toggle_certainty(self, controls: Sequence[ControlRow]) -> bool:
        """Shows how sure each control is as curves and colors the frames that stand out, or takes both away."""
        return self._bulletin.attempt(lambda: self._toggle_certainty(controls))

    def _toggle_certainty(self, controls: Sequence[ControlRow]) -> str:
        if self._scene.remove_certainty():
            return "The curves of certainty and the colored frames are gone."
        shown, summary = self._results.shown, self._results.summary
        if shown is None or summary is None:
            raise TakeError("There is no solution yet; solve first.")
        return str(self._scene.show_certainty(shown, controls, summary.frames))
