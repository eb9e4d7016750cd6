"""One picture on disk."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from facesolve.take.files import write_atomic


def write_picture(path: Path, image: np.ndarray) -> None:
    """Writes ``image`` (H, W, 3) uint8 RGB in the format of the path's suffix, whole or not at all."""
    written, data = cv2.imencode(path.suffix, np.ascontiguousarray(image[..., ::-1]))
    assert written, f"OpenCV cannot write {path.suffix}"
    write_atomic(path, data.tobytes())
