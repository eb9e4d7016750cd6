"""Errors whose message a user may read as it stands: what is wrong, where, and what to do. Knows nothing else."""

ERROR_LEAD = "facesolve: error: "  # of the command line's sentence on stderr


class FacesolveError(Exception):
    """Base of every expected failure: one sentence that says what is wrong, where, and what to do.

    The command line prints it and exits with code 2.
    """


class TakeError(FacesolveError):
    """A take, rig, camera file or setting is invalid or cannot be read."""


class FootageError(FacesolveError):
    """An image of the footage is missing, unreadable or of the wrong size."""


class ProcessError(FacesolveError):
    """A program cannot be started, or does not answer."""


class SolveError(FacesolveError):
    """A solve cannot start or go on."""
