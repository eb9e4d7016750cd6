"""What the shelf, hotkeys and the marking menu do: windows and questions here, the work in session and scene."""

from __future__ import annotations

from . import dock, shelf
from .browser import open_page
from .panel import RESULT_PAGE, START, Panel

DEFAULT_TOLERANCE = 0.1  # millimeters on the surface: below what a viewer sees in a close-up


def solve() -> None:
    """Opens the panel where the scene is checked and the solve is started."""
    dock.show().pages.setCurrentIndex(START)


def apply() -> None:
    """Keys the current solution, or the one that lies in the scene's take folder."""
    panel = _panel_with_solution()
    panel.session.apply()


def cameras_from_calibration() -> None:
    """Asks for a calibration file and creates its cameras with image planes."""
    dock.show().load_cameras()


def resolve_range() -> None:
    """Solves the range selected in the time slider, else the frames marked in the strip, again; edits are kept."""
    panel = dock.show()
    panel.pages.setCurrentIndex(RESULT_PAGE)
    marked = panel.result.strip.span
    span = panel.session.scene.selected_range()
    if span is None and marked is not None:
        span = (round(marked[0]), round(marked[1]))
    if span is None:
        panel.session.tell_user("Select a range in the time slider with Shift-drag, then re-solve.", error=True)
    else:
        panel.session.solve(span)


def reduce_keys() -> None:
    """Asks for a tolerance and thins out the result's keys."""
    from maya import cmds

    panel = dock.show()
    answer = cmds.promptDialog(
        title="Reduce keys",
        message="Largest change of the surface, in millimeters",
        text=str(DEFAULT_TOLERANCE),
        button=["Reduce", "Cancel"],
        defaultButton="Reduce",
        cancelButton="Cancel",
        dismissString="Cancel",
    )
    if answer != "Reduce":
        return
    text = cmds.promptDialog(query=True, text=True)
    try:
        tolerance = float(text)
    except ValueError:
        panel.session.tell_user("'{}' is not a number of millimeters.".format(text), error=True)
        return
    panel.session.reduce_keys(tolerance)


def review() -> None:
    """Opens the report of the solution in the browser; it is written first when it is not there."""
    _panel_with_solution().session.review(open_page)


def toggle_overlay() -> None:
    """Draws the head's edges over the footage in the viewports, or no longer."""
    session = dock.show().session
    session.in_maya.toggle_overlay(session.settings)


def toggle_certainty() -> None:
    """Curves of certainty and colored frames, on and off."""
    session = _panel_with_solution().session
    session.in_maya.toggle_certainty(session.controls)


def key_as_solved() -> None:
    """Keys the present frame as it was solved."""
    dock.show().session.in_maya.key_as_solved()


def select_solved() -> None:
    """Selects every node that the applied solve has keyed."""
    dock.show().session.in_maya.select_solved()


def solve_around_edits() -> None:
    """Solves the frames around the keys that were changed."""
    _panel_with_solution().session.solve_around_edits()


def next_marked() -> None:
    """Goes to the next frame that stands out."""
    _panel_with_solution().result.strip.jump_to_marked(1)


def previous_marked() -> None:
    """Goes to the frame before this one that stands out."""
    _panel_with_solution().result.strip.jump_to_marked(-1)


def open_menu() -> None:
    """The marking menu's hotkey is pressed."""
    shelf.open_menu()


def close_menu() -> None:
    """The marking menu's hotkey is released."""
    shelf.close_menu()


def _panel_with_solution() -> Panel:
    panel = dock.show()
    panel.pages.setCurrentIndex(RESULT_PAGE)
    if panel.session.results.folder is None:
        panel.session.open_last_solution()
    return panel
