"""Every command and flag that the plug-in uses, and that the stand-in offers, against tables that nobody here wrote.

The tables are pymel's command caches for Maya 2022 to 2025 (pymel 1.5, BSD). They do not cover 2026.
"""

import ast
import importlib.util
from functools import cache
from pathlib import Path

import pytest

from tests.maya_emulator.commands import COMMANDS
from tests.maya_emulator.schema import node_types

ROOT = Path(__file__).resolve().parents[2]
VERSIONS = ("2022", "2023", "2024", "2025")
PLUGIN_COMMANDS = {"facesolveExport", "facesolveSolve", "facesolveApply", "facesolveEdit"}
POSITIONAL_ONLY = {"undo", "redo"}
# In query mode these name what is asked about; the tables list them for creation only (Maya's own documentation shows
# them in queries: getAttr -time, keyframe -time, keyframe -attribute, animLayer -findCurveForPlug and others).
QUERY_COMPANIONS = {
    ("keyframe", "time"),
    ("keyframe", "attribute"),
    ("keyTangent", "time"),
    ("about", "batch"),
    ("about", "version"),
    ("animLayer", "exists"),
    ("imagePlane", "camera"),
}
VALUE_QUERIES = {("animLayer", "findCurveForPlug"), ("optionVar", "query")}  # the value says what is asked about


@cache
def tables() -> dict[str, dict]:
    """Version -> command -> flags of pymel's caches, read without importing Maya."""
    spec = importlib.util.find_spec("pymel")
    if spec is None or not spec.submodule_search_locations:
        pytest.skip("pymel is not installed (pip install pymel==1.5.0): Maya's command tables are in it")
    folder = Path(next(iter(spec.submodule_search_locations))) / "cache"
    found = {}
    for version in VERSIONS:
        table = importlib.util.spec_from_file_location(f"mayaCmdsList{version}", folder / f"mayaCmdsList{version}.py")
        module = importlib.util.module_from_spec(table)
        table.loader.exec_module(module)  # from what Python has compiled before, which takes a tenth of the time
        found[version] = module.data
    return found


def calls() -> list[tuple[str, int, str, list[tuple[str, ast.expr]]]]:
    """(file, line, command, flags) of every ``cmds.name(flag=...)`` in the plug-in."""
    found = []
    for path in sorted((ROOT / "maya_plugin").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and isinstance(node.func.value, ast.Name)
                and node.func.value.id == "cmds"
            ):
                flags = [(keyword.arg, keyword.value) for keyword in node.keywords if keyword.arg]
                found.append((str(path.relative_to(ROOT)), node.lineno, node.func.attr, flags))
    return found


def wrong_calls(found) -> list[str]:
    """Calls whose command or flag some version lacks, whose flag is short, or whose mode does not fit."""
    wrong = []
    for file, line, command, flags in found:
        where = f"{file}:{line} cmds.{command}"
        if command in PLUGIN_COMMANDS:
            continue
        names = [name for name, _ in flags]
        mode = "query" if "query" in names else "edit" if "edit" in names else "create"
        for version, (commands, *_) in tables().items():
            if command not in commands:
                wrong.append(f"{where}: no such command in {version}")
                continue
            known = commands[command].get("flags", {})
            for name in names:
                if name in ("query", "edit"):
                    continue
                if name not in known:
                    wrong.append(f"{where}({name}=): no such long flag in {version}")
                elif mode not in known[name]["modes"] and (command, name) not in QUERY_COMPANIONS:
                    wrong.append(f"{where}({name}=): not in {mode} mode in {version}, only {known[name]['modes']}")
    return wrong


def test_every_call_of_the_plugin_exists_in_every_version():
    found = calls()
    assert len(found) > 100
    assert wrong_calls(found) == []


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("cmds.blendShap('x')", "no such command"),
        ("cmds.getAttr('x', tim=1)", "no such long flag"),
        ("cmds.getAttr('x', noEvaluation=True)", "no such long flag in 2022"),
        ("cmds.ls('x', l=True)", "no such long flag"),
        ("cmds.currentTime(5, query=True, edit=True, ghost=1)", "no such long flag"),
        (
            "cmds.animLayer('x', query=True, addSelectedObjects=True, copy='y', affectedLayers=True, children=True, "
            "copyAnimation='z', moveLayerAfter='w')",
            "not in query mode",
        ),
    ],
)
def test_a_wrong_call_is_found(code, words):
    call = ast.parse(code).body[0].value
    flags = [(keyword.arg, keyword.value) for keyword in call.keywords]
    assert any(words in line for line in wrong_calls([("planted.py", 1, call.func.attr, flags)]))


def test_queries_pass_true_for_what_they_ask():
    """A value instead of True beside query=True is read as True or refused; a classic slip."""
    slips = []
    for file, line, command, flags in calls():
        if "query" not in [name for name, _ in flags]:
            continue
        for name, value in flags:
            companion = (command, name) in QUERY_COMPANIONS or (command, name) in VALUE_QUERIES
            if not companion and not (isinstance(value, ast.Constant) and value.value is True):
                slips.append(f"{file}:{line} cmds.{command}({name}=)")
    assert slips == []


def test_the_stand_in_offers_nothing_that_maya_lacks():
    wrong = []
    for name, command in COMMANDS.items():
        for version, (commands, *_) in tables().items():
            if name not in commands:
                wrong.append(f"{name}: no such command in {version}")
                continue
            known = commands[name].get("flags", {})
            for long, short in command.flags.items():
                if long in ("query", "edit"):
                    continue
                if long not in known:
                    wrong.append(f"{name} -{long}: not in {version}")
                elif known[long].get("shortname") != short:
                    wrong.append(f"{name} -{long}: short name is {known[long].get('shortname')}, not {short}")
    assert wrong == []


def test_the_stand_ins_node_types_exist():
    known = set()
    for _, tree, *_ in tables().values():
        for name, parents, children in tree:
            known |= {name, *parents, *children}
    plugin_types = {
        "timeSliderBookmark",
        "mmMarkerGroupTransform",
        "mmMarkerScale",
        "mentalrayGlobals",
        "mentalrayOptions",
    }
    later_types = {"openPBRSurface"}  # of Maya 2026, which the tables do not cover
    abstract = {"node"}
    assert set(node_types()) - known - plugin_types - later_types - abstract == set()
