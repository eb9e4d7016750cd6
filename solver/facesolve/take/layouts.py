"""The table of what is checked: every member and every array of the files that the contract reads, with its bounds.

What depends on several members (a mesh and its weights, a camera and its image) is checked by the dataclasses.
"""

from __future__ import annotations

from typing import Any, Dict, Sequence

from .camera import LENSES
from .checks import (
    CORRELATION,
    COUNT,
    FARTHEST,
    FPS,
    FRAME,
    LARGEST,
    LARGEST_FRAME,
    MEASURE,
    MOST_CAMERAS,
    MOST_CONTROLS,
    MOST_CORNERS,
    MOST_FRAMES,
    MOST_MESHES,
    MOST_SHAPES,
    MOST_VERTICES,
    NAME,
    PATH,
    PIXELS,
    SHA256,
    TIME,
    WORD,
    anything,
    choice,
    exactly,
    flag,
    mapping,
    matrix,
    members,
    optional,
    several,
    whole,
)
from .footage import BAD_FRAME_POLICIES, BAYER_PATTERNS
from .names import CORRECTIVES_ARRAYS, SOLUTION_ARRAYS, TAKE_ARRAYS
from .reading import ArrayKind, ArrayTable
from .rig import COMBINATION_METHODS
from .rig_logic import METHODS, MOST_AXES
from .skeleton import CHANNELS, ROTATE_ORDERS

# Most that the letters of shapes may be; a small letter may be 0.
SIZES = {
    "V": MOST_VERTICES,
    "P": MOST_CORNERS,
    "C": MOST_CORNERS,
    "c": MOST_CORNERS,
    "t": MOST_CORNERS,
    "F": MOST_FRAMES,
    "R": MOST_FRAMES,
    "K": MOST_CONTROLS,
    "k": MOST_CONTROLS,
    "cameras": MOST_CAMERAS,
    "s": MOST_SHAPES,
    "s + 1": MOST_SHAPES + 1,
    "n": MOST_CORNERS,
    "d": MOST_SHAPES,
    "d + 1": MOST_SHAPES + 1,
    "points": MOST_CORNERS,
    "targets": MOST_SHAPES,
    "j": MOST_CONTROLS,
    "channels": 9 * MOST_CONTROLS,
    "r": MOST_CORNERS,
    "r + 1": MOST_CORNERS,
    "inputs": MOST_CORNERS,
    "axes + 1": MOST_CORNERS,
    "axis points": MOST_CORNERS,
    "values": MOST_CORNERS,
    "influences": MOST_CONTROLS,
    "v + 1": MOST_VERTICES + 1,
    "weights": 16 * MOST_VERTICES,
}
LONGEST_RECORD = 4_000_000  # characters


def _numbers(*shapes: Any, **others: Any) -> ArrayKind:
    return ArrayKind("numbers", shapes, **{"largest": LARGEST, **others})


def _whole(*shapes: Any, **others: Any) -> ArrayKind:
    return ArrayKind("whole numbers", shapes, **{"largest": 2.0**31, **others})


def _index(shape: Any, count: int) -> ArrayKind:
    return ArrayKind("whole numbers", (shape,), optional=True, least=0, largest=count - 1)


_NAMES = several(NAME, MOST_SHAPES)
_FILE = {"schema": anything, "kind": anything, "sha256": SHA256}  # the schema has sentences of its own
_MESHES = several(members({"name": WORD, "vertex_count": COUNT, "face_count": COUNT}), MOST_MESHES)
_RUN = several(whole(-LARGEST_FRAME, LARGEST_FRAME), 3, 3)
RIG_MEMBERS = members(
    {
        "meshes": _MESHES,
        "controls": several(
            members({"name": NAME, "minimum": MEASURE, "maximum": MEASURE, "default": MEASURE, "plug": WORD}),
            MOST_CONTROLS,
        ),
        "targets": _NAMES,
        "combinations": several(
            members(
                {
                    "target": COUNT,
                    "drivers": several(COUNT, MOST_SHAPES),
                    "method": choice(*COMBINATION_METHODS),
                }
            ),
            MOST_SHAPES,
        ),
        "joints": _NAMES,
        "signals": _NAMES,
    },
    optional=("joints", "signals"),
)
_SHAPES: Dict[str, ArrayKind] = {
    "shape_target": _whole(("s",)),
    "shape_weight": _numbers(("s",)),
    "shape_offsets": _whole(("s + 1",)),
    "shape_vertices": _whole(("n",)),
    "shape_deltas": _numbers(("n", 3), finite=False),  # the rig's own check names target and vertex
}
_WEIGHTS: Dict[str, ArrayKind] = {
    name: _numbers(("V",), optional=True) for name in ("photometric_weight", "rigid_weight")
}

