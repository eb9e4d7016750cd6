"""A fresh stand-in for Maya for every test."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from facesolve.take import Solution, Take
from tests.maya_emulator.session import Session, use
from tests.maya_emulator.stand_in import MODULES, maya, stand_in_is_there

ROOT = Path(__file__).resolve().parents[2]
PYTHON_PATH = os.pathsep.join(str(ROOT / name) for name in ("", "solver", "maya_plugin"))  # of a process like mayapy

__all__ = ["maya", "stand_in_is_there"]


@pytest.fixture(scope="session")
def ict_rom_session(facesolve_data: Path) -> Session:
    """The ict_rom scene, read once; its folder is the project."""
    sys.modules.update(MODULES)
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


@pytest.fixture(scope="session")
def ict_take(ict_rom_session) -> Take:
    """The take of ict_rom, as the scene was opened."""
    from facesolve_maya.export import ExportRequest, export_take

    use(ict_rom_session)
    return export_take(
        ExportRequest(("face_GEO",), "head_GRP", ("cam0", "cam1", "cam2"), tuple(range(1001, 1041)), name="rom")
    )


@pytest.fixture(scope="session")
def ict_solution(ict_take, facesolve_data) -> Solution:
    """The truth of ict_rom as if it had been solved."""
    from tests.facesolve_maya.small_head import make_solution

    truth = np.load(facesolve_data / "ict_rom" / "truth.npz")
    weights = dict(zip([str(name) for name in truth["names"]], truth["weights"].T, strict=True))
    columns = []
    for driver in sorted(ict_take.rig.drivers, key=lambda d: d.control):
        columns.append(np.interp(weights[ict_take.rig.targets[driver.target].name], driver.outputs, driver.inputs))
    return make_solution(ict_take, np.stack(columns, axis=1), truth["head"])


@pytest.fixture
def small(maya: Session, tmp_path: Path) -> Session:
    """The small head is open."""
    from tests.facesolve_maya.small_head import open_small_head

    open_small_head(maya, tmp_path)
    return maya
