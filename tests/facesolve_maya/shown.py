"""What a scene shows and what a solution says, as vertices, measured the same way wherever they are compared."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from maya import cmds

from facesolve.geometry.rig import RigModel, apply_head
from facesolve.take import Solution, Take
from tests.maya_emulator.session import Session, use
from tests.maya_emulator.writer import scene_text

MILLIMETERS = 10.0  # in a centimeter


def snapshot(session: Session) -> str:
    """Every node, plug, curve and connection of the scene."""
    return scene_text(session)


def shown_vertices(session: Session, shape: str, time: float) -> np.ndarray:
    """World-space points (V, 3), centimeters, that the scene shows at a time."""
    ticks = time * session.units.ticks_per_frame
    points = session.evaluator.value(session.plug(shape + ".outMesh"), ticks).points
    matrix = session.evaluator.value(session.plug(shape + ".worldMatrix[0]"), ticks)
    return points @ matrix[:3, :3] + matrix[3, :3]


def solver_vertices(take: Take, solution: Solution) -> np.ndarray:
    """World-space points (F, V, 3), centimeters, of the solution by the solver's own rig."""
    model = RigModel(take.rig, dtype=torch.float64)
    points = model.vertices(torch.as_tensor(solution.controls, dtype=torch.float64))
    return apply_head(torch.as_tensor(solution.head, dtype=torch.float64), points).numpy()


def true_vertices(folder: Path, frames: range) -> np.ndarray:
    """World-space points (F, V, 3), centimeters, of ict_rom's truth from its arrays alone."""
    rig, truth = np.load(folder / "rig.npz"), np.load(folder / "truth.npz")
    place = {str(name): column for column, name in enumerate(truth["names"])}
    weights = truth["weights"][frames.start : frames.stop, [place[str(name)] for name in rig["names"]]]
    points = rig["neutral"] + np.tensordot(weights, rig["deltas"], 1)
    head = truth["head"][frames.start : frames.stop]
    return points @ head[:, :3, :3].transpose(0, 2, 1) + head[:, None, :3, 3]


def opened(path: Path) -> Session:
    """A new Maya with a saved scene open."""
    session = Session()
    use(session)
    cmds.file(str(path), open=True, force=True)
    return session
