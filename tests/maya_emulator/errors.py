"""What the stand-in raises when it is asked for something that it does not know. Knows nothing else."""


class EmulatorError(Exception):
    """The stand-in has no such thing; real Maya may have it. Extend the stand-in, do not catch this."""
