"""The error of an export."""

from facesolve.take import FacesolveError


class ExportError(FacesolveError):
    """A solution cannot be written in the format asked for."""
