"""Rigs as arrays and names: the part of a take's files that is its rig, and rigs in files of their own."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any, Dict, List, Mapping, Sequence, Tuple, Union

import numpy as np

from .checks import cause
from .errors import TakeError
from .files import write_npz
from .layouts import RECORD, RIG_MEMBERS
from .reading import json_value
from .rig import Combination, Control, Driver, Mesh, Rig, Shape, Target
from .rig_logic import INPUT_KINDS, METHODS, OUTPUT_KINDS, Port, Response
from .skeleton import CHANNELS, ROTATE_ORDERS, Channel, Joint, Skin


def write_rig(rig: Rig, path: Union[str, Path]) -> None:
    """Writes a rig with everything it can hold to an ``.npz``, which ``facesolve pack --rig`` reads."""
    write_npz(Path(path), {**rig_arrays(rig), RECORD: np.array(json.dumps(rig_record(rig)))})


def rig_from_file(arrays: Mapping[str, np.ndarray], path: Path) -> Rig:
    """The rig in the arrays of a file that ``write_rig`` made. Raises TakeError."""
    try:
        record = RIG_MEMBERS(json_value(str(arrays[RECORD])), "rig: '{}':".format(path))
        return rig_from(record, arrays)
    except KeyError as error:
        raise TakeError("rig: '{}' lacks {}; write it again.".format(path, error)) from None
    except (TypeError, ValueError, IndexError, AttributeError) as error:
        raise TakeError("rig: '{}' is malformed ({}); write it again.".format(path, cause(error))) from None


def rig_record(rig: Rig) -> Dict[str, Any]:
    """The names of a rig and what a person may read; the rest is in ``rig_arrays``."""
    record = {
        "meshes": [asdict(mesh) for mesh in rig.meshes],
        "controls": [asdict(control) for control in rig.controls],
        "targets": rig.target_names,
        "combinations": [asdict(combination) for combination in rig.combinations],
    }
    if rig.joints:
        record["joints"] = [joint.name for joint in rig.joints]
    if rig.signals:
        record["signals"] = list(rig.signals)
    return record


def rig_arrays(rig: Rig) -> Dict[str, np.ndarray]:
    """The arrays of a rig; those of joints, responses and skin only where it has some."""
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
    if any(target.after_skin for target in rig.targets):
        arrays["target_after_skin"] = np.array([target.after_skin for target in rig.targets], bool)
    if rig.joints:
        arrays.update(_joint_arrays(rig.joints, rig.channels))
    if rig.responses:
        arrays.update(_response_arrays(rig.responses))
    if rig.skin is not None:
        arrays.update({"skin_" + name: getattr(rig.skin, name) for name in SKIN_ARRAYS})
    return arrays


def rig_from(record: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Rig:
    """The rig of ``rig_record`` and ``rig_arrays``. Raises TakeError, KeyError, TypeError, ValueError or IndexError."""
    spans = _spans(arrays, "driver_offsets", len(arrays["driver_control"]), len(arrays["driver_inputs"]))
    drivers = tuple(
        Driver(
            int(arrays["driver_control"][index]),
            int(arrays["driver_target"][index]),
            arrays["driver_inputs"][spans[index] : spans[index + 1]],
            arrays["driver_outputs"][spans[index] : spans[index + 1]],
        )
        for index in range(len(arrays["driver_control"]))
    )
    joints, channels = _joints(record.get("joints", ()), arrays)
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
        joints=joints,
        channels=channels,
        signals=tuple(record.get("signals", ())),
        responses=_responses(arrays) if "response_output" in arrays else (),
        skin=Skin(**{name: arrays["skin_" + name] for name in SKIN_ARRAYS}) if "skin_joints" in arrays else None,
    )


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
    offsets = _spans(arrays, "shape_offsets", len(arrays["shape_target"]), len(arrays["shape_vertices"]))
    for index, target in enumerate(arrays["shape_target"]):
        if not 0 <= target < len(shapes):
            raise TakeError(
                "rig: a shape is of target {}, but there are {}; write the rig again.".format(target, len(shapes))
            )
        span = slice(offsets[index], offsets[index + 1])
        shapes[target].append(
            Shape(float(arrays["shape_weight"][index]), arrays["shape_vertices"][span], arrays["shape_deltas"][span])
        )
    after = arrays.get("target_after_skin", np.zeros(len(names), bool))
    return tuple(Target(name, tuple(found), bool(late)) for name, found, late in zip(names, shapes, after))


SKIN_ARRAYS = ("joints", "inverse_bind", "offsets", "influences", "weights")


def _joint_arrays(joints: Sequence[Joint], channels: Sequence[Channel]) -> Dict[str, np.ndarray]:
    return {
        "joint_parent": np.array([joint.parent for joint in joints], np.int32),
        "joint_rest": np.stack([joint.rest for joint in joints]),
        "joint_order": np.array([ROTATE_ORDERS.index(joint.rotate_order) for joint in joints], np.int32),
        "joint_orient": np.stack([np.asarray(joint.orient, np.float64) for joint in joints]),
        "joint_axis": np.stack([np.asarray(joint.axis, np.float64) for joint in joints]),
        "joint_compensate": np.array([joint.compensate for joint in joints], bool),
        "channel_joint": np.array([channel.joint for channel in channels], np.int32),
        "channel_attribute": np.array([CHANNELS.index(channel.attribute) for channel in channels], np.int32),
    }


def _joints(names: Sequence[str], arrays: Mapping[str, np.ndarray]) -> Tuple[Tuple[Joint, ...], Tuple[Channel, ...]]:
    joints = tuple(
        Joint(
            name=name,
            parent=int(arrays["joint_parent"][index]),
            translate=arrays["joint_rest"][index, :3],
            rotate=arrays["joint_rest"][index, 3:6],
            scale=arrays["joint_rest"][index, 6:],
            rotate_order=ROTATE_ORDERS[arrays["joint_order"][index]],
            orient=arrays["joint_orient"][index],
            axis=arrays["joint_axis"][index],
            compensate=bool(arrays["joint_compensate"][index]),
        )
        for index, name in enumerate(names)
    )
    if not joints:
        return (), ()
    channels = zip(arrays["channel_joint"].tolist(), arrays["channel_attribute"].tolist())
    return joints, tuple(Channel(joint, CHANNELS[attribute]) for joint, attribute in channels)


def _response_arrays(responses: Sequence[Response]) -> Dict[str, np.ndarray]:
    inputs = [port for response in responses for port in response.inputs]
    axes = [axis for response in responses for axis in response.axes]
    return {
        "response_method": np.array([METHODS.index(response.method) for response in responses], np.int32),
        "response_output": _ports([response.output for response in responses], OUTPUT_KINDS),
        "response_input_offsets": _offsets([len(response.inputs) for response in responses]),
        "response_inputs": _ports(inputs, INPUT_KINDS),
        "response_axis_counts": np.array([len(response.axes) for response in responses], np.int32),
        "response_axis_offsets": _offsets([len(axis) for axis in axes]),
        "response_axes": _join(axes, (0,), np.float64),
        "response_value_offsets": _offsets([response.values.size for response in responses]),
        "response_values": _join([response.values.ravel() for response in responses], (0,), np.float64),
    }


def _responses(arrays: Mapping[str, np.ndarray]) -> Tuple[Response, ...]:
    count, values = len(arrays["response_output"]), arrays["response_values"]
    counts = arrays["response_axis_counts"]
    _spans(arrays, "response_input_offsets", count, len(arrays["response_inputs"]))
    _spans(arrays, "response_value_offsets", count, len(values))
    _spans(arrays, "response_axis_offsets", int(counts.sum(dtype=np.int64)), len(arrays["response_axes"]))
    axes = np.split(arrays["response_axes"], arrays["response_axis_offsets"][1:-1])
    known: Dict[Tuple[int, int], Port] = {}  # a port is read by many
    ports = [
        known.setdefault((kind, index), Port(INPUT_KINDS[kind], index))
        for kind, index in arrays["response_inputs"].tolist()
    ]
    inputs, spans = arrays["response_input_offsets"].tolist(), arrays["response_value_offsets"].tolist()
    responses, first = [], 0
    for place, (kind, index) in enumerate(arrays["response_output"].tolist()):
        own = tuple(axes[first : first + counts[place]])
        first += len(own)
        flat = values[spans[place] : spans[place + 1]]
        responses.append(
            Response(
                output=Port(OUTPUT_KINDS[kind], index),
                inputs=tuple(ports[inputs[place] : inputs[place + 1]]),
                values=flat.reshape([len(axis) for axis in own]) if own else flat,
                axes=own,
                method=METHODS[arrays["response_method"][place]],
            )
        )
    return tuple(responses)


def _ports(ports: Sequence[Port], kinds: Sequence[str]) -> np.ndarray:
    return np.array([(kinds.index(port.kind), port.index) for port in ports], np.int32).reshape(-1, 2)


def _offsets(lengths: List[int]) -> np.ndarray:
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)


def _spans(arrays: Mapping[str, np.ndarray], name: str, count: int, end: int) -> np.ndarray:
    """The array ``name`` of offsets; TakeError unless it divides ``end`` rows into ``count`` spans."""
    offsets = arrays[name]
    if len(offsets) != count + 1 or offsets[0] != 0 or offsets[-1] != end or (offsets[1:] < offsets[:-1]).any():
        raise TakeError("rig: {} does not divide {} rows into {} spans; write the rig again.".format(name, end, count))
    return offsets


def _join(parts: Sequence[np.ndarray], shape: Tuple[int, ...], dtype: Any) -> np.ndarray:
    return np.concatenate(parts).astype(dtype) if len(parts) else np.zeros(shape, dtype)
