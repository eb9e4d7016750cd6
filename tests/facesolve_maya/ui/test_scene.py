"""The scene adapter against a hand-made stand-in for maya.cmds."""

import sys
from pathlib import Path

import pytest

from facesolve.take import TakeError
from facesolve_maya.scene.choices import LOCKED
from facesolve_maya.ui.document import settings_from_text, settings_to_text
from facesolve_maya.ui.model import ControlChoice, PanelSettings


@pytest.fixture
def maya_scene(commands):
    from facesolve_maya.ui.scene import MayaScene

    return MayaScene()


SETTINGS = PanelSettings(
    mesh="face_GEO",
    head_transform="head_GRP",
    first=1001,
    last=1010,
    excluded="1004",
    skipped_cameras=("cam1",),
    controls={"jawOpen": ControlChoice(keys=LOCKED), "eyeBlink_L": ControlChoice(stiffness=2.0)},
)


@pytest.mark.parametrize("selected", ["face_GEOShape", "face_GEO"])
def test_a_selected_shape_or_transform_is_the_mesh(maya_scene, commands, selected):
    commands.selection = [selected]
    assert maya_scene.selected_mesh() == "face_GEO"


def test_settings_survive_mayas_escaping(maya_scene):
    assert maya_scene.stored_settings() == ""
    settings = PanelSettings(mesh='a"b\\c', layer="größe")
    maya_scene.store_settings(settings_to_text(settings))
    assert settings_from_text(maya_scene.stored_settings()) == settings


def test_preferences_are_texts_of_the_user(maya_scene):
    assert maya_scene.preference("facesolve_python") == ""
    maya_scene.set_preference("facesolve_python", "/opt/x")
    assert maya_scene.preference("facesolve_python") == "/opt/x"


def test_the_request_carries_every_choice(maya_scene):
    maya_scene.controls(SETTINGS)
    with pytest.raises(TakeError, match="orthographic"):
        maya_scene.export(SETTINGS, Path("take"), (1002, 1006))
    request = sys.modules["facesolve_maya.export"].requests[-1]
    assert request.meshes == ("face_GEO",)
    assert request.head == "head_GRP"
    assert request.cameras == ("cam0",)
    assert request.frames == (1002.0, 1003.0, 1005.0, 1006.0)
    assert request.keys == {"jawOpen": "locked"}
    assert [(c.name, c.stiffness) for c in request.settings.controls] == [("eyeBlink_L", 2.0)]


def test_a_setting_that_cannot_be_read_is_a_finding(maya_scene):
    (finding,) = maya_scene.preflight(PanelSettings(mesh="face_GEO", first=5, last=1))
    assert finding.severity == "error"
    assert "before the first" in finding.sentence


def test_apply_asks_for_the_solution_the_head_and_the_range(maya_scene, commands):
    assert maya_scene.apply(Path("s"), SETTINGS, (1002, 1006)) == "Keyed 38 controls."
    expected = {"solution": Path("s"), "head": "head_GRP", "layer": "", "span": (1002.0, 1006.0), "namespace": None}
    assert commands.applied == [expected]


def test_a_range_goes_into_the_layer_that_holds_the_solve(maya_scene, commands):
    commands.applied_layer = "facesolve_rom"
    maya_scene.apply(Path("s"), SETTINGS, (1002, 1006))
    maya_scene.apply(Path("s"), SETTINGS, None)
    assert [request["layer"] for request in commands.applied] == ["facesolve_rom", ""]


def test_an_error_of_mayas_commands_is_a_sentence(maya_scene, commands):
    commands.apply_error = RuntimeError("The layer is full.\n")
    with pytest.raises(TakeError, match=r"^apply: The layer is full\.$"):
        maya_scene.apply(Path("s"), SETTINGS, None)


@pytest.mark.parametrize(
    ("scene", "folder"),
    [
        ("/projects/rom/scenes/rom_012.ma", "rom_012"),
        ("/projects/rom/scenes/shot010/anim.mb", "shot010/anim"),
        ("/projects/rom/scenes/shot020/anim.mb", "shot020/anim"),
        ("/projects/rom/other/anim.ma", "other/anim"),
        ("/elsewhere/anim.ma", "anim_0b8d1af6"),
    ],
)
def test_each_scene_has_a_folder_of_its_own_in_the_projects_data(maya_scene, commands, scene, folder):
    commands.scene = scene
    assert maya_scene.default_take_folder() == Path("/projects/rom/data/facesolve") / folder


def test_scenes_that_were_never_saved_share_no_folder(maya_scene, commands):
    commands.scene = ""
    first = maya_scene.default_take_folder()
    assert maya_scene.default_take_folder() == first
    maya_scene.watch(lambda: None, lambda time: None, lambda: None, lambda: None)
    commands.fire("NewSceneOpened")
    assert maya_scene.default_take_folder() != first


def test_storing_settings_is_nothing_that_undo_takes_back(maya_scene, commands):
    maya_scene.store_settings("{}")
    assert maya_scene.stored_settings() == "{}"
    assert commands.undoable == []
    assert commands.undo is True


def test_watching_ends(maya_scene, commands):
    heard = []
    maya_scene.watch(
        lambda: heard.append("scene"), heard.append, lambda: heard.append("save"), lambda: heard.append("exit")
    )
    for event in ("SceneOpened", "NewSceneOpened", "before save", "quitApplication"):
        commands.fire(event)
    maya_scene.set_current_time(1005.0)
    assert heard == ["scene", "scene", "save", "exit", 1005.0]
    maya_scene.unwatch()
    assert commands.jobs == {}


def test_selecting_what_is_gone_does_nothing(maya_scene, commands):
    maya_scene.select("gone")
    maya_scene.select("face_GEO")
    assert commands.selection == ["face_GEO"]
