"""A fresh stand-in for Maya for every test."""

import sys

import pytest

from tests.maya_emulator import install
from tests.maya_emulator.session import Session, use

install()
_MODULES = {name: module for name, module in sys.modules.items() if name.split(".")[0] == "maya"}


@pytest.fixture(scope="module", autouse=True)
def _stand_in_is_there() -> None:
    """Tests of other folders take the stand-in out again; put back the one that this folder's modules imported."""
    sys.modules.update(_MODULES)


@pytest.fixture
def maya() -> Session:
    """An empty scene; ``maya.cmds`` and the API work on it."""
    session = Session()
    use(session)
    return session
