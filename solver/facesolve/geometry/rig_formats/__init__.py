"""Rigs that other programs wrote, one module for each format, and what the formats share."""
