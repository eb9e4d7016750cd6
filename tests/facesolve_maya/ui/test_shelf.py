"""The shelf: built, built again, repaired; its list, commands and icons."""

import ast
import json
from pathlib import Path

import pytest

from facesolve.take import TakeError
from facesolve_maya.ui import shelf

ROOT = Path(__file__).resolve().parents[3]


def test_building_twice_gives_six_buttons_once(commands):
    shelf.build()
    first = json.dumps(commands.shelves)
    shelf.build()
    assert json.dumps(commands.shelves) == first
    assert len(commands.shelves["Facesolve"]) == 6
    assert all(button["sourceType"] == "python" for button in commands.shelves["Facesolve"].values())


def test_a_shelf_that_maya_saved_is_brought_up_to_date(commands):
    shelf.build()
    saved = commands.shelves["Facesolve"]
    commands.shelves["Facesolve"] = {f"shelfButton{i}": button for i, button in enumerate(saved.values())}
    commands.shelves["Facesolve"]["shelfButton0"]["image1"] = "old.png"
    commands.shelves["Facesolve"]["shelfButton9"] = dict(commands.shelves["Facesolve"]["shelfButton1"])
    commands.shelves["Facesolve"]["mine"] = {"command": "print('mine')"}
    commands.shelves["Facesolve"]["separator1"] = {"kind": "separator"}
    shelf.build()
    assert commands.shelves["Facesolve"]["shelfButton0"]["image1"] == "facesolve_solve.png"
    assert "shelfButton9" not in commands.shelves["Facesolve"]
    assert {"mine", "separator1"} <= set(commands.shelves["Facesolve"])
    assert len(commands.shelves["Facesolve"]) == 8


def test_other_shelves_are_left_alone(commands):
    shelf.build()
    assert commands.shelves["Polygons"] == {}


def test_buttons_and_hotkeys_call_what_exists_and_buttons_show_icons_that_exist():
    found = shelf.read_shelf()
    assert found.name == "Facesolve"
    source = ast.parse((ROOT / "maya_plugin" / "facesolve_maya" / "ui" / "actions.py").read_text(encoding="utf-8"))
    functions = {node.name for node in source.body if isinstance(node, ast.FunctionDef)}
    for entry in (*found.buttons, *found.commands):
        imported, call = ast.parse(entry.command).body
        assert imported.module == "facesolve_maya.ui"
        assert call.value.func.attr in functions
        assert len(entry.command) < 80
    for button in found.buttons:
        assert (ROOT / "icons" / button.image).is_file()


def test_a_damaged_list_names_the_file(tmp_path):
    path = tmp_path / "shelf.json"
    path.write_text('{"schema": 1, "shelf": "F", "buttons": [{"name": "a"}], "commands": []}', encoding="utf-8")
    with pytest.raises(TakeError, match=r"shelf\.json"):
        shelf.read_shelf(path)


def test_every_button_and_command_can_get_a_hotkey_and_twice_makes_no_second(commands):
    shelf.build()
    shelf.build()
    found = shelf.read_shelf()
    names = {f"Facesolve{button.label}" for button in found.buttons} | {entry.name for entry in found.commands}
    assert set(commands.hotkeys) == names
    assert len(names) == len(found.buttons) + len(found.commands)
    solve = commands.hotkeys["FacesolveSolve"]
    assert solve["commandLanguage"] == "python"
    assert "actions.solve()" in solve["command"]


def test_the_marking_menu_is_there_while_its_key_is_down(commands):
    shelf.build()
    exec(commands.hotkeys["FacesolveMenu_Press"]["command"], {})  # noqa: S102 - what Maya does with it
    (menu,) = commands.menus.values()
    assert menu["parent"] == "ShelfLayout", "the panel below the pointer, which Maya tells"
    assert menu["markingMenu"]
    places = {item["radialPosition"]: item["label"] for item in menu["items"]}
    assert places["N"] == "Edges over the footage"
    assert places["E"] == "Key as solved here"
    assert len(places) == len(menu["items"]) == 7, "one place of its own for each"
    exec(commands.hotkeys["FacesolveMenu_Press"]["command"], {})  # noqa: S102 - a key may repeat
    assert len(commands.menus) == 1
    exec(commands.hotkeys["FacesolveMenu_Release"]["command"], {})  # noqa: S102
    assert not commands.menus
