"""Control curves, head motion and cameras as one plain JSON file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from facesolve.take import Camera
from facesolve.take.files import write_json

from .performance import Performance

EXPORT_SCHEMA = 2  # from 2 on provenance as in take.provenance


def write_curves_json(performance: Performance, path: Path) -> None:
    """Writes ``performance_record`` to ``path``."""
    write_json(path, performance_record(performance))


def performance_record(performance: Performance) -> dict[str, Any]:
    """The performance as JSON values; numbers are written so that they read back exactly, null where not finite.

    schema 2; kind ``facesolve export``; take; fps; units; frames (F) footage frame numbers; scene_times (F) frames of
    the rig's timeline.
    controls: a list of {name, plug, minimum, maximum, default, values (F), std (F)}.
    targets: blendshape weights that the controls make, in-betweens and combinations evaluated: {name, weights (F)}.
    head: {matrix (F, 4, 4), rows; ``x_world = matrix @ x_rig``, cm; rotation_std (F, 3) radians and translation_std
        (F, 3) cm, about and along the head's own axes}.
    cameras: OpenCV axes, ``x_camera = rotation @ x_world + translation``, cm; {name, width, height, intrinsics (3, 3)
        pixels with the first pixel's center at (0.5, 0.5), distortion (n), lens, rotation (3, 3), translation (3)}; the
        three are lists over the frames where ``moving`` names them. residual (F) of each camera, null where it did not
        see.
    provenance: what made the solution.
    """
    solution, rig = performance.solution, performance.rig
    weights = performance.target_weights()
    return {
        "schema": EXPORT_SCHEMA,
        "kind": "facesolve export",
        "take": performance.take.name,
        "fps": solution.fps,
        "units": {"length": "centimeter", "angle": "radian", "time": "frame", "image": "pixel"},
        "frames": solution.frames.tolist(),
        "scene_times": solution.scene_times.tolist(),
        "controls": [
            {
                "name": control.name,
                "plug": control.plug,
                "minimum": control.minimum,
                "maximum": control.maximum,
                "default": control.default,
                "values": solution.controls[:, index].tolist(),
                "std": _finite(solution.control_std[:, index]),
            }
            for index, control in enumerate(rig.controls)
        ],
        "targets": [
            {"name": target.name, "weights": weights[:, index].tolist()} for index, target in enumerate(rig.targets)
        ],
        "head": {
            "matrix": solution.head.tolist(),
            "rotation_std": _finite(solution.head_std[:, :3]),
            "translation_std": _finite(solution.head_std[:, 3:]),
        },
        "cameras": [
            {**_camera(camera, performance.rows), "residual": _residual(performance, camera.name)}
            for camera in performance.take.cameras
        ],
        "provenance": solution.provenance,
    }


def _camera(camera: Camera, rows: np.ndarray) -> dict[str, Any]:
    still = {"intrinsics": 2, "rotation": 2, "translation": 1}
    parts = {name: getattr(camera, name) for name in still}
    moving = [name for name, value in parts.items() if value.ndim > still[name]]
    return {
        "name": camera.name,
        "width": camera.width,
        "height": camera.height,
        "moving": moving,
        **{name: (value[rows] if name in moving else value).tolist() for name, value in parts.items()},
        "distortion": camera.distortion.tolist(),
        "lens": camera.lens,
    }


def _residual(performance: Performance, camera: str) -> list[Any] | None:
    names = performance.solution.camera_names
    return _finite(performance.solution.residual[:, names.index(camera)]) if camera in names else None


def _finite(values: np.ndarray) -> list[Any]:
    plain = values.astype(object)
    plain[~np.isfinite(values)] = None
    return plain.tolist()
