"""A fresh stand-in for Maya for every test."""

import pytest

from tests.maya_emulator import install
from tests.maya_emulator.session import Session, use

install()


@pytest.fixture
def maya() -> Session:
    """An empty scene; ``maya.cmds`` and the API work on it."""
    session = Session()
    use(session)
    return session
