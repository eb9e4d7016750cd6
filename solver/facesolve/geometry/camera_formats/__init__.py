"""Other programs' camera files, a module for each program. They know neither takes nor which of them reads a file."""
