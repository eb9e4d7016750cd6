"""What the panel shows and remembers, as plain data. Knows neither Qt nor maya."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Dict, Optional, Tuple

from facesolve.take import ControlSettings, Settings
from facesolve.take.errors import TakeError
from facesolve.take.frame_range import parse_frame_list
from facesolve.take.settings import OF_FRAMES, SCALARS
from facesolve_maya.scene.choices import FREE, LOCKED, OVER, PINNED

KEY_MODES = (FREE, PINNED, LOCKED, OVER)
MAX_STIFFNESS = 1000.0
DEFAULTS = Settings()  # of a solve, whatever starts it
LENGTHS = {"cm": "centimeters", "mm": "millimeters", "m": "meters", "in": "inches"}


@dataclass(frozen=True)
class HeadRow:
    """A mesh with its blendShapes, or its skinCluster where it has none, and what may carry the head's motion."""

    mesh: str
    blend_shapes: Tuple[str, ...]
    transforms: Tuple[str, ...]


@dataclass(frozen=True)
class ControlRow:
    """A control of the rig. obstacle: why it cannot be solved and keyed, empty when it can."""

    name: str
    plug: str
    driver: str = ""
    minimum: float = 0.0
    maximum: float = 1.0
    obstacle: str = ""
    default: float = 0.0


@dataclass(frozen=True)
class CameraRow:
    """A camera that has footage or may be given some. width, height: pixels, 0 when unknown.

    footage: pattern or file, empty when there is none; picture: an image of it that exists, for the thumbnail.
    """

    name: str
    footage: str = ""
    picture: str = ""
    width: int = 0
    height: int = 0
    problem: str = ""


@dataclass(frozen=True)
class ControlChoice:
    """What the user decided about one control.

    active: the solve may move it. keys: FREE ignores keys in the scene, PINNED keeps them as pins, LOCKED follows the
    whole curve, OVER solves what the scene drives unreadably. stiffness: 1 is normal. symmetric: partner that must have
    the same value. exclusive: control that should not be on at the same time. rest: where stiffness holds it, None for
    the attribute's default.
    """

    active: bool = True
    keys: str = FREE
    stiffness: float = 1.0
    symmetric: Optional[str] = None
    exclusive: Optional[str] = None
    rest: Optional[float] = None


# Settings that no finding depends on: a check reads the whole rig, too slow to repeat for these.
UNCHECKED = (
    "quality",
    "smoothness",
    "stiffness",
    "sparsity",
    "contour",
    "calibration_error",
    "anchor",
    "profile",
    "actor",
    "identity",
    "neutral",
    "layer",
    "apply_when_done",
    "take_folder",
    "namespace",
)
OF_HEAD = ("head_transform", "sampled")  # settings that another head does not share


