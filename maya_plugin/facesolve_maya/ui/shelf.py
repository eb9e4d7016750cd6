"""Builds the Facesolve shelf from ``shelf/facesolve.json``, commands for hotkeys, and a marking menu of them.

Building the shelf again changes nothing. Imports maya late.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Dict, List, Optional, Tuple

from facesolve.take.errors import TakeError
from facesolve.take.files import check_schema
from facesolve.take.reading import read_json
from facesolve_maya.run.environment import module_root

SCHEMA = 1
CATEGORY = "Custom Scripts.Facesolve"  # in the Hotkey Editor
MENU = "facesolveMarkingMenu"
_FIELDS = ("name", "label", "annotation", "image", "command")
_COMMAND_FIELDS = ("name", "label", "annotation", "command", "position")


@dataclass(frozen=True)
class ShelfButton:
    """One button. name: the control's name, by which it is found again. command: Python."""

    name: str
    label: str
    annotation: str
    image: str
    command: str


@dataclass(frozen=True)
class HotkeyCommand:
    """A command without a button. name: of the runtime command. command: Python.

    position: where it lies in the marking menu (N, NE, E ...), empty for nowhere.
    """

    name: str
    label: str
    annotation: str
    command: str
    position: str = ""


@dataclass(frozen=True)
class Shelf:
    """What the list holds. name: of the shelf."""

    name: str
    buttons: Tuple[ShelfButton, ...]
    commands: Tuple[HotkeyCommand, ...]


def read_shelf(path: Optional[Path] = None) -> Shelf:
    """The list of buttons and commands. Raises TakeError that names the file and what is wrong with it."""
    source = module_root() / "shelf" / "facesolve.json" if path is None else path
    record = read_json(source, "shelf")
    check_schema(record, SCHEMA, "shelf", source, "install Facesolve again")
    try:
        return Shelf(
            record["shelf"],
            tuple(ShelfButton(**{field: entry[field] for field in _FIELDS}) for entry in record["buttons"]),
            tuple(HotkeyCommand(**{f: entry[f] for f in _COMMAND_FIELDS}) for entry in record["commands"]),
        )
    except (KeyError, TypeError) as error:
        raise TakeError("shelf: '{}' lacks {}.".format(source, error)) from None


def build(path: Optional[Path] = None) -> str:
    """Makes the shelf, or brings an older one up to date; returns the layout's name.

    Buttons that a user added stay. Maya writes shelves to its preferences on exit and shows them again at the next
    start, where control names may differ: our buttons are recognized by their command.
    """
    from maya import cmds, mel

    shelf = read_shelf(path)
    name, buttons = shelf.name, shelf.buttons
    parent = mel.eval("$facesolve_shelves = $gShelfTopLevel")
    present = cmds.tabLayout(parent, query=True, childArray=True) or []
    if name not in present:
        cmds.shelfLayout(name, parent=parent)
    layout = "{}|{}".format(parent, name)
    existing = _ours(cmds, layout, buttons)
    for button in buttons:
        controls = existing.get(button.command, [])
        for surplus in controls[1:]:
            cmds.deleteUI(surplus, control=True)
        if controls:
            cmds.shelfButton(controls[0], edit=True, **_appearance(button))
        else:
            cmds.shelfButton(button.name, parent=layout, sourceType="python", style="iconOnly", **_appearance(button))
    for button in buttons:
        _offer_hotkey(cmds, "Facesolve" + button.label, button.annotation, button.command)
    for entry in shelf.commands:
        _offer_hotkey(cmds, entry.name, entry.annotation, entry.command)
    return layout


def open_menu() -> None:
    """Puts the marking menu below the pointer, for as long as its hotkey is down: the left button then opens it."""
    from maya import cmds, mel

    close_menu()
    menu = cmds.popupMenu(
        MENU,
        markingMenu=True,
        button=1,
        ctrlModifier=False,
        altModifier=False,
        shiftModifier=False,
        parent=mel.eval("findPanelPopupParent"),
    )
    for entry in read_shelf().commands:
        if entry.position:
            cmds.menuItem(
                parent=menu,
                label=entry.label,
                annotation=entry.annotation,
                radialPosition=entry.position,
                sourceType="python",
                command=entry.command,
            )


def close_menu() -> None:
    """Takes the marking menu away."""
    from maya import cmds

    if cmds.popupMenu(MENU, exists=True):
        cmds.deleteUI(MENU, menu=True)


def _offer_hotkey(cmds: ModuleType, name: str, annotation: str, command: str) -> None:
    """A runtime command that the user can give a hotkey or put on a marking menu; kept up to date."""
    values = {"annotation": annotation, "command": command}
    if cmds.runTimeCommand(name, exists=True):
        cmds.runTimeCommand(name, edit=True, **values)
    else:
        cmds.runTimeCommand(name, category=CATEGORY, commandLanguage="python", **values)


def _appearance(button: ShelfButton) -> Dict[str, Any]:
    return {
        "label": button.label,
        "annotation": button.annotation,
        "image1": button.image,
        "command": button.command,
    }


def _ours(cmds: ModuleType, layout: str, buttons: Tuple[ShelfButton, ...]) -> Dict[str, List[str]]:
    """Full names of the shelf's buttons that carry one of our commands, by command."""
    commands = {button.command for button in buttons}
    found: Dict[str, List[str]] = {}
    for child in cmds.shelfLayout(layout, query=True, childArray=True) or []:
        control = "{}|{}".format(layout, child)
        if not cmds.shelfButton(control, exists=True):
            continue
        command = cmds.shelfButton(control, query=True, command=True)
        if command in commands:
            found.setdefault(command, []).append(control)
    return found
