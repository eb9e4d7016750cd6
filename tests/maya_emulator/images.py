"""Sizes of images on disk, as Maya learns them when it loads a file."""

from __future__ import annotations

from pathlib import Path

import cv2

from .errors import EmulatorError

_MOVIES = (".mp4", ".mov", ".m4v", ".mkv", ".webm")  # Maya on Windows plays .avi only, and its image class none


class MImage:
    """``maya.api.OpenMaya.MImage``: loads a file and knows its size. Pixels are bytes unless float ones are wanted."""

    kUnknown, kByte, kFloat = 0, 1, 2

    def __init__(self) -> None:
        self._size = (0, 0)

    def readFromFile(self, path: str, kind: int = kByte) -> None:
        file = Path(path)
        if not file.is_file() or file.suffix.lower() == ".exr" or (kind == self.kFloat) != (file.suffix == ".hdr"):
            raise RuntimeError("(kFailure): Unexpected Internal Failure")
        self._size = image_size(path, "")

    def getSize(self) -> tuple[int, int]:
        return self._size


def image_size(name: str, workspace: str) -> tuple[int, int]:
    """(width, height) of the image ``name`` (absolute or below the workspace); (0, 0) when it cannot be loaded."""
    path = Path(name) if Path(name).is_absolute() else Path(workspace) / name
    if not path.is_file() or path.suffix.lower() in _MOVIES:
        return 0, 0
    image = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if image is None:
        raise EmulatorError(f"'{path}' is not an image that the stand-in reads")
    return image.shape[1], image.shape[0]
