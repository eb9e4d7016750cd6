"""A take: everything a solve needs (rig, cameras, footage, frames, start pose, settings)."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field
from typing import Iterable, Optional, Tuple

import numpy as np

from .camera import Camera
from .checks import FPS, WORD
from .errors import TakeError
from .footage import BAD_FRAME_POLICIES, Footage
from .in_words import changed_settings, counted, frames_in_words, listed
from .retime import check_repeats
from .rig import Control, Rig
from .settings import OF_FRAMES, Settings

OUT_OF_RANGE = 1e-3  # of a control's range that a lock or pin may leave it by: what curves overshoot


@dataclass(frozen=True, eq=False)
class StartPose:
    """Where the animator left the rig: control values (K,) and head transform (4, 4) at take frame number ``frame``.

    The head transform is rigid, WORLD space, applied after the blendshapes: ``x_world = head @ x_rig``, centimeters.
    posed: whether that frame is the one at which the rig was posed; False where a part of a take begins elsewhere.
    """

    frame: int
    controls: np.ndarray
    head: np.ndarray
    posed: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "controls", np.ascontiguousarray(self.controls, np.float64))
        object.__setattr__(self, "head", np.ascontiguousarray(self.head, np.float64))
        check_rigid(self.head, "start pose: the head transform")
        if self.controls.ndim != 1 or not np.isfinite(self.controls).all():
            raise TakeError("start pose: control values must be finite numbers, one for each control.")


@dataclass(frozen=True, eq=False, repr=False)
class Take:
    """Everything a solve needs: a rig, and F frames of C cameras that filmed it.

    Attributes:
        name: What people call the take.
        rig: The blendshape rig; what is solved are its K controls and its head transform.
        cameras: C calibrated cameras, pixels and centimeters.
        footage: C image sources, one for each camera and in the same order.
        frames: (F,) int64 frame numbers, increasing; image number = frame number + the footage's offset.
        fps: Footage frames a second.
        start: Where the solve begins, or None to have the head found.
        scene_times: (F,) float64 time of each frame on the rig's timeline in scene frames, fractional or not: where
            the result is keyed. The frame numbers if omitted.
        texture: Albedo image of the rig, ``<UDIM>`` allowed in the name, or None.
        actor: File of the actor's profile that an earlier solve has written, or None.
        on_bad_frame: ``stop``, or ``unseen`` to solve without an image that cannot be read.
        settings: What the user chose.
        repeat_times: (R,) float64 further scene times at which a frame is shown, where the scene holds its footage,
            slows it down or turns it back.
        repeat_frames: (R,) int64 the frame numbers there.

    Raises:
        FacesolveError: When they do not fit together; one sentence says what, where, and what to do.
    """

    name: str
    rig: Rig
    cameras: Tuple[Camera, ...]
    footage: Tuple[Footage, ...]
    frames: np.ndarray
    fps: float
    start: Optional[StartPose] = None
    scene_times: np.ndarray = field(default_factory=lambda: np.zeros(0))
    texture: Optional[str] = None
    actor: Optional[str] = None
    on_bad_frame: str = "stop"
    settings: Settings = field(default_factory=Settings)
    repeat_times: np.ndarray = field(default_factory=lambda: np.zeros(0))
    repeat_frames: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))

    def __post_init__(self) -> None:
        object.__setattr__(self, "frames", np.ascontiguousarray(self.frames, np.int64))
        times = self.frames if len(self.scene_times) == 0 else self.scene_times
        object.__setattr__(self, "scene_times", np.ascontiguousarray(times, np.float64))
        if len(self.frames) == 0:
            raise TakeError("take '{}': the frame range is empty; give at least one frame.".format(self.name))
        if (self.frames[1:] <= self.frames[:-1]).any():
            raise TakeError("take '{}': frame numbers must increase.".format(self.name))
        if self.scene_times.shape != self.frames.shape or not np.isfinite(self.scene_times).all():
            raise TakeError("take '{}': each frame needs one finite scene time.".format(self.name))
        check_repeats(self, "take '{}'".format(self.name))
        if not (np.isfinite(self.fps) and self.fps > 0):
            raise TakeError("take '{}': {} frames a second is not a positive number.".format(self.name, self.fps))
        FPS(self.fps, "take '{}': frames a second".format(self.name))
        WORD(self.name, "take: its name")
        if self.on_bad_frame not in BAD_FRAME_POLICIES:
            raise TakeError(
                "take '{}': on_bad_frame is '{}', expected one of {}.".format(
                    self.name, self.on_bad_frame, ", ".join(BAD_FRAME_POLICIES)
                )
            )
        self._check_cameras()
        self._check_start()
        self._check_settings()

    def _check_cameras(self) -> None:
        names = [camera.name for camera in self.cameras]
        if not names:
            raise TakeError("take '{}': there is no camera; at least one is needed.".format(self.name))
        if len(set(names)) != len(names):
            raise TakeError("take '{}': two cameras have the same name.".format(self.name))
        if [footage.camera for footage in self.footage] != names:
            raise TakeError(
                "take '{}': footage is given for cameras {}, but the cameras are {}; one footage for each camera, in "
                "the same order.".format(self.name, [footage.camera for footage in self.footage], names)
            )
        for camera in self.cameras:
            if camera.frame_count not in (0, len(self.frames)):
                raise TakeError(
                    "camera '{}' has parameters for {} frames, the take has {}.".format(
                        camera.name, camera.frame_count, len(self.frames)
                    )
                )

    def _check_start(self) -> None:
        if self.start is None:
            return
        if len(self.start.controls) != len(self.rig.controls):
            raise TakeError(
                "start pose: {} control values for {} controls.".format(
                    len(self.start.controls), len(self.rig.controls)
                )
            )
        if self.start.frame not in self.frames:
            raise TakeError(
                "start pose: frame {} is not one of the take's frames {}..{}.".format(
                    self.start.frame, self.frames[0], self.frames[-1]
                )
            )

    def _check_settings(self) -> None:
        ranges = {control.name: control for control in self.rig.controls}
        known = set(ranges)
        for control in self.settings.controls:
            for name in (control.name, control.symmetric, control.exclusive):
                if name is not None and name not in known:
                    raise TakeError("settings: the rig has no control '{}'{}".format(name, _meant(name, known)))
            if control.lock is not None and len(control.lock) not in (1, len(self.frames)):
                raise TakeError(
                    "settings: the lock of '{}' has {} values for {} frames; give one value, or one per frame.".format(
                        control.name, len(control.lock), len(self.frames)
                    )
                )
            if control.lock is not None:
                for value in (control.lock.min(), control.lock.max()):
                    _check_range(float(value), ranges[control.name], "the lock of '{}'".format(control.name))
            if control.rest is not None:
                _check_range(control.rest, ranges[control.name], "the rest of '{}'".format(control.name))
        for pin in self.settings.pins:
            if pin.control not in known:
                raise TakeError("settings: a pin names control '{}', which the rig does not have.".format(pin.control))
            where = "the pin of '{}' at frame {}".format(pin.control, pin.frame)
            _check_range(float(pin.value), ranges[pin.control], where)
            if pin.frame not in self.frames:
                raise TakeError(
                    "settings: the pin of '{}' is at frame {}, outside the take.".format(pin.control, pin.frame)
                )
        for name in OF_FRAMES:
            for frame in getattr(self.settings, name):
                if frame not in self.frames:
                    raise TakeError("settings: the {} frame {} is outside the take.".format(name, frame))
        pinned = [head_pin.frame for head_pin in self.settings.head_pins]
        for head_pin in self.settings.head_pins:
            where = "settings: the head's pin at frame {}".format(head_pin.frame)
            if head_pin.frame not in self.frames:
                raise TakeError("{} is outside the take.".format(where))
            if pinned.count(head_pin.frame) > 1:
                raise TakeError("{} is given twice.".format(where))
            check_rigid(head_pin.head, where)

    def __repr__(self) -> str:
        """Name, frames, cameras and their sizes, counts of the rig, start pose, and settings that are not default."""
        sizes = ["{} {}x{}".format(camera.name, camera.width, camera.height) for camera in self.cameras]
        start = "no start pose" if self.start is None else "start pose at frame {}".format(self.start.frame)
        return "<Take '{}': {} at {:g} fps, {} ({}), a rig of {} vertices and {}, {}; settings: {}>".format(
            self.name,
            frames_in_words(self.frames),
            self.fps,
            counted(len(self.cameras), "camera"),
            listed(sizes),
            self.rig.vertex_count,
            counted(len(self.rig.controls), "control"),
            start,
            ", ".join(changed_settings(self.settings)) or "default",
        )

    @property
    def frame_count(self) -> int:
        return len(self.frames)


def _meant(name: str, known: Iterable[str]) -> str:
    """What was meant by a name that there is not, as the end of a sentence."""
    near = difflib.get_close_matches(name, sorted(known), 1)
    return "; did you mean '{}'?".format(near[0]) if near else "."


def _check_range(value: float, control: Control, what: str) -> None:
    """Raises TakeError for a value that its control cannot have: a solve would tear the face to reach it."""
    slack = OUT_OF_RANGE * (control.maximum - control.minimum)
    if not control.minimum - slack <= value <= control.maximum + slack:
        raise TakeError(
            "settings: {} is {:g}, outside the control's range {:g}..{:g}; change it, or widen the range in the "
            "rig.".format(what, value, control.minimum, control.maximum)
        )


def check_rigid(matrix: np.ndarray, where: str) -> None:
    """Raises TakeError unless ``matrix`` is a finite 4x4 rigid transform (no scale, shear or mirror)."""
    if matrix.shape != (4, 4) or not np.isfinite(matrix).all():
        raise TakeError("{} must be a finite 4x4 matrix.".format(where))
    rotation = matrix[:3, :3]
    if np.abs(rotation @ rotation.T - np.eye(3)).max() > 1e-4 or np.linalg.det(rotation) < 0:
        raise TakeError("{} is scaled, sheared or mirrored; only rotation and translation are allowed.".format(where))
    if np.abs(matrix[3] - (0, 0, 0, 1)).max() > 1e-9:
        raise TakeError("{} has a last row that is not 0 0 0 1 (transposed?).".format(where))
