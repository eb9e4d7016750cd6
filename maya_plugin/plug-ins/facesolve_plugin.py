"""Maya plug-in: facesolveExport, -Solve, -Apply, -Correctives and -Actor, for Python and MEL; and what undoes API keys.

Everything heavier than the commands' flags is imported when a command runs.
"""

from __future__ import annotations

import maya.api.OpenMaya as om

import facesolve_maya  # finds numpy

import facesolve  # isort: skip

VENDOR = "Facesolve"


def maya_useNewAPI() -> None:
    """Tells Maya that this plug-in speaks API 2.0."""


def _syntax(*flags):
    """A function that makes the syntax: flags are (short, long, type[, multi])."""

    def create():
        syntax = om.MSyntax()
        for flag in flags:
            syntax.addFlag("-" + flag[0], "-" + flag[1], flag[2])
            if len(flag) > 3:
                syntax.makeFlagMultiUse("-" + flag[0])
        return syntax

    return create


class _Flags:
    """The flags that a command was called with, by long name."""

    def __init__(self, syntax, arguments) -> None:
        self._database = om.MArgDatabase(syntax, arguments)

    def text(self, name: str, default: str = "") -> str:
        """The string of a flag."""
        flag = "-" + name
        return self._database.flagArgumentString(flag, 0) if self._database.isFlagSet(flag) else default

    def given(self, name: str) -> bool:
        """True when a flag was given."""
        return bool(self._database.isFlagSet("-" + name))

    def number(self, name: str):
        """The number of a flag, None when it is not given."""
        flag = "-" + name
        return self._database.flagArgumentDouble(flag, 0) if self._database.isFlagSet(flag) else None

    def texts(self, name: str):
        """The strings of a flag that may be given several times."""
        flag = "-" + name
        count = self._database.numberOfFlagUses(flag) if self._database.isFlagSet(flag) else 0
        return tuple(self._database.getFlagArgumentList(flag, use).asString(0) for use in range(count))

    def switch(self, name: str) -> bool:
        """The truth of a flag; False when it is not given."""
        flag = "-" + name
        return self._database.isFlagSet(flag) and self._database.flagArgumentBool(flag, 0)

    def span(self):
        """(first, last) scene times; None when neither is given."""
        from facesolve.take.errors import TakeError

        first, last = self.number("first"), self.number("last")
        if (first is None) != (last is None):
            raise TakeError("give both -first and -last, or neither.")
        return None if first is None else (first, last)


class _Command(om.MPxCommand):
    """Runs ``run`` and turns expected errors into one line for the user. What ``do`` was given, Maya can undo."""

    def __init__(self) -> None:
        om.MPxCommand.__init__(self)
        self._edit = None

    def do(self, edit) -> None:
        """Runs a scene edit (``facesolve_maya.scene.undo``); one that fails is taken back and cannot be undone."""
        edit.do()
        self._edit = edit

    def isUndoable(self) -> bool:
        return self._edit is not None

    def undoIt(self) -> None:
        self._edit.undo()

    def redoIt(self) -> None:
        self._edit.do()

    def doIt(self, arguments) -> None:
        from facesolve.take.errors import FacesolveError

        try:
            self.run(_Flags(self.syntax(), arguments))
        except FacesolveError as error:
            om.MGlobal.displayError(str(error))
            raise RuntimeError(str(error)) from None


