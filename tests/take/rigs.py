"""Small takes and solutions for the contract's tests."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from facesolve.take import (
    Camera,
    Combination,
    ConfusedPair,
    Control,
    ControlSettings,
    Driver,
    Footage,
    HeadPin,
    Mesh,
    Pin,
    Rig,
    Settings,
    Shape,
    Solution,
    StartPose,
    Take,
    Target,
)

NEUTRAL = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0], [2, 0, 0.5]], np.float32)
FACES = np.array([0, 1, 2, 3, 1, 4, 2], np.int32)
TURNED = np.array([[0.0, -1.0, 0.0, 0.1], [1.0, 0.0, 0.0, 2.0], [0.0, 0.0, 1.0, -3.5], [0.0, 0.0, 0.0, 1.0]])


def shape(weight: float, *vertices: int) -> Shape:
    return Shape(weight, np.array(vertices, np.int32), np.full((len(vertices), 3), weight, np.float32))


def rig(**changes: object) -> Rig:
    """A quad and a triangle; a target with an in-between, one driven by a curve, and a combination of the two."""
    values: dict[str, object] = {
        "neutral": NEUTRAL,
        "face_counts": np.array([4, 3]),
        "face_vertices": FACES,
        "uvs": np.array([[0, 0], [1, 0], [1.5, 1], [0, 1], [1.9, 0.2]]),
        "face_uvs": FACES,
        "targets": (
            Target("smile", (shape(-0.5, 1), shape(0.5, 0, 2), shape(1.0, 0, 2, 4))),
            Target("jaw", (shape(1.0, 3),)),
            Target("smile_jaw", (shape(1.0, 1, 3),)),
        ),
        "controls": (Control("smile", -1.0, 1.0, 0.0, "face.smile"), Control("jaw", 0.0, 10.0, 2.0)),
        "drivers": (
            Driver.identity(0, 0),
            Driver(1, 1, np.array([0.0, 5.0, 10.0]), np.array([0.0, 0.2, 1.0])),
        ),
        "combinations": (Combination(2, (0, 1), "lowest"),),
        "meshes": (Mesh("skin", 4, 1), Mesh("eye", 1, 1)),
        "photometric_weight": np.array([1, 1, 0.5, 0, 0], np.float32),
    }
    values.update(changes)
    return Rig(**values)  # type: ignore[arg-type]


def camera(name: str = "cam0", **changes: object) -> Camera:
    values: dict[str, object] = {
        "width": 640,
        "height": 480,
        "intrinsics": np.array([[900.0, 0, 320], [0, 901, 240], [0, 0, 1]]),
        "rotation": np.eye(3),
        "translation": np.array([0.0, 0, 50]),
    }
    values.update(changes)
    return Camera(name, **values)  # type: ignore[arg-type]


def take(folder: Path, **changes: object) -> Take:
    """Two cameras, one of them moving and with distortion, four frames with a gap, all kinds of settings."""
    moving = camera(
        "cam1", rotation=np.tile(np.eye(3), (4, 1, 1)), translation=np.ones((4, 3)), distortion=np.arange(5) * 1e-3
    )
    values: dict[str, object] = {
        "name": "shot",
        "rig": rig(),
        "cameras": (camera(), moving),
        "footage": (
            Footage("cam0", (folder / "cam0.{frame:04d}.png").as_posix(), offset=-1000),
            Footage("cam1", (folder / "cam1.mov").as_posix(), color_space="linear", undistorted=True),
        ),
        "frames": np.array([1001, 1002, 1004, 1005]),
        "fps": 23.976,
        "start": StartPose(1002, np.array([0.1, 2.0]), np.eye(4)),
        "scene_times": np.array([1.0, 1.5, 2.5, 3.0]),
        "texture": (folder / "skin.<UDIM>.png").as_posix(),
        "on_bad_frame": "unseen",
        "settings": Settings(
            quality="final",
            sparsity=0.25,
            controls=(
                ControlSettings("smile", stiffness=2.0, exclusive="jaw", rest=0.125),
                ControlSettings("jaw", active=False, lock=np.array([1.0, 2.0, 3.0, 4.0])),
            ),
            pins=(Pin(1004, "smile", 0.5),),
            head_pins=(HeadPin(1005, TURNED),),
        ),
    }
    values.update(changes)
    return Take(**values)  # type: ignore[arg-type]


def solution(count: int = 3, **changes: object) -> Solution:
    values: dict[str, object] = {
        "frames": np.arange(count) + 10,
        "scene_times": np.arange(count) * 0.5,
        "fps": 30.0,
        "control_names": ("smile", "jaw"),
        "controls": np.linspace(0, 1, count * 2).reshape(count, 2),
        "head": np.tile(np.eye(4), (count, 1, 1)),
        "control_std": np.full((count, 2), 0.01),
        "head_std": np.full((count, 6), 0.001),
        "camera_names": ("cam0",),
        "residual": np.array([[0.1]] * (count - 1) + [[np.nan]]),
        "confused": (ConfusedPair("smile", "jaw", -0.97),),
        "provenance": {"take": "../take", "facesolve": "0.1.0"},
    }
    values.update(changes)
    return Solution(**values)  # type: ignore[arg-type]
