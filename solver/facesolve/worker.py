"""A process that solves one take after the other, so that starting and warming up are paid for once.

    python -m facesolve.worker

Reads a line a take from stdin, the arguments of ``facesolve solve`` as a JSON list; what the solve says goes to stdout.
It ends with its stdin, and after a solve that failed: what that may have left behind (a lost GPU, say) ends with it.
"""

from __future__ import annotations

import json
import sys

from .cli import main as command
from .commands.output import EXIT_INTERRUPTED, EXIT_OK
from .runtime.memory import give_back
from .take.verdict import EXIT_DOES_NOT_FIT


def main() -> int:
    """Solves until there is nothing more to read; the exit code is that of the last solve."""
    code = EXIT_OK
    try:
        for line in sys.stdin:
            code = command(["solve", *json.loads(line)])
            if code not in (EXIT_OK, EXIT_DOES_NOT_FIT):
                return code
            give_back()
    except KeyboardInterrupt:  # between two takes
        return EXIT_INTERRUPTED
    return code


if __name__ == "__main__":
    sys.exit(main())
