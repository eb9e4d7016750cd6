"""Shapes that a take's footage shows and its rig lacks, found on top of solved curves."""
