"""Scenes that other people's Mayas saved: what becomes of each head in them?

    python -m tests.bench.scene_zoo FOLDER

The stand-in for Maya reads every ``.ma`` in FOLDER tolerantly: what it does not know is passed over and counted, and
plugs behind nodes that it cannot compute keep the values that were saved. Each mesh with a blendShape is then exported
as a rig and compared with the scene at random poses, or is refused; each must end in one of the two, never in a
traceback. Prints one table.
"""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path

import numpy as np

from tests.maya_emulator.errors import EmulatorError
from tests.maya_emulator.install import install
from tests.maya_emulator.reader import Reader
from tests.maya_emulator.schema import NodeType, node_types
from tests.maya_emulator.session import Session, use
from tests.maya_emulator.tokens import statements, tokens

install()

from maya import cmds  # noqa: E402

from facesolve.take.errors import FacesolveError  # noqa: E402
from facesolve.take.rig_evaluation import RigEvaluator  # noqa: E402
from facesolve_maya.export.rig import read_rig  # noqa: E402
from facesolve_maya.scene.findings import Report  # noqa: E402
from facesolve_maya.scene.geometry import shape_points, transformed, world_matrix  # noqa: E402
from facesolve_maya.scene.head import head_now  # noqa: E402
from facesolve_maya.ui.model import HeadRow  # noqa: E402
from facesolve_maya.ui.scene_rows import read_heads  # noqa: E402

POSES = 5
TIMES = (1.0, 2.0)


class TolerantReader(Reader):
    """Passes over what the stand-in does not know: Maya keeps nodes of plug-ins that are not there, too."""

    def __init__(self, session: Session) -> None:
        super().__init__(session, "")
        self.passed_over: Counter[str] = Counter()

    def run(self, text: str) -> None:
        """Every statement in order, counting by their first word those that cannot be run."""
        for statement in statements(text):
            word = (statement.split(None, 1) or [""])[0]
            handler = getattr(self, "_" + word, None)
            try:
                if word == "createNode":
                    self.node = None
                    _become_known(tokens(statement))
                if handler is None:
                    raise EmulatorError(word)
                handler(statement)
            except (EmulatorError, ValueError, LookupError, TypeError, AssertionError, OSError, RuntimeError):
                self.passed_over[word] += 1


def _become_known(words: list[str]) -> None:
    """An unknown type becomes one whose nodes do nothing, below a transform or not."""
    base = "dagNode" if "-p" in words else "node"
    node_types().setdefault(words[1], NodeType(words[1], base, {}, inert=True))


def open_tolerantly(path: Path) -> Counter[str]:
    """Opens a scene; what was passed over, by command."""
    session = Session()
    use(session)
    session.evaluator.tolerant = True
    reader = TolerantReader(session)
    reader.run(path.read_text(encoding="utf-8", errors="replace"))
    return reader.passed_over


def outcome(head: HeadRow) -> str:
    """What the export makes of a head, in a sentence."""
    report = Report()
    top = head.transforms[0]
    try:
        rig, controls = read_rig((head.mesh,), top, TIMES, report)
    except FacesolveError as error:
        return f"refused: {str(error).splitlines()[0]}"
    random, worst = np.random.default_rng(0), 0.0
    (shape,) = cmds.listRelatives(head.mesh, shapes=True, noIntermediate=True, fullPath=True)
    for _ in range(POSES):
        values = random.uniform(*rig.bounds.T)
        for place, control in enumerate(rig.controls):
            try:
                cmds.setAttr(control.plug, float(values[place]))
            except RuntimeError:  # locked or keyed: it stays as it is
                values[place] = cmds.getAttr(control.plug)
        placed = head_now(top)
        points = RigEvaluator(rig).vertices(values[None])[0] @ placed[:3, :3].T + placed[:3, 3]
        world = transformed(shape_points(shape), world_matrix(shape))
        worst = max(worst, float(np.linalg.norm(points - world, axis=1).max()))
    text = f"exported: {len(rig.targets)} targets, {len(rig.controls)} controls, {worst:.0e} cm off"
    return text + (f"; {len(controls.locked)} left as they are" if controls.locked else "")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    wrong = 0
    print("| scene | passed over | head | ends |\n|---|---|---|---|")
    for path in sorted(parser.parse_args().folder.rglob("*.ma")):
        try:
            passed_over = open_tolerantly(path)
        except (ValueError, LookupError) as problem:
            print(f"| {path.name} | | | not Maya ASCII: {str(problem)[:60]} |", flush=True)
            continue
        counts = ", ".join(f"{count} {word}" for word, count in passed_over.most_common(3)) or "nothing"
        try:
            heads = read_heads()
        except EmulatorError as problem:
            print(f"| {path.name} | {counts} | | the stand-in cannot say: {problem} |", flush=True)
            continue
        if not heads:
            print(f"| {path.name} | {counts} | none | no mesh with a blendShape or a skin |", flush=True)
        for head in heads:
            try:
                end = outcome(head)
            except EmulatorError as problem:
                end = f"the stand-in cannot say: {problem}"
            except Exception as problem:  # whatever it is, it is what this looks for
                wrong += 1
                end = f"WRONG: {type(problem).__name__}: {problem}"
            print(f"| {path.name} | {counts} | {head.mesh} | {end} |", flush=True)
    return int(wrong > 0)


if __name__ == "__main__":
    raise SystemExit(main())
