"""Small faults put into the code on purpose, one at a time: does the nearest test notice?

    python -m tests.bench.mutants                    60 of them, sampled over all subjects; the score at the end
    python -m tests.bench.mutants --jobs 8           the same, eight at a time
    python -m tests.bench.mutants --count 20 --subjects contract units

Each fault changes one operator, constant or condition of a module in a copy of the tree; the tests beside it run on the
copy until one fails. A fault that nothing notices is printed with its place, for a test that does, or because it
changes nothing that anybody can see.
"""

from __future__ import annotations

import argparse
import ast
import multiprocessing
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
COPIED = ("solver", "maya_plugin", "tests", "docs", "pyproject.toml", "mod", "shelf", "icons")
PATIENCE = 600.0  # seconds that the tests of one fault may take; more counts as noticed
LOADED = ["numpy", "torch", "cv2", "scipy.optimize", "pytest", "av", "rich", "yaml"]
FORKS = multiprocessing.get_context("forkserver")  # POSIX: what costs most to import is imported once

# of each subject: modules, and the tests that should notice
SUBJECTS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "contract": (
        (
            "take/reading.py",
            "take/checks.py",
            "take/storage.py",
            "take/rig_files.py",
            "take/take.py",
            "take/footage.py",
        ),
        ("tests/take",),
    ),
    "cameras": (
        ("take/film.py", "geometry/camera.py", "take/camera.py"),
        ("tests/take/test_film.py", "tests/geometry"),
    ),
    "bounds": (("optimize/box.py", "optimize/levenberg_marquardt.py"), ("tests/optimize",)),
    "resume": (("runtime/checkpoint.py", "take/solved.py"), ("tests/runtime", "tests/take/test_solved.py")),
    "undo": (("scene/undo.py", "apply/layer.py"), ("tests/facesolve_maya/scene", "tests/facesolve_maya/apply")),
    "units": (("scene/units.py", "take/timecode.py"), ("tests/facesolve_maya/scene", "tests/take/test_timecode.py")),
}
_COMPARISONS = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}
_OPERATORS = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.MatMult: ast.Add}
_CONNECTIVES = {ast.And: ast.Or, ast.Or: ast.And}


@dataclass(frozen=True)
class Fault:
    """One change: line of the module, what it was and what it becomes, and the whole module with it."""

    line: int
    before: str
    after: str
    source: str


def faults(source: str) -> Iterator[Fault]:
    """All changes of a module, in order; docstrings and annotations stay."""
    tree = ast.parse(source)
    count = sum(1 for _ in _changes(tree))
    for number in range(count):
        tree = ast.parse(source)
        for place, (node, change) in enumerate(_changes(tree)):
            if place == number:
                before = ast.unparse(node)
                change()
                yield Fault(node.lineno, before, ast.unparse(node), ast.unparse(tree))
                break


def _changes(tree: ast.AST) -> Iterator[tuple[ast.expr, object]]:
    skipped = {id(part) for node in ast.walk(tree) for part in _not_code(node)}
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Compare) and type(node.ops[0]) in _COMPARISONS:
            yield node, lambda node=node: node.ops.__setitem__(0, _COMPARISONS[type(node.ops[0])]())
        elif isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
            yield node, lambda node=node: setattr(node, "op", _OPERATORS[type(node.op)]())
        elif isinstance(node, ast.BoolOp):
            yield node, lambda node=node: setattr(node, "op", _CONNECTIVES[type(node.op)]())
        elif isinstance(node, ast.Constant) and type(node.value) in (int, float):
            yield node, lambda node=node: setattr(node, "value", node.value + 1)
        elif isinstance(node, ast.Constant) and type(node.value) is bool:
            yield node, lambda node=node: setattr(node, "value", not node.value)
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            yield node, lambda node=node: setattr(node, "operand", ast.UnaryOp(ast.Not(), node.operand))


def _not_code(node: ast.AST) -> Iterator[ast.AST]:
    """Annotations, and the flags of data classes: what changes nothing that a result could show."""
    for name in ("annotation", "returns"):
        part = getattr(node, name, None)
        if isinstance(part, ast.AST):
            yield from ast.walk(part)
    for decorator in getattr(node, "decorator_list", ()):
        if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == "dataclass":
            yield from ast.walk(decorator)


def modules(subject: str) -> list[Path]:
    """The modules of a subject, relative to the root."""
    found = []
    for name in SUBJECTS[subject][0]:
        for folder in ("solver/facesolve", "maya_plugin/facesolve_maya"):
            if (ROOT / folder / name).is_file():
                found.append(Path(folder) / name)
    return found


