"""The panel's view of the Maya scene: the only module between the panel and maya.cmds. Knows no Qt.

Export, preflight and apply have rooms of their own; here their data become the panel's rows.
"""

from __future__ import annotations

from pathlib import Path
from typing import Callable, List, Optional, Tuple

from maya_plugin.apply import reduce_keys

from maya_plugin.export import ExportRequest, create_cameras, export_take, list_cameras, list_controls, preflight
from solver.take.errors import FacesolveError, TakeError

from .model import FREE, CameraRow, ControlRow, FindingRow, HeadRow, PanelSettings

SETTINGS_KEY = "facesolve_settings"


class MayaScene:
    """The open scene. Every method belongs on Maya's main thread."""

    def __init__(self) -> None:
        from maya import cmds

        self._cmds = cmds
        self._jobs: List[int] = []

    def heads(self) -> Tuple[HeadRow, ...]:
        """Meshes that a blendShape deforms, and the transforms above them, nearest first."""
        deformers = {}
        for node in self._cmds.ls(type="blendShape") or []:
            for shape in self._cmds.blendShape(node, query=True, geometry=True) or []:
                deformers.setdefault(shape, []).append(node)
        rows = []
        for shape, nodes in deformers.items():
            mesh = (self._cmds.listRelatives(shape, parent=True, path=True) or [shape])[0]
            rows.append(HeadRow(mesh, tuple(nodes), self._transforms_above(mesh)))
        return tuple(rows)

    def selected_mesh(self) -> str:
        """The selected transform, or the one above a selected shape; empty when nothing is selected."""
        selected = self._cmds.ls(selection=True, objectsOnly=True) or []
        if not selected:
            return ""
        if self._cmds.objectType(selected[0]) == "mesh":
            return (self._cmds.listRelatives(selected[0], parent=True, path=True) or [""])[0]
        return selected[0]

    def controls(self, mesh: str) -> Tuple[ControlRow, ...]:
        """The controls of the rig on ``mesh``; none where the rig cannot be read (the preflight says why)."""
        try:
            found = list_controls(mesh)
        except FacesolveError:
            return ()
        return tuple(ControlRow(c.name, c.plug, c.driver, c.minimum, c.maximum, c.obstacle) for c in found)

    def cameras(self, settings: PanelSettings) -> Tuple[CameraRow, ...]:
        """The cameras with an image plane or with footage chosen by hand."""
        found = list_cameras(settings.footage, settings.first)
        return tuple(CameraRow(c.name, c.footage, c.picture, c.width, c.height, c.problem) for c in found)

    def playback_range(self) -> Tuple[int, int]:
        """First and last frame of the playback range."""
        first = self._cmds.playbackOptions(query=True, minTime=True)
        last = self._cmds.playbackOptions(query=True, maxTime=True)
        return round(first), round(last)

    def selected_range(self) -> Optional[Tuple[int, int]]:
        """First and last frame of the range selected in the time slider, None when no range is selected."""
        from maya import mel

        slider = mel.eval("$facesolve_slider = $gPlayBackSlider")
        if not self._cmds.timeControl(slider, query=True, rangeVisible=True):
            return None
        first, end = self._cmds.timeControl(slider, query=True, rangeArray=True)
        return round(first), round(end) - 1

    def stored_settings(self) -> str:
        """The panel's settings in this scene, empty when there are none."""
        return (self._cmds.fileInfo(SETTINGS_KEY, query=True) or [""])[0]

    def store_settings(self, text: str) -> None:
        """Stores the panel's settings with the scene."""
        self._cmds.fileInfo(SETTINGS_KEY, text)

    def preference(self, name: str) -> str:
        """A text that Maya keeps for this user, empty when it was never set."""
        return str(self._cmds.optionVar(query=name)) if self._cmds.optionVar(exists=name) else ""

    def set_preference(self, name: str, value: str) -> None:
        """Keeps a text for this user."""
        self._cmds.optionVar(stringValue=(name, value))

    def preflight(self, settings: PanelSettings) -> Tuple[FindingRow, ...]:
        """Everything that stops a solve or should be known before it."""
        try:
            found = preflight(self._request(settings, None))
        except FacesolveError as error:
            return (FindingRow("error", "", str(error)),)
        return tuple(FindingRow(f.severity, f.node, f.sentence, f.remedy) for f in found)

    def export(self, settings: PanelSettings, folder: Path, span: Optional[Tuple[int, int]]) -> None:
        """Writes the take; ``span`` limits it to scene frames. Raises TakeError or FootageError."""
        export_take(self._request(settings, span), folder)

    def apply(self, solution: Path, settings: PanelSettings, span: Optional[Tuple[int, int]]) -> str:
        """Keys ``solution``, undoable in one step; returns a sentence about what was done. Raises TakeError."""
        options = {"layer": settings.layer} if settings.layer else {}
        if span is not None:
            options.update(first=span[0], last=span[1])
        try:
            result = self._cmds.facesolveApply(solution=str(solution), head=settings.head_transform, **options)
        except RuntimeError as error:
            raise TakeError(str(error).strip()) from None
        return " ".join(result) if isinstance(result, list) else str(result)

    def create_cameras(self, calibration: Path) -> str:
        """Creates the cameras of a calibration file; returns a sentence about what was done. Raises TakeError."""
        names = create_cameras(calibration)
        return "Created {}.".format(", ".join(names))

    def reduce_keys(self, tolerance: float) -> str:
        """Thins out the result's keys within ``tolerance`` mm on the surface; returns a sentence. Raises TakeError."""
        before, after = reduce_keys(tolerance)
        return "{} keys became {}.".format(before, after)

    def current_time(self) -> float:
        """The present time in frames."""
        return self._cmds.currentTime(query=True)

    def set_current_time(self, time: float) -> None:
        """Moves the timeline to ``time``, in frames."""
        self._cmds.currentTime(time)

    def select(self, node: str) -> None:
        """Selects ``node`` where it exists."""
        if self._cmds.objExists(node):
            self._cmds.select(node, replace=True)

    def default_take_folder(self) -> Path:
        """The project's data folder, then ``facesolve``, then the scene's name."""
        root = Path(self._cmds.workspace(query=True, rootDirectory=True))
        name = Path(self._cmds.file(query=True, sceneName=True) or "untitled").stem
        return root / "data" / "facesolve" / name

    def watch(
        self, on_scene: Callable[[], None], on_time: Callable[[float], None], on_exit: Callable[[], None]
    ) -> None:
        """Calls back when another scene is open, the time has changed, or Maya closes. Not for batch."""
        for event in ("SceneOpened", "NewSceneOpened"):
            self._jobs.append(self._cmds.scriptJob(event=[event, on_scene]))
        moved = ["timeChanged", lambda: on_time(self.current_time())]
        self._jobs.append(self._cmds.scriptJob(event=moved))
        self._jobs.append(self._cmds.scriptJob(event=["quitApplication", on_exit]))

    def unwatch(self) -> None:
        """Ends what ``watch`` began."""
        jobs, self._jobs = self._jobs, []
        for job in jobs:
            if self._cmds.scriptJob(exists=job):
                self._cmds.scriptJob(kill=job, force=True)

    def _transforms_above(self, mesh: str) -> Tuple[str, ...]:
        """The parents of ``mesh`` from the nearest on; the mesh's own transform last, for it moves with the rig."""
        found, node = [], mesh
        while True:
            parents = self._cmds.listRelatives(node, parent=True, path=True)
            if not parents:
                return (*found, mesh)
            node = parents[0]
            found.append(node)

    def _request(self, settings: PanelSettings, span: Optional[Tuple[int, int]]) -> ExportRequest:
        frames = settings.frames()
        if span is not None:
            frames = tuple(frame for frame in frames if span[0] <= frame <= span[1])
        names = tuple(control.name for control in self.controls(settings.mesh))
        cameras = [camera.name for camera in self.cameras(settings)]
        return ExportRequest(
            meshes=(settings.mesh,),
            head=settings.head_transform,
            cameras=tuple(name for name in cameras if name not in settings.skipped_cameras),
            footage=dict(settings.footage),
            frames=tuple(map(float, frames)),
            keys={name: settings.choice(name).keys for name in names if settings.choice(name).keys != FREE},
            on_bad_frame=settings.on_bad_frame,
            settings=settings.solver_settings(names),
        )
