"""The few Maya commands behind the panel's windows and scene adapter, as strict records. Unknown commands raise."""

from __future__ import annotations

import contextlib
import sys
import types

from facesolve.take import TakeError
from facesolve_maya.ui.model import CameraRow, ControlRow, HeadRow


class FakeCommands:
    """Shelves, workspace control, file info, option variables, time, script jobs and a small head in a scene."""

    def __init__(self) -> None:
        self.shelves: dict[str, dict[str, dict]] = {"Polygons": {}}
        self.controls: dict[str, dict] = {}
        self.hotkeys: dict[str, dict] = {}
        self.menus: dict[str, dict] = {}
        self.info: dict[str, str] = {}
        self.variables: dict[str, str] = {}
        self.jobs: dict[int, list] = {}
        self.time = 1001.0
        self.scene = "/projects/rom/scenes/rom_012.ma"
        self.selection: list[str] = []
        self.applied: list[dict] = []
        self.apply_error: Exception | None = None
        self.applied_layer = ""
        self.loaded: list[str] = []
        self.dialogs: list[str] = []
        self.batch = False
        self.undo = True
        self.undoable: list[str] = []
        self.states: set[str] = set()
        self.app_dir = ""
        self.modules_seen = True
        self.parents = {"face_GEOShape": "face_GEO", "face_GEO": "head_GRP", "head_GRP": "character_GRP"}

    # Windows

    def tabLayout(self, layout, *, query, childArray):
        return list(self.shelves) if layout == "ShelfLayout" else None

    def shelfLayout(self, name, *, parent=None, query=False, childArray=False):
        if query:
            return list(self.shelves[name.split("|")[-1]]) or None
        self.shelves[name] = {}
        return name

    def shelfButton(self, name, *, parent=None, edit=False, query=False, exists=False, **flags):
        parts = name.split("|")
        shelf = self.shelves[(parent or "|".join(parts[:-1])).split("|")[-1]]
        if exists:
            return parts[-1] in shelf and shelf[parts[-1]].get("kind") != "separator"
        if query:
            return next(shelf[parts[-1]][flag] for flag in flags)
        if edit:
            shelf[parts[-1]].update(flags)
            return None
        number = 1
        while name in shelf:
            name, number = f"{parts[-1]}{number}", number + 1
        shelf[name] = flags
        return name

    def runTimeCommand(self, name, *, exists=False, edit=False, **flags):
        if exists:
            return name in self.hotkeys
        assert edit == (name in self.hotkeys)
        self.hotkeys.setdefault(name, {}).update(flags)
        return name

    def popupMenu(self, name, *, exists=False, **flags):
        if exists:
            return name in self.menus
        assert name not in self.menus
        self.menus[name] = dict(flags, items=[])
        return name

    def menuItem(self, *, parent, **flags):
        self.menus[parent]["items"].append(flags)

    def workspaceControl(self, name, *, exists=False, edit=False, restore=False, **flags):
        if exists:
            return name in self.controls
        if edit:
            self.controls[name]["restored"] = restore
        else:
            self.controls[name] = flags
            self.states.add(name)
            exec(flags["uiScript"], {})  # noqa: S102 - what Maya does with it
        return name

    def deleteUI(self, name, *, control=False, menu=False):
        if menu:
            del self.menus[name]
        elif name in self.controls:
            del self.controls[name]
        else:
            *shelf, button = name.split("|")
            del self.shelves[shelf[-1]][button]

    def confirmDialog(self, *, title, message, button):
        self.dialogs.append(message)

    def about(self, *, batch=False, majorVersion=False):
        return "2024" if majorVersion else self.batch

    def internalVar(self, *, userAppDir):
        return self.app_dir

    def loadModule(self, *, load):
        self.loaded.append(load)

    def moduleInfo(self, *, listModules):
        return ["MayaUSD", *(["facesolve"] if self.loaded and self.modules_seen else [])]

    def loadPlugin(self, path, *, quiet):
        self.loaded.append(path)

    def pluginInfo(self, name, *, query=False, loaded=False, edit=False, autoload=False):
        if query:
            return f"autoload {name}" in self.loaded
        self.loaded.append(f"autoload {name}")
        return None

    def scriptJob(self, *, event=None, exists=None, kill=None, force=False):
        if event is not None:
            number = len(self.jobs) + 1
            self.jobs[number] = event
            return number
        if exists is not None:
            return exists in self.jobs
        return self.jobs.pop(kill)

    def add_callback(self, event, callback):
        return self.scriptJob(event=(event, lambda: callback(None)))

    def undoInfo(self, *, query=False, state=False, stateWithoutFlush=None):
        if query:
            return self.undo
        self.undo = stateWithoutFlush
        return None

    def workspaceControlState(self, name, *, exists=False, remove=False):
        if exists:
            return name in self.states
        self.states.remove(name)
        return None

    def fire(self, event):
        for name, callback in list(self.jobs.values()):
            if name == event:
                callback()

    # The scene

    def ls(self, *, selection, objectsOnly):
        return list(self.selection)

    def listRelatives(self, node, *, parent, path):
        return [self.parents[node]] if node in self.parents else None

    def nodeType(self, node):
        return "mesh" if node.endswith("Shape") else "transform"

    def objExists(self, node):
        return node in self.parents

    def select(self, node, *, replace):
        self.selection = [node]

    def playbackOptions(self, *, query, minTime=False, maxTime=False):
        return 1001.0 if minTime else 1040.0

    def currentTime(self, *args, query=False):
        if query:
            return self.time
        self.time = args[0]
        self.fire("timeChanged")
        return None

    def fileInfo(self, key, *value, query=False):
        if query:
            # Maya hands values back with their quotes and backslashes escaped.
            text = self.info.get(key)
            return [] if text is None else [text.replace("\\", "\\\\").replace('"', '\\"')]
        self.info[key] = value[0]
        if self.undo:
            self.undoable.append("fileInfo " + key)
        return None

    def optionVar(self, *, query=None, exists=None, stringValue=None):
        if stringValue is not None:
            self.variables[stringValue[0]] = stringValue[1]
            return None
        return exists in self.variables if exists is not None else self.variables[query]

    def workspace(self, *, query, rootDirectory):
        return "/projects/rom/"

    def file(self, *, query, sceneName):
        return self.scene

    def apply_solution(self, request):
        if self.apply_error is not None:
            raise self.apply_error
        self.applied.append(request)
        return "Keyed 38 controls."


