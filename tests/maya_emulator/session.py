"""One running Maya: the scene, its units and time, selection, undo queue, files. No commands of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .errors import EmulatorError
from .evaluate import Evaluator
from .graph import Edit, Graph, Plug
from .node import Node
from .units import Units

STARTUP_NODES = (
    ("time", "time1"),
    ("sequenceManager", "sequenceManager1"),
    ("hardwareRenderingGlobals", "hardwareRenderingGlobals"),
    ("partition", "renderPartition"),
    ("renderGlobalsList", "renderGlobalsList1"),
    ("defaultShaderList", "defaultShaderList1"),
    ("postProcessList", "postProcessList1"),
    ("defaultRenderingList", "defaultRenderingList1"),
    ("lightList", "lightList1"),
    ("shadingEngine", "initialShadingGroup"),
    ("shadingEngine", "initialParticleSE"),
    ("renderGlobals", "defaultRenderGlobals"),
    ("resolution", "defaultResolution"),
    ("objectSet", "defaultLightSet"),
    ("objectSet", "defaultObjectSet"),
    ("colorManagementGlobals", "defaultColorMgtGlobals"),
    ("hardwareRenderGlobals", "hardwareRenderGlobals"),
    ("hardwareRenderGlobals", "defaultHardwareRenderGlobals"),
    ("ikSystem", "ikSystem"),
    # scenes of 2022 to 2026 set attributes of these, too
    ("defaultRenderUtilityList", "defaultRenderUtilityList1"),
    ("defaultTextureList", "defaultTextureList1"),
    ("lambert", "lambert1"),
    ("standardSurface", "standardSurface1"),
    ("openPBRSurface", "openPBR_shader1"),
    ("materialInfo", "initialMaterialInfo"),
)
STARTUP_CAMERAS = (("persp", 0.0), ("top", 1.0), ("front", 1.0), ("side", 1.0))


@dataclass
class Chunk:
    """What one undo takes back: a readable name and inverses in the order the edits ran."""

    name: str
    edits: list[Edit] = field(default_factory=list)


@dataclass
class Session:
    """The state that commands and API calls share."""

    graph: Graph = field(default_factory=Graph)
    units: Units = field(default_factory=Units)
    time: float = 0.0
    up_axis: str = "y"
    scene_path: str = ""
    workspace: str = ""
    workspace_rules: dict[str, str] = field(default_factory=dict)
    selection: list[Any] = field(default_factory=list)
    playback: dict[str, float] = field(default_factory=dict)
    file_info: dict[str, str] = field(default_factory=dict)
    references: dict[str, str] = field(default_factory=dict)
    relationships: list[str] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)
    reference_folders: list[str] = field(default_factory=list)
    option_variables: dict[str, Any] = field(default_factory=dict)
    plugins: dict[str, Any] = field(default_factory=dict)
    missing_plugins: set[str] = field(default_factory=set)  # that a scene may require and this Maya does not have
    required_plugins: set[str] = field(default_factory=set)
    plugin_commands: dict[str, Any] = field(default_factory=dict)
    auto_key: bool = False
    evaluation_mode: str = "parallel"
    modified: bool = False
    batch: bool = True
    suspended: list[bool] = field(default_factory=list)  # what refresh -suspend was given
    constraints_answer: bool = False  # getAttr -time with the pose of that time, as versions may do
    undo_enabled: bool = True
    undo_queue: list[Chunk] = field(default_factory=list)
    redo_queue: list[Chunk] = field(default_factory=list)
    version: str = "2024"
    deferred: list[Callable[[], Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.evaluator = Evaluator(self.graph, self.units)
        self._open_chunks: list[Chunk] = []
        self.new_scene()

    def idle(self) -> None:
        """What waits for Maya to be idle runs now."""
        waiting, self.deferred = self.deferred, []
        for function in waiting:
            function()

    # ------------------------------------------------------------------ scene

    def new_scene(self) -> None:
        """An empty scene with the nodes that Maya starts with, and an empty undo queue."""
        self.graph.__init__()
        self.units.__init__()
        self.selection, self.file_info, self.references, self.relationships = [], {}, {}, []
        self.scene_path, self.up_axis, self.modified = "", "y", False
        self.undo_queue, self.redo_queue = [], []
        self.required_plugins = set()
        self._open_chunks = []
        for type_name, name in STARTUP_NODES:
            self.graph.create(type_name, name).startup = True
        for name, orthographic in STARTUP_CAMERAS:
            transform = self.graph.create("transform", name)
            shape = self.graph.create("camera", name + "Shape", transform)
            transform.startup = shape.startup = True
            self.graph.set_value(Plug(shape, (("orthographic", None),)), int(orthographic))
            self.graph.set_value(Plug(shape, (("renderable", None),)), int(name == "persp"))
        self.time = self.units.ticks_per_frame
        self.playback = {
            "minTime": 1.0,
            "maxTime": 24.0,
            "animationStartTime": 1.0,
            "animationEndTime": 48.0,
        }

    # ------------------------------------------------------------------ names

    def node(self, name: str) -> Node:
        """The one node that ``name`` means; RuntimeError in Maya's words for none or several."""
        found = self.graph.find(name)
        if not found:
            raise ValueError(f"No object matches name: {name}")
        if len(found) > 1:
            raise ValueError(f"More than one object matches name: {name}")
        return found[0]

    def plug(self, name: str) -> Plug:
        """The plug ``node.attribute``; a transform's name also reaches its shape's attributes, as in Maya."""
        node_name, dot, attribute = name.partition(".")
        if not dot:
            raise ValueError(f"No object matches name: {name}")
        node = self.node(node_name)
        for candidate in [node, *(c for c in node.children if not c.children and c.type != "transform")]:
            try:
                return Plug(candidate, candidate.resolve(attribute))
            except ValueError:
                continue
        raise ValueError(f"No object matches name: {name}")

    def plug_name(self, plug: Plug, *, alias: bool = False) -> str:
        """``node.attribute`` with the shortest unique node name."""
        return f"{self.graph.shortest_name(plug.node)}.{plug.node.path_name(plug.path, alias=alias)}"

    # ------------------------------------------------------------------ undo

    @contextmanager
    def command(self, name: str, undoable: bool) -> Iterator[None]:
        """Runs a command: its edits become one entry of the undo queue (or part of the open chunk)."""
        outer = self.graph.recorder
        if not undoable or not self.undo_enabled or outer is not None:
            yield
            return
        chunk = Chunk(name)
        self.graph.recorder = chunk.edits
        try:
            yield
        finally:
            self.graph.recorder = outer
            if chunk.edits:
                self.modified = True
                self.redo_queue.clear()
                (self._open_chunks[-1].edits if self._open_chunks else []).extend(chunk.edits)
                if not self._open_chunks:
                    self.undo_queue.append(chunk)

    def record(self, name: str, undo: Callable[[], None], redo: Callable[[], None]) -> None:
        """Puts a plug-in command's own undo and redo on the queue."""

        def edit() -> Edit:
            redo()
            return back

        def back() -> Edit:
            undo()
            return edit

        if self.undo_enabled:
            with self.command(name, True):
                if self.graph.recorder is not None:
                    self.graph.recorder.append(back)

    def open_chunk(self, name: str) -> None:
        """Edits from here to ``close_chunk`` undo as one."""
        self._open_chunks.append(Chunk(name))

    def close_chunk(self) -> None:
        if not self._open_chunks:
            raise EmulatorError("undoInfo closes a chunk that was never opened")
        chunk = self._open_chunks.pop()
        if self._open_chunks:
            self._open_chunks[-1].edits.extend(chunk.edits)
        elif chunk.edits:
            self.undo_queue.append(chunk)

    def undo(self) -> str:
        """Takes back the last chunk; its name."""
        return self._move(self.undo_queue, self.redo_queue, "There are no more commands to undo.")

    def redo(self) -> str:
        """Runs the last undone chunk again; its name."""
        return self._move(self.redo_queue, self.undo_queue, "There are no more commands to redo.")

    def _move(self, source: list[Chunk], target: list[Chunk], empty: str) -> str:
        if self._open_chunks:
            raise RuntimeError("undo is not possible while a chunk is open")
        if not source:
            raise RuntimeError(empty)
        chunk = source.pop()
        outer, self.graph.recorder = self.graph.recorder, None
        try:
            inverses = [edit() for edit in reversed(chunk.edits)]
        finally:
            self.graph.recorder = outer
            self.graph.version += 1
        target.append(Chunk(chunk.name, inverses))
        return chunk.name

    @contextmanager
    def asking(self, time: float) -> Iterator[None]:
        """What is evaluated inside is asked about ``time`` (ticks) while the scene stays where it is."""
        away = abs(time - self.time) > 1e-6 and not self.constraints_answer
        self.evaluator.present = self.time if away else None
        try:
            yield
        finally:
            self.evaluator.present = None

    def resolve_file(self, path: str) -> Path:
        """``path`` as written, or by its name in the folders where the tester looks for references."""
        candidate = Path(path)
        if candidate.is_file():
            return candidate
        for folder in self.reference_folders:
            for found in sorted(Path(folder).glob("*" + Path(path.replace("\\", "/")).name)):
                return found
        raise RuntimeError(f"File not found: {path}")


_CURRENT: list[Session] = []


def current() -> Session:
    """The session that ``maya.cmds`` and ``maya.api`` work on."""
    if not _CURRENT:
        _CURRENT.append(Session())
    return _CURRENT[0]


def use(session: Session) -> None:
    """Makes ``session`` the one that ``maya.cmds`` and ``maya.api`` work on."""
    _CURRENT[:] = [session]
