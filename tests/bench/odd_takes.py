"""Odd but legal takes: each ends right, doubtful or refused, never as a plain "fits" that is wrong.

    python -m tests.bench.odd_takes                one table; exit code 1 when a row is believed and wrong
    python -m tests.bench.odd_takes all_black two  only some rows, by the beginning of their names
    python -m tests.bench.odd_takes --device cuda  on a GPU, which 10,000 frames need to end within minutes

The synthetic head, three cameras, six frames, in memory; ``right`` is the same without anything odd.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch

import facesolve
from facesolve.geometry.rig import RigModel
from facesolve.take import (
    Camera,
    Control,
    ControlSettings,
    Driver,
    FacesolveError,
    Footage,
    Pin,
    Rig,
    Settings,
    Shape,
    Solution,
    StartPose,
    Take,
    Target,
)
from facesolve.take.verdict import FITS
from tests.synthetic import cameras, film, head_rig, performance

FRAMES = 6
RIGHT_MM, RIGHT_CONTROLS = 3.0, 0.25  # of the head and of a control: what counts as right on this scene
WHOLE_LINES = 90  # characters of a sentence in the table


@dataclass(frozen=True, eq=False)
class Shot:
    """A take in the making, and its truth. images: (C, F, H, W) encoded luminance."""

    rig: Rig
    cameras: tuple[Camera, ...]
    images: np.ndarray
    controls: np.ndarray
    head: np.ndarray
    start: StartPose | None
    settings: Settings
    frames: np.ndarray
    fps: float = 30.0
    scene_times: np.ndarray | None = None

    def take(self) -> Take:
        times = {} if self.scene_times is None else {"scene_times": self.scene_times}
        footage = tuple(
            Footage.from_arrays(camera.name, images, offset=-int(self.frames[0]))
            for camera, images in zip(self.cameras, self.images, strict=True)
        )
        return Take(
            "odd", self.rig, self.cameras, footage, self.frames, self.fps, self.start, settings=self.settings, **times
        )


def shot(frames: int = FRAMES, rig: Rig | None = None, lenses: tuple[Camera, ...] | None = None) -> Shot:
    """The head as it was filmed, and a start pose that is off by 3 % of the controls and some millimeters."""
    rig = head_rig() if rig is None else rig
    lenses = cameras() if lenses is None else lenses
    truth = performance(frames)
    truth = replace(truth, controls=truth.controls[:, : len(rig.controls)])
    pixels = film(RigModel(rig, torch.device("cpu")), lenses, truth)
    images = np.stack([[frame.luminance[c].numpy() for frame in pixels] for c in range(len(lenses))])
    head = truth.head.double().numpy()
    near = head[0].copy()
    near[:3, 3] += (0.1, -0.08, 0.12)
    controls = truth.controls.double().numpy()
    start = StartPose(0, np.clip(controls[0] + 0.03, -0.5, 1.5), near)
    return Shot(
        rig, lenses, images.astype(np.float32), controls, head, start, Settings("draft", contour=0.0), np.arange(frames)
    )


def _start(given: Shot, **changes: object) -> Shot:
    assert given.start is not None
    return replace(given, start=replace(given.start, **changes))


def _moved(given: Shot, offset: tuple[float, float, float]) -> Shot:
    assert given.start is not None
    head = given.start.head.copy()
    head[:3, 3] += offset
    return _start(given, head=head)


def _turned(given: Shot, degrees: float) -> Shot:
    assert given.start is not None
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    turn = np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])
    head = given.start.head.copy()
    head[:3, :3] = head[:3, :3] @ turn
    return _start(given, head=head)


def _scaled(rig: Rig, factor: float) -> Rig:
    targets = tuple(
        Target(t.name, tuple(Shape(s.weight, s.vertices, s.deltas * factor) for s in t.shapes)) for t in rig.targets
    )
    return replace(rig, neutral=rig.neutral * factor, targets=targets)


def _images(given: Shot, change: Callable[[np.ndarray], np.ndarray]) -> Shot:
    return replace(given, images=np.ascontiguousarray(change(given.images.copy())))


def _one_black(images: np.ndarray) -> np.ndarray:
    images[:, 3] = 0
    return images


def _camera(given: Shot, index: int, **changes: object) -> Shot:
    lenses = list(given.cameras)
    lenses[index] = replace(lenses[index], **changes)
    return replace(given, cameras=tuple(lenses))


def _upside_down(given: Shot) -> Shot:
    turn = np.diag([-1.0, -1.0, 1.0])
    front = given.cameras[1]
    turned = _camera(given, 1, rotation=turn @ front.rotation, translation=turn @ front.translation)
    return turned  # the images stay as they are


def _with_target(rig: Rig, name: str, deltas: np.ndarray) -> Rig:
    return replace(
        rig,
        targets=(*rig.targets, Target(name, (Shape.from_dense(deltas),))),
        controls=(*rig.controls, Control(name)),
        drivers=(*rig.drivers, Driver.identity(len(rig.controls), len(rig.targets))),
    )


def _more_controls(given: Shot, rig: Rig) -> Shot:
    assert given.start is not None
    more = len(rig.controls) - given.controls.shape[1]
    wider = np.pad(given.controls, ((0, 0), (0, more)))
    return replace(
        given, rig=rig, controls=wider, start=replace(given.start, controls=np.pad(given.start.controls, (0, more)))
    )


def _one_control(given: Shot) -> Shot:
    rig = given.rig
    return shot(rig=replace(rig, targets=rig.targets[2:3], controls=rig.controls[2:3], drivers=rig.drivers[:1]))


def _many_controls(given: Shot, count: int) -> Shot:
    random = np.random.default_rng(0)
    rig, vertices = given.rig, given.rig.vertex_count
    targets, controls, drivers = list(rig.targets), list(rig.controls), list(rig.drivers)
    for k in range(count - len(controls)):
        moved = np.sort(random.choice(vertices, 4, replace=False)).astype(np.int32)
        deltas = random.normal(0, 0.1, (4, 3)).astype(np.float32)
        drivers.append(Driver.identity(len(controls), len(targets)))
        targets.append(Target(f"extra_{k}", (Shape(1.0, moved, deltas),)))
        controls.append(Control(f"extra_{k}"))
    more = replace(rig, targets=tuple(targets), controls=tuple(controls), drivers=tuple(drivers))
    return _more_controls(given, more)


def _flat_triangles(rig: Rig) -> Rig:
    corners = rig.face_vertices.reshape(-1, 3).copy()
    corners[::40, 2] = corners[::40, 1]
    return replace(rig, face_vertices=corners.reshape(-1))


def _doubled_faces(rig: Rig) -> Rig:
    corners = rig.face_vertices.reshape(-1, 3)
    more = np.concatenate([corners, corners[:200], corners[200:300, ::-1]])
    return replace(rig, face_vertices=more.reshape(-1), face_counts=np.full(len(more), 3), meshes=())


def _with_fins(rig: Rig) -> Rig:
    """Edges on which three triangles meet, and vertices at which two parts of the surface touch."""
    corners = rig.face_vertices.reshape(-1, 3)
    fins = corners[::30].copy()
    fins[:, 2] = np.roll(fins[:, 2], len(fins) // 2)
    more = np.concatenate([corners, fins])
    return replace(rig, face_vertices=more.reshape(-1), face_counts=np.full(len(more), 3), meshes=())


def _there_and_back(given: Shot, count: int) -> Shot:
    """The frames of ``given`` forth and back, until there are ``count``; 8 bits, as so many do not fit otherwise."""
    length = len(given.frames)
    rows = np.resize(np.r_[np.arange(length), np.arange(length - 2, 0, -1)], count)
    images = (given.images * 255).round().astype(np.uint8)[:, rows]
    return replace(given, images=images, controls=given.controls[rows], head=given.head[rows], frames=np.arange(count))


def _settings(given: Shot, **changes: object) -> Shot:
    return replace(given, settings=replace(given.settings, **changes))


def _range(given: Shot, low: float, high: float) -> Shot:
    controls = tuple(replace(control, minimum=low, maximum=high) for control in given.rig.controls)
    assert given.start is not None
    start = replace(given.start, controls=np.clip(given.start.controls, low, high))
    return replace(given, rig=replace(given.rig, controls=controls), start=start)


def _noise(images: np.ndarray) -> np.ndarray:
    return np.random.default_rng(0).random(images.shape).astype(np.float32)


def _hidden(images: np.ndarray) -> np.ndarray:
    images[:, 2:4] = 0.1
    return images


def _focal(given: Shot, factor: float) -> Shot:
    lenses = tuple(replace(c, intrinsics=c.intrinsics * [[factor], [factor], [1.0]]) for c in given.cameras)
    return replace(given, cameras=lenses)


def _huge(given: Shot) -> Shot:
    deltas = np.zeros((given.rig.vertex_count, 3))
    deltas[:50] = 1e5
    return _more_controls(given, _with_target(given.rig, "huge", deltas))


def _swapped(given: Shot) -> Shot:
    return replace(given, images=np.ascontiguousarray(given.images[[1, 0, 2]]))


def _identical(given: Shot) -> Shot:
    first = given.cameras[0]
    lenses = tuple(replace(first, name=camera.name) for camera in given.cameras)
    return replace(given, cameras=lenses, images=np.ascontiguousarray(given.images[[0, 0, 0]]))


def _inside_head(given: Shot) -> Shot:
    return _camera(given, 2, translation=np.array([0.0, 0.0, 1.0]))


LOCK = ControlSettings("jaw", lock=np.array([40.0]))
TAKES: dict[str, Callable[[], Shot]] = {
    "right": shot,
    "one_frame": lambda: shot(1),
    "one_camera": lambda: replace(shot(), cameras=cameras()[1:2], images=np.ascontiguousarray(shot().images[1:2])),
    "one_control": lambda: _one_control(shot()),
    "control_without_effect": lambda: _more_controls(
        shot(), _with_target(head_rig(), "nothing", np.zeros((head_rig().vertex_count, 3)))
    ),
    "duplicate_control": lambda: _more_controls(shot(), _with_target(head_rig(), "jaw_again", _dense(head_rig(), 2))),
    "opposite_control": lambda: _more_controls(shot(), _with_target(head_rig(), "jaw_back", -_dense(head_rig(), 2))),
    "2000_controls": lambda: _many_controls(shot(2), 2000),
    "all_black": lambda: _images(shot(), np.zeros_like),
    "all_white": lambda: _images(shot(), np.ones_like),
    "all_gray": lambda: _images(shot(), lambda images: np.full_like(images, 0.5)),
    "one_frame_black": lambda: _images(shot(), _one_black),
    "noise_only": lambda: _images(shot(), _noise),
    "camera_upside_down": lambda: _upside_down(shot()),
    "footage_mirrored_one": lambda: _images(shot(), lambda i: np.stack([i[0, :, :, ::-1], i[1], i[2]])),
    "footage_mirrored_all": lambda: _images(shot(), lambda i: i[..., ::-1]),
    "cameras_identical": lambda: _identical(shot()),
    "cameras_swapped": lambda: _swapped(shot()),
    "camera_inside_head": lambda: _inside_head(shot()),
    "head_out_of_view_frames_2_3": lambda: _images(shot(), _hidden),
    "huge_delta_control": lambda: _huge(shot()),
    "rig_in_mm_cameras_cm": lambda: replace(shot(), rig=_scaled(head_rig(), 10.0)),
    "rig_in_m_cameras_cm": lambda: replace(shot(), rig=_scaled(head_rig(), 0.01)),
    "start_far_10cm": lambda: _moved(shot(), (10.0, 0.0, 0.0)),
    "start_rot_40deg": lambda: _turned(shot(), 40.0),
    "start_controls_out_of_range": lambda: _start(shot(), controls=np.full(5, 4.0)),
    "lock_out_of_range": lambda: _settings(shot(), controls=(LOCK,)),
    "pin_out_of_range": lambda: _settings(shot(), pins=(Pin(3, "jaw", 40.0),)),
    "fps_1e9": lambda: replace(shot(), fps=1e9),
    "stiffness_1e30": lambda: _settings(shot(), stiffness=1e30),
    "stiffness_1e6": lambda: _settings(shot(), stiffness=1e6),
    "smoothness_1e30": lambda: _settings(shot(), smoothness=1e30),
    "smoothness_1e6": lambda: _settings(shot(), smoothness=1e6),
    "focal_1e-3": lambda: _focal(shot(), 1e-3),
    "control_range_tiny": lambda: _range(shot(), 0.0, 1e-9),
    "zero_area_triangles": lambda: replace(shot(), rig=_flat_triangles(head_rig())),
    "duplicate_and_flipped_faces": lambda: replace(shot(), rig=_doubled_faces(head_rig())),
    "non_manifold": lambda: replace(shot(), rig=_with_fins(head_rig())),
    "negative_frames": lambda: replace(_start(shot(), frame=-9), frames=np.arange(-9, -3)),
    "fractional_frames": lambda: replace(shot(), scene_times=np.arange(FRAMES) * 1.25 - 3.4),
    "10000_frames": lambda: _there_and_back(shot(60), 10_000),
}


def _dense(rig: Rig, index: int) -> np.ndarray:
    deltas = np.zeros((rig.vertex_count, 3))
    shape = rig.targets[index].shapes[0]
    deltas[shape.vertices] = shape.deltas
    return deltas


@dataclass(frozen=True)
class Row:
    """How a take ended. wrong: it is believed although it is off."""

    name: str
    ending: str
    sentence: str
    control_error: float
    head_mm: float
    seconds: float
    wrong: bool


def ended(name: str, device: str = "cpu") -> Row:
    """Solves one of the takes."""
    begun = time.perf_counter()
    given = None
    try:
        given = TAKES[name]()
        solution = facesolve.solve(given.take(), device=device)
    except FacesolveError as error:
        return Row(name, "refused", str(error), np.nan, np.nan, time.perf_counter() - begun, False)
    controls, head = _errors(given, solution)
    verdict = solution.verdict
    assert verdict is not None
    off = controls > RIGHT_CONTROLS or head > RIGHT_MM
    wrong = verdict.verdict == FITS and off
    return Row(name, verdict.verdict, verdict.reason, controls, head, time.perf_counter() - begun, wrong)


def _errors(given: Shot, solution: Solution) -> tuple[float, float]:
    """Mean error of the controls that can be told apart, and of the head in millimeters."""
    count = min(5, given.controls.shape[1])
    controls = np.abs(solution.controls[:, :count] - given.controls[: len(solution.frames), :count]).mean()
    head = np.linalg.norm(solution.head[:, :3, 3] - given.head[: len(solution.frames), :3, 3], axis=1).mean()
    return float(controls), float(10 * head)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="beginnings of the rows' names; all without")
    parser.add_argument("--device", default="cpu")
    given = parser.parse_args(arguments)
    rows = [name for name in TAKES if not given.names or name.startswith(tuple(given.names))]
    print("| take | ends | control error | head, mm | s | says |\n|---|---|---|---|---|---|", flush=True)
    wrong = 0
    for name in rows:
        row = ended(name, given.device)
        wrong += row.wrong
        mark = " WRONG" if row.wrong else ""
        figures = f"{row.control_error:.3f} | {row.head_mm:.2f} | {row.seconds:.0f}"
        print(f"| {name} | {row.ending}{mark} | {figures} | {row.sentence[:WHOLE_LINES]} |", flush=True)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
