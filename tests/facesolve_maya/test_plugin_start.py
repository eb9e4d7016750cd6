"""What the plug-in does when Maya loads it: commands at once, the shelf when Maya is idle, and neither twice."""

import json
import sys
import types
from pathlib import Path

import pytest
from maya import cmds

from facesolve.take.files import write_json

PLUGIN = Path(__file__).resolve().parents[2] / "maya_plugin" / "plug-ins" / "facesolve_plugin.py"
COMMANDS = {f"facesolve{name}" for name in ("Actor", "Correctives", "Export", "Solve", "Apply", "Edit")}


class Shelves:
    """The shelves of Maya's window, for ``facesolve_maya.ui.shelf``."""

    def __init__(self) -> None:
        self.shelves: dict[str, list[dict]] = {"Polygons": []}
        self.hotkeys: dict[str, dict] = {}

    def runTimeCommand(self, name, *, exists=False, edit=False, **flags):
        if exists:
            return name in self.hotkeys
        assert edit == (name in self.hotkeys)
        self.hotkeys.setdefault(name, {}).update(flags)
        return name

    def tabLayout(self, layout, *, query, childArray):
        assert layout == "ShelfLayout"
        return list(self.shelves)

    def shelfLayout(self, name, *, parent="", query=False, childArray=False):
        if query:
            return [button["name"] for button in self.shelves[name.split("|")[-1]]] or None
        self.shelves[name] = []
        return name

    def shelfButton(self, name, *, parent="", exists=False, query=False, edit=False, **flags):
        path = name.split("|")
        shelf = self.shelves[(parent or "|".join(path[:-1])).split("|")[-1]]
        found = [button for button in shelf if button["name"] == path[-1]]
        if exists:
            return bool(found)
        if query:
            return found[0][next(iter(flags))]
        if edit:
            found[0].update(flags)
        else:
            shelf.append(dict(flags, name=name))
        return name


@pytest.fixture
def window(maya, monkeypatch):
    """A Maya with a window, its plug-in not loaded yet."""
    maya.batch = False
    shelves = Shelves()
    for name in ("tabLayout", "shelfLayout", "shelfButton", "runTimeCommand"):
        monkeypatch.setattr(sys.modules["maya.cmds"], name, getattr(shelves, name), raising=False)
    mel = types.ModuleType("maya.mel")
    mel.eval = lambda text: "ShelfLayout"
    monkeypatch.setitem(sys.modules, "maya.mel", mel)
    monkeypatch.setattr(sys.modules["maya"], "mel", mel, raising=False)
    return shelves


def test_the_shelf_is_built_when_maya_is_idle_and_not_before(maya, window):
    cmds.loadPlugin(str(PLUGIN))
    assert set(maya.plugin_commands) == COMMANDS
    assert list(window.shelves) == ["Polygons"], "at this moment of a start Maya has no shelves yet"
    maya.idle()
    assert len(window.shelves["Facesolve"]) == 6
    built = json.dumps(window.shelves)
    maya.idle()
    assert json.dumps(window.shelves) == built


def test_unloading_and_loading_again_doubles_nothing(maya, window):
    for _ in range(2):
        cmds.loadPlugin(str(PLUGIN))
        maya.idle()
        cmds.unloadPlugin("facesolve_plugin")
    assert maya.plugin_commands == {}
    assert len(window.shelves["Facesolve"]) == 6


def test_without_windows_nothing_waits(maya):
    cmds.loadPlugin(str(PLUGIN))
    assert set(maya.plugin_commands) == COMMANDS
    assert maya.deferred == []


def test_a_damaged_list_is_a_warning_and_stops_nothing(maya, window, tmp_path, monkeypatch):
    write_json(tmp_path / "shelf" / "facesolve.json", {"schema": 1, "shelf": "F", "buttons": [{"name": "a"}]})
    monkeypatch.setattr("facesolve_maya.ui.shelf.module_root", lambda: tmp_path)
    cmds.loadPlugin(str(PLUGIN))
    maya.idle()
    (warning,) = maya.messages
    assert "facesolve.json" in warning
    assert list(window.shelves) == ["Polygons"]
    assert set(maya.plugin_commands) == COMMANDS


def test_packages_from_elsewhere_are_said(maya, tmp_path):
    """Another copy on Maya's path, as pip may have left it, would run with this plug-in."""
    copy = tmp_path / "other" / "maya_plugin" / "plug-ins" / PLUGIN.name
    copy.parent.mkdir(parents=True)
    copy.write_text(PLUGIN.read_text())
    cmds.loadPlugin(str(PLUGIN))
    assert maya.messages == []
    cmds.unloadPlugin(PLUGIN.stem)
    cmds.loadPlugin(str(copy))
    assert any("Python imports 'facesolve_maya' from" in message for message in maya.messages)
