"""The panel's view of the Maya scene and its hands in it. Knows no Qt; with scene_rows the only way to maya.cmds."""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import replace
from pathlib import Path
from typing import Any, Callable, ContextManager, List, Optional, Sequence, Tuple

from maya import cmds

from facesolve.take import Settings, Solution, Take, write_take
from facesolve.take.calibration import read_calibrated_cameras
from facesolve.take.errors import FacesolveError, TakeError
from facesolve.take.finding import ERROR, Finding
from facesolve.take.summary import FrameError
from facesolve_maya.apply import (
    applied_controls,
    applied_layer,
    applied_ranges,
    apply_solution,
    key_as_solved,
    mark_frames,
    pin_edits,
    pose_rig,
    read_request,
    reduce_keys,
    remove_certainty,
    remove_marks,
    show_certainty,
    toggle_overlay,
)
from facesolve_maya.cameras import PlacedStage, Stage, create_cameras, first_images, place_stage, placed_stage
from facesolve_maya.export import (
    ExportRequest,
    Recordings,
    control_sets,
    export_take,
    preflight,
    reading_once,
    samplable,
)
from facesolve_maya.run import FoundHead
from facesolve_maya.scene.choices import FREE
from facesolve_maya.scene.undo import whole_edit

from .model import LENGTHS, CameraRow, ControlRow, HeadRow, PanelSettings
from .scene_rows import cameras_with_footage, read_camera_rows, read_control_rows, read_heads

SETTINGS_KEY = "facesolve_settings"

Span = Optional[Tuple[int, int]]


