"""The panel on a real scene file in the Maya stand-in: what it lists, checks, exports and stores."""

import gzip
import inspect
import shutil
import sys
from dataclasses import replace

import numpy as np
import pytest

from facesolve.take import read_take
from facesolve.take.finding import ERROR
from facesolve_maya.scene.choices import LOCKED
from facesolve_maya.ui.document import settings_from_text
from facesolve_maya.ui.model import ControlChoice
from facesolve_maya.ui.session import Session
from tests.facesolve_maya.ui import fake_maya
from tests.facesolve_maya.ui.fake_scene import FakeScene
from tests.maya_emulator import install, uninstall


@pytest.fixture(scope="module")
def project(facesolve_data, tmp_path_factory):
    """The scene of ``ict_rom`` in a project with its footage, open in the stand-in."""
    source, folder = facesolve_data / "ict_rom", tmp_path_factory.mktemp("project")
    with gzip.open(source / "scene.ma.gz", "rb") as packed, open(folder / "scene.ma", "wb") as plain:
        shutil.copyfileobj(packed, plain)
    shutil.copytree(source / "footage", folder / "footage")
    before = set(sys.modules)
    install()
    from maya import cmds

    cmds.file(str(folder / "scene.ma"), open=True, force=True)
    cmds.workspace(str(folder), openWorkspace=True)
    cmds.playbackOptions(minTime=1001, maxTime=1040)
    yield folder
    fake_maya.forget()
    uninstall()
    for name in set(sys.modules) - before:
        if name.startswith("facesolve_maya."):
            del sys.modules[name]


@pytest.fixture(scope="module")
def loaded(project):
    from facesolve_maya.ui.scene import MayaScene

    made = Session(MayaScene())
    made.load()
    return made


@pytest.fixture
def session(loaded):
    """The session, with its first settings put back after the test."""
    first = loaded.settings
    yield loaded
    loaded.put(first)


def test_the_head_its_transforms_and_controls(session):
    (head,) = session.heads
    assert (head.mesh, head.blend_shapes) == ("face_GEO", ("face_BS",))
    assert head.transforms == ("head_GRP", "character_GRP", "face_GEO")
    assert session.settings.head_transform == "head_GRP"
    assert len(session.controls) == 55
    assert sum(control.plug.startswith("face_CTL.") for control in session.controls) == 2


def test_cameras_come_with_footage_that_exists(session, project):
    assert [(camera.name, camera.width, camera.height) for camera in session.cameras] == [
        ("cam0", 600, 800),
        ("cam1", 600, 800),
        ("cam2", 600, 800),
    ]
    assert session.cameras[1].picture.endswith("cam1_0000.jpg")
    assert [camera.problem for camera in session.cameras] == ["", "", ""]


def test_nothing_stops_the_solve_of_a_good_scene(session):
    assert session.checked
    assert [finding for finding in session.findings if finding.severity == ERROR] == []


def test_missing_footage_is_named_in_the_table_and_by_the_check(session, project):
    image = project / "footage" / "cam1" / "cam1_0004.jpg"
    image.rename(image.with_suffix(".gone"))
    cameras, findings = session.scene.cameras(session.settings), session.scene.preflight(session.settings)
    image.with_suffix(".gone").rename(image)
    assert "missing" in cameras[1].problem
    (finding,) = [finding for finding in findings if finding.severity == ERROR]
    assert finding.subject == "cam1"


def test_the_export_carries_the_panels_choices(session, tmp_path):
    session.put(session.settings.with_camera("cam2", False).with_choice("jawOpen", ControlChoice(keys=LOCKED)))
    session.change(first=1005, last=1012, excluded="1007", quality="draft")
    session.scene.export(session.settings, tmp_path, (1006, 1010))
    take = read_take(tmp_path)
    assert [camera.name for camera in take.cameras] == ["cam0", "cam1"]
    np.testing.assert_array_equal(take.scene_times, [1006, 1008, 1009, 1010])
    assert take.settings.quality == "draft"
    (locked,) = [control for control in take.settings.controls if control.lock is not None]
    assert locked.name == "jawOpen"


def test_settings_are_stored_in_the_scene_file(session, project):
    from maya import cmds

    session.change(layer='größe "A"')
    session.keep_settings()
    stored = settings_from_text(session.scene.stored_settings())
    assert stored == session.settings
    cmds.file(rename=str(project / "saved.ma"))
    cmds.file(save=True, type="mayaAscii")
    text = (project / "saved.ma").read_text(encoding="utf-8")
    assert 'fileInfo "facesolve_settings"' in text


def test_a_rig_that_cannot_be_read_leaves_no_controls_and_says_why(session):
    gone = replace(session.settings, head_transform="gone_GRP")
    assert session.scene.controls(gone) == ()
    assert any(finding.severity == ERROR for finding in session.scene.preflight(gone))


def test_the_fake_scene_answers_to_the_same_names_as_mayas(session):
    real, fake = (
        {
            name: list(inspect.signature(method).parameters)
            for name, method in inspect.getmembers(kind, inspect.isfunction)
            if not name.startswith("_")
        }
        for kind in (type(session.scene), FakeScene)
    )
    assert {name: real.get(name) for name in fake} == fake
