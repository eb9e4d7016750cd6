"""One undo for everything a tool does, API key edits included. Knows no tool.

Edits of curves by the API are not on Maya's undo queue, so they run inside a plug-in command that takes them back.
"""

from __future__ import annotations

import uuid
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, Optional, Sequence, Set

import maya.api.OpenMaya as om
import maya.api.OpenMayaAnim as oma
from maya import cmds

from facesolve.take.errors import TakeError

PLUGIN = "facesolve_plugin"

Command = Callable[[], Any]


@contextmanager
def undo_chunk(name: str) -> Iterator[None]:
    """Edits inside undo as one entry called ``name``; the chunk is closed whatever happens."""
    cmds.undoInfo(openChunk=True, chunkName=name)
    try:
        yield
    finally:
        cmds.undoInfo(closeChunk=True)


@contextmanager
def whole_edit(name: str, refused: str) -> Iterator[None]:
    """What is done inside undoes as one entry called ``name``; when a part of it fails, all of it is taken back.

    Raises TakeError then: ``refused`` and Maya's words, or what a part raised. Edits may hold others: the outermost
    takes back.
    """
    try:
        with undo_chunk(name):
            yield
    except (RuntimeError, TakeError) as error:
        if cmds.undoInfo(query=True, undoName=True) == name:
            cmds.undo()
        if isinstance(error, TakeError):
            raise
        raise TakeError("{} Maya's error: {}".format(refused, str(error).strip())) from None


class SceneEdit:
    """An edit in two parts: ``nodes`` gives the commands to run, ``keys`` changes curves by the API.

    ``nodes`` is asked each time the edit runs, on redo too, in a scene that undo has put back as it was; curves are
    looked up by name each time. Each command it gives must change something: Maya's documentation of
    pythonCommandToExecute asks for one undoable command a call.
    """

    def __init__(self, nodes: Callable[[], Sequence[Command]], keys: Callable[[oma.MAnimCurveChange], None]) -> None:
        self._nodes = nodes
        self._keys = keys
        self._modifier: Optional[om.MDGModifier] = None
        self._change: Optional[oma.MAnimCurveChange] = None
        self._layers: Set[str] = set()
        self.error: Optional[Exception] = None

    def do(self) -> None:
        """Runs both parts; if one fails, what was done is undone before the error is raised, kept in ``error``."""
        self._layers = _anim_layers()
        try:
            commands = self._nodes()
            if commands:
                modifier = om.MDGModifier()
                for command in commands:
                    modifier.pythonCommandToExecute(command)
                modifier.doIt()
                self._modifier = modifier
            self._change = oma.MAnimCurveChange()
            self._keys(self._change)
        except Exception as error:
            self.error = error
            self.undo()
            raise

    def undo(self) -> None:
        """Takes both parts back."""
        if self._change is not None:
            self._change.undoIt()
        if self._modifier is not None:
            self._modifier.undoIt()
            self._remove_new_layers()
        self._modifier, self._change = None, None

    def _remove_new_layers(self) -> None:
        """With the first layer Maya makes BaseAnimation, which taking that layer back does not take back."""
        left = sorted(_anim_layers() - self._layers)
        if left:
            modifier = om.MDGModifier()
            for layer in left:
                modifier.pythonCommandToExecute(partial(cmds.delete, layer))
            modifier.doIt()


def _anim_layers() -> Set[str]:
    return set(cmds.ls(type="animLayer") or [])


_WAITING: Dict[str, SceneEdit] = {}


def run_edit(edit: SceneEdit, name: str) -> None:
    """Runs ``edit`` as one undoable entry called ``name``. Raises what the edit raised."""
    load_plugin()
    token = uuid.uuid4().hex
    _WAITING[token] = edit
    try:
        with undo_chunk(name):
            cmds.facesolveEdit(token)
    except RuntimeError:
        if edit.error is not None:  # Maya passes on that a command failed, not what it raised
            raise edit.error from None
        raise
    finally:
        _WAITING.pop(token, None)


def waiting_edit(token: str) -> SceneEdit:
    """The edit that ``run_edit`` handed over; for the plug-in's command."""
    return _WAITING[token]


def load_plugin() -> None:
    """Loads the plug-in that holds the commands, unless it is loaded."""
    if not cmds.pluginInfo(PLUGIN, query=True, loaded=True):
        cmds.loadPlugin(str(Path(__file__).resolve().parents[2] / "plug-ins" / (PLUGIN + ".py")), quiet=True)