class FacesolveExport(_Command):
    """facesolveExport -mesh M -head H -camera A -camera B -first 1 -last 40 -folder F: writes a take; or -check."""

    NAME = "facesolveExport"
    SYNTAX = staticmethod(
        _syntax(
            ("m", "mesh", om.MSyntax.kString, True),
            ("hd", "head", om.MSyntax.kString),
            ("cam", "camera", om.MSyntax.kString, True),
            ("fi", "first", om.MSyntax.kDouble),
            ("la", "last", om.MSyntax.kDouble),
            ("st", "step", om.MSyntax.kDouble),
            ("fd", "folder", om.MSyntax.kString),
            ("ff", "footageFolder", om.MSyntax.kString, True),
            ("sc", "sampledControl", om.MSyntax.kString, True),
            ("q", "quality", om.MSyntax.kString),
            ("ch", "check", om.MSyntax.kBoolean),
        )
    )

    def run(self, flags: _Flags) -> None:
        from pathlib import Path

        from facesolve.take import Settings, write_take
        from facesolve.take.errors import TakeError
        from facesolve_maya.export import ExportRequest, export_take, preflight
        from facesolve_maya.scene.timeline import frame_range, playback_frames

        folder, span = flags.text("folder"), flags.span()
        request = ExportRequest(
            meshes=flags.texts("mesh"),
            head=flags.text("head"),
            cameras=flags.texts("camera"),
            frames=playback_frames() if span is None else frame_range(span[0], span[1], flags.number("step") or 1.0),
            name=Path(folder).name or "take",
            footage_folders=flags.texts("footageFolder"),
            sampled_controls=flags.texts("sampledControl"),
            settings=Settings(quality=flags.text("quality", "standard")),
        )
        if flags.switch("check"):
            self.setResult([str(finding) for finding in preflight(request)])
            return
        if not folder:
            raise TakeError("facesolveExport: give -folder, where the take is written.")
        write_take(export_take(request), folder)
        self.setResult(folder)


class FacesolveSolve(_Command):
    """facesolveSolve -take T -solution S [-overwrite true]: solves in a process of its own.

    -findHead true: the head is looked for first, and the take gets the start pose; with -head H the scene does, too,
    undoable. Else nothing in the scene changes.
    """

    NAME = "facesolveSolve"
    SYNTAX = staticmethod(
        _syntax(
            ("t", "take", om.MSyntax.kString),
            ("s", "solution", om.MSyntax.kString),
            ("q", "quality", om.MSyntax.kString),
            ("dv", "device", om.MSyntax.kString),
            ("ow", "overwrite", om.MSyntax.kBoolean),
            ("py", "python", om.MSyntax.kString),
            ("fh", "findHead", om.MSyntax.kBoolean),
            ("hd", "head", om.MSyntax.kString),
        )
    )

    def run(self, flags: _Flags) -> None:
        from pathlib import Path

        from facesolve.take.errors import TakeError
        from facesolve_maya.run import SolveRequest, find_interpreter, solve, write_start

        if not flags.text("take"):
            raise TakeError("facesolveSolve: give -take, the take's folder.")
        take = Path(flags.text("take"))
        request = SolveRequest(
            take=take,
            out=Path(flags.text("solution") or str(take / "solution")),
            device=flags.text("device", "auto"),
            quality=flags.text("quality") or None,
            overwrite=flags.switch("overwrite"),
        )
        interpreter, found = find_interpreter(flags.text("python")), flags.switch("findHead")
        if found:
            for words in write_start(take, interpreter, request.device):
                om.MGlobal.displayInfo(words)
        solution = solve(request, interpreter)
        if found and flags.text("head"):
            from facesolve.take import read_take
            from facesolve_maya.apply.pose import pose_at_start

            edit, text = pose_at_start(flags.text("head"), read_take(take))
            self.do(edit)
            om.MGlobal.displayInfo(text)
        self.setResult(str(solution))


class FacesolveApply(_Command):
    """facesolveApply -solution S -head H [-layer L] [-first A -last B] [-tolerance MM] [-namespace N]: undoable."""

    NAME = "facesolveApply"
    SYNTAX = staticmethod(
        _syntax(
            ("s", "solution", om.MSyntax.kString),
            ("t", "take", om.MSyntax.kString),
            ("hd", "head", om.MSyntax.kString),
            ("l", "layer", om.MSyntax.kString),
            ("fi", "first", om.MSyntax.kDouble),
            ("la", "last", om.MSyntax.kDouble),
            ("tol", "tolerance", om.MSyntax.kDouble),
            ("ns", "namespace", om.MSyntax.kString),
        )
    )

    def run(self, flags: _Flags) -> None:
        from pathlib import Path

        from facesolve.take.errors import TakeError
        from facesolve_maya.apply import plan, read_request

        if not flags.text("solution"):
            raise TakeError("facesolveApply: give -solution, the solution's folder.")
        request = read_request(
            Path(flags.text("solution")),
            take=Path(flags.text("take")) if flags.text("take") else None,
            head=flags.text("head"),
            layer=flags.text("layer"),
            span=flags.span(),
            tolerance=flags.number("tolerance"),
            namespace=flags.text("namespace") if flags.given("namespace") else None,
        )
        planned = plan(request)
        self.do(planned.edit())
        self.setResult(str(planned.report))


