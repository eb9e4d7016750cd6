"""A small take made entirely by code: a procedural head, its performance, its footage, and the truth about it."""

from .run import run_demo
from .take import make_take

__all__ = ["make_take", "run_demo"]
