"""Facesolve inside Maya: scene to take, take to solver, solution to keys. maya, numpy and Qt only; never torch."""
