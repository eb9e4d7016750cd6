"""Control curves and head motion as CSV: in Live Link Face's layout, or every control with its deviation."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from facesolve.take import Control
from facesolve.take.csv_text import csv_text
from facesolve.take.files import write_atomic
from facesolve.take.timecode import timecode

from .angles import Z_UP_TO_Y_UP, maya_rotate_xyz, yaw_pitch_roll
from .arkit import ARKIT_SHAPES, ShapeMatch, match_shapes
from .errors import ExportError
from .performance import Performance

HEAD_COLUMNS = ("HeadYaw", "HeadPitch", "HeadRoll")
EYE_COLUMNS = ("LeftEyeYaw", "LeftEyePitch", "LeftEyeRoll", "RightEyeYaw", "RightEyePitch", "RightEyeRoll")
WHOLE_FRAME = ".000"  # the thousandths of a frame that follow Live Link Face's timecode
LIVE_LINK_COLUMNS = (*ARKIT_SHAPES, *HEAD_COLUMNS, *EYE_COLUMNS)


def write_live_link_csv(performance: Performance, path: Path, up_axis: str = "y") -> list[str]:
    """Writes the CSV that the Live Link Face app records, one row a frame; returns what the user should know.

    Timecode (HH:MM:SS:FF.000 of the footage frame, frame 0 at midnight), BlendShapeCount (61), ``LIVE_LINK_COLUMNS``:
    shapes 0..1 (a control's default is 0, the far end of its range 1), then angles in radians. Eye angles are 0: a
    solve has none beside the eyeLook shapes. Header and column order are those of recorded files, see ``arkit``.

    Angles: in recorded files eye angles reach 0.6 (so radians) and correlate with the eyeLook shapes so that yaw grows
    to the actor's right and pitch downwards; Unreal's plug-in makes head angles from the same kind of rotator
    (AppleARKitFaceSupport), so the head is written likewise: its signs are inferred: no recording was available. The
    head's rotation is from rig space to the world; the rig looks along +z with y up (``up_axis`` z: along -y, z up).

    Raises ExportError when no control has an ARKit name, and for frames before 0, which have no timecode.
    """
    match = match_shapes(performance.solution.control_names)
    if not match.sources:
        raise ExportError(
            f"export: none of the {len(match.unmatched)} controls has an ARKit name (the first is "
            f"'{match.unmatched[0]}'), so nothing fits Live Link Face's columns; write every control under its own "
            "name with --all-controls."
        )
    solution = performance.solution
    if solution.frames[0] < 0:
        raise ExportError(
            f"export: frame {solution.frames[0]} has no timecode; timecode starts at frame 0. Choose later frames with "
            "--frames, or write --all-controls."
        )
    rotation = solution.head[:, :3, :3]
    if up_axis == "z":
        rotation = Z_UP_TO_Y_UP @ rotation @ Z_UP_TO_Y_UP.T
    columns = {name: np.zeros(performance.frame_count) for name in LIVE_LINK_COLUMNS}
    columns.update(_shape_curves(performance, match))
    columns.update(zip(HEAD_COLUMNS, yaw_pitch_roll(rotation).T, strict=True))
    values = np.stack([columns[name] for name in LIVE_LINK_COLUMNS], 1)
    rows = (
        [
            f"{timecode(int(frame), solution.fps)}{WHOLE_FRAME}",
            len(LIVE_LINK_COLUMNS),
            *(f"{value + 0.0:.10f}" for value in row),
        ]
        for frame, row in zip(solution.frames, values.round(10), strict=True)
    )
    _write(path, ("Timecode", "BlendShapeCount", *LIVE_LINK_COLUMNS), rows)
    return _notes(performance, match)


def write_all_controls_csv(performance: Performance, path: Path) -> None:
    """Writes every control, the head and their standard deviations, one row a frame.

    frame, scene_time (frames of the rig's timeline); head_tx.. (cm) and head_rx.. (degrees, Maya's rotate order
    xyz) of the transform from rig space to the world; head_rotation_std_x.. (degrees), head_translation_std_x.. (cm)
    about and along the head's own axes; then each control under its name, and ``NAME std``.
    """
    solution = performance.solution
    angles = np.degrees(maya_rotate_xyz(solution.head[:, :3, :3]))
    deviation = np.concatenate((np.degrees(solution.head_std[:, :3]), solution.head_std[:, 3:]), 1)
    header = ["frame", "scene_time"]
    header += [f"head_{kind}{axis}" for kind in "tr" for axis in "xyz"]
    header += [f"head_{kind}_std_{axis}" for kind in ("rotation", "translation") for axis in "xyz"]
    header += [label for name in solution.control_names for label in (name, f"{name} std")]
    controls = np.stack((solution.controls, solution.control_std), -1).reshape(performance.frame_count, -1)
    values = np.concatenate((solution.head[:, :3, 3], angles, deviation, controls), 1)
    rows = (
        [int(frame), f"{time:.10g}", *(f"{value:.10g}" for value in row)]
        for frame, time, row in zip(solution.frames, solution.scene_times, values, strict=True)
    )
    _write(path, header, rows)


def _shape_curves(performance: Performance, match: ShapeMatch) -> dict[str, np.ndarray]:
    """(F,) 0..1 for each matched shape."""
    controls = performance.rig.controls
    curves = {}
    for shape, indices in match.sources.items():
        parts = []
        for index in indices:
            default, end = controls[index].default, _far_end(controls[index])
            parts.append((performance.solution.controls[:, index] - default) / (end - default))
        curves[shape] = np.mean(parts, 0)
    return curves


def _far_end(control: Control) -> float:
    return control.maximum if control.maximum > control.default else control.minimum


def _notes(performance: Performance, match: ShapeMatch) -> list[str]:
    names = performance.solution.control_names
    controls = performance.rig.controls
    notes = []
    if match.unmatched:
        notes.append(f"left out, no ARKit name: {', '.join(match.unmatched)}")
    merged = [shape for shape, indices in match.sources.items() if len(indices) > 1]
    for shape in merged:
        notes.append(f"{shape} is the mean of {' and '.join(names[index] for index in match.sources[shape])}")
    uses: dict[int, list[str]] = {}
    for shape, indices in match.sources.items():
        for index in indices:
            uses.setdefault(index, []).append(shape)
    notes += [f"{' and '.join(shapes)} are both {names[index]}" for index, shapes in uses.items() if len(shapes) > 1]
    scaled = [k for k in uses if (controls[k].default, _far_end(controls[k])) != (0.0, 1.0)]
    notes += [f"{names[k]} is scaled from {controls[k].default:g}..{_far_end(controls[k]):g} to 0..1" for k in scaled]
    empty = [shape for shape in ARKIT_SHAPES if shape not in match.sources]
    notes.append(f"0 in every row, no such control: {', '.join((*empty, *EYE_COLUMNS))}")
    return notes


def _write(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    write_atomic(path, csv_text(header, rows).encode("utf-8"))
