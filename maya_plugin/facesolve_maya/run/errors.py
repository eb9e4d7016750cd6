"""Errors of running a solve; each message is a sentence for the user. Knows nothing else."""

from facesolve.take.errors import FacesolveError, SolveError


class InterpreterError(FacesolveError):
    """No usable Python was found for the solver."""


class SolveCancelled(SolveError):
    """The user stopped the solve; nothing in the scene was changed."""
