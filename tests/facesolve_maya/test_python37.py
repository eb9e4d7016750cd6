"""What runs inside Maya 2022 must be Python 3.7: syntax, and nothing that needs a later standard library."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted(
    [
        ROOT / "solver" / "facesolve" / "__init__.py",
        *(ROOT / "maya_plugin").rglob("*.py"),
        *(ROOT / "solver" / "facesolve" / "take").rglob("*.py"),
    ]
)
INSTALLER = ROOT / "mod" / "installer" / "drag_into_maya.py"
TESTS = sorted([*(ROOT / "tests" / "in_maya").rglob("*.py"), ROOT / "tests" / "facesolve_maya" / "ma_scene.py"])
ALLOWED = {"maya", "numpy", "facesolve", "facesolve_maya", "PySide2", "PySide6", "shiboken2", "shiboken6"}


@pytest.mark.parametrize("path", [*FILES, *TESTS, INSTALLER], ids=lambda path: str(path.relative_to(ROOT)))
def test_syntax_is_python_37(path):
    ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 7))


def test_the_check_finds_later_syntax():
    for code in ("(x := 1)", "def f(a, /): pass"):
        with pytest.raises(SyntaxError):
            ast.parse(code, feature_version=(3, 7))


def test_no_union_operator_or_later_standard_library_at_run_time():
    found = []
    for path in FILES:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        postponed = any(
            isinstance(n, ast.ImportFrom) and n.module == "__future__" and n.names[0].name == "annotations"
            for n in tree.body
        )
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module == "functools":
                found += [(path.name, a.name) for a in node.names if a.name in ("cache", "cached_property")]
            if isinstance(node, ast.Attribute) and node.attr in ("removeprefix", "removesuffix", "is_relative_to"):
                found.append((path.name, node.attr))
            if isinstance(node, ast.AnnAssign) and isinstance(node.annotation, ast.BinOp) and not postponed:
                found.append((path.name, ast.unparse(node.annotation)))
    assert found == []


def test_maya_side_imports_only_maya_numpy_qt_and_the_contract():
    import sys

    wrong = []
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                names = [node.module or ""]
            else:
                continue
            for name in names:
                top = name.partition(".")[0]
                if top not in sys.stdlib_module_names and top not in ALLOWED:
                    wrong.append((path.name, name))
                contract = name == "facesolve" or name.startswith("facesolve.take")  # the package itself: its version
                if top == "facesolve" and not contract and "in_process" not in path.name:
                    wrong.append((path.name, name))
                if "take" in path.parts and top in ("maya", "facesolve_maya", "PySide2", "PySide6"):
                    wrong.append((path.name, name))
    assert wrong == []
