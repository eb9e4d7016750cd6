"""Asks for a calibration, and for its footage where that is not found beside it; makes the cameras. Knows maya."""

from __future__ import annotations

from pathlib import Path

from maya import cmds

from facesolve.take.errors import FacesolveError

from .session import Session

CALIBRATION_FILTER = "Calibration (*.json *.yml *.yaml *.xml)"


def load_cameras(session: Session) -> None:
    """Windows and questions; the work is the scene adapter's. Reads the scene again afterwards."""
    chosen = cmds.fileDialog2(fileMode=1, caption="Cameras from calibration", fileFilter=CALIBRATION_FILTER)
    if not chosen:
        return
    calibration = Path(chosen[0])
    try:
        footage = session.scene.footage_near(calibration)
        if footage is None:
            found = cmds.fileDialog2(
                fileMode=3, caption="Folder with the cameras' footage (Cancel: without)", okCaption="Use"
            )
            footage = Path(found[0]) if found else None
        text = session.scene.create_cameras(calibration, footage)
    except (FacesolveError, RuntimeError) as error:  # the latter of one of Maya's own commands
        session.tell_user(str(error).strip(), error=True)
        return
    session.load()
    session.tell_user(text)
