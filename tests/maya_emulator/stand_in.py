"""The stand-in installed once for all tests, and the fixtures that work on it; conftest files import them."""

import sys

import pytest

from tests.maya_emulator import install
from tests.maya_emulator.session import Session, use

install()
MODULES = {name: module for name, module in sys.modules.items() if name.split(".")[0] == "maya"}


@pytest.fixture(scope="module", autouse=True)
def stand_in_is_there() -> None:
    """Tests of other folders take the stand-in out again; put back the one that these tests' modules imported."""
    sys.modules.update(MODULES)


@pytest.fixture
def maya() -> Session:
    """An empty scene; ``maya.cmds`` and the API work on it."""
    session = Session()
    use(session)
    return session
