"""Hand-off of a solution to other programs: USD, OBJ sequences, CSV and JSON. Knows no image and no Maya."""

from .errors import ExportError
from .performance import Performance, load_performance

__all__ = ["ExportError", "Performance", "load_performance"]
