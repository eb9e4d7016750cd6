"""Docks the panel in Maya and restores it. Only this module, shelf, actions, load_cameras and scene know maya."""

from __future__ import annotations

from typing import Any, List, Optional

from .load_cameras import load_cameras
from .panel import Panel
from .qt import QtGui, QtWidgets, shiboken
from .scene import MayaScene
from .session import Session

CONTROL = "facesolveWorkspaceControl"
PLUGIN = "facesolve_plugin.py"  # as Maya looks for it on MAYA_PLUG_IN_PATH; without the ending it finds binaries
# Maya runs this text when it rebuilds a workspace at start-up, after loading the required plug-in.
UI_SCRIPT = "from facesolve_maya.ui import dock; dock.build()"

# Maya holds no reference to Python widgets; without this list the panel would vanish.
_panels: List[Panel] = []


def show() -> Panel:
    """Shows the docked panel, making it when it is not there; returns it."""
    from maya import cmds

    panel = current()
    if cmds.workspaceControl(CONTROL, exists=True):
        if panel is not None:
            cmds.workspaceControl(CONTROL, edit=True, restore=True)
            return panel
        # Left over from a session in which the panel could not be built.
        cmds.deleteUI(CONTROL, control=True)
        if cmds.workspaceControlState(CONTROL, exists=True):  # would win over what is asked for below
            cmds.workspaceControlState(CONTROL, remove=True)
    cmds.workspaceControl(
        CONTROL,
        label="Facesolve",
        tabToControl=("AttributeEditor", -1),
        initialWidth=width(420),
        minimumWidth=width(320),
        widthProperty="preferred",
        uiScript=UI_SCRIPT,
        requiredPlugin=PLUGIN,
        loadImmediately=True,
    )
    return current() or build()


def width(pixels: int) -> int:
    """``pixels`` at the size that Maya's interface has by default, as it is scaled on this computer."""
    return round(pixels * QtGui.QFontMetrics(QtWidgets.QApplication.font()).height() / 16.0)


def build() -> Panel:
    """Fills the workspace control that Maya is building; called by the control's script."""
    from maya import OpenMayaUI

    close()
    pointer = OpenMayaUI.MQtUtil.getCurrentParent() or OpenMayaUI.MQtUtil.findControl(CONTROL)
    parent: Any = shiboken.wrapInstance(int(pointer), QtWidgets.QWidget)
    panel = make_panel(MayaScene())
    layout = parent.layout()
    if layout is None:
        layout = QtWidgets.QVBoxLayout(parent)
        layout.setContentsMargins(0, 0, 0, 0)
    layout.addWidget(panel)
    return panel


def make_panel(scene: Any) -> Panel:
    """A panel on ``scene`` that follows the scene's changes and ends its solve when it goes away."""
    session = Session(scene)
    panel = Panel(session, lambda: load_cameras(session))
    _panels.append(panel)
    scene.watch(on_scene=panel.scene_replaced, on_time=panel.show_time, on_save=session.keep_settings, on_exit=close)
    return panel


def current() -> Optional[Panel]:
    """The panel that is open, None when there is none or Maya has deleted it."""
    for panel in _panels:
        if shiboken.isValid(panel):
            return panel
    return None


def close() -> None:
    """Ends what the panel runs and lets it go; the workspace control itself is Maya's."""
    while _panels:
        panel = _panels.pop()
        panel.session.close()
        panel.session.scene.unwatch()
        if shiboken.isValid(panel):
            panel.deleteLater()
