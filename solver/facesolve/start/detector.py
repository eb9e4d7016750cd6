"""Asks a Python that has MediaPipe for the landmarks of faces in images. A subprocess: no shell, no socket."""

from __future__ import annotations

import importlib.util
import json
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from facesolve.take import SolveError
from facesolve.take.errors import ProcessError
from facesolve.take.processes import ask_process
from facesolve.take.reading import json_value

WORKER = Path(__file__).with_name("landmark_worker.py")
PYTHON_VARIABLE, MODEL_VARIABLE = "FACESOLVE_LANDMARK_PYTHON", "FACESOLVE_LANDMARK_MODEL"
PATIENCE = 600.0  # seconds


class LandmarkError(SolveError):
    """Landmarks cannot be had: MediaPipe is absent, or it failed."""


@dataclass(frozen=True, eq=False)
class Faces:
    """What was found in some images: of each the landmarks (L, 2), pixels with the first center at 0.5, or None."""

    engine: str
    points: tuple[np.ndarray | None, ...]


@dataclass(frozen=True)
class Detector:
    """Where landmarks come from. python: its interpreter; model: a face_landmarker.task, or None for one it carries."""

    python: str
    model: str | None = None

    def detect(self, images: Sequence[np.ndarray]) -> Faces:
        """Landmarks in images (H, W, 3) uint8 RGB. Raises LandmarkError with one sentence."""
        with tempfile.TemporaryDirectory(prefix="facesolve_landmarks_") as folder:
            paths = []
            for index, image in enumerate(images):
                paths.append(str(Path(folder) / f"{index}.npy"))
                np.save(paths[-1], np.ascontiguousarray(image), allow_pickle=False)
            answer = self._ask({"images": paths, "model": self.model})
        return _checked(answer, len(images))

    def _ask(self, request: Mapping[str, object]) -> str:
        # our own PYTHON variables are not meant for another installation
        environment = {name: value for name, value in os.environ.items() if not name.upper().startswith("PYTHON")}
        command = [self.python, "-E", str(WORKER)]
        try:
            code, answer, errors = ask_process(command, json.dumps(request).encode("utf-8"), PATIENCE, environment)
        except ProcessError as problem:
            raise LandmarkError(f"landmarks: {problem}") from None
        if code != 0:
            lines = errors.strip().splitlines()
            last = f": {lines[-1]}" if lines else ""
            raise LandmarkError(f"landmarks: '{self.python}' ended with code {code}{last}.")
        return answer


def find_detector(python: Path | None = None, model: Path | None = None) -> Detector | None:
    """The detector that the arguments, else the environment, else this very installation give; None without any.

    Raises LandmarkError when a file that is named does not exist.
    """
    named_python = os.environ.get(PYTHON_VARIABLE) if python is None else os.fspath(python)
    named_model = os.environ.get(MODEL_VARIABLE) if model is None else os.fspath(model)
    for what, path in (("Python", named_python), ("model", named_model)):
        if path and not Path(path).is_file():
            raise LandmarkError(f"landmarks: the {what} '{path}' does not exist.")
    absolute_model = os.path.abspath(named_model) if named_model else None
    if named_python:
        return Detector(os.path.abspath(named_python), absolute_model)
    if importlib.util.find_spec("mediapipe") is not None:
        return Detector(sys.executable, absolute_model)
    return None


def _checked(answer: str, count: int) -> Faces:
    """The worker's answer as data; a foreign process is not believed blindly."""
    try:
        record = json_value(answer)
        if "error" in record:
            raise LandmarkError(f"landmarks: {record['error']}.")
        points = tuple(None if face is None else np.array(face, np.float64) for face in record["faces"])
        engine = str(record["engine"])
    except (ValueError, KeyError, TypeError):
        raise LandmarkError("landmarks: the answer of the landmark process cannot be understood.") from None
    shapes = {face.shape for face in points if face is not None}
    whole = all(len(shape) == 2 and shape[1] == 2 for shape in shapes) and len(shapes) <= 1
    finite = all(np.isfinite(face).all() for face in points if face is not None)
    if len(points) != count or not whole or not finite:
        raise LandmarkError("landmarks: the answer of the landmark process cannot be understood.")
    return Faces(engine, points)
