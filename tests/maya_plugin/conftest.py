"""A fresh stand-in for Maya for every test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.maya_emulator import install
from tests.maya_emulator.session import Session, use

_SESSION = install()


@pytest.fixture
def maya() -> Session:
    """An empty scene; ``maya.cmds`` and the API work on it."""
    session = Session()
    use(session)
    return session


@pytest.fixture(scope="session")
def ict_rom_session(facesolve_data: Path) -> Session:
    """The ict_rom scene, read once; its folder is the project."""
    session = Session()
    use(session)
    session.workspace = str(facesolve_data / "ict_rom")
    from maya import cmds

    cmds.file(str(facesolve_data / "ict_rom" / "scene.ma.gz"), open=True, force=True)
    return session


@pytest.fixture
def ict_rom(ict_rom_session: Session, facesolve_data: Path) -> Iterator[Path]:
    """The ict_rom scene is open; gives its folder. What a test changes by commands is undone after it."""
    use(ict_rom_session)
    yield facesolve_data / "ict_rom"
    while ict_rom_session.undo_queue:
        ict_rom_session.undo()
    ict_rom_session.redo_queue.clear()
