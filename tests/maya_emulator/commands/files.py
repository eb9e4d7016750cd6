"""Commands about files: scenes, the workspace, plug-ins, file information."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from typing import Any

from tests.maya_emulator.errors import EmulatorError
from tests.maya_emulator.reader import read_scene
from tests.maya_emulator.session import Session
from tests.maya_emulator.writer import scene_text

from .nodes import OF_PLUGINS
from .registry import command, error


@command(
    False,
    query="q",
    sceneName="sn",
    open="o",
    newFile="new",
    force="f",
    save="s",
    rename="rn",
    type="typ",
    modified="mf",
    reference="r",
    exists="ex",
    location="loc",
    ignoreVersion="iv",
    executeScriptNodes="esn",
    loadReferenceDepth="lrd",
    prompt="pmt",
    expandName="exn",
)
def file(session: Session, *args: str, **flags: Any) -> Any:
    if flags.get("query"):
        return _question(session, args, flags)
    if "modified" in flags and not args:
        session.modified = bool(flags["modified"])
        return None
    if flags.get("newFile"):
        _guard(session, flags)
        session.new_scene()
        return session.scene_path
    if flags.get("open"):
        _guard(session, flags)
        if not Path(args[0]).is_file():
            raise error(f"File not found: {args[0]}")
        session.new_scene()
        read_scene(session, Path(args[0]))
        session.scene_path = Path(args[0]).as_posix()
        if session.missing_plugins & session.required_plugins:
            names = sorted(session.missing_plugins & session.required_plugins)
            lines = [f'Plug-in, "{name}", was not found on MAYA_PLUG_IN_PATH.' for name in names]
            raise error("\n".join(lines))  # though everything else is loaded
        return session.scene_path
    if flags.get("rename"):
        session.scene_path = Path(flags["rename"]).as_posix()
        return session.scene_path
    if flags.get("save"):
        if not session.scene_path:
            raise error("The scene has no name; rename it before saving.")
        if flags.get("type", "mayaAscii") != "mayaAscii" or not session.scene_path.endswith(".ma"):
            raise EmulatorError("only Maya ASCII scenes (.ma) are saved")
        Path(session.scene_path).write_text(scene_text(session), encoding="utf-8")
        session.modified = False
        return session.scene_path
    raise EmulatorError(f"file with {sorted(flags)}")


def _question(session: Session, args: tuple[str, ...], flags: dict[str, Any]) -> Any:
    if flags.get("sceneName"):
        return session.scene_path
    if flags.get("modified"):
        return session.modified
    if flags.get("reference"):
        return list(session.references.values())
    if flags.get("exists"):
        return os.path.exists(args[0])
    if flags.get("type"):
        return ["mayaAscii"]
    raise EmulatorError(f"file answers not {sorted(flags)}")


def _guard(session: Session, flags: dict[str, Any]) -> None:
    if session.modified and not flags.get("force"):
        raise error("Unsaved changes.")


@command(
    False,
    query="q",
    rootDirectory="rd",
    directory="dir",
    fileRule="fr",
    fileRuleEntry="fre",
    expandName="en",
    openWorkspace="o",
    active="act",
)
def workspace(session: Session, *args: str, **flags: Any) -> Any:
    root = session.workspace or os.getcwd()
    if flags.get("query"):
        if flags.get("rootDirectory"):
            return Path(root).as_posix() + "/"
        if flags.get("directory"):
            return Path(root).as_posix()
        if flags.get("fileRule"):
            return [word for pair in session.workspace_rules.items() for word in pair]
        raise EmulatorError(f"workspace answers not {sorted(flags)}")
    if flags.get("expandName"):
        return (Path(root) / flags["expandName"]).as_posix()
    if flags.get("fileRuleEntry"):
        return session.workspace_rules.get(flags["fileRuleEntry"], "")
    if flags.get("fileRule"):
        session.workspace_rules[flags["fileRule"][0]] = flags["fileRule"][1]
        return None
    if flags.get("openWorkspace") or args:
        session.workspace = args[0]
        return None
    raise EmulatorError(f"workspace with {sorted(flags)}")


@command(False, query="q", remove="rm")
def fileInfo(session: Session, *args: str, **flags: Any) -> Any:
    if flags.get("query"):
        if args:
            return [session.file_info[args[0]]] if args[0] in session.file_info else []
        return [word for pair in session.file_info.items() for word in pair]
    if flags.get("remove"):
        session.file_info.pop(flags["remove"], None)
        return None
    session.file_info[args[0]] = args[1]
    session.modified = True
    return None


@command(False, quiet="qt", name="n")
def loadPlugin(session: Session, *args: str, **flags: Any) -> list[str]:
    from tests.maya_emulator.openmaya.plugin import MFnPlugin, PluginObject

    loaded = []
    for given in args:
        if given in OF_PLUGINS.values():
            session.plugins.setdefault(given, None)
            continue
        path = _plugin_path(given)
        name = path.stem
        if name not in session.plugins:
            spec = importlib.util.spec_from_file_location(name, path)
            assert spec is not None
            assert spec.loader is not None
            module = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
            if not hasattr(module, "maya_useNewAPI"):
                raise error(f"the plug-in '{given}' does not declare maya_useNewAPI; API 2.0 objects would not work")
            module.initializePlugin(PluginObject(name, str(path)))
            session.plugins[name] = module
            assert MFnPlugin is not None
        loaded.append(name)
    return loaded


def _plugin_path(given: str) -> Path:
    candidates = [Path(given)]
    for folder in os.environ.get("MAYA_PLUG_IN_PATH", "").split(os.pathsep):
        candidates += [Path(folder) / given, Path(folder) / (given + ".py")]
    for candidate in candidates:
        if candidate.is_file():
            return candidate
    raise error(f'Plug-in, "{given}", was not found on MAYA_PLUG_IN_PATH.')


@command(False, force="f")
def unloadPlugin(session: Session, *args: str, **flags: Any) -> list[str]:
    from tests.maya_emulator.openmaya.plugin import PluginObject

    for given in args:
        name = Path(given).stem
        module = session.plugins.pop(name, None)
        if module is None:
            raise error(f'Plug-in, "{given}", is not loaded.')
        module.uninitializePlugin(PluginObject(name, given))
    return list(args)


@command(False, query="q", loaded="l", path="p", version="v", listPlugins="ls", name="n")
def pluginInfo(session: Session, *args: str, **flags: Any) -> Any:
    if flags.get("listPlugins"):
        return list(session.plugins) or None
    name = Path(args[0]).stem
    if flags.get("loaded"):
        return name in session.plugins
    if flags.get("path"):
        return session.plugins[name].__file__
    raise EmulatorError(f"pluginInfo answers not {sorted(flags)}")
