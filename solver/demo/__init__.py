"""A small take made entirely by code: a procedural head, its performance, its footage, and the truth about it."""

from .take import make_take

__all__ = ["make_take"]
