"""The plug-in on the Python and Qt of a Maya that is not here: ``python3.7 -m tests.bench.mayas_python``.

Needs numpy and PySide2 or PySide6 in that Python and nothing else: for Maya 2022, Python 3.7, numpy 1.21.6 and PySide2
5.15. Imports every module of the plug-in and of what it takes from the solver, with anything that is asked of Maya
pretended; then draws the panel's four pages. Ends with an error at the first that fails. Python 3.7.
"""

import importlib
import importlib.util
import os
import pkgutil
import sys
import tempfile
import types
from pathlib import Path
from unittest.mock import MagicMock

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = ("maya_plugin/plug-ins/facesolve_plugin.py", "mod/installer/drag_into_maya.py")


def pretend_maya():
    """Modules whose every name is there and does nothing."""
    names = ("maya", "maya.api", "maya.cmds", "maya.mel", "maya.utils", "maya.OpenMayaUI")
    for name in (*names, "maya.api.OpenMaya", "maya.api.OpenMayaAnim"):
        made = sys.modules[name] = types.ModuleType(name)
        made.__getattr__ = lambda attribute: MagicMock(name=attribute)
        parent, _, last = name.rpartition(".")
        if parent:
            setattr(sys.modules[parent], last, made)
    sys.modules["maya.api.OpenMaya"].MPxCommand = object  # is inherited from


def import_all():
    """Imports every module that runs inside Maya; how many there are."""
    count = 0
    for name in ("facesolve.take", "facesolve_maya"):
        package = importlib.import_module(name)
        for module in pkgutil.walk_packages(package.__path__, name + "."):
            importlib.import_module(module.name)
            count += 1
    for path in SCRIPTS:
        spec = importlib.util.spec_from_file_location(Path(path).stem, str(ROOT / path))
        spec.loader.exec_module(importlib.util.module_from_spec(spec))
        count += 1
    return count


def draw_panel():
    """Draws each page of the panel on a scene of plain data; the version of Qt."""
    from facesolve_maya.ui.panel import Panel
    from facesolve_maya.ui.qt import QtCore, QtWidgets
    from facesolve_maya.ui.session import Session
    from tests.facesolve_maya.ui.fake_scene import FakeScene

    application = QtWidgets.QApplication([])
    with tempfile.TemporaryDirectory() as folder:
        panel = Panel(Session(FakeScene(Path(folder), ())))
        panel.show()
        for page in range(panel.pages.count()):
            panel.pages.setCurrentIndex(page)
            application.processEvents()
            if panel.grab().isNull():
                raise SystemExit(f"page {page} of the panel is not drawn")
        panel.close()
    return QtCore.qVersion()


if __name__ == "__main__":
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    sys.path[:0] = [str(ROOT / "solver"), str(ROOT / "maya_plugin"), str(ROOT)]
    pretend_maya()
    print(f"{import_all()} modules are imported by Python {sys.version.split()[0]}")
    print(f"four pages are drawn by Qt {draw_panel()}")
