"""How a start pose is to be found. Plain data."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

AUTO, SEARCH, LANDMARKS = METHODS = ("auto", "search", "landmarks")


@dataclass(frozen=True)
class How:
    """How a start pose is to be found; see ``detector.find_detector`` for the landmarks.

    Attributes:
        method: landmarks, or a search over head poses; auto takes landmarks where they can be had.
        landmark_python: a Python that has mediapipe; FACESOLVE_LANDMARK_PYTHON when left out.
        landmark_model: face_landmarker.task, for a mediapipe that carries no model; FACESOLVE_LANDMARK_MODEL when left
            out.
    """

    method: str = field(default=AUTO, metadata={"choices": METHODS})
    landmark_python: Path | None = None
    landmark_model: Path | None = None
