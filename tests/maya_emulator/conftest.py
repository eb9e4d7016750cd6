"""A fresh stand-in for Maya for every test."""

from tests.maya_emulator.stand_in import maya, stand_in_is_there

__all__ = ["maya", "stand_in_is_there"]
