"""A strict stand-in for Maya: loads real ``.ma`` files and offers only what the plug-in uses.

Unknown commands, flags, attributes, plugs and node types raise. What it copies of Maya's behavior rests on Autodesk's
documentation and on scenes that Maya saved; it is no proof of what Maya does.
"""

from .errors import EmulatorError
from .install import install, uninstall
from .reader import read_scene
from .session import Session

__all__ = ["EmulatorError", "Session", "install", "read_scene", "uninstall"]