def raise_take_error():
    """What an export does in a scene that cannot become a take."""
    raise TakeError("cam0: it is orthographic.")


def install(monkeypatch) -> FakeCommands:
    """Puts the fake where ``from maya import cmds`` finds it, and stand-ins for export and apply."""
    commands = FakeCommands()
    maya, mel, ui = types.ModuleType("maya"), types.ModuleType("maya.mel"), types.ModuleType("maya.OpenMayaUI")
    mel.eval = lambda text: "ShelfLayout"
    maya.cmds, maya.mel, maya.OpenMayaUI = commands, mel, ui
    api, open_maya = types.ModuleType("maya.api"), types.ModuleType("maya.api.OpenMaya")
    open_maya.MSceneMessage = types.SimpleNamespace(kBeforeSave="before save", addCallback=commands.add_callback)
    open_maya.MMessage = types.SimpleNamespace(removeCallback=commands.jobs.pop)
    maya.api, api.OpenMaya = api, open_maya
    names = ("export", "apply", "cameras", "ui.scene_rows")
    export, apply, cameras, rows = (types.ModuleType(f"facesolve_maya.{name}") for name in names)
    export.ERROR = "error"
    export.ExportRequest = lambda **values: types.SimpleNamespace(**values)
    export.requests = []
    export.reading_once = contextlib.nullcontext
    export.Recordings = lambda told: types.SimpleNamespace(forget=lambda: None)
    export.control_sets = tuple
    export.samplable = lambda where, head, time: ((), "")
    export.preflight = lambda request: export.requests.append(request) or []
    export.export_take = lambda request: export.requests.append(request) or raise_take_error()
    cameras.first_images = lambda folder, names: {name: f"{folder}/{name}.0001.jpg" for name in names[:1]}
    cameras.create_cameras = lambda path, images, first_frame: [
        types.SimpleNamespace(transform=name, image_plane=images.get(name, "")) for name in ("cam0", "cam1")
    ]
    cameras.PlacedStage = cameras.Stage = object
    cameras.placed_stage = lambda: None
    cameras.place_stage = None  # where no stage is, nothing places one
    apply.applied_controls = lambda: ("BS.jawOpen", "head_GRP.rotateX")
    apply.show_certainty = lambda solution, spans: "facesolve_certainty"
    apply.mark_frames = lambda frames: sum(1 for frame in frames if frame.level)
    apply.remove_marks = apply.remove_certainty = lambda: False
    apply.key_as_solved = lambda time, nodes: ("BS.jawOpen",)
    apply.toggle_overlay = lambda mesh: "The edges are drawn."
    apply.pose_rig = lambda head, matrix, controls, time: "Posed."
    apply.reduce_keys = lambda tolerance: (1520, 210)
    apply.applied_layer = lambda: commands.applied_layer
    apply.applied_ranges = lambda solution: ()
    apply.pin_edits = lambda take: take
    apply.read_request = lambda solution, **options: dict(options, solution=solution)
    apply.apply_solution = commands.apply_solution
    rows.read_heads = lambda: (HeadRow("face_GEO", ("face_BS",), ("head_GRP", "character_GRP", "face_GEO")),)
    rows.read_control_rows = lambda settings, recordings: (
        ControlRow("jawOpen", "face_BS.jawOpen"),
        ControlRow("eyeBlink_L", "face_BS.eyeBlink_L"),
    )
    rows.read_camera_rows = lambda settings: (CameraRow("cam0", "/f/cam0.mov"), CameraRow("cam1", "/f/cam1.mov"))
    rows.cameras_with_footage = lambda settings: ("cam0",)
    for name, module in (
        ("maya", maya),
        ("maya.cmds", commands),
        ("maya.mel", mel),
        ("maya.api", api),
        ("maya.api.OpenMaya", open_maya),
        ("maya.OpenMayaUI", ui),
        ("facesolve_maya.export", export),
        ("facesolve_maya.apply", apply),
        ("facesolve_maya.cameras", cameras),
        ("facesolve_maya.ui.scene_rows", rows),
    ):
        monkeypatch.setitem(sys.modules, name, module)
    forget()
    return commands


def forget() -> None:
    """Unloads the modules that know maya, so that the next import meets what is installed then."""
    package = sys.modules.get("facesolve_maya.ui")
    for name in ("scene", "dock", "actions", "load_cameras"):
        sys.modules.pop(f"facesolve_maya.ui.{name}", None)
        vars(package or types.SimpleNamespace()).pop(name, None)