class MayaScene:
    """The open scene. Every method belongs on Maya's main thread."""

    def __init__(self) -> None:
        self._jobs: List[int] = []
        self._callbacks: List[Any] = []
        self._untitled = _untitled()
        self._control_names: Tuple[str, ...] = ()
        self._recordings = Recordings(self._recorded)
        self.on_recorded: Callable[[int, int], None] = lambda done, total: None

    def heads(self) -> Tuple[HeadRow, ...]:
        """Meshes that a blendShape deforms."""
        return read_heads()

    def selected_mesh(self) -> str:
        """The selected transform, or the one above a selected shape; empty when nothing is selected."""
        selected = cmds.ls(selection=True, objectsOnly=True) or []
        if not selected:
            return ""
        if cmds.nodeType(selected[0]) == "mesh":
            return (cmds.listRelatives(selected[0], parent=True, path=True) or [""])[0]
        return selected[0]

    def controls(self, settings: PanelSettings) -> Tuple[ControlRow, ...]:
        """The controls of the chosen head; none where the rig cannot be read."""
        rows = read_control_rows(settings, self._recordings)
        self._control_names = tuple(row.name for row in rows)
        return rows

    def cameras(self, settings: PanelSettings) -> Tuple[CameraRow, ...]:
        """The cameras of the scene with their footage."""
        return read_camera_rows(settings)

    def playback_range(self) -> Tuple[int, int]:
        """First and last frame of the playback range."""
        first = cmds.playbackOptions(query=True, minTime=True)
        last = cmds.playbackOptions(query=True, maxTime=True)
        return round(first), round(last)

    def shots(self) -> Tuple[Tuple[str, int, int], ...]:
        """Name, first and last frame of each shot of the Camera Sequencer, in order of time."""
        found = []
        for node in cmds.ls(type="shot") or []:
            first, last = (cmds.getAttr("{}.{}".format(node, name)) for name in ("startFrame", "endFrame"))
            found.append((round(first), round(last), str(cmds.getAttr(node + ".shotName") or node)))
        return tuple((name, first, last) for first, last, name in sorted(found))

    def values(self, plugs: Sequence[str]) -> List[float]:
        """What plugs have at the present time, shown units."""
        return [float(cmds.getAttr(plug)) for plug in plugs]

    def selected_range(self) -> Span:
        """First and last frame of the range selected in the time slider, None when no range is selected."""
        from maya import mel

        slider = mel.eval("$facesolve_slider = $gPlayBackSlider")
        if not cmds.timeControl(slider, query=True, rangeVisible=True):
            return None
        first, end = cmds.timeControl(slider, query=True, rangeArray=True)
        return round(first), round(end) - 1

    def stored_settings(self) -> str:
        """The panel's settings in this scene, empty when there are none."""
        return (cmds.fileInfo(SETTINGS_KEY, query=True) or [""])[0]

    def store_settings(self, text: str) -> None:
        """Stores the panel's settings with the scene, beside the undo queue: undo is for what was done in the scene."""
        undo = cmds.undoInfo(query=True, state=True)
        cmds.undoInfo(stateWithoutFlush=False)
        try:
            cmds.fileInfo(SETTINGS_KEY, text)
        finally:
            cmds.undoInfo(stateWithoutFlush=undo)

    def scene_path(self) -> str:
        """The path of the open scene, empty when it was never saved."""
        return str(cmds.file(query=True, sceneName=True) or "")

    def reading_once(self) -> ContextManager[None]:
        """What is asked inside reads a rig from the scene at most once. Nothing else may change the scene meanwhile."""
        self._recordings.forget()
        return reading_once()

    def control_sets(self) -> Tuple[str, ...]:
        """The sets that controls to sample may be in."""
        return control_sets()

    def samplable(self, where: str, settings: PanelSettings) -> Tuple[Tuple[str, ...], str]:
        """Channels of the selection, a set or the scene that can be sampled, and a sentence. Raises FacesolveError."""
        return samplable(where, settings.head_transform, float(settings.frames()[0]))

    def preference(self, name: str) -> str:
        """A text that Maya keeps for this user, empty when it was never set."""
        return str(cmds.optionVar(query=name)) if cmds.optionVar(exists=name) else ""

    def set_preference(self, name: str, value: str) -> None:
        """Keeps a text for this user."""
        cmds.optionVar(stringValue=(name, value))

    def preflight(self, settings: PanelSettings) -> Tuple[Finding, ...]:
        """Everything that stops a solve or should be known before it."""
        try:
            return preflight(self._request(settings, None))
        except FacesolveError as error:
            return (Finding(ERROR, "", str(error)),)

    def set_render_resolution(self, width: int, height: int) -> str:
        """Renders as large as footage, in one undo; returns a sentence. Raises TakeError."""
        with whole_edit("Facesolve: render resolution", "The render resolution cannot be changed."):
            for name, value in (("width", width), ("height", height), ("deviceAspectRatio", width / float(height))):
                cmds.setAttr("defaultResolution.{}".format(name), value)
        return "The render resolution is {}x{}.".format(width, height)

    def export(self, settings: PanelSettings, folder: Path, span: Span) -> str:
        """Writes the take into ``folder``; returns a sentence about what is kept of the scene. Raises FacesolveError.

        ``span`` limits it to scene frames that are solved again: keys that a person changed since become pins.
        """
        take = export_take(self._request(settings, span))
        if span is None:
            write_take(take, folder)
            return ""
        pinned = pin_edits(take)
        write_take(pinned, folder)
        return "Solving {}-{} again, {}.".format(*span, _kept(pinned.settings))

    def export_first(self, settings: PanelSettings, folder: Path, count: int = 1) -> int:
        """Writes a take of the first frames into ``folder``, in place of an earlier one; returns the first's number.

        Raises FacesolveError.
        """
        some = settings.frames()[:count]
        take = export_take(self._request(replace(settings, first=some[0], last=some[-1], handles=0, excluded=""), None))
        write_take(take, folder)
        return int(take.frames[0])

    def export_actor(self, settings: PanelSettings, folder: Path) -> Tuple[int, ...]:
        """Writes the take for bringing the rig to the actor into ``folder``; returns the take frames that are neutral.

        The rig is the scene's, without the actor's profile. Raises FacesolveError.
        """
        take = export_take(self._request(replace(settings, actor=""), None))
        write_take(take, folder)
        return take.settings.neutral

    def pose_head(self, found: FoundHead, settings: PanelSettings) -> str:
        """Poses head and controls as they were found, in one undo; returns a sentence. Raises FacesolveError."""
        first = float(settings.frames()[0])
        plugs = {row.name: row.plug for row in self.controls(settings)}
        controls = {plugs[name]: value for name, value in found.controls.items() if name in plugs}
        return str(pose_rig(settings.head_transform, found.head, controls, first))

    def with_edits(self, take: Take) -> Take:
        """``take`` with a pin at each key that was changed since a solve was applied last. Raises TakeError."""
        return pin_edits(take)

    def applied_ranges(self, solution: Path) -> Tuple[Path, ...]:
        """Folders of the ranges that were solved again since ``solution`` was applied, oldest first."""
        return applied_ranges(solution)

    def apply(self, solution: Path, settings: PanelSettings, span: Span) -> str:
        """Keys ``solution``, undoable in one step; returns a sentence about what was done. Raises TakeError.

        ``span`` goes into the layer that holds the solve applied last.
        """
        layer = (applied_layer() if span is not None else "") or settings.layer
        times = None if span is None else (float(span[0]), float(span[1]))
        request = read_request(
            solution,
            head=settings.head_transform,
            layer=layer,
            span=times,
            namespace=settings.namespace.strip(":") if settings.namespace else None,
        )
        try:
            return str(apply_solution(request))
        except RuntimeError as error:  # of one of Maya's own commands
            raise TakeError("apply: {}".format(str(error).strip())) from None

    def create_cameras(self, calibration: Path, footage: Optional[Path] = None) -> str:
        """Creates the cameras of a calibration file; returns a sentence about what was done. Raises TakeError.

        footage: folder whose image sequences are put on image planes, matched by name, from the playback range's start.
        """
        names = [camera.name for camera in read_calibrated_cameras(calibration)]
        images = first_images(footage, names) if footage is not None else {}
        made = create_cameras(calibration, images, first_frame=float(self.playback_range()[0]))
        text = "Created {}.".format(", ".join(camera.transform for camera in made))
        bare = [camera.transform for camera in made if not camera.image_plane]
        if bare:
            text += " Without footage: {}; double-click a camera in the table to choose it.".format(", ".join(bare))
        stage = placed_stage()
        if stage is not None and stage.stage.unit != Stage.unit:
            text += " The calibration seems to be in {}: 'Stage' has the unit.".format(LENGTHS[stage.stage.unit])
        return text

    def stage(self) -> Optional[PlacedStage]:
        """The stage of the cameras that came from a calibration, None where there is none."""
        return placed_stage()

    def place_stage(self, group: str, stage: Stage, settings: PanelSettings) -> str:
        """Places the cameras' group, in one undo; returns a sentence. Raises TakeError."""
        return place_stage(group, stage, [settings.mesh] if settings.mesh else [])

    def footage_near(self, calibration: Path) -> Optional[Path]:
        """The calibration's own folder if footage of all its cameras lies there, else None. Raises TakeError."""
        names = [camera.name for camera in read_calibrated_cameras(calibration)]
        found = first_images(calibration.parent, names)
        return calibration.parent if len(found) == len(names) else None

    def reduce_keys(self, tolerance: float) -> str:
        """Thins out the result's keys within ``tolerance`` mm on the surface; returns a sentence. Raises TakeError."""
        before, after = reduce_keys(tolerance)
        return "{} keys became {}.".format(before, after)

    def select_solved(self) -> str:
        """Selects every node that the applied solve has keyed; returns a sentence. Raises TakeError."""
        plugs = applied_controls()
        cmds.select(_nodes_of(plugs), replace=True)
        return "Selected what carries the {} solved channels.".format(len(plugs))

    def key_as_solved(self) -> str:
        """Keys what was solved for the present frame again: of selected controls, else of all. Raises TakeError."""
        time = self.current_time()
        keyed = key_as_solved(time, cmds.ls(selection=True, objectsOnly=True) or [])
        return "Keyed {} channels as solved at frame {:g}.".format(len(keyed), time)

    def toggle_overlay(self, settings: PanelSettings) -> str:
        """Draws the chosen head as edges over the footage, or as before; returns a sentence. Raises TakeError."""
        return toggle_overlay(settings.mesh)

    def show_certainty(self, solution: Solution, controls: Sequence[ControlRow], frames: Sequence[FrameError]) -> str:
        """Curves of how sure each control is, selected beside the solved nodes, and colored frames in the time slider.

        Returns a sentence. Raises TakeError.
        """
        spans = {row.name: row.maximum - row.minimum for row in controls}
        with whole_edit("Facesolve: certainty", "The curves of certainty cannot be shown; the scene is unchanged."):
            node = show_certainty(solution, [spans.get(name, 1.0) for name in solution.control_names])
            cmds.select([*_nodes_of(applied_controls()), node], replace=True)
            marked = mark_frames(frames)
        text = "The Graph Editor shows standard deviations in '{}', in percent of each control's range".format(node)
        return text + ("; {} frames are colored in the time slider.".format(marked) if marked else ".")

    def remove_certainty(self) -> bool:
        """Takes these curves and colors away; False where there are none. Raises TakeError."""
        with whole_edit("Facesolve: no certainty", "The curves of certainty cannot be removed."):
            return any([remove_certainty(), remove_marks()])

    def current_time(self) -> float:
        """The present time in frames."""
        return cmds.currentTime(query=True)

    def set_current_time(self, time: float) -> None:
        """Moves the timeline to ``time``, in frames."""
        cmds.currentTime(time)

    def select(self, node: str) -> None:
        """Selects ``node`` where it exists."""
        if cmds.objExists(node):
            cmds.select(node, replace=True)

    def default_take_folder(self) -> Path:
        """The project's data folder, then ``facesolve``, then the scene's place in the project, which no other has.

        A scene that was never saved has a folder of its own as long as it is open.
        """
        root = Path(cmds.workspace(query=True, rootDirectory=True))
        scene = self.scene_path()
        return root / "data" / "facesolve" / (_place(root, Path(scene)) if scene else Path(self._untitled))

    def watch(
        self,
        on_scene: Callable[[], None],
        on_time: Callable[[float], None],
        on_save: Callable[[], None],
        on_exit: Callable[[], None],
    ) -> None:
        """Calls back when another scene is open, the time has changed, a save begins, or Maya closes. Not for batch."""
        import maya.api.OpenMaya as om

        def replaced() -> None:
            self._untitled = _untitled()
            on_scene()

        saving = om.MSceneMessage.kBeforeSave
        self._callbacks.append(om.MSceneMessage.addCallback(saving, lambda *_: on_save()))
        for event in ("SceneOpened", "NewSceneOpened"):
            self._jobs.append(cmds.scriptJob(event=(event, replaced)))
        self._jobs.append(cmds.scriptJob(event=("timeChanged", lambda: on_time(self.current_time()))))
        self._jobs.append(cmds.scriptJob(event=("quitApplication", on_exit)))

    def unwatch(self) -> None:
        """Ends what ``watch`` began."""
        import maya.api.OpenMaya as om

        callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            om.MMessage.removeCallback(callback)
        jobs, self._jobs = self._jobs, []
        for job in jobs:
            if cmds.scriptJob(exists=job):
                cmds.scriptJob(kill=job, force=True)

    def _recorded(self, done: int, total: int) -> None:
        self.on_recorded(done, total)

    def _request(self, settings: PanelSettings, span: Span) -> ExportRequest:
        frames = settings.frames()
        if span is not None:
            frames = tuple(frame for frame in frames if span[0] <= frame <= span[1])
        uses = {name: settings.choice(name).keys for name in self._control_names}
        return ExportRequest(
            meshes=(settings.mesh,),
            head=settings.head_transform,
            cameras=cameras_with_footage(settings),
            frames=tuple(map(float, frames)),
            footage=dict(settings.footage),
            keys={name: use for name, use in uses.items() if use != FREE},
            name=_scene_name(),
            on_bad_frame=settings.on_bad_frame,
            actor=settings.actor,
            neutral=tuple(map(float, settings.neutral_frames())),
            settings=settings.solver_settings(self._control_names),
            sampled_controls=settings.sampled,
            recordings=self._recordings,
        )


