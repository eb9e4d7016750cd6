"""The landmark script: turns and crops are undone, both interfaces of MediaPipe are served, refusals are sentences."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from facesolve.start import landmark_worker as worker

SPOT = (13, 34)  # row, column


def image() -> np.ndarray:
    """40x60, black but for one white pixel."""
    picture = np.zeros((40, 60, 3), np.uint8)
    picture[SPOT] = 255
    return picture


def finds_the_spot(wanted: tuple[int, int, int] | None = None) -> worker.Detect:
    """A detector whose only landmark is the white pixel; it sees images of one shape only, if that is given."""

    def detect(part: np.ndarray) -> list[tuple[float, float]] | None:
        if wanted is not None and part.shape != wanted:
            return None
        spots = np.argwhere(part[..., 0])
        return [((spots[0, 1] + 0.5) / part.shape[1], (spots[0, 0] + 0.5) / part.shape[0])] if len(spots) else None

    return detect


@pytest.mark.parametrize("shape", [None, (60, 40, 3), (24, 36, 3), (36, 24, 3)])
def test_turns_and_crops_are_undone(shape: tuple[int, int, int] | None) -> None:
    assert worker.face_in(np, image(), finds_the_spot(shape)) == [[pytest.approx(34.5), pytest.approx(13.5)]]


def test_no_face() -> None:
    assert worker.face_in(np, np.zeros((40, 60, 3), np.uint8), finds_the_spot()) is None


def ask(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, mediapipe: Any, model: str | None = None) -> Any:
    monkeypatch.setitem(sys.modules, "mediapipe", mediapipe)
    np.save(tmp_path / "image.npy", image())
    return worker.faces_in([str(tmp_path / "image.npy")], model)


def landmarks(part: np.ndarray) -> list[SimpleNamespace]:
    return [SimpleNamespace(x=x, y=y) for x, y in finds_the_spot()(part)]


def test_the_old_interface_with_its_own_model(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def process(part: np.ndarray) -> SimpleNamespace:
        return SimpleNamespace(multi_face_landmarks=[SimpleNamespace(landmark=landmarks(part))])

    face_mesh = SimpleNamespace(FaceMesh=lambda **_: SimpleNamespace(process=process))
    mediapipe = SimpleNamespace(__version__="0.10.21", solutions=SimpleNamespace(face_mesh=face_mesh))
    answer = ask(monkeypatch, tmp_path, mediapipe)
    assert answer == {"engine": "MediaPipe 0.10.21 face mesh", "faces": [[[34.5, 13.5]]]}


def tasks(monkeypatch: pytest.MonkeyPatch, create: Any) -> SimpleNamespace:
    """A MediaPipe that has the Tasks interface alone."""
    python = ModuleType("mediapipe.tasks.python")
    python.BaseOptions = lambda model_asset_path: model_asset_path  # type: ignore[attr-defined]
    python.vision = SimpleNamespace(  # type: ignore[attr-defined]
        FaceLandmarkerOptions=lambda **options: options, FaceLandmarker=SimpleNamespace(create_from_options=create)
    )
    monkeypatch.setitem(sys.modules, "mediapipe.tasks", ModuleType("mediapipe.tasks"))
    monkeypatch.setitem(sys.modules, "mediapipe.tasks.python", python)
    return SimpleNamespace(
        __version__="1.2.2", ImageFormat=SimpleNamespace(SRGB="srgb"), Image=lambda form, pixels: (form, pixels)
    )


def test_the_new_interface_with_a_model_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "m.task").touch()
    asked = []

    def create(options: dict[str, Any]) -> SimpleNamespace:
        asked.append(options["base_options"])
        return SimpleNamespace(detect=lambda picture: SimpleNamespace(face_landmarks=[landmarks(picture[1])]))

    answer = ask(monkeypatch, tmp_path, tasks(monkeypatch, create), str(tmp_path / "m.task"))
    assert answer == {"engine": "MediaPipe 1.2.2 face landmarker", "faces": [[[34.5, 13.5]]]}
    assert asked == [str(tmp_path / "m.task")]


def test_what_mediapipe_cannot_do_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def refuse(_: object) -> None:
        raise RuntimeError("Unable to open zip archive.\nmore")

    (tmp_path / "m.task").touch()
    with pytest.raises(worker.Unusable, match="cannot be imported by"):
        ask(monkeypatch, tmp_path, None)
    with pytest.raises(worker.Unusable, match=r"1\.2\.2 has no model; name a face_landmarker\.task"):
        ask(monkeypatch, tmp_path, tasks(monkeypatch, refuse))
    with pytest.raises(worker.Unusable, match="does not exist"):
        ask(monkeypatch, tmp_path, tasks(monkeypatch, refuse), str(tmp_path / "none.task"))
    with pytest.raises(worker.Unusable, match=r"cannot be used \(Unable to open zip archive\.\)$"):
        ask(monkeypatch, tmp_path, tasks(monkeypatch, refuse), str(tmp_path / "m.task"))


def test_as_a_process_it_answers_on_stdout_alone() -> None:
    script = Path(worker.__file__)
    hidden = (  # a Python without MediaPipe, whichever this is
        f"import runpy, sys; sys.modules['mediapipe'] = None; sys.path.insert(0, 'x'); print('noise');"
        f"runpy.run_path({str(script)!r}, run_name='__main__')"
    )
    ended = subprocess.run(
        [sys.executable, "-c", hidden], input=b'{"images": [], "model": null}', capture_output=True, check=True
    )
    noise, answer = ended.stdout.decode().split("\n", 1)
    assert noise == "noise"
    assert "cannot be imported by" in json.loads(answer)["error"]
