"""Norpix .seq recordings: reading, indexing, matching to cameras, synchronising, extracting."""