class FacesolveCorrectives(_Command):
    """facesolveCorrectives -solution S -head H: adds a solution's correctives as keyed targets; undoable."""

    NAME = "facesolveCorrectives"
    SYNTAX = staticmethod(
        _syntax(
            ("s", "solution", om.MSyntax.kString),
            ("t", "take", om.MSyntax.kString),
            ("hd", "head", om.MSyntax.kString),
        )
    )

    def run(self, flags: _Flags) -> None:
        from pathlib import Path

        from facesolve.take.errors import TakeError
        from facesolve_maya.apply import plan_correctives, read_correctives_request

        if not (flags.text("solution") and flags.text("head")):
            raise TakeError("facesolveCorrectives: give -solution, the solution's folder, and -head, its transform.")
        take = Path(flags.text("take")) if flags.text("take") else None
        planned = plan_correctives(read_correctives_request(Path(flags.text("solution")), take, flags.text("head")))
        self.do(planned.edit())
        self.setResult(str(planned.report))


class FacesolveActor(_Command):
    """facesolveActor -solution S -head H: adds the actor's neutral as a target with weight 1; undoable."""

    NAME = "facesolveActor"
    SYNTAX = FacesolveCorrectives.SYNTAX

    def run(self, flags: _Flags) -> None:
        from pathlib import Path

        from facesolve.take.errors import TakeError
        from facesolve_maya.apply import plan_actor, read_actor_request

        if not (flags.text("solution") and flags.text("head")):
            raise TakeError("facesolveActor: give -solution, the solution's folder, and -head, its transform.")
        take = Path(flags.text("take")) if flags.text("take") else None
        planned = plan_actor(read_actor_request(Path(flags.text("solution")), take, flags.text("head")))
        self.do(planned.edit())
        self.setResult(str(planned.report))


class FacesolveEdit(_Command):
    """facesolveEdit TOKEN: runs an edit handed over by ``facesolve_maya.scene.undo``, undoable. Not for users."""

    NAME = "facesolveEdit"

    @staticmethod
    def SYNTAX():
        syntax = om.MSyntax()
        syntax.addArg(om.MSyntax.kString)
        return syntax

    def doIt(self, arguments) -> None:
        from facesolve_maya.scene.undo import waiting_edit

        self.do(waiting_edit(om.MArgDatabase(self.syntax(), arguments).commandArgumentString(0)))


COMMANDS = (FacesolveExport, FacesolveSolve, FacesolveApply, FacesolveCorrectives, FacesolveActor, FacesolveEdit)


def initializePlugin(plugin) -> None:
    """Registers the commands and, in a Maya with windows, builds the shelf once Maya is idle."""
    from maya import cmds, utils

    registry = om.MFnPlugin(plugin, VENDOR, facesolve.__version__)
    for command in COMMANDS:
        registry.registerCommand(command.NAME, command, command.SYNTAX)
    warn_of_others(registry.loadPath())
    if not cmds.about(batch=True):
        utils.executeDeferred(build_shelf)


def warn_of_others(folder: str) -> None:
    """A warning when Python has taken our packages from elsewhere than the plug-in's module: versions would mix."""
    from pathlib import Path

    root = Path(folder).resolve().parents[1]
    for package in (facesolve, facesolve_maya):
        found = Path(package.__file__).resolve().parent
        if root not in found.parents:
            om.MGlobal.displayWarning(
                "Facesolve: Python imports '{}' from '{}', not from the module in '{}'. Remove the former from Maya's "
                "PYTHONPATH, or uninstall it from Maya's Python.".format(package.__name__, found, root)
            )


def build_shelf() -> None:
    """Makes the shelf or brings it up to date; what is wrong with its list is a warning, never an error at start-up."""
    from facesolve.take.errors import FacesolveError
    from facesolve_maya.ui import shelf

    try:
        shelf.build()
    except FacesolveError as error:
        om.MGlobal.displayWarning(str(error))


def uninitializePlugin(plugin) -> None:
    """Takes the commands away."""
    registry = om.MFnPlugin(plugin)
    for command in COMMANDS:
        registry.deregisterCommand(command.NAME)
