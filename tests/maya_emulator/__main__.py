"""Stands in mayapy's place: ``python -m tests.maya_emulator -m facesolve_maya.batch ...`` or ``... script.py``."""

import runpy
import sys

from . import install


def main() -> None:
    arguments = sys.argv[1:]
    if not arguments or (arguments[0] == "-m" and len(arguments) < 2):
        raise SystemExit("usage: python -m tests.maya_emulator (-m module | script.py) [arguments]")
    install()
    if arguments[0] == "-m":
        sys.argv = arguments[1:]
        runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
    else:
        sys.argv = arguments
        runpy.run_path(arguments[0], run_name="__main__")


if __name__ == "__main__":
    main()
