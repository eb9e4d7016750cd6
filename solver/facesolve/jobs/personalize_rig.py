"""A rig brought to an actor as a job on disk: from a generic rig and a take to the actor's rig, or profile."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from facesolve.geometry.rig_files import read_rig
from facesolve.runtime.progress import Progress
from facesolve.solve.personalize import Personalized, personalize
from facesolve.take import Rig, Settings, StartPose, Take, TakeError, read_take
from facesolve.take.actor import ActorProfile, write_actor
from facesolve.take.files import check_file, check_new
from facesolve.take.layouts import IDENTITY_TABLE
from facesolve.take.reading import read_npz
from facesolve.take.rig_files import write_rig
from facesolve.take.settings_record import SettingsChange
from facesolve.take.version import VERSION

from .opened_take import open_take


def personalize_rig(
    rig_file: Path,
    take_folder: Path,
    out: Path,
    *,
    identity: Path | None,
    neutral: tuple[int, ...],
    device: str,
    progress: Progress,
    as_profile: bool = False,
    overwrite: bool = False,
) -> Personalized:
    """Writes the rig of the actor in a take to ``out``, an ``.npz``.

    rig_file: or the folder of a take, for its own rig. identity: file of modes (m, V, 3), cm a standard deviation.
    neutral: frames that show the neutral face; where none is given the start frame counts, at the pose that it was
    given. as_profile: writes how the neutral differs, as a solve does, instead of a rig. Raises FacesolveError; nothing
    is written before all is read.
    """
    check_file(out)
    check_new(out, overwrite)
    rig = read_take(rig_file).rig if rig_file.is_dir() else read_rig(rig_file)
    modes = None if identity is None else read_npz(identity, "identity", table=IDENTITY_TABLE)["modes"]
    if modes is not None and modes.shape[1] != rig.vertex_count:
        raise TakeError(
            f"identity: '{identity}' has modes of {modes.shape[1]} vertices, the rig has {rig.vertex_count}; give "
            "modes of the rig's own mesh."
        )
    take = _with_rig(read_take(take_folder), rig)
    change = SettingsChange(values={"neutral": neutral} if neutral else {})
    opened = open_take(take, device=device, progress=progress, settings=change)
    found = personalize(opened.take, modes, opened.device, progress)
    if as_profile:
        provenance = {"facesolve": VERSION, "takes": [take.name], "frames": len(found.frames), "personalized": True}
        write_actor(ActorProfile(found.offset, found.deviation, rig.meshes, provenance), out)
    else:
        write_rig(found.rig, out)
    return found


def _with_rig(take: Take, rig: Rig) -> Take:
    """The take with another rig: the start pose's controls by their names, the others at rest."""
    start = take.start
    if start is not None:
        known = dict(zip(take.rig.control_names, start.controls.tolist(), strict=True))
        values = [known.get(control.name, control.default) for control in rig.controls]
        start = StartPose(start.frame, np.array(values), start.head)
    settings = replace(Settings(), quality=take.settings.quality, neutral=take.settings.neutral)
    return replace(take, rig=rig, start=start, settings=settings, actor=None)
