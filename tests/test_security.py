"""What SECURITY.md promises of the code as a whole: nothing that a file says becomes code."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PRODUCT = ("solver", "maya_plugin", "mod", "shelf")
STARTS = {"run", "Popen", "call", "check_call", "check_output"}
TEXT_IS_RUN = {
    ("mel", "eval"),
    ("cmds", "eval"),
    ("cmds", "evalDeferred"),
    ("cmds", "python"),
    ("utils", "executeDeferred"),
}


@cache
def calls() -> list[tuple[str, str, ast.Call]]:
    """Place, ``owner.function`` and node of every call of a function of a module or object in the product."""
    found = []
    for folder in PRODUCT:
        for path in sorted((ROOT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                    owner = ast.unparse(node.func.value)
                    place = f"{path.relative_to(ROOT).as_posix()}:{node.lineno}"
                    found.append((place, f"{owner}.{node.func.attr}", node))
    return found


def test_maya_runs_no_text_that_is_put_together() -> None:
    found = [(place, node) for place, name, node in calls() if tuple(name.split(".")[-2:]) in TEXT_IS_RUN]
    assert found, "the search itself is broken: the panel asks Maya for its time slider"
    for place, node in found:
        texts = [argument for argument in node.args if not isinstance(argument, (ast.Lambda, ast.Name, ast.Attribute))]
        assert all(isinstance(text, ast.Constant) for text in texts), place


def test_jobs_of_a_scene_call_functions_not_text() -> None:
    found = [(place, node) for place, name, node in calls() if name.endswith(".scriptJob") and node.keywords]
    assert found
    for place, node in found:
        for keyword in node.keywords:
            if keyword.arg in ("event", "attributeChange", "conditionTrue", "runOnce", "idleEvent"):
                assert not any(isinstance(part, (ast.JoinedStr, ast.BinOp)) for part in ast.walk(keyword.value)), place


def test_every_process_is_started_in_a_stated_environment_and_without_a_shell() -> None:
    found = [
        (place, {keyword.arg for keyword in node.keywords})
        for place, name, node in calls()
        if name in {f"subprocess.{start}" for start in STARTS}
    ]
    assert len(found) >= 3
    for place, given in found:
        assert "env" in given or None in given, f"{place} starts a process in whatever environment there is"
        assert "shell" not in given, place
