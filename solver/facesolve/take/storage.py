"""Takes as folders of files: ``take.json`` and ``take.npz``."""

from __future__ import annotations

import os
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Dict, List, Mapping, Sequence, Tuple, Union

import numpy as np

from .camera import Camera
from .errors import TakeError
from .files import absolute_path, check_schema, read_json, read_npz, relative_path, write_json, write_npz
from .footage import MEMORY, Footage
from .names import TAKE, TAKE_ARRAYS
from .rig import Combination, Control, Driver, Mesh, Rig, Shape, Target
from .settings import Settings
from .settings_record import settings_from, settings_record
from .take import StartPose, Take

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
    arrays = _rig_arrays(take.rig)
    arrays.update(frames=take.frames, scene_times=take.scene_times)
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
        "on_bad_frame": take.on_bad_frame,
        "cameras": [{"name": c.name, "width": c.width, "height": c.height, "lens": c.lens} for c in take.cameras],
        "footage": [_footage_record(footage, root) for footage in take.footage],
        "rig": {
            "meshes": [asdict(mesh) for mesh in take.rig.meshes],
            "controls": [asdict(control) for control in take.rig.controls],
            "targets": take.rig.target_names,
            "combinations": [asdict(combination) for combination in take.rig.combinations],
        },
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
    try:
        arrays = read_npz(root / record["arrays"], "take", record["sha256"])
        settings = _settings(record["settings"], arrays)
        start = None
        if record["start_frame"] is not None:
            start = StartPose(record["start_frame"], arrays["start_controls"], arrays["start_head"])
        return Take(
            name=record["name"],
            rig=_rig(record["rig"], arrays),
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
            on_bad_frame=record["on_bad_frame"],
            settings=settings,
        )
    except KeyError as error:
        raise TakeError("take: '{}' lacks {}; export the take again.".format(path, error)) from None
    except (TypeError, ValueError, IndexError, AttributeError) as error:
        raise TakeError("take: '{}' is malformed ({}); export the take again.".format(path, error)) from None


def _footage_record(footage: Footage, root: Path) -> Dict[str, Any]:
    record = asdict(footage)
    del record["arrays"]
    record["path"] = relative_path(footage.path, root)
    record["matte"] = None if footage.matte is None else relative_path(footage.matte, root)
    return record


def _offsets(lengths: List[int]) -> np.ndarray:
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)


def _join(parts: List[np.ndarray], shape: Tuple[int, ...], dtype: Any) -> np.ndarray:
    return np.concatenate(parts).astype(dtype) if parts else np.zeros(shape, dtype)


def _rig_arrays(rig: Rig) -> Dict[str, np.ndarray]:
    arrays = {
        "neutral": rig.neutral,
        "face_counts": rig.face_counts,
        "face_vertices": rig.face_vertices,
        "uvs": rig.uvs,
        "face_uvs": rig.face_uvs,
        **target_arrays(rig.targets),
        "driver_control": np.array([d.control for d in rig.drivers], np.int32),
        "driver_target": np.array([d.target for d in rig.drivers], np.int32),
        "driver_offsets": _offsets([len(d.inputs) for d in rig.drivers]),
        "driver_inputs": _join([d.inputs for d in rig.drivers], (0,), np.float64),
        "driver_outputs": _join([d.outputs for d in rig.drivers], (0,), np.float64),
    }
    for name in ("photometric_weight", "rigid_weight"):
        if getattr(rig, name) is not None:
            arrays[name] = getattr(rig, name)
    return arrays


def target_arrays(targets: Sequence[Target]) -> Dict[str, np.ndarray]:
    """The shapes of all targets one after the other, as ``targets_from`` reads them."""
    shapes = [(index, shape) for index, target in enumerate(targets) for shape in target.shapes]
    return {
        "shape_target": np.array([index for index, _ in shapes], np.int32),
        "shape_weight": np.array([shape.weight for _, shape in shapes], np.float64),
        "shape_offsets": _offsets([len(shape.vertices) for _, shape in shapes]),
        "shape_vertices": _join([shape.vertices for _, shape in shapes], (0,), np.int32),
        "shape_deltas": _join([shape.deltas for _, shape in shapes], (0, 3), np.float32),
    }


def targets_from(names: Sequence[str], arrays: Mapping[str, np.ndarray]) -> Tuple[Target, ...]:
    """The targets called ``names`` from ``target_arrays``."""
    shapes: List[List[Shape]] = [[] for _ in names]
    offsets = arrays["shape_offsets"]
    for index, target in enumerate(arrays["shape_target"]):
        span = slice(offsets[index], offsets[index + 1])
        shapes[target].append(
            Shape(float(arrays["shape_weight"][index]), arrays["shape_vertices"][span], arrays["shape_deltas"][span])
        )
    return tuple(Target(name, tuple(found)) for name, found in zip(names, shapes))


def _rig(record: Dict[str, Any], arrays: Dict[str, np.ndarray]) -> Rig:
    spans = arrays["driver_offsets"]
    drivers = tuple(
        Driver(
            int(arrays["driver_control"][index]),
            int(arrays["driver_target"][index]),
            arrays["driver_inputs"][spans[index] : spans[index + 1]],
            arrays["driver_outputs"][spans[index] : spans[index + 1]],
        )
        for index in range(len(arrays["driver_control"]))
    )
    return Rig(
        neutral=arrays["neutral"],
        face_counts=arrays["face_counts"],
        face_vertices=arrays["face_vertices"],
        uvs=arrays["uvs"],
        face_uvs=arrays["face_uvs"],
        targets=targets_from(record["targets"], arrays),
        controls=tuple(Control(**control) for control in record["controls"]),
        drivers=drivers,
        combinations=tuple(Combination(c["target"], tuple(c["drivers"]), c["method"]) for c in record["combinations"]),
        meshes=tuple(Mesh(**mesh) for mesh in record["meshes"]),
        photometric_weight=arrays.get("photometric_weight"),
        rigid_weight=arrays.get("rigid_weight"),
    )


def _settings_record(settings: Settings) -> Dict[str, Any]:
    """The settings' table, in which a locked curve is the name of its array: thousands of lines of JSON less."""
    record = settings_record(settings)
    for index, control in enumerate(settings.controls):
        if control.lock is not None and len(control.lock) > 1:
            record["controls"][control.name]["lock"] = "lock{}".format(index)
    return record


def _settings(record: Dict[str, Any], arrays: Mapping[str, np.ndarray]) -> Settings:
    controls = {
        name: dict(control, lock=arrays[control["lock"]] if isinstance(control["lock"], str) else control["lock"])
        for name, control in record["controls"].items()
    }
    return settings_from(dict(record, controls=controls))
