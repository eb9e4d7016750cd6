"""Everything a user can choose about a solve: take.json, settings files, flags, the panel and batch come from it."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Dict, Optional, Tuple

import numpy as np

from .checks import NAME, STRENGTH, shown
from .errors import TakeError

QUALITIES = ("draft", "standard", "final")
HEAD_MODES = ("transform", "fixed")
CHOICES: Dict[str, Tuple[str, ...]] = {"quality": QUALITIES, "head": HEAD_MODES}


@dataclass(frozen=True, eq=False)
class ControlSettings:
    """What the user decided about one control.

    Attributes:
        name: the control's name in the rig.
        active: the solve may move it; otherwise it stays at the start pose.
        lock: None, a value, or a curve (F,) over the take's frames that the control must follow exactly.
        stiffness: multiplies the prior that holds the control at its default; 1 is normal, larger is stiffer.
        symmetric: name of the partner on the other side that should have the same value, or None.
        exclusive: name of the control that should not be on at the same time, or None.
        rest: where stiffness holds the control, in its own units; None where the rig has its default.
    """

    name: str
    active: bool = True
    lock: Optional[np.ndarray] = None
    stiffness: float = 1.0
    symmetric: Optional[str] = None
    exclusive: Optional[str] = None
    rest: Optional[float] = None

    def __post_init__(self) -> None:
        if self.rest is not None and not np.isfinite(self.rest):
            raise TakeError("control '{}': rest {} is not a finite number.".format(self.name, self.rest))
        if self.lock is not None:
            lock = np.atleast_1d(np.asarray(self.lock, np.float64))
            object.__setattr__(self, "lock", lock)
            if lock.ndim != 1 or not np.isfinite(lock).all():
                raise TakeError("control '{}': the lock must be a finite value or curve.".format(self.name))
        NAME(self.name, "settings: the name of a control")
        if not (np.isfinite(self.stiffness) and self.stiffness >= 0):
            raise TakeError("control '{}': stiffness {} must be at least 0.".format(self.name, self.stiffness))
        STRENGTH(self.stiffness, "control '{}': stiffness".format(self.name))
        if self.name in (self.symmetric, self.exclusive):
            raise TakeError("control '{}' cannot be its own partner.".format(self.name))


@dataclass(frozen=True)
class Pin:
    """A key the animator insists on.

    Attributes:
        frame: take frame number.
        control: the control's name in the rig.
        value: what the control has at that frame, in the rig's own units.
    """

    frame: int
    control: str
    value: float


@dataclass(frozen=True, eq=False)
class HeadPin:
    """Where the animator insists the head is at take frame number ``frame``: transform (4, 4), world, centimeters."""

    frame: int
    head: np.ndarray

    def __post_init__(self) -> None:
        object.__setattr__(self, "head", np.ascontiguousarray(self.head, np.float64))


@dataclass(frozen=True, eq=False)
class Settings:
    """Choices of a solve; defaults suit a head filmed by a few cameras at 24 to 60 frames a second.

    Attributes:
        quality: draft compares footage at half resolution, standard at full resolution; final has more samples of the
            surface and more keyframes, and tells at full resolution what is visible.
        head: transform solves one rigid head transform for each frame; fixed keeps the start pose's. Pinned frames
            keep their pin either way.
        smoothness: strength of the prior on second differences over time; 0 turns it off.
        stiffness: strength of the prior that holds controls at their default where the footage says nothing.
        sparsity: strength of the prior that prefers few active controls; 0 turns it off.
        contour: weight of the silhouette against the background; 0 turns it off.
        calibration_error: pixels that the calibration may be off by; the solve finds errors of the cameras and of their
            clocks within it. 0 trusts the calibration.
        anchor: how much the start frame's own colors and control values count, against what all frames have in common;
            colors where its pose was hardly moved by alignment; 0 turns it off.
        use_texture: use the rig's own texture when the take has one.
        profile: find how the actor's neutral differs from the rig's, where the footage is sure of it.
        neutral: frames that show the actor's neutral face, all controls at their default.
        edited: frames that were corrected by hand after a solve: their pins hold there, and do not move other frames.
        controls: what was decided about single controls.
        pins: values that controls must have at single frames.
        head_pins: transforms that the head must have at single frames.
    """

    quality: str = "standard"
    head: str = "transform"
    smoothness: float = 1.0
    stiffness: float = 1.0
    sparsity: float = 0.0
    contour: float = 1.0
    calibration_error: float = 0.5
    anchor: float = 1.0
    use_texture: bool = True
    profile: bool = True
    neutral: Tuple[int, ...] = ()
    edited: Tuple[int, ...] = ()
    controls: Tuple[ControlSettings, ...] = ()
    pins: Tuple[Pin, ...] = ()
    head_pins: Tuple[HeadPin, ...] = ()

    def without_edits(self) -> Settings:
        """These settings without ``edited`` frames and their pins."""
        return replace(
            self,
            edited=(),
            pins=tuple(pin for pin in self.pins if pin.frame not in self.edited),
            head_pins=tuple(pin for pin in self.head_pins if pin.frame not in self.edited),
        )

    def __post_init__(self) -> None:
        for name, choices in CHOICES.items():
            if getattr(self, name) not in choices:
                raise TakeError(
                    "settings: {} {}, expected one of {}.".format(name, shown(getattr(self, name)), ", ".join(choices))
                )
        for name in ("smoothness", "stiffness", "sparsity", "contour", "calibration_error", "anchor"):
            value = getattr(self, name)
            if not (np.isfinite(value) and value >= 0):
                raise TakeError("settings: {} is {}, it must be a number of at least 0.".format(name, value))
            STRENGTH(value, "settings: {}".format(name))
        for name in OF_FRAMES:
            object.__setattr__(self, name, tuple(sorted(set(getattr(self, name)))))
        names = [control.name for control in self.controls]
        if len(set(names)) != len(names):
            raise TakeError("settings: a control is listed twice.")
        for pin in self.pins:
            if not np.isfinite(pin.value):
                raise TakeError("settings: the pin of '{}' at frame {} is not finite.".format(pin.control, pin.frame))


OF_FRAMES = ("neutral", "edited")
"""Names of the settings that name frames of one take."""

SCALARS = tuple(field.name for field in fields(Settings) if field.name not in ("controls", "pins", "head_pins"))
"""Names of the settings that are one value, or a list of frames, for the whole take."""
