"""Values of plugs at a time: follows connections, computes outputs. Changes nothing."""

from .engine import Evaluator

__all__ = ["Evaluator"]
