"""Shapes that a take's footage shows and its rig lacks, found on top of solved curves."""

from .field import SmoothFields, smooth_fields
from .span import RigSpan

__all__ = ["RigSpan", "SmoothFields", "smooth_fields"]
