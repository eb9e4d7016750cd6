"""The panel's session on the main real scene, without windows; ``test_demo_solve.py`` solves with it."""

import pytest
from maya import cmds

from facesolve_maya.scene.choices import PINNED
from facesolve_maya.ui.model import ControlChoice
from facesolve_maya.ui.scene import MayaScene
from facesolve_maya.ui.session import Session


@pytest.fixture
def session(ict_rom, ict_rom_session, tmp_path):
    """A session on ict_rom for eight frames; takes go to a temporary folder."""
    made = Session(MayaScene())
    made.load()
    made.change(first=1001, last=1008, take_folder=str(tmp_path), quality="draft")
    yield made
    made.close()
    ict_rom_session.file_info.clear()


def test_shots_of_the_camera_sequencer_are_ranges(ict_rom, ict_rom_session):
    for name, first, last in (("sh030", 1021, 1040), ("sh020", 1001, 1012)):
        node = cmds.createNode("shot", name=name + "_node", skipSelect=True)
        cmds.setAttr(node + ".shotName", name, type="string")
        cmds.setAttr(node + ".startFrame", first)
        cmds.setAttr(node + ".endFrame", last)
    assert MayaScene().shots() == (("sh020", 1001, 1012), ("sh030", 1021, 1040))
    for _ in range(8):
        cmds.undo()


def test_the_session_finds_head_controls_and_cameras_and_stores_its_settings(session):
    assert (session.settings.mesh, session.settings.head_transform) == ("face_GEO", "head_GRP")
    assert len(session.controls) == 55
    assert {"jawOpen", "smileL"} <= {control.name for control in session.controls}
    assert [camera.name for camera in session.used_cameras()] == ["cam0", "cam1", "cam2"]
    session.check()
    assert session.findings == ()
    session.put(session.settings.with_choice("jawOpen", ControlChoice(keys=PINNED)))
    session.keep_settings()
    again = Session(MayaScene())
    again.load()
    assert again.settings == session.settings
