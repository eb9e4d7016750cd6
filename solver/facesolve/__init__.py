"""Facesolve's solver: turns a take into a solution. Importing this package does not import torch."""

__version__ = "0.1.0"
