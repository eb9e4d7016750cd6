"""Scene to take: rig, cameras, footage and timeline as the solver needs them, and the check before it."""

from facesolve_maya.scene.findings import ExportError

from .request import ExportRequest
from .rig import reading_once
from .samplable import control_sets, samplable
from .sampling import Recordings
from .take import export_take, preflight

__all__ = [
    "ExportError",
    "ExportRequest",
    "Recordings",
    "control_sets",
    "export_take",
    "preflight",
    "reading_once",
    "samplable",
]
