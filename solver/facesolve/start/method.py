"""How a start pose is to be found. Plain data."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

AUTO, SEARCH, LANDMARKS = METHODS = ("auto", "search", "landmarks")


@dataclass(frozen=True)
class How:
    """How a start pose is to be found; see ``detector.find_detector`` for the landmarks.

    Attributes:
        method: landmarks, or a search over head poses; auto uses landmarks when MediaPipe is available.
        landmark_python: Python with mediapipe; FACESOLVE_LANDMARK_PYTHON if omitted.
        landmark_model: face_landmarker.task, for a mediapipe without a model; FACESOLVE_LANDMARK_MODEL when left
            out.
    """

    method: str = field(default=AUTO, metadata={"choices": METHODS})
    landmark_python: Path | None = None
    landmark_model: Path | None = None
