"""Commands about time, units, undo and the application itself."""

from __future__ import annotations

from typing import Any

from tests.maya_emulator.errors import EmulatorError
from tests.maya_emulator.graph import Edit
from tests.maya_emulator.session import Session
from tests.maya_emulator.units import angle_name, frame_rate, linear_name

from .registry import command


@command(query="q", edit="e", update="u")
def currentTime(session: Session, *args: float, **flags: Any) -> float:
    if flags.get("query"):
        return session.time / session.units.ticks_per_frame

    def edit(new: float = float(round(args[0] * session.units.ticks_per_frame))) -> Edit:
        old, session.time = session.time, new
        return lambda: edit(old)

    session.graph.perform(edit)
    return args[0]


@command(False, force="f", suspend="su", currentView="cv")
def refresh(session: Session, **flags: Any) -> None:
    if "suspend" in flags:
        session.suspended.append(bool(flags["suspend"]))


@command(False, query="q", linear="l", angle="a", time="t", fullName="f", updateAnimation="ua")
def currentUnit(session: Session, **flags: Any) -> Any:
    units = session.units
    if flags.get("query"):
        if flags.get("fullName"):
            raise EmulatorError("currentUnit answers short names only")
        if flags.get("linear"):
            return units.linear
        if flags.get("angle"):
            return units.angle
        return units.time
    if "linear" in flags:
        units.linear = linear_name(flags["linear"])
    if "angle" in flags:
        units.angle = angle_name(flags["angle"])
    if "time" in flags:
        frame_rate(flags["time"])
        frame = session.time / units.ticks_per_frame
        units.time = flags["time"]
        session.time = frame * units.ticks_per_frame
    session.graph.version += 1
    return None


@command(
    False,
    query="q",
    edit="e",
    minTime="min",
    maxTime="max",
    animationStartTime="ast",
    animationEndTime="aet",
    framesPerSecond="fps",
    playbackSpeed="ps",
)
def playbackOptions(session: Session, **flags: Any) -> Any:
    if flags.get("query"):
        for name in session.playback:
            if flags.get(name):
                return session.playback[name]
        if flags.get("framesPerSecond"):
            return frame_rate(session.units.time)
        raise EmulatorError("playbackOptions without a question")
    for name in session.playback:
        if name in flags:
            session.playback[name] = float(flags[name])
    return None


@command(
    False,
    query="q",
    openChunk="ock",
    closeChunk="cck",
    chunkName="cn",
    state="st",
    stateWithoutFlush="swf",
    undoName="un",
    redoName="rn",
    undoQueueEmpty="uqe",
    redoQueueEmpty="rqe",
    length="l",
    infinity="infinity",
)
def undoInfo(session: Session, **flags: Any) -> Any:
    if flags.get("query"):
        if flags.get("state") or flags.get("stateWithoutFlush"):
            return session.undo_enabled
        if flags.get("undoName"):
            return session.undo_queue[-1].name if session.undo_queue else ""
        if flags.get("redoName"):
            return session.redo_queue[-1].name if session.redo_queue else ""
        if flags.get("undoQueueEmpty"):
            return not session.undo_queue
        if flags.get("redoQueueEmpty"):
            return not session.redo_queue
        raise EmulatorError("undoInfo without a question")
    if flags.get("openChunk"):
        session.open_chunk(flags.get("chunkName", ""))
    elif flags.get("closeChunk"):
        session.close_chunk()
    elif "state" in flags:
        session.undo_enabled = bool(flags["state"])
        if not session.undo_enabled:
            session.undo_queue, session.redo_queue = [], []
    elif "stateWithoutFlush" in flags:
        session.undo_enabled = bool(flags["stateWithoutFlush"])
    else:
        raise EmulatorError(f"undoInfo with {sorted(flags)}")
    return None


@command(False)
def undo(session: Session) -> None:
    session.undo()


@command(False)
def redo(session: Session) -> None:
    session.redo()


@command(
    False,
    version="v",
    majorVersion="mjv",
    batch="b",
    apiVersion="api",
    installedVersion="iv",
    windows="win",
    linux="li",
    macOS="mac",
    ntOS="nt",
    operatingSystem="os",
    qtVersion="qt",
)
def about(session: Session, **flags: Any) -> Any:
    import sys

    answers = {
        "version": session.version,
        "majorVersion": session.version,
        "batch": session.batch,
        "apiVersion": int(session.version) * 10000,
        "installedVersion": f"Maya {session.version} (stand-in)",
        "windows": sys.platform == "win32",
        "ntOS": sys.platform == "win32",
        "linux": sys.platform.startswith("linux"),
        "macOS": sys.platform == "darwin",
    }
    for flag in flags:
        if flag in answers:
            return answers[flag]
    raise EmulatorError(f"about answers not {sorted(flags)}")


@command(False, query="q", state="st")
def autoKeyframe(session: Session, **flags: Any) -> Any:
    if flags.get("query"):
        return session.auto_key
    session.auto_key = bool(flags["state"])
    return None


@command(False, exists="ex", intValue="iv", floatValue="fv", stringValue="sv", query="q", remove="rm")
def optionVar(session: Session, *args: Any, **flags: Any) -> Any:
    if "exists" in flags:
        return flags["exists"] in session.option_variables
    if flags.get("query"):
        name = flags["query"]
        return session.option_variables.get(name, 0)
    if "remove" in flags:
        session.option_variables.pop(flags["remove"], None)
        return None
    for kind in ("intValue", "floatValue", "stringValue"):
        if kind in flags:
            session.option_variables[flags[kind][0]] = flags[kind][1]
    return None


@command(False, query="q", axis="ax")
def upAxis(session: Session, **flags: Any) -> Any:
    if flags.get("query") and flags.get("axis"):
        return session.up_axis
    if flags.get("axis") in ("y", "z"):
        session.up_axis = flags["axis"]
        return None
    raise EmulatorError("upAxis takes axis='y' or 'z'")
