"""How a command of ``maya.cmds`` is declared: its flags, whether it can be undone. Knows no command."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.maya_emulator.session import Session, current

COMMANDS: dict[str, Command] = {}


@dataclass(frozen=True)
class Command:
    """A declared command; ``flags`` maps long names to short ones."""

    name: str
    flags: dict[str, str]
    undoable: bool
    run: Callable[..., Any]

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        session = current()
        short = {value: key for key, value in self.flags.items()}
        flags: dict[str, Any] = {}
        for name, value in kwargs.items():
            long = name if name in self.flags else short.get(name)
            if long is None:
                raise TypeError(f"Invalid flag '{name}'")
            if long in flags:
                raise TypeError(f"Flag '{name}' is given twice")
            flags[long] = value
        with session.command(self.name, self.undoable and not flags.get("query")):
            return self.run(session, *args, **flags)


def command(undoable: bool = True, **flags: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Declares a command with its flags (long=short). The function gets the session and long flag names."""

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        name = function.__name__.rstrip("_")
        COMMANDS[name] = Command(name, flags, undoable, function)
        return function

    return register


def error(message: str) -> RuntimeError:
    """A failing command raises RuntimeError with Maya's message."""
    return RuntimeError(message)


def names_of(args: tuple[Any, ...], session: Session) -> list[str]:
    """The object names among positional arguments, lists flattened; the selection when there are none."""
    names: list[str] = []
    for arg in args:
        names.extend(arg if isinstance(arg, (list, tuple)) else [arg])
    return names or [session.graph.shortest_name(node) for node in session.selection if node.alive]


def nothing_as_none(found: list[Any]) -> list[Any] | None:
    """Many of Maya's commands return None instead of an empty list."""
    return found or None