TAKE_MEMBERS = members(
    {
        **_FILE,
        "name": WORD,
        "arrays": exactly(TAKE_ARRAYS),
        "fps": FPS,
        "frames": WORD,
        "start_frame": optional(FRAME),
        "texture": optional(PATH),
        "actor": optional(PATH),
        "on_bad_frame": choice(*BAD_FRAME_POLICIES),
        "cameras": several(
            members({"name": NAME, "width": PIXELS, "height": PIXELS, "lens": choice(*LENSES)}), MOST_CAMERAS
        ),
        "footage": several(
            members(
                {
                    "camera": NAME,
                    "path": PATH,
                    "offset": FRAME,
                    "matte": optional(PATH),
                    "color_space": NAME,
                    "undistorted": flag,
                    "images": several(_RUN, MOST_FRAMES),
                    "bayer": choice(None, *BAYER_PATTERNS),
                }
            ),
            MOST_CAMERAS,
        ),
        "rig": RIG_MEMBERS,
        "settings": mapping(WORD, anything, 100),  # read by settings_record, which names what was meant
    }
)
_FLAGS = "true or false"
_JOINTS: Dict[str, ArrayKind] = {  # of rigs that have joints, responses or a skin; rig_files reads them together
    "target_after_skin": ArrayKind(_FLAGS, (("targets",),), optional=True),
    "joint_parent": _whole(("j",), optional=True),
    "joint_rest": _numbers(("j", 9), optional=True),
    "joint_order": _index(("j",), len(ROTATE_ORDERS)),
    "joint_orient": _numbers(("j", 3, 3), optional=True),
    "joint_axis": _numbers(("j", 3, 3), optional=True),
    "joint_compensate": ArrayKind(_FLAGS, (("j",),), optional=True),
    "channel_joint": _whole(("channels",), optional=True),
    "channel_attribute": _index(("channels",), len(CHANNELS)),
    "response_method": _index(("r",), len(METHODS)),
    "response_output": _index(("r", 2), MOST_CORNERS),
    "response_input_offsets": _whole(("r + 1",), optional=True),
    "response_inputs": _index(("inputs", 2), MOST_CORNERS),
    "response_axis_counts": _index(("r",), MOST_AXES + 1),
    "response_axis_offsets": _whole(("axes + 1",), optional=True),
    "response_axes": _numbers(("axis points",), optional=True),
    "response_value_offsets": _whole(("r + 1",), optional=True),
    "response_values": _numbers(("values",), optional=True),
    "skin_joints": _whole(("influences",), optional=True),
    "skin_inverse_bind": _numbers(("influences", 4, 4), optional=True),
    "skin_offsets": _whole(("v + 1",), optional=True),
    "skin_influences": _whole(("weights",), optional=True),
    "skin_weights": _numbers(("weights",), optional=True),
}
RIG_ARRAYS: Dict[str, ArrayKind] = {
    "neutral": _numbers(("V", 3), finite=False),
    "face_counts": _whole(("P",)),
    "face_vertices": _whole(("C",)),
    "uvs": _numbers(("t", 2)),
    "face_uvs": _whole(("c",)),
    **_SHAPES,
    "driver_control": _whole(("d",)),
    "driver_target": _whole(("d",)),
    "driver_offsets": _whole(("d + 1",)),
    "driver_inputs": _numbers(("points",)),
    "driver_outputs": _numbers(("points",)),
    **_WEIGHTS,
    **_JOINTS,
}
_REPEATS = {
    "repeat_times": _numbers(("R",), largest=LARGEST_FRAME, optional=True),
    "repeat_frames": _whole(("R",), largest=LARGEST_FRAME, optional=True),
}
TAKE_TABLE = ArrayTable(
    {
        **RIG_ARRAYS,
        "frames": _whole(("F",), largest=LARGEST_FRAME),
        "scene_times": _numbers(("F",), largest=LARGEST_FRAME),
        **_REPEATS,
        "start_controls": _numbers(("K",), optional=True),
        "start_head": _numbers((4, 4), optional=True),
    },
    SIZES,
    {
        r"camera\d{1,4}_(intrinsics|rotation)": _numbers((3, 3), ("F", 3, 3)),
        r"camera\d{1,4}_translation": _numbers((3,), ("F", 3), largest=FARTHEST),
        r"camera\d{1,4}_distortion": _numbers((0,), (4,), (5,), (8,)),
        r"lock\d{1,5}": _numbers(("F",)),
    },
)
RECORD = "rig"  # the array of a rig's own file that holds its names, as JSON
OWN_RIG_TABLE = ArrayTable({RECORD: ArrayKind("text", ((),), longest=LONGEST_RECORD), **RIG_ARRAYS}, SIZES)
DENSE_RIG_TABLE = ArrayTable(
    {
        "neutral": _numbers(("V", 3), finite=False),
        "deltas": _numbers(("K", "V", 3), finite=False),
        "names": ArrayKind("text", (("K",),)),
        "face_counts": _whole(("P",)),
        "faces": _whole(("C",)),
        "uv": _numbers(("t", 2), optional=True),
        "face_uvs": _whole(("c",), optional=True),
        "ranges": _numbers(("K", 2), optional=True),
        "defaults": _numbers(("K",), optional=True),
        **_WEIGHTS,
    },
    SIZES,
    others=True,
)
IDENTITY_TABLE = ArrayTable({"modes": _numbers(("K", "V", 3))}, SIZES, others=True)


