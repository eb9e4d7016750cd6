"""Solution to keys: controls and head transform on an animation layer, undone in one step; fewer keys on request."""

from .apply import ApplyReport, Skipped, apply_solution, plan
from .reduction import reduce_keys
from .request import ApplyRequest

__all__ = ["ApplyReport", "ApplyRequest", "Skipped", "apply_solution", "plan", "reduce_keys"]
