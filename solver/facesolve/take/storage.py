"""Takes as folders of files: ``take.json`` and ``take.npz``."""

from __future__ import annotations

import os
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Dict, Mapping, Union

import numpy as np

from .camera import Camera
from .checks import cause
from .errors import TakeError
from .files import absolute_path, check_schema, relative_path, write_json, write_npz
from .footage import MEMORY, Footage
from .layouts import TAKE_MEMBERS, TAKE_TABLE
from .names import TAKE, TAKE_ARRAYS
from .reading import about, checked, read_json, read_npz
from .rig_files import rig_arrays, rig_from, rig_record
from .settings import Settings
from .settings_record import settings_from, settings_record
from .take import StartPose, Take

REMEDY = "export the take again"
TAKE_SCHEMA = 2  # from 2 on settings name their controls, and a lock is in one place

PathLike = Union[str, "os.PathLike[str]"]


def write_take(take: Take, folder: PathLike) -> None:
    """Writes a take, which ``read_take`` and the command line read.

    Args:
        take: Its footage must be files; their paths become relative to ``folder`` where they can be.
        folder: Is made if needed; a take that is there is replaced.

    Raises:
        FacesolveError: When footage is in memory, or the folder cannot be written.
    """
    root = Path(folder)
    for footage in take.footage:
        if footage.kind == MEMORY:
            raise TakeError(
                "take '{}': the images of camera '{}' are in memory; write them as files, and give the take their "
                "pattern.".format(take.name, footage.camera)
            )
    arrays = rig_arrays(take.rig)
    arrays.update(frames=take.frames, scene_times=take.scene_times)
    if len(take.repeat_times):
        arrays.update(repeat_times=take.repeat_times, repeat_frames=take.repeat_frames)
    if take.start is not None:
        arrays.update(start_controls=take.start.controls, start_head=take.start.head)
    for index, camera in enumerate(take.cameras):
        for name in ("intrinsics", "rotation", "translation", "distortion"):
            arrays["camera{}_{}".format(index, name)] = getattr(camera, name)
    for index, control in enumerate(take.settings.controls):
        if control.lock is not None and len(control.lock) > 1:
            arrays["lock{}".format(index)] = control.lock
    sha256 = write_npz(root / TAKE_ARRAYS, arrays)
    record = {
        "schema": TAKE_SCHEMA,
        "kind": "facesolve take",
        "name": take.name,
        "arrays": TAKE_ARRAYS,
        "sha256": sha256,
        "fps": take.fps,
        "frames": "{}-{}".format(take.frames[0], take.frames[-1]),
        "start_frame": None if take.start is None else take.start.frame,
        "texture": None if take.texture is None else relative_path(take.texture, root),
        "actor": None if take.actor is None else relative_path(take.actor, root),
        "on_bad_frame": take.on_bad_frame,
        "cameras": [{"name": c.name, "width": c.width, "height": c.height, "lens": c.lens} for c in take.cameras],
        "footage": [_footage_record(footage, root) for footage in take.footage],
        "rig": rig_record(take.rig),
        "settings": _settings_record(take.settings),
    }
    write_json(root / TAKE, record)


def read_take(folder: PathLike) -> Take:
    """Reads the take in a folder.

    Args:
        folder: Holds ``take.json`` and ``take.npz``, made by ``facesolve pack``, by the panel in Maya or by
            ``write_take``.

    Returns:
        The take, with the paths of its footage made absolute. No image is read.

    Raises:
        FacesolveError: One sentence for anything that is missing, damaged or does not fit together.
    """
    root = Path(folder)
    path = root / TAKE
    if not path.exists():
        raise TakeError("take: there is no take.json in '{}'; make one with 'facesolve pack'.".format(root))
    record = read_json(path, "take")
    check_schema(record, TAKE_SCHEMA, "take", path, "pack or export it again")
    record = checked(record, TAKE_MEMBERS, "take", path, REMEDY)
    arrays = read_npz(root / TAKE_ARRAYS, "take", record["sha256"], TAKE_TABLE)
    try:
        settings = _settings(record["settings"], arrays)
        start = None
        if record["start_frame"] is not None:
            start = StartPose(record["start_frame"], arrays["start_controls"], arrays["start_head"])
        return Take(
            name=record["name"],
            rig=rig_from(record["rig"], arrays),
            cameras=tuple(
                Camera(
                    name=camera["name"],
                    width=camera["width"],
                    height=camera["height"],
                    lens=camera["lens"],
                    **{
                        name: arrays["camera{}_{}".format(index, name)]
                        for name in ("intrinsics", "rotation", "translation", "distortion")
                    },
                )
                for index, camera in enumerate(record["cameras"])
            ),
            footage=tuple(
                replace(
                    Footage(**footage),
                    path=absolute_path(footage["path"], root),
                    matte=None if footage["matte"] is None else absolute_path(footage["matte"], root),
                )
                for footage in record["footage"]
            ),
            frames=arrays["frames"],
            scene_times=arrays["scene_times"],
            fps=record["fps"],
            start=start,
            texture=None if record["texture"] is None else absolute_path(record["texture"], root),
            actor=None if record["actor"] is None else absolute_path(record["actor"], root),
            on_bad_frame=record["on_bad_frame"],
            settings=settings,
            **{name: arrays[name] for name in ("repeat_times", "repeat_frames") if name in arrays},
        )
    except TakeError as error:
        raise about(path, error) from None
    except KeyError as error:
        raise TakeError("take: '{}' lacks {}; {}.".format(path, error, REMEDY)) from None
    except (TypeError, ValueError, IndexError, AttributeError) as error:
        raise TakeError("take: '{}' is malformed ({}); {}.".format(path, cause(error), REMEDY)) from None


def _footage_record(footage: Footage, root: Path) -> Dict[str, Any]:
    record = asdict(footage)
    del record["arrays"]
    record["path"] = relative_path(footage.path, root)
    record["matte"] = None if footage.matte is None else relative_path(footage.matte, root)
    return record


def _settings_record(settings: Settings) -> Dict[str, Any]:
    """The settings' table, in which a locked curve is the name of its array: thousands of lines of JSON less."""
    record = settings_record(settings)
    for index, control in enumerate(settings.controls):
        if control.lock is not None and len(control.lock) > 1:
            record["controls"][control.name]["lock"] = "lock{}".format(index)
    return record


def _settings(record: Dict[str, Any], arrays: Mapping[str, np.ndarray]) -> Settings:
    table = record.get("controls")
    if not isinstance(table, dict):
        return settings_from(record)  # which says what is wrong
    controls = dict(table)
    for name, control in table.items():
        if isinstance(control, dict) and isinstance(control.get("lock"), str):
            controls[name] = dict(control, lock=arrays[control["lock"]])
    return settings_from(dict(record, controls=controls))
