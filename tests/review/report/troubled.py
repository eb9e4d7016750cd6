"""A solution with one of every trouble, hostile names among them, its take, and a video that tells its frame."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from facesolve.geometry.rotation import rotation_from_tangent
from facesolve.review.encode import open_writer
from facesolve.review.report.page import Film
from facesolve.review.sound import Track
from facesolve.take import Camera, ConfusedPair, ControlSettings, Footage, Pin, Rig, Settings, Solution, Take
from facesolve.take.rig import Control
from facesolve.take.settings_record import settings_record

COUNT, FPS = 40, 24.0
HOSTILE = '</script><script>window.hacked = "control"</script>'
HOSTILE_CAMERA = "<b>left & right</b>"
HOSTILE_TAKE = "<img src=x onerror=\"window.hacked = 'take'\">"
NAMES = ("jawOpen", "smile_L", "browUp", "eyeBlink_L", "mouthPress", "noseLocked", "cheekOff", HOSTILE)
JAW, SMILE, BROW, BLINK, PRESS, NOSE, CHEEK, ODD = range(8)
CAMERAS = ("front", HOSTILE_CAMERA, "top")
KEYFRAMES = tuple(range(0, COUNT, 5))
BAD, UNSEEN, SPIKE, STEP, MISSED = 12, 30, 20, 26, 7  # 0-based frames of the troubles
LIMIT = range(8, 20)  # frames in which the brow stands at its upper limit
BLIND = (33, 34, 35)  # frames that the second camera misses
GRAY, GRAY_STEP = 20, 5  # of the video's first frame, and how much brighter each next one is


def take(folder: Path) -> Take:
    """A rig of eight controls before three cameras; its footage is not there."""
    neutral = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]], np.float32)
    rig = Rig.from_dense(neutral, np.ones((8, 4, 3), np.float32), list(NAMES), np.array([4]), np.arange(4))
    controls = (*rig.controls[:ODD], Control(HOSTILE, -2.0, 8.0, 0.0, "face.odd"))
    lens = np.array([[900.0, 0, 320], [0, 900.0, 240], [0, 0, 1]])
    cameras = tuple(Camera(name, 640, 480, lens, np.eye(3), np.array([0.0, 0, 50])) for name in CAMERAS)
    footage = tuple(
        Footage(name, (folder / f"camera{index}_{{frame:04d}}.png").as_posix()) for index, name in enumerate(CAMERAS)
    )
    frames = np.arange(1, COUNT + 1)
    return Take(
        HOSTILE_TAKE, replace(rig, controls=controls), cameras, footage, frames, FPS, scene_times=frames + 1000.0
    )


def solution(**changes: object) -> Solution:
    """Forty frames in which every finding has its cause."""
    angles = np.zeros((COUNT, 3))
    angles[:, 1] = np.linspace(0, np.radians(10), COUNT)
    head = np.tile(np.eye(4), (COUNT, 1, 1))
    head[:, :3, :3] = _rotations(angles)
    head[:, 0, 3] = np.linspace(0, 2.0, COUNT)
    head[SPIKE, 0, 3] += 0.4
    deviations = np.full((COUNT, 8), 0.01)
    deviations[:, PRESS] = np.linspace(0.15, 0.3, COUNT)
    deviations[:, [NOSE, CHEEK]] = 0.0
    frames = np.arange(1, COUNT + 1)
    pins = (Pin(MISSED + 1, "jawOpen", 0.9), Pin(3, "smile_L", 0.0))
    values: dict[str, object] = {
        "frames": frames,
        "scene_times": frames + 1000.0,
        "fps": FPS,
        "control_names": NAMES,
        "controls": controls(),
        "head": head,
        "control_std": deviations,
        "head_std": np.tile([0.001, 0.001, 0.001, 0.01, 0.01, 0.01], (COUNT, 1)),
        "camera_names": CAMERAS,
        "residual": residual(),
        "confused": (ConfusedPair("jawOpen", "mouthPress", 0.95), ConfusedPair("smile_L", HOSTILE, -0.93)),
        "provenance": provenance(pins),
    }
    return Solution(**{**values, **changes})  # type: ignore[arg-type]


def controls() -> np.ndarray:
    """(F, 8): smooth but for a spike, a step and a limit."""
    time = np.arange(COUNT)
    values = np.zeros((COUNT, 8))
    values[:, JAW] = 0.5 - 0.4 * np.cos(time / 6)
    values[SPIKE, SMILE] = 0.5
    values[:, BROW] = np.clip(1 - np.maximum(np.abs(time - 13.5) - 5.5, 0) / 8, 0, 1)
    values[STEP:, BLINK] = 0.8
    values[:, PRESS] = 0.2 + 0.1 * np.sin(time / 4)
    values[:, NOSE] = 1.0
    values[:, ODD] = 4 * np.sin(time / 9)
    return values


def residual() -> np.ndarray:
    """(F, 3): the third camera weak, one bad frame, one that no camera saw, and three that the second missed."""
    values = np.full((COUNT, 3), 0.10) * (1 + 0.02 * np.sin(np.arange(COUNT))[:, None])
    values[list(KEYFRAMES)] *= 0.8
    values[BAD] *= 1.8
    values[:, 2] *= 1.5
    values[list(BLIND), 1] = np.nan
    values[UNSEEN] = np.nan
    return values


def provenance(pins: tuple[Pin, ...]) -> dict[str, object]:
    held = [ControlSettings("noseLocked", lock=np.array([1.0])), ControlSettings("cheekOff", active=False)]
    settings = Settings(quality="draft", controls=tuple(held), pins=pins)
    return {
        "facesolve": "0.1.0",
        "date": "2026-01-02T03:04:05+00:00",
        "take_name": HOSTILE_TAKE,
        "keyframes": [frame + 1 for frame in KEYFRAMES],
        "texture": None,
        "settings": settings_record(settings),
    }


def film(path: Path, label: str = "Overlay") -> Film:
    """A video with a tone whose frame ``i`` is gray of level ``GRAY + GRAY_STEP * i``."""
    tone = np.sin(np.arange(round(24000 * COUNT / FPS)) * 0.1).astype(np.float32)
    with open_writer(path, (96, 64), FPS, lambda: [], sound=Track(tone, 24000)) as writer:
        for index in range(COUNT):
            writer.add(index, np.full((64, 96, 3), GRAY + GRAY_STEP * index, np.uint8))
    return Film(label, path.read_bytes(), FPS, sound=True)


def _rotations(angles: np.ndarray) -> np.ndarray:
    return rotation_from_tangent(torch.from_numpy(angles)).numpy()
