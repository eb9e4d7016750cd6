"""A scene adapter without Maya: answers as ``ui.scene.MayaScene`` would, from plain data, and records."""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from facesolve.take import ConfusedPair, Solution, SolveError, TakeError, write_solution
from facesolve.take.actor import ActorProfile, write_actor
from facesolve.take.finding import (
    CHOOSE_FOOTAGE,
    ERROR,
    LEAVE_OUT,
    NOTE,
    SOLVE_WITHOUT,
    WARNING,
    Finding,
    Offer,
)
from facesolve_maya.ui.model import CameraRow, ControlRow, HeadRow, PanelSettings

NAMES = [
    "browDown_L",
    "browDown_R",
    "browInnerUp_L",
    "browInnerUp_R",
    "browOuterUp_L",
    "browOuterUp_R",
    "cheekPuff_L",
    "cheekPuff_R",
    "cheekSquint_L",
    "cheekSquint_R",
    "eyeBlink_L",
    "eyeBlink_R",
    "eyeSquint_L",
    "eyeSquint_R",
    "eyeWide_L",
    "eyeWide_R",
    "jawForward",
    "jawLeft",
    "jawOpen",
    "jawRight",
    "mouthClose",
    "mouthDimple_L",
    "mouthDimple_R",
    "mouthFrown_L",
    "mouthFrown_R",
    "mouthFunnel",
    "mouthLeft",
    "mouthLowerDown_L",
    "mouthLowerDown_R",
    "mouthPress_L",
    "mouthPress_R",
    "mouthPucker",
    "mouthRight",
    "mouthSmile_L",
    "mouthSmile_R",
    "noseSneer_L",
    "noseSneer_R",
    "tongueOut",
    "corrective_014",
]


def controls() -> tuple[ControlRow, ...]:
    """The rig's controls; one is driven by something that cannot be keyed."""
    rows = [ControlRow(name, f"face_BS.{name}", "free") for name in NAMES[:-1]]
    jaw = NAMES.index("jawOpen")
    rows[jaw] = ControlRow("jawOpen", "face_CTL.jaw", "set-driven key", 0.0, 10.0)
    rows.append(
        ControlRow(
            NAMES[-1], f"face_BS.{NAMES[-1]}", "expression", obstacle="An expression drives it: cannot be keyed."
        )
    )
    return tuple(rows)


@dataclass(frozen=True)
class FakeStage:
    """What was chosen for a stage, as ``cameras.Stage``, which knows maya."""

    up: str = "upright"
    origin: str = "file"
    unit: str = "cm"


@dataclass(frozen=True)
class FakePlacedStage:
    """As ``cameras.PlacedStage``."""

    group: str = "facesolve_cameras"
    stage: FakeStage = FakeStage()
    distance: float | None = 62.0


