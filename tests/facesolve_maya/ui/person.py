"""Somebody who presses the panel's buttons, reads what is new on the screen, and keeps count. Knows the stand-in."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from maya import cmds

from facesolve_maya.ui.qt import QtWidgets
from tests.facesolve_maya.ui.legible import cut_off, faint
from tests.facesolve_maya.ui.maya_look import look_like_maya

HEIGHT = 880
LOOKS = {  # width of the dock and font of the other panels, pixels; Maya's interface scaling reaches Qt as the font
    "150 percent": (645, 16),
    "200 percent": (860, 22),
    "18 pixels": (430, 18),
    "narrow": (320, 11),
    "wide": (900, 11),
}


class Person:
    """Presses buttons, reads what is new on the screen, and keeps count."""

    def __init__(self, application: Any, out: Path | None = None) -> None:
        """``out``: where pictures go, and then steps are printed; None for none."""
        self._application, self._out = application, out
        self.panels: dict[str, Any] = {}  # the first is the docked one
        self.clicks, self.words = 0, 0
        self.trouble: list[str] = []  # words that are cut off or faint
        self._read: set[str] = set()
        self._step, self._began = 0, time.monotonic()

    @property
    def panel(self) -> Any:
        """The panel in the dock."""
        return self.panels["dock"]

    def sit_down(self, panel: Any, looks: dict[str, tuple[int, int]] | None = None) -> None:
        """Takes the docked panel, and puts others next to it. looks: LOOKS, or fewer."""
        self.panels["dock"] = panel
        panel.window().resize(430, HEIGHT)
        panel.window().show()
        for name, (width, font) in (LOOKS if looks is None else looks).items():
            look_like_maya(self._application, font)
            made = type(panel)(panel.session)
            made.setFont(self._application.font())  # whatever the application's is later
            made.resize(width, HEIGHT * font // 11)
            made.show()
            self.panels[name] = made
        look_like_maya(self._application)

    def look(self, what: str, clicks: int) -> None:
        """Reads the screen after ``clicks``, and keeps pictures of it."""
        for panel in self.panels.values():
            panel.pages.setCurrentIndex(self.panel.pages.currentIndex())
            panel.show_time(cmds.currentTime(query=True))
        self.go_on(0.5)
        self._step += 1
        fresh = self._texts() - self._read
        self._read |= fresh
        words = sum(len(text.split()) for text in fresh)
        self.clicks, self.words = self.clicks + clicks, self.words + words
        self._say(f"{self._step:2d}  {what:34s} {clicks} clicks  {words:4d} new words  {self._seconds():6.0f} s")
        for name, panel in self.panels.items():
            if self._out is not None:
                panel.grab().save(str(self._out / f"step_{self._step:02d}_{name.replace(' ', '_')}.png"))
            found = [f"{what}, {name}: {sentence}" for sentence in (*cut_off(panel), *faint(panel))]
            self.trouble += found
            for sentence in found:
                self._say("      " + sentence)

    def press(self, what: str, button: Any, extra: int = 0) -> None:
        """One click on a button that can be seen and pressed; extra: clicks in a window of Maya that it opens."""
        if not (button.isVisible() and button.isEnabled()):
            raise SystemExit(f"'{button.text()}' cannot be pressed: {self.panel.session.notice}")
        button.click()
        self.look(what, 1 + extra)

    def wait(self, condition: Callable[[], bool]) -> None:
        while not condition():
            self.go_on(0.02)

    def go_on(self, seconds: float) -> None:
        """Qt's events for a while, on a busy machine as well."""
        until = time.monotonic() + seconds
        rounds = int(100 * seconds)
        while rounds > 0 or time.monotonic() < until:
            self._application.processEvents()
            rounds -= 1
            time.sleep(0.01)

    def _say(self, text: str) -> None:
        if self._out is not None:
            print(text, flush=True)

    def _seconds(self) -> float:
        return time.monotonic() - self._began

    def _texts(self) -> set[str]:
        kinds = (QtWidgets.QLabel, QtWidgets.QAbstractButton)
        widgets = [widget for kind in kinds for widget in self.panel.findChildren(kind)]
        return {widget.text() for widget in widgets if widget.isVisible() and not widget.visibleRegion().isEmpty()}
