"""Facesolve as a module in a user's Maya folder: put there, brought up to date, repaired, taken away.

Standard library only: this runs in Maya's Python before numpy is there, and outside Maya.
"""

from .folders import Places, installed_home, maya_folder, product_root, versions_of
from .module import Installed, install, repair, uninstall

__all__ = [
    "Installed",
    "Places",
    "install",
    "installed_home",
    "maya_folder",
    "product_root",
    "repair",
    "uninstall",
    "versions_of",
]
