"""Asking another Python for landmarks: what is sent, what is believed, and each way it can go wrong as one sentence."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from facesolve.start import detector
from facesolve.start.detector import MODEL_VARIABLE, PYTHON_VARIABLE, Detector, LandmarkError, find_detector

FAKE = Path(__file__).with_name("fake_landmarker.py")
IMAGES = [np.full((30, 40, 3), level, np.uint8) for level in (10, 200)]


def tell(monkeypatch: pytest.MonkeyPatch, do: str, folder: Path | None = None) -> None:
    """Puts the fake in the worker's place and tells it what to do."""
    monkeypatch.setattr(detector, "WORKER", FAKE)
    monkeypatch.setenv("FAKE_LANDMARKS", json.dumps({"do": do, "folder": str(folder)}))


def test_faces_come_back_as_arrays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = np.array([[[1.5, 2.5], [3.0, 4.0]], [[np.nan, np.nan], [0, 0]]])
    np.save(tmp_path / "2.npy", table)
    tell(monkeypatch, "faces", tmp_path)
    faces = Detector(sys.executable, "a.task").detect(IMAGES)
    assert faces.engine == "fake a.task [30, 40, 3]"
    assert faces.points[0] is not None
    assert np.array_equal(faces.points[0], table[0])
    assert faces.points[1] is None


@pytest.mark.parametrize(
    ("do", "sentence"),
    [
        ("die", "ended with code 3: MediaPipe: out of memory"),
        ("babble", "cannot be understood"),
        ("short", "cannot be understood"),
        ("uneven", "cannot be understood"),
        ("error", "landmarks: MediaPipe 9 carries no model."),
    ],
)
def test_what_goes_wrong_is_one_sentence(do: str, sentence: str, monkeypatch: pytest.MonkeyPatch) -> None:
    tell(monkeypatch, do)
    with pytest.raises(LandmarkError, match=sentence) as raised:
        Detector(sys.executable).detect(IMAGES)
    assert "\n" not in str(raised.value)


def test_a_process_that_does_not_answer_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    tell(monkeypatch, "sleep")
    monkeypatch.setattr(detector, "PATIENCE", 0.5)
    with pytest.raises(LandmarkError, match="no answer within"):
        Detector(sys.executable).detect(IMAGES)


def test_a_python_that_cannot_be_started(tmp_path: Path) -> None:
    (tmp_path / "python").write_text("not a program", encoding="utf-8")
    with pytest.raises(LandmarkError, match="cannot be started"):
        Detector(str(tmp_path / "python")).detect(IMAGES)


def test_arguments_come_before_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("one", "two", "m.task"):
        (tmp_path / name).touch()
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    for variable in (PYTHON_VARIABLE, MODEL_VARIABLE):
        monkeypatch.delenv(variable, raising=False)
    assert find_detector() is None
    monkeypatch.setenv(PYTHON_VARIABLE, str(tmp_path / "one"))
    assert find_detector() == Detector(str(tmp_path / "one"))
    monkeypatch.setenv(MODEL_VARIABLE, str(tmp_path / "m.task"))
    assert find_detector(tmp_path / "two") == Detector(str(tmp_path / "two"), str(tmp_path / "m.task"))
    monkeypatch.setenv(MODEL_VARIABLE, str(tmp_path / "no.task"))
    with pytest.raises(LandmarkError, match=r"the model '.*no\.task' does not exist"):
        find_detector()


def test_our_own_python_serves_when_it_has_mediapipe(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in (PYTHON_VARIABLE, MODEL_VARIABLE):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: object() if name == "mediapipe" else None)
    assert find_detector() == Detector(sys.executable)