class FakeScene:
    """Two heads, three cameras, forty frames."""

    def __init__(self, folder: Path, pictures: tuple[str, ...] = ()) -> None:
        self.folder = folder
        self.pictures = pictures
        self.path = "/projects/rom/scenes/rom 012.ma"
        self.stored = ""
        self.preferences: dict[str, str] = {}
        self.selection = ""
        self.selected: list[str] = []
        self.selection_in_slider: tuple[int, int] | None = None
        self.time = 1001.0
        self.exported: list[tuple[PanelSettings, Path, tuple[int, int] | None]] = []
        self.applied: list[tuple[Path, tuple[int, int] | None]] = []
        self.apply_error = ""
        self.actor: ActorProfile | None = None  # what bringing the rig to the actor finds
        self.posed: list = []
        self.placed: FakePlacedStage | None = None
        self.ranges: tuple[Path, ...] = ()
        self.behavior: dict = {}
        self.extra_findings: tuple[Finding, ...] = ()
        self.on_recorded = lambda done, total: None
        self.samplable_plugs = {"": ("face_CTL.smile", "face_CTL.jaw"), "controls_SET": ("face_CTL.smile",)}

    def heads(self):
        return (
            HeadRow("face_GEO", ("face_BS",), ("head_GRP", "character_GRP")),
            HeadRow("extra:stunt_GEO", ("extra:stunt_BS",), ("extra:stunt_GEO",)),
        )

    def selected_mesh(self):
        return self.selection

    def control_sets(self):
        return tuple(name for name in self.samplable_plugs if name)

    def samplable(self, where, settings):
        if where not in self.samplable_plugs:
            raise TakeError("sampling: no channel in the scene can be moved over limits of its own.")
        plugs = self.samplable_plugs[where]
        return plugs, f"Sampling {len(plugs)} controls."

    def controls(self, settings):
        for done in range(len(settings.sampled) + 1) if settings.sampled else ():
            self.on_recorded(done, len(settings.sampled))
        return controls() if settings.mesh == "face_GEO" else (ControlRow("open", "extra:stunt_BS.open", "free"),)

    def cameras(self, settings):
        rows = []
        for index, name in enumerate(("cam0", "cam1", "cam2")):
            footage = settings.footage.get(name, f"/shows/rom/footage/{name}/{name}_{{frame:04d}}.jpg")
            picture = self.pictures[index] if index < len(self.pictures) else ""
            problem = "" if index < 2 else "Frame 1019 is missing."
            rows.append(CameraRow(name, footage, picture, 600, 800, problem))
        return tuple(rows)

    def stage(self):
        return self.placed

    def place_stage(self, group, stage, settings):
        if self.placed is None or group != self.placed.group:
            raise TakeError("The stage cannot be placed.")
        self.placed = replace(self.placed, stage=stage)
        return "The stage is placed."

    def playback_range(self):
        return 1001, 1040

    def selected_range(self):
        return self.selection_in_slider

    def shots(self):
        return (("sh020", 1101, 1124),)

    def values(self, plugs):
        return [2.5 if plug == "face_CTL.jaw" else 0.0 for plug in plugs]

    def stored_settings(self):
        return self.stored

    def store_settings(self, text):
        self.stored = text

    def preference(self, name):
        return self.preferences.get(name, "")

    def set_preference(self, name, value):
        self.preferences[name] = value

    def preflight(self, settings):
        findings = list(self.extra_findings)
        if settings.last < settings.first:
            findings.append(Finding(ERROR, "", "The frame range is empty.", "Set the last frame after the first."))
        if "cam2" not in settings.skipped_cameras and "1019" not in settings.excluded:
            findings.append(
                Finding(
                    WARNING,
                    "cam2",
                    "Image 'cam2_0018.jpg' of frame 1019 is missing.",
                    "Restore it, leave the frame out, or let the solve continue without it.",
                    offers=(
                        Offer(LEAVE_OUT, "Leave frame 1019 out", (1019,)),
                        Offer(SOLVE_WITHOUT, "Solve without it"),
                        Offer(CHOOSE_FOOTAGE, "Choose footage…", ("cam2",)),
                    ),
                )
            )
        findings.append(Finding(NOTE, "face_BS", "One weight cannot be keyed: corrective_014.", "It stays as it is."))
        return tuple(findings)

    def set_render_resolution(self, width, height):
        self.resolution = (width, height)
        return f"The render resolution is {width}x{height}."

    def scene_path(self):
        return self.path

    def reading_once(self):
        return contextlib.nullcontext()

    def default_take_folder(self):
        return self.folder / "data" / "facesolve" / "rom 012"

    def export(self, settings, folder, span):
        self.exported.append((settings, folder, span))
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "take.json").write_text("{}", encoding="utf-8")
        (folder / "behavior.json").write_text(json.dumps(self.behavior), encoding="utf-8")
        if span is None:
            return ""
        write_solution(part(*span), folder.parent / "solution")  # in a folder that nobody knows before
        return "Solving {}-{} again, keeping 2 of your keys.".format(*span)

    def export_first(self, settings, folder, count=1):
        self.export(settings, folder, None)
        return 1001

    def export_actor(self, settings, folder):
        self.export(settings, folder, None)
        if self.actor is not None:
            write_actor(self.actor, folder / "profile.npz")
        return (12, 13)

    def pose_head(self, found, settings):
        self.posed.append(found)
        return "Posed 'head_GRP' and 38 controls at frame 1001."

    def reduce_keys(self, tolerance):
        if self.apply_error:
            raise SolveError(self.apply_error)
        return f"1520 keys became 210 within {tolerance} mm."

    def applied_ranges(self, solution):
        return self.ranges

    def apply(self, solution, settings, span):
        if self.apply_error:
            raise SolveError(self.apply_error)
        self.applied.append((solution, span))
        return "Keyed 38 controls and head_GRP on layer 'facesolve_rom'."

    def current_time(self):
        return self.time

    def set_current_time(self, time):
        self.time = time

    def select(self, node):
        self.selected.append(node)


def solution(frames: int = 40, cameras: tuple[str, ...] = ("cam0", "cam1", "cam2")) -> Solution:
    """A solution with a calm take, a bump at 1012 to 1014, a bad frame at 1028 and one that no camera saw, 1036."""
    random = np.random.default_rng(3)
    residual = 0.02 + 0.002 * random.random((frames, len(cameras)))
    bump = np.exp(-(((np.arange(frames) - 12) / 1.2) ** 2))
    residual += 0.012 * bump[:, None]
    residual[27] += 0.05
    residual[35] = np.nan
    count = len(NAMES) - 1
    std = np.tile(np.linspace(0.004, 0.02, count), (frames, 1))
    for name, value in (("mouthPress_L", 0.21), ("mouthClose", 0.17), ("cheekPuff_R", 0.11), ("eyeWide_L", 0.06)):
        std[:, NAMES.index(name)] = value
        std[20, NAMES.index(name)] = value * 2
    return Solution(
        frames=np.arange(frames),
        scene_times=np.arange(frames) + 1001.0,
        fps=30.0,
        control_names=tuple(NAMES[:-1]),
        controls=np.zeros((frames, count)),
        head=np.tile(np.eye(4), (frames, 1, 1)),
        control_std=std,
        head_std=np.zeros((frames, 6)),
        camera_names=cameras,
        residual=residual,
        confused=(ConfusedPair("mouthPress_L", "mouthClose", -0.93), ConfusedPair("jawLeft", "mouthLeft", 0.5)),
    )


def part(first: int, last: int) -> Solution:
    """The frames of a range solved again: nothing stands out any more."""
    whole = solution()
    rows = (whole.scene_times >= first) & (whole.scene_times <= last)
    arrays = ("frames", "scene_times", "controls", "head", "control_std", "head_std")
    kept = {name: getattr(whole, name)[rows] for name in arrays}
    return replace(whole, residual=np.full((int(rows.sum()), len(whole.camera_names)), 0.02), **kept)


def write_fake_solution(folder: Path) -> None:
    """Writes ``solution()`` where a solve would."""
    write_solution(solution(), folder)