@dataclass(frozen=True)
class PanelSettings:
    """Everything that the panel stores with the scene.

    first, last: scene frames, both included; handles: further ones on both sides. namespace: of the rig that is keyed,
    ``:`` for none, empty to have it found. excluded: text such as ``1010-1015, 1033``. cameras: names of those that
    are left out. footage: camera name -> path chosen by hand. controls: choices that differ from the default.
    profile: find how the actor's neutral differs; actor: file of the profile that an earlier solve has left, or none.
    identity: file of identity modes that the rig is brought to the actor with, or none. neutral: text such as
    ``1012, 1013``, frames that show the neutral face. sampled: plugs that are moved one by one to record the rig;
    empty: the rig is read.
    """

    mesh: str = ""
    head_transform: str = ""
    head_mode: str = "transform"
    first: int = 1
    last: int = 1
    handles: int = 0
    excluded: str = ""
    quality: str = DEFAULTS.quality
    smoothness: float = DEFAULTS.smoothness
    stiffness: float = DEFAULTS.stiffness
    sparsity: float = DEFAULTS.sparsity
    contour: float = DEFAULTS.contour
    calibration_error: float = DEFAULTS.calibration_error
    anchor: float = DEFAULTS.anchor
    use_texture: bool = DEFAULTS.use_texture
    profile: bool = DEFAULTS.profile
    actor: str = ""
    identity: str = ""
    neutral: str = ""
    on_bad_frame: str = "stop"
    layer: str = ""
    apply_when_done: bool = True
    take_folder: str = ""
    namespace: str = ""
    skipped_cameras: Tuple[str, ...] = ()
    footage: Dict[str, str] = field(default_factory=dict)
    controls: Dict[str, ControlChoice] = field(default_factory=dict)
    sampled: Tuple[str, ...] = ()

    def choice(self, control: str) -> ControlChoice:
        """The choice for ``control``; the default where none was made."""
        return self.controls.get(control, ControlChoice())

    def with_choice(self, control: str, choice: ControlChoice) -> PanelSettings:
        """These settings with another choice for ``control``; default choices are not stored."""
        controls = dict(self.controls)
        controls.pop(control, None)
        if choice != ControlChoice():
            controls[control] = choice
        return replace(self, controls=controls)

    def with_camera(self, camera: str, used: bool) -> PanelSettings:
        """These settings with ``camera`` used or left out."""
        skipped = [name for name in self.skipped_cameras if name != camera]
        return replace(self, skipped_cameras=tuple(skipped if used else [*skipped, camera]))

    def with_footage(self, camera: str, path: str) -> PanelSettings:
        """These settings with footage chosen by hand for ``camera``; an empty path goes back to the image plane's."""
        footage = {name: value for name, value in self.footage.items() if name != camera}
        if path:
            footage[camera] = path
        return replace(self, footage=footage)

    def frames(self) -> Tuple[int, ...]:
        """Scene frames to solve: the range with its handles, without the excluded ones.

        Raises TakeError with one sentence.
        """
        if self.last < self.first:
            raise TakeError("frame range: the last frame {} comes before the first, {}.".format(self.last, self.first))
        excluded = parse_frame_list(self.excluded, "excluded frames")
        whole = range(self.first - self.handles, self.last + self.handles + 1)
        frames = tuple(frame for frame in whole if frame not in excluded)
        if not frames:
            raise TakeError("frame range: every frame of {}-{} is excluded.".format(self.first, self.last))
        return frames

    def neutral_frames(self) -> Tuple[int, ...]:
        """Scene frames that show the neutral face. Raises TakeError with one sentence."""
        return tuple(sorted(parse_frame_list(self.neutral, "neutral frames")))

    def with_neutral(self, frame: int) -> PanelSettings:
        """These settings with one more neutral frame."""
        frames = sorted({*self.neutral_frames(), frame})
        return replace(self, neutral=", ".join(map(str, frames)))

    def for_another_head(self, before: PanelSettings) -> PanelSettings:
        """These settings, which name another head than ``before``, without what was decided about that one."""
        stale = [name for name in OF_HEAD if getattr(self, name) == getattr(before, name)]
        return replace(self, **{name: getattr(PanelSettings(), name) for name in stale})

    def needs_check_after(self, before: PanelSettings) -> bool:
        """Whether a check of ``before`` may say something else of these settings."""
        return replace(self, **{name: getattr(before, name) for name in UNCHECKED}) != before

    def solver_settings(self, names: Tuple[str, ...]) -> Settings:
        """The solver's settings for the controls ``names``; the export adds locks and pins from the scene's keys."""
        controls = []
        for name in names:
            choice = self.choice(name)
            partners = {key: getattr(choice, key) for key in ("symmetric", "exclusive")}
            known = {key: partner if partner in names else None for key, partner in partners.items()}
            if replace(choice, keys=FREE) != ControlChoice():
                controls.append(
                    ControlSettings(name, active=choice.active, stiffness=choice.stiffness, rest=choice.rest, **known)
                )
        own = {
            name: getattr(self, "head_mode" if name == "head" else name) for name in SCALARS if name not in OF_FRAMES
        }
        return Settings(controls=tuple(controls), **own)  # frames are the scene's: the export numbers them