def nearest_first(module: Path, tests: tuple[str, ...]) -> list[str]:
    """The tests of a subject, those named after the module first: most faults end there."""
    own = [path.relative_to(ROOT).as_posix() for path in sorted(ROOT.glob(f"tests/**/test_{module.stem}.py"))]
    return [name for name in own if name.startswith(tests)] + list(tests)


def noticed(copy: Path, module: Path, fault: Fault, tests: tuple[str, ...]) -> bool:
    """Whether a test fails with the fault in place; the module is put back."""
    original = (copy / module).read_text(encoding="utf-8")
    (copy / module).write_text(fault.source, encoding="utf-8")
    child = FORKS.Process(target=_test, args=(copy, nearest_first(module, tests)))
    try:
        child.start()
        child.join(PATIENCE)
        child.kill()
        child.join()
    finally:
        (copy / module).write_text(original, encoding="utf-8")
    return child.exitcode != 0


def _test(copy: Path, tests: list[str]) -> None:
    """Runs the tests of ``copy`` in this process, which has large libraries loaded but no module of the product."""
    for name in [name for name in sys.modules if name.split(".")[0] in ("tests", "facesolve", "facesolve_maya")]:
        del sys.modules[name]
    folders = [str(copy / folder) for folder in ("solver", "maya_plugin", "")]
    sys.path[:] = folders + [folder for folder in sys.path if not Path(folder).resolve().is_relative_to(ROOT)]
    os.environ.update(PYTHONPATH=os.pathsep.join(folders), QT_QPA_PLATFORM="offscreen")
    sys.dont_write_bytecode = True
    os.chdir(copy)
    for stream in (1, 2):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream)
    sys.exit(pytest.main(["-n", "0", "-q", "-x", "-p", "no:cacheprovider", *tests]))


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=1, help="faults at a time")
    parser.add_argument("--subjects", nargs="*", choices=sorted(SUBJECTS), default=list(SUBJECTS))
    given = parser.parse_args(arguments)
    FORKS.set_forkserver_preload(LOADED)
    random = np.random.default_rng(given.seed)
    each = -(-given.count // len(given.subjects))
    made = total = 0
    with tempfile.TemporaryDirectory(prefix="mutants_") as scratch, ThreadPoolExecutor(given.jobs) as pool:
        copies: SimpleQueue[Path] = SimpleQueue()
        for number in range(given.jobs):
            copies.put(_copied(Path(scratch) / str(number)))
        print("| subject | faults | noticed |\n|---|---|---|", flush=True)
        broken = [subject for subject in given.subjects if not _passes(copies, subject)]
        if broken:
            raise SystemExit(f"the tests of {', '.join(broken)} fail without any fault, so they notice nothing.")
        tried = {subject: _tried(subject, _chosen(subject, each, random), copies, pool) for subject in given.subjects}
        for subject, trials in tried.items():
            unseen = [place for place, trial in trials if not trial.result()]
            made, total = made + len(trials), total + len(trials) - len(unseen)
            print(f"| {subject} | {len(trials)} | {len(trials) - len(unseen)} |", flush=True)
            for place in unseen:
                print(f"  not noticed: {place}", file=sys.stderr, flush=True)
    print(f"\n{total} of {made} noticed, {total / made:.0%}.")
    return 0


def _copied(copy: Path) -> Path:
    """The tree, in the new folder ``copy``."""
    copy.mkdir()
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, copy / name)
    return copy


def _passes(copies: SimpleQueue[Path], subject: str) -> bool:
    copy = copies.get()
    try:
        module = modules(subject)[0]
        whole = Fault(0, "", "", (copy / module).read_text(encoding="utf-8"))
        return not noticed(copy, module, whole, SUBJECTS[subject][1])
    finally:
        copies.put(copy)


def _chosen(subject: str, count: int, random: np.random.Generator) -> list[tuple[Path, Fault]]:
    every = [(m, f) for m in modules(subject) for f in faults((ROOT / m).read_text(encoding="utf-8"))]
    return [every[i] for i in sorted(random.choice(len(every), min(count, len(every)), replace=False))]


def _tried(
    subject: str, chosen: list[tuple[Path, Fault]], copies: SimpleQueue[Path], pool: ThreadPoolExecutor
) -> list[tuple[str, Future[bool]]]:
    """Where each fault is put, and whether it will have been noticed."""

    def tried(module: Path, fault: Fault) -> bool:
        copy = copies.get()
        try:
            return noticed(copy, module, fault, SUBJECTS[subject][1])
        finally:
            copies.put(copy)

    return [
        (f"{module}:{fault.line}: {fault.before[:60]} -> {fault.after[:60]}", pool.submit(tried, module, fault))
        for module, fault in chosen
    ]


if __name__ == "__main__":
    sys.exit(main())