def rig_table(names: Sequence[str]) -> ArrayTable:
    """The table of a rig's file that holds arrays of these names: one of ours, or one of dense arrays."""
    return OWN_RIG_TABLE if RECORD in names else DENSE_RIG_TABLE


TRUTH_TABLE = ArrayTable(
    {
        "weights": _numbers(("F", "K")),
        "names": ArrayKind("text", (("K",),)),
        "head": _numbers(("F", 4, 4)),
    },
    SIZES,
    others=True,
)
START_MEMBERS = members(
    {
        "frame": TIME,
        "weights": mapping(NAME, MEASURE, MOST_CONTROLS),
        "head": matrix(4, 4, LARGEST),
    },
    others=True,
)
SOLUTION_MEMBERS = members(
    {
        **_FILE,
        "arrays": exactly(SOLUTION_ARRAYS),
        "fps": FPS,
        "control_names": _NAMES,
        "camera_names": several(NAME, MOST_CAMERAS),
        "confused": several(members({"first": NAME, "second": NAME, "correlation": CORRELATION}), 1_000_000),
        "provenance": mapping(WORD, anything, 1000),  # readers are forgiving: take.provenance
        "verdict": anything,  # read by take.verdict
        "actor": optional(SHA256),
    }
)
SOLUTION_TABLE = ArrayTable(
    {
        "frames": _whole(("F",), largest=LARGEST_FRAME),
        "scene_times": _numbers(("F",), largest=LARGEST_FRAME),
        "controls": _numbers(("F", "k"), finite=False),
        "head": _numbers(("F", 4, 4), finite=False),
        "control_std": _numbers(("F", "k"), finite=False, largest=float("inf")),
        "head_std": _numbers(("F", 6), finite=False, largest=float("inf")),
        "residual": _numbers(("F", "cameras"), finite=False),
        "say": _numbers(("V",), optional=True),
        **_REPEATS,
    },
    SIZES,
)
CORRECTIVES_MEMBERS = members(
    {
        **_FILE,
        "arrays": exactly(CORRECTIVES_ARRAYS),
        "targets": _NAMES,
        "meshes": _MESHES,
        "provenance": mapping(WORD, anything, 1000),
    }
)
CORRECTIVES_TABLE = ArrayTable(
    {
        **_SHAPES,
        "frames": _whole(("F",), largest=LARGEST_FRAME),
        "scene_times": _numbers(("F",), largest=LARGEST_FRAME),
        "activations": _numbers(("F", "k")),
    },
    SIZES,
)
ACTOR_MEMBERS = members(
    {
        "schema": COUNT,
        "kind": exactly("facesolve actor profile"),
        "meshes": _MESHES,
        "provenance": mapping(WORD, anything, 1000),
    }
)
ACTOR_TABLE = ArrayTable(
    {
        "offset": _numbers(("V", 3)),
        "deviation": _numbers(("V",), least=0.0),
        "profile": ArrayKind("text", ((),), longest=LONGEST_RECORD),
    },
    SIZES,
)
MASK = ArrayKind("numbers", (("V",),))
