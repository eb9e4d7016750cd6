"""Sizes of images on disk, as Maya learns them when it loads a file."""

from __future__ import annotations

from pathlib import Path

import cv2

from .errors import EmulatorError


def image_size(name: str, workspace: str) -> tuple[int, int]:
    """(width, height) of the image ``name`` (absolute or below the workspace); (0, 0) when it cannot be loaded."""
    path = Path(name) if Path(name).is_absolute() else Path(workspace) / name
    if not path.is_file():
        return 0, 0
    image = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if image is None:
        raise EmulatorError(f"'{path}' is not an image that the stand-in reads")
    return image.shape[1], image.shape[0]
