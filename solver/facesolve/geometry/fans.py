"""Polygons cut into fans of triangles. Knows no torch."""

from __future__ import annotations

import numpy as np


def fan_corners(face_counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Cuts polygons into fans around their first corner: corner indices (F, 3), polygon of each triangle (F,)."""
    counts = face_counts.astype(np.int64)
    polygon = np.repeat(np.arange(len(counts)), counts - 2)
    first = (np.cumsum(counts) - counts)[polygon]
    second = np.arange(len(polygon)) - (np.cumsum(counts - 2) - (counts - 2))[polygon] + 1
    return np.stack((first, first + second, first + second + 1), 1), polygon
