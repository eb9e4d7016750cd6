"""``python -m facesolve`` and the ``facesolve`` command: Ctrl-C ends it without a traceback, even while it starts."""

from __future__ import annotations

import signal
import sys


def main() -> int:
    """Runs the command line; returns its exit code."""
    try:
        from .cli import main as command

        return command()
    except KeyboardInterrupt:  # before the command could hear it
        print("facesolve: interrupted.", file=sys.stderr)
        return 130
    finally:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # while Python shuts down nothing is left to be said


if __name__ == "__main__":
    sys.exit(main())
