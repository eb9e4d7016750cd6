"""``maya.api.OpenMaya``: what a plug-in file needs to register commands, and how such a command runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.maya_emulator.commands.registry import COMMANDS
from tests.maya_emulator.errors import EmulatorError
from tests.maya_emulator.session import current


class PluginObject:
    """What Maya hands to initializePlugin."""

    def __init__(self, name: str, path: str) -> None:
        self.name, self.path = name, path


class MSyntax:
    """The flags and objects of a plug-in command."""

    kBoolean, kDouble, kString = "bool", "double", "string"

    def __init__(self) -> None:
        self.flags: dict[str, tuple[str, tuple[str, ...]]] = {}
        self.multi: set[str] = set()
        self.arguments: list[str] = []

    def addFlag(self, short: str, long: str, *kinds: str) -> None:
        if not (short.startswith("-") and long.startswith("-")) or len(long) < 5:
            raise RuntimeError("(kInvalidParameter): flags start with '-', long names have at least 4 letters")
        if len(short) > 4:
            raise RuntimeError("(kInvalidParameter): short flags have at most 3 letters")
        self.flags[long[1:]] = (short[1:], kinds)

    def makeFlagMultiUse(self, flag: str) -> None:
        self.multi.add(flag.lstrip("-"))

    def addArg(self, kind: str) -> None:
        self.arguments.append(kind)


class MArgList:
    def __init__(self, args: tuple[Any, ...], flags: dict[str, Any]) -> None:
        self.args, self.flags = args, flags


class MArgParser:
    """The parsed arguments of a plug-in command."""

    def __init__(self, syntax: MSyntax, arguments: MArgList) -> None:
        self._syntax, self._arguments = syntax, arguments
        short = {value[0]: key for key, value in syntax.flags.items()}
        self._flags: dict[str, Any] = {}
        for name, value in arguments.flags.items():
            long = name if name in syntax.flags else short.get(name)
            if long is None:
                raise TypeError(f"Invalid flag '{name}'")
            self._flags[long] = value
        self._short = short

    def _long(self, flag: str) -> str:
        name = flag.lstrip("-")
        return self._short.get(name, name)

    def isFlagSet(self, flag: str) -> bool:
        return self._long(flag) in self._flags

    def numberOfFlagUses(self, flag: str) -> int:
        value = self._flags.get(self._long(flag), [])
        return len(value) if isinstance(value, (list, tuple)) else 1

    def _argument(self, flag: str, index: int) -> Any:
        value = self._flags[self._long(flag)]
        return value[index] if isinstance(value, (list, tuple)) else value

    def flagArgumentString(self, flag: str, index: int) -> str:
        return str(self._argument(flag, index))

    def flagArgumentDouble(self, flag: str, index: int) -> float:
        return float(self._argument(flag, index))

    def flagArgumentBool(self, flag: str, index: int) -> bool:
        return bool(self._argument(flag, index))

    def getFlagArgumentList(self, flag: str, use: int) -> _Arguments:
        value = self._flags[self._long(flag)]
        used = value[use] if isinstance(value, (list, tuple)) else value
        return _Arguments(tuple(used) if isinstance(used, (list, tuple)) else (used,))

    def commandArgumentString(self, index: int) -> str:
        return str(self._arguments.args[index])


class _Arguments:
    def __init__(self, values: tuple[Any, ...]) -> None:
        self._values = values

    def asString(self, index: int) -> str:
        return str(self._values[index])

    def asDouble(self, index: int) -> float:
        return float(self._values[index])


class MArgDatabase(MArgParser):
    pass


class MPxCommand:
    """Base of plug-in commands."""

    _result: Any = None
    _command_syntax: Any = None

    def syntax(self) -> MSyntax:
        """The syntax that the command was registered with."""
        if self._command_syntax is None:
            raise EmulatorError("syntax() of a command that was registered without one")
        return self._command_syntax

    def isUndoable(self) -> bool:
        return False

    def setResult(self, value: Any) -> None:
        self._result = value


class MFnPlugin:
    def __init__(self, plugin: PluginObject, vendor: str = "", version: str = "", api: str = "Any") -> None:
        self._plugin = plugin

    def loadPath(self) -> str:
        return Path(self._plugin.path).parent.as_posix()

    def registerCommand(self, name: str, creator: Any, syntax: Any = None) -> None:
        session = current()
        if name in session.plugin_commands or name in COMMANDS:
            raise RuntimeError(f"(kFailure): the command '{name}' exists already")
        session.plugin_commands[name] = PluginCommand(name, creator, syntax() if syntax else MSyntax())

    def deregisterCommand(self, name: str) -> None:
        if current().plugin_commands.pop(name, None) is None:
            raise RuntimeError(f"(kFailure): the command '{name}' is not registered")


class PluginCommand:
    """A registered command as ``maya.cmds`` calls it."""

    def __init__(self, name: str, creator: Any, syntax: MSyntax) -> None:
        self.name, self._creator, self._syntax = name, creator, syntax

    def __call__(self, *args: Any, **flags: Any) -> Any:
        if len(args) > len(self._syntax.arguments):
            raise TypeError(f"{self.name}: too many arguments")
        instance = self._creator()
        if not isinstance(instance, MPxCommand):
            raise EmulatorError(f"the creator of '{self.name}' does not make an MPxCommand")
        instance._command_syntax = self._syntax
        MArgParser(self._syntax, MArgList(args, flags))
        session = current()
        try:
            instance.doIt(MArgList(args, flags))
        except RuntimeError:
            raise
        except Exception:
            # Maya hears only that a command failed; whether the words of an error get through is not documented.
            raise RuntimeError("Unexpected Internal Failure") from None
        if instance.isUndoable():
            session.record(self.name, instance.undoIt, instance.redoIt)
        return instance._result
