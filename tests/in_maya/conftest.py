"""Starts Maya for these tests: ``mayapy -m pytest tests/in_maya``. Elsewhere every test skips and says why.

Python 3.7. The stand-in takes Maya's place only on request (FACESOLVE_STAND_IN=1): that checks the tests, not Maya.
"""

from __future__ import annotations

import importlib.util
import os
import sys

import pytest

STAND_IN = "FACESOLVE_STAND_IN"


def why_not() -> str:
    """Why these tests cannot run here; empty when they can."""
    how = "run them with Maya's own Python: mayapy -m pytest tests/in_maya"
    if "maya" in sys.modules and sys.modules["maya"].__spec__ is None:
        return "" if os.environ.get(STAND_IN) == "1" else "this is a stand-in for Maya; " + how
    if importlib.util.find_spec("maya") is None:
        return "Maya is not here; " + how
    return ""


def pytest_collection_modifyitems(items):
    """Marks the tests of this folder as skipped where Maya is not."""
    reason = why_not()
    folder = os.path.dirname(os.path.abspath(__file__))
    for item in items:
        if reason and str(item.fspath).startswith(folder + os.sep):
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def application():
    """A running Maya without windows, as a module whose plug-in is loaded."""
    import maya.standalone

    maya.standalone.initialize(name="python")
    from maya import cmds

    from facesolve_maya.scene.undo import load_plugin

    cmds.undoInfo(state=True)
    load_plugin()
    yield cmds
    maya.standalone.uninitialize()


@pytest.fixture
def cmds(application):
    """Maya's commands on an empty scene."""
    application.file(newFile=True, force=True)
    return application


@pytest.fixture
def head(cmds, tmp_path):
    """The scene of ``head.py`` is open; gives its folder."""
    from tests.in_maya.head import open_head

    open_head(tmp_path)
    return tmp_path
