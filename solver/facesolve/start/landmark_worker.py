"""Finds facial landmarks by MediaPipe, in a Python of its own: a script that imports nothing of Facesolve.

MediaPipe 0.10.21 and older carry their models but want numpy below 2; newer ones have the Tasks interface alone and
want a model file. Reads one JSON object from stdin, ``{"images": [".npy paths"], "model": path or null}``, images being
(H, W, 3) uint8 RGB, and writes one to stdout: ``{"engine": str, "faces": [[[x, y], ...] or null, ...]}``, pixels with
the first pixel's center at 0.5, or ``{"error": sentence}``. Whatever MediaPipe prints goes to stderr.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from typing import Any

Detect = Callable[[Any], Any]  # (H, W, 3) uint8 RGB -> landmarks in 0..1 of the image's width and height, or None

LEAST_CONFIDENCE = 0.3
QUARTER_TURNS = (0, 1, 3, 2)  # a camera may be mounted on its side
CROPS = ((0.0, 0.0, 1.0), (0.2, 0.2, 0.6), (0.0, 0.0, 0.6), (0.4, 0.0, 0.6), (0.0, 0.4, 0.6), (0.4, 0.4, 0.6))


def main() -> None:
    """Answers one request."""
    answer = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # libraries print to stdout too
    try:
        request = json.load(sys.stdin)
        result = faces_in(request["images"], request["model"])
    except Unusable as problem:
        result = {"error": str(problem)}
    with answer:
        json.dump(result, answer)


class Unusable(Exception):
    """Why MediaPipe cannot be used here, a sentence."""


def faces_in(paths: list[str], model: str | None) -> dict[str, Any]:
    try:
        import mediapipe
    except ImportError as problem:
        raise Unusable(f"MediaPipe cannot be imported by '{sys.executable}' ({problem})") from None
    import numpy as np

    if model is not None:
        engine, detect = "face landmarker", _tasks(mediapipe, model)
    elif hasattr(mediapipe, "solutions"):
        engine, detect = "face mesh", _legacy(mediapipe)
    else:
        raise Unusable(
            f"MediaPipe {mediapipe.__version__} has no model; name a face_landmarker.task by --landmark-model or "
            "FACESOLVE_LANDMARK_MODEL"
        )
    faces = [face_in(np, np.load(path, allow_pickle=False), detect) for path in paths]
    return {"engine": f"MediaPipe {mediapipe.__version__} {engine}", "faces": faces}


def _legacy(mediapipe: Any) -> Detect:
    mesh = mediapipe.solutions.face_mesh.FaceMesh(
        static_image_mode=True, max_num_faces=1, refine_landmarks=True, min_detection_confidence=LEAST_CONFIDENCE
    )

    def detect(image: Any) -> list[tuple[float, float]] | None:
        found = mesh.process(image).multi_face_landmarks
        return None if not found else [(point.x, point.y) for point in found[0].landmark]

    return detect


def _tasks(mediapipe: Any, model: str) -> Detect:
    from mediapipe.tasks.python import BaseOptions, vision

    if not os.path.isfile(model):
        raise Unusable(f"the landmark model '{model}' does not exist")
    options = vision.FaceLandmarkerOptions(
        base_options=BaseOptions(model_asset_path=model), num_faces=1, min_face_detection_confidence=LEAST_CONFIDENCE
    )
    try:
        landmarker = vision.FaceLandmarker.create_from_options(options)
    except (RuntimeError, ValueError) as problem:
        reason = str(problem).split("\n")[0]
        raise Unusable(f"the landmark model '{model}' cannot be used ({reason})") from None

    def detect(image: Any) -> list[tuple[float, float]] | None:
        found = landmarker.detect(mediapipe.Image(mediapipe.ImageFormat.SRGB, image)).face_landmarks
        return None if not found else [(point.x, point.y) for point in found[0]]

    return detect


def face_in(np: Any, image: Any, detect: Detect) -> list[list[float]] | None:
    """Landmarks of the face in an image, in whatever quarter turn and part of it a face is found first; or None."""
    height, width = image.shape[:2]
    for left, top, size in CROPS:
        x, y = int(left * width), int(top * height)
        part = image[y : y + int(size * height), x : x + int(size * width)]
        for turns in QUARTER_TURNS:
            found = detect(np.ascontiguousarray(np.rot90(part, turns)))
            if found is not None:
                rows, columns = part.shape[:2]
                return [_placed(point, turns, columns, rows, x, y) for point in found]
    return None


def _placed(point: tuple[float, float], turns: int, width: int, height: int, left: int, top: int) -> list[float]:
    """A landmark (0..1 of the turned part) in pixels of the whole image."""
    u, v = point
    for _ in range(turns):  # np.rot90 turns counter-clockwise: undo one quarter at a time
        u, v = 1.0 - v, u
    return [left + u * width, top + v * height]


if __name__ == "__main__":
    del sys.path[0]  # the modules beside this script are none of MediaPipe's business
    main()
