"""Scene to take: rig, cameras, footage and timeline as the solver needs them, and the check before it."""

from facesolve_maya.scene.findings import ERROR, NOTE, WARNING, ExportError, Finding

from .request import IGNORED, LOCKED, PINNED, ExportRequest
from .take import export_take, preflight

__all__ = [
    "ERROR",
    "IGNORED",
    "LOCKED",
    "NOTE",
    "PINNED",
    "WARNING",
    "ExportError",
    "ExportRequest",
    "Finding",
    "export_take",
    "preflight",
]
