"""Facesolve: multi-camera facial performance capture into a blendshape rig. This is the public Python API.

Importing it costs nothing: what a name needs (numpy for takes and solutions, torch for a solve) is imported when the
name is first used. Python 3.7, for Maya.
"""

from typing import TYPE_CHECKING

from .evaluate import evaluate
from .solve import solve

__all__ = [
    "Camera",
    "ControlSettings",
    "Evaluation",
    "FacesolveError",
    "Footage",
    "Pin",
    "Residual",
    "Rig",
    "Settings",
    "Solution",
    "Take",
    "Truth",
    "__version__",
    "evaluate",
    "read_solution",
    "read_take",
    "solve",
    "write_take",
]

if TYPE_CHECKING:
    from .evaluate.evaluation import Evaluation, Truth
    from .residuals.residual import Residual
    from .take import (
        Camera,
        ControlSettings,
        FacesolveError,
        Footage,
        Pin,
        Rig,
        Settings,
        Solution,
        Take,
        read_solution,
        read_take,
        write_take,
    )
    from .take.version import VERSION as __version__
else:
    _ELSEWHERE = {
        "Evaluation": "facesolve.evaluate.evaluation",
        "Residual": "facesolve.residuals.residual",
        "Truth": "facesolve.evaluate.evaluation",
    }

    def __getattr__(name):
        from importlib import import_module

        if name not in __all__:
            raise AttributeError(f"module 'facesolve' has no attribute '{name}'")
        if name == "__version__":
            return import_module("facesolve.take.version").VERSION
        return getattr(import_module(_ELSEWHERE.get(name, "facesolve.take")), name)

    def __dir__():
        return list(__all__)
