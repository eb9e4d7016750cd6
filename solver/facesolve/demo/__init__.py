"""A small take made entirely by code: a procedural head, its performance, its footage, and the truth about it."""
