"""Every sentence with which the contract refuses a value."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from facesolve.take import (
    Combination,
    Control,
    ControlSettings,
    Driver,
    Footage,
    HeadPin,
    Mesh,
    Pin,
    Rig,
    Settings,
    Shape,
    StartPose,
    TakeError,
    Target,
)

from . import rigs

NAN = float("nan")


def not_a_number(array: np.ndarray, *place: int) -> np.ndarray:
    changed = np.array(array, np.float64)
    changed[place] = NAN
    return changed


def target(name: str, *shapes: Shape) -> Target:
    return Target(name, shapes)


RIG_CASES: dict[str, dict[str, object]] = {
    "expected (vertices, 3)": {"neutral": np.zeros((5, 2))},
    "1 neutral vertices are not finite (first: vertex 3)": {"neutral": not_a_number(rigs.NEUTRAL, 3, 1)},
    "at least 3 corners": {"face_counts": np.array([2, 5])},
    "8 corners in all but 7 corner vertices": {"face_counts": np.array([4, 4])},
    "a vertex outside 0..4": {"face_vertices": np.array([0, 1, 2, 3, 1, 5, 2])},
    "3 corner UVs for 7 polygon corners": {"face_uvs": np.array([0, 1, 2])},
    "UVs must be finite": {"uvs": not_a_number(np.zeros((5, 2)), 0, 0)},
    "a UV outside 0..4": {"face_uvs": np.array([0, 1, 2, 3, 1, 9, 2])},
    "counts do not add up": {"meshes": (Mesh("skin", 4, 1),)},
    "two targets are named 'jaw'": {"targets": (*rigs.rig().targets[:2], target("jaw", rigs.shape(1.0, 0)))},
    "target 'smile' has no shape": {"targets": (target("smile"), *rigs.rig().targets[1:])},
    "shapes at weights [1.0, 0.5]": {
        "targets": (target("smile", rigs.shape(1.0, 0), rigs.shape(0.5, 0)), *rigs.rig().targets[1:])
    },
    "shapes at weights [0.0]": {"targets": (target("smile", rigs.shape(0.0, 0)), *rigs.rig().targets[1:])},
    "vertices and deltas of different length": {
        "targets": (
            target("smile", Shape(1.0, np.array([0, 1]), np.zeros((1, 3), np.float32))),
            *rigs.rig().targets[1:],
        )
    },
    "moves vertices outside 0..4 or lists one twice": {
        "targets": (target("smile", rigs.shape(1.0, 2, 2)), *rigs.rig().targets[1:])
    },
    "smile' moves vertices outside 0..4 or lists one": {
        "targets": (target("smile", rigs.shape(1.0, 1, -(2**31), 3)), *rigs.rig().targets[1:])
    },
    "'smile' moves vertices outside 0..4": {"targets": (target("smile", rigs.shape(1.0, 5)), *rigs.rig().targets[1:])},
    "delta that is not finite at vertex 4": {
        "targets": (
            target("smile", Shape(1.0, np.array([2, 4]), not_a_number(np.zeros((2, 3)), 1, 0))),
            *rigs.rig().targets[1:],
        )
    },
    "no control to solve for": {"controls": (), "drivers": (), "combinations": ()},
    "two controls are named 'a'": {"controls": (Control("a"), Control("a"))},
    "control 'a' has range 1.0..0.0": {"controls": (Control("a", 1.0, 0.0), Control("b"))},
    "control 'b' has range 0.0..0.0": {"controls": (Control("a"), Control("b", 0.0, 0.0))},
    "default 2": {"controls": (Control("a", default=2.0), Control("b"))},
    "a control or target that does not exist": {"drivers": (Driver.identity(7, 0),)},
    "needs at least two points with increasing inputs": {
        "drivers": (Driver(0, 0, np.array([1.0, 0.0]), np.array([0.0, 1.0])), Driver.identity(1, 1))
    },
    "from control 'smile' to target 'smile' needs": {
        "drivers": (Driver(0, 0, np.array([0.0, NAN]), np.array([0.0, 1.0])), Driver.identity(1, 1))
    },
    "method 'add', expected one of multiply, lowest": {"combinations": (Combination(2, (0, 1), "add"),)},
    "sets target 3, which does not exist": {"combinations": (Combination(3, (0, 1)),)},
    "is also driven by something else": {"combinations": (Combination(1, (0,)),)},
    "at least one existing driver other than itself": {"combinations": (Combination(2, ()),)},
    "driver other than itself": {"combinations": (Combination(2, (0, 2)),)},
    "depends on a target that no control drives": {
        "drivers": (Driver.identity(0, 0),),
        "combinations": (Combination(2, (0, 1)),),
    },
    "photometric_weight must hold one number in 0..1 for each of the 5": {"photometric_weight": np.ones(4)},
    "rigid_weight must hold one number in 0..1": {"rigid_weight": np.array([0, 0, 0, 0, 1.1])},
}


@pytest.mark.parametrize("sentence", RIG_CASES)
def test_rig_refuses(sentence: str) -> None:
    with pytest.raises(TakeError) as caught:
        rigs.rig(**RIG_CASES[sentence])
    assert sentence in str(caught.value)


def test_dense_rig_finds_deltas_that_are_not_numbers() -> None:
    deltas = not_a_number(np.zeros((2, 5, 3)), 1, 4, 2)
    with pytest.raises(TakeError, match="target 'b' has a delta that is not finite at vertex 4"):
        Rig.from_dense(rigs.NEUTRAL, deltas, ["a", "b"], np.array([4, 3]), rigs.FACES)


def test_dense_rig_refuses_deltas_of_another_mesh() -> None:
    with pytest.raises(TakeError, match="deltas have shape"):
        Rig.from_dense(rigs.NEUTRAL, np.zeros((1, 4, 3)), ["a"], np.array([4, 3]), rigs.FACES)


CAMERA_CASES: dict[str, dict[str, object]] = {
    "image size 0x480 is not positive": {"width": 0},
    "intrinsics has shape (2, 3)": {"intrinsics": np.ones((2, 3))},
    "intrinsics holds a number that is not finite": {"intrinsics": not_a_number(np.eye(3), 0, 0)},
    "translation has shape (4,)": {"translation": np.zeros(4)},
    "3 distortion coefficients, expected one of 0, 4, 5, 8": {"distortion": np.zeros(3)},
    "a distortion coefficient is not finite": {"distortion": np.full(5, NAN)},
    "focal length must be positive": {"intrinsics": np.diag([-900.0, 900, 1])},
    "not a rotation matrix": {"rotation": np.eye(3) * 1.01},
    "or mirrored": {"rotation": np.diag([1.0, 1, -1])},
}


@pytest.mark.parametrize("sentence", CAMERA_CASES)
def test_camera_refuses_and_names_itself(sentence: str) -> None:
    with pytest.raises(TakeError) as caught:
        rigs.camera("left", **CAMERA_CASES[sentence])
    assert sentence in str(caught.value)
    assert "'left'" in str(caught.value)


def test_an_image_may_be_a_single_pixel() -> None:
    one = rigs.camera(width=1, height=1)
    assert (one.width, one.height) == (1, 1)


def test_camera_needs_a_name() -> None:
    with pytest.raises(TakeError, match="no name"):
        rigs.camera("")


def test_camera_refuses_per_frame_parameters_of_different_length() -> None:
    moving = rigs.camera(rotation=np.tile(np.eye(3), (3, 1, 1)), translation=np.zeros((4, 3)))
    with pytest.raises(TakeError, match=r"'cam0': per-frame parameters cover \[3, 4\] frames"):
        _ = moving.frame_count


TAKE_CASES: dict[str, dict[str, object]] = {
    "the frame range is empty": {"frames": np.zeros(0)},
    "frame numbers must increase": {"frames": np.array([3, 2, 4, 5])},
    "one finite scene time": {"scene_times": np.array([1.0, 2.0])},
    "each frame needs one finite scene": {"scene_times": np.array([1.0, 2.0, NAN, 3.0])},
    "0.0 frames a second": {"fps": 0.0},
    "nan frames a second": {"fps": NAN},
    "on_bad_frame is 'skip', expected one of stop, unseen": {"on_bad_frame": "skip"},
    "there is no camera": {"cameras": (), "footage": ()},
    "two cameras have the same name": {"cameras": (rigs.camera(), rigs.camera())},
    "footage is given for cameras ['cam0']": {"footage": (Footage("cam0", "a.mov"),)},
    "parameters for 2 frames, the take has 4": {
        "cameras": (rigs.camera(translation=np.ones((2, 3))),),
        "footage": (Footage("cam0", "a.mov"),),
    },
    "3 control values for 2 controls": {"start": StartPose(1002, np.zeros(3), np.eye(4))},
    "frame 1003 is not one of the take's frames 1001..1005": {"start": StartPose(1003, np.zeros(2), np.eye(4))},
    "the rig has no control 'brow'": {"settings": Settings(controls=(ControlSettings("brow"),))},
    "the rig has no control 'smiel'; did you mean 'smile'?": {
        "settings": Settings(controls=(ControlSettings("smiel"),))
    },
    "has no control 'nose'": {"settings": Settings(controls=(ControlSettings("jaw", symmetric="nose"),))},
    "the lock of 'jaw' has 2 values for 4 frames": {
        "settings": Settings(controls=(ControlSettings("jaw", lock=np.zeros(2)),))
    },
    "a pin names control 'brow'": {"settings": Settings(pins=(Pin(1001, "brow", 0.0),))},
    "the pin of 'jaw' is at frame 9, outside": {"settings": Settings(pins=(Pin(9, "jaw", 0.0),))},
    "the head's pin at frame 9 is outside the take": {"settings": Settings(head_pins=(HeadPin(9, np.eye(4)),))},
    "the head's pin at frame 1002 is given twice": {"settings": Settings(head_pins=(HeadPin(1002, np.eye(4)),) * 2)},
    "the head's pin at frame 1002 is scaled": {"settings": Settings(head_pins=(HeadPin(1002, 2 * np.eye(4)),))},
}


@pytest.mark.parametrize("sentence", TAKE_CASES)
def test_take_refuses(sentence: str, tmp_path: Path) -> None:
    with pytest.raises(TakeError) as caught:
        rigs.take(tmp_path, **TAKE_CASES[sentence])
    assert sentence in str(caught.value)


def head(**changes: float) -> np.ndarray:
    matrix = np.eye(4)
    for place, value in changes.items():
        matrix[int(place[1]), int(place[2])] = value
    return matrix


PART_CASES: dict[str, Callable[[], object]] = {
    "a finite 4x4 matrix": lambda: StartPose(0, np.zeros(1), np.eye(3)),
    "must be a finite": lambda: StartPose(0, np.zeros(1), head(m03=NAN)),
    "scaled, sheared or mirrored": lambda: StartPose(0, np.zeros(1), head(m00=2.0)),
    "or mirrored": lambda: StartPose(0, np.zeros(1), head(m22=-1.0)),
    "last row that is not 0 0 0 1 (transposed?)": lambda: StartPose(0, np.zeros(1), head(m30=5.0)),
    "finite numbers, one for each control": lambda: StartPose(0, np.array([NAN]), np.eye(4)),
    "the path is empty": lambda: Footage("cam0", ""),
    "has braces but no {frame}": lambda: Footage("cam0", "a.{number}.png"),
    "'m.{f}.png' has braces": lambda: Footage("cam0", "a.mov", matte="m.{f}.png"),
    "Bayer pattern 'RGBG', expected one of RGGB": lambda: Footage("cam0", "a.seq", bayer="RGBG"),
    "'a.{frame}.png' is neither a video nor a .seq file": lambda: Footage("cam0", "a.{frame}.png", images=((0, 3, 0),)),
    "'b.mov' is not a .seq file": lambda: Footage("cam0", "b.mov", bayer="RGGB"),
    "runs of three whole numbers": lambda: Footage("cam0", "a.seq", images=((0, 3),)),  # type: ignore[arg-type]
    "the run of images (4, 3, 0) is out of order": lambda: Footage("cam0", "a.seq", images=((4, 3, 0),)),
    "the run of images (0, 3, -1) is out of order": lambda: Footage("cam0", "a.seq", images=((0, 3, -1),)),
    "the run of images (3, 5, 9) is out of order": lambda: Footage("cam0", "a.seq", images=((0, 3, 0), (3, 5, 9))),
    "quality 'best', expected one of draft, standard, final": lambda: Settings(quality="best"),
    "head 'off', expected one of transform, fixed": lambda: Settings(head="off"),
    "smoothness is -1.0": lambda: Settings(smoothness=-1.0),
    "contour is nan": lambda: Settings(contour=NAN),
    "a control is listed twice": lambda: Settings(controls=(ControlSettings("a"), ControlSettings("a"))),
    "the pin of 'a' at frame 3 is not finite": lambda: Settings(pins=(Pin(3, "a", NAN),)),
    "'a': the lock must be a finite value or curve": lambda: ControlSettings("a", lock=np.array([NAN])),
    "'a': stiffness -1 must be at least 0": lambda: ControlSettings("a", stiffness=-1),
    "cannot be its own partner": lambda: ControlSettings("a", exclusive="a"),
    "controls has shape (3, 1), expected (3, 2)": lambda: rigs.solution(controls=np.zeros((3, 1))),
    "residual has shape": lambda: rigs.solution(residual=np.zeros((3, 2))),
    "it has no frames": lambda: rigs.solution(1, frames=np.zeros(0)),
    "fast frames a second is not a positive number": lambda: rigs.solution(fps="fast"),
    "0 frames a second is not a positive number": lambda: rigs.solution(fps=0),
    "names of its controls and cameras must be text": lambda: rigs.solution(control_names=(1, 2)),
    "provenance must be a JSON object": lambda: rigs.solution(provenance=[]),
    "head is not finite at frame 11": lambda: rigs.solution(
        head=np.where(np.arange(3)[:, None, None] == 1, NAN, np.eye(4))
    ),
}


@pytest.mark.parametrize("sentence", PART_CASES)
def test_parts_refuse(sentence: str) -> None:
    with pytest.raises(TakeError) as caught:
        PART_CASES[sentence]()
    assert sentence in str(caught.value)


def test_values_are_made_uniform() -> None:
    rig = rigs.rig()
    assert (rig.neutral.dtype, rig.face_counts.dtype, rig.uvs.dtype) == (np.float32, np.int32, np.float32)
    np.testing.assert_array_equal(rig.bounds, [[-1, 1], [0, 10]])
    np.testing.assert_array_equal(rig.default_controls, [0, 2])
    assert replace(rig, meshes=()).meshes == (Mesh("head", 5, 2),)
    np.testing.assert_array_equal(ControlSettings("a", lock=0.5).lock, [0.5])  # type: ignore[arg-type]
