"""The commands of ``maya.cmds`` that the plug-in uses. Each module registers its own."""

from . import attributes, connections, constraints, deformers, files, keys, layers, nodes, scene  # noqa: F401  (they register commands)
from .registry import COMMANDS

__all__ = ["COMMANDS"]