def _nodes_of(plugs: Sequence[str]) -> List[str]:
    return sorted({plug.partition(".")[0] for plug in plugs})


def _untitled() -> str:
    """The name of a folder that no other scene has."""
    return "untitled_" + uuid.uuid4().hex[:8]


def _place(root: Path, scene: Path) -> Path:
    """The scene's path below the project's ``scenes``, without its ending; elsewhere its name and its path's digest."""
    try:
        place = scene.relative_to(root).with_suffix("")
    except ValueError:
        return Path("{}_{}".format(scene.stem, hashlib.sha256(scene.as_posix().encode("utf-8")).hexdigest()[:8]))
    return Path(*place.parts[1:]) if place.parts[0] == "scenes" and len(place.parts) > 1 else place


def _scene_name() -> str:
    """What takes and layers of the open scene are called."""
    return Path(cmds.file(query=True, sceneName=True) or "untitled").stem


def _kept(settings: Settings) -> str:
    """What the solve keeps of a person's edits, in words."""
    keys, frames = len(settings.pins), len(settings.head_pins)
    kept = ["{} of your keys".format(keys)] if keys else []
    if frames:
        kept.append("the head at {} frame{}".format(frames, "" if frames == 1 else "s"))
    return "keeping {}".format(" and ".join(kept)) if kept else "with no edited keys to keep"
