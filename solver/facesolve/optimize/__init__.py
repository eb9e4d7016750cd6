"""Linear algebra of the solve: box-constrained steps and block-banded systems over the take."""
