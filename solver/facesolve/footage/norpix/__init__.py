"""Norpix .seq recordings: reading, indexing, matching to cameras, synchronizing, extracting."""
