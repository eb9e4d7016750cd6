"""The commands of ``facesolve``, one module each: its function's arguments are flags, its docstring help."""
