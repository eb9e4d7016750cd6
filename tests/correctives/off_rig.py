"""The synthetic head with a bump that its rig lacks, filmed; and the same without."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import torch
from torch import Tensor

from facesolve.geometry.pose import Pose
from facesolve.geometry.rig import RigModel, apply_head
from facesolve.take import Driver, Rig, Shape, Target
from tests.synthetic import RADII, Scene, film, head_rig, make_problem, make_take, performance

FRAMES = 5
HEIGHT, WIDTH = 0.5, 1.8  # cm
PLACE = np.array([-0.35, 0.1, 0.9])  # direction from the center; no control pushes there alone
SPACING = 1.6


def rig_with_insides() -> Rig:
    """``head_rig`` with a small piece inside that is not joined to it, as teeth are."""
    head = head_rig()
    painted = head.photometric_weight
    assert painted is not None
    corners = np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]])
    faces = np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]]) + head.vertex_count
    return replace(
        head,
        neutral=np.concatenate([head.neutral, corners]),
        face_counts=np.concatenate([head.face_counts, np.full(4, 3)]),
        face_vertices=np.concatenate([head.face_vertices, faces.reshape(-1)]),
        meshes=(),
        photometric_weight=np.concatenate([painted, np.zeros(len(corners), np.float32)]),
    )


def real_rig(rig: Rig) -> Rig:
    """``rig`` with a bump that stands out with the control ``smile``."""
    model = RigModel(rig, dtype=torch.float64)
    normals = model.vertex_normals(model.neutral[None])[0].numpy()
    center = RADII * PLACE / np.linalg.norm(PLACE)
    fade = np.exp(-0.5 * ((rig.neutral - center) ** 2).sum(1) / WIDTH**2)
    bump = Shape.from_dense(HEIGHT * fade[:, None] * normals, 1.0, 1e-4)
    driver = Driver.identity(rig.control_names.index("smile"), len(rig.targets))
    return replace(rig, targets=(*rig.targets, Target("bump", (bump,))), drivers=(*rig.drivers, driver))


@cache
def scene(off_rig: bool) -> Scene:
    """Five frames; the poses are the true ones, as a perfect solve would leave them."""
    problem, truth = make_problem(make_take(rig_with_insides(), frames=FRAMES), samples=2500), performance(FRAMES)
    real = RigModel(real_rig(rig_with_insides())) if off_rig else problem.model
    return Scene(problem, truth, film(real, problem.take.cameras, truth))


def deformed(rig: Rig) -> Tensor:
    """(V,) bool: vertices that the bump moves by more than 1 mm."""
    bump = RigModel(real_rig(rig), dtype=torch.float64).deltas[-1]
    return performance(FRAMES).controls[:, rig.control_names.index("smile")].max() * bump.norm(dim=1) > 0.1


def error(rig: Rig, pose: Pose, where: Tensor) -> float:
    """Mean distance, cm, of vertices ``where`` (V,) of a rig from where the real head was filmed."""
    truth = performance(FRAMES)
    model, real = (RigModel(r, dtype=torch.float64) for r in (rig, real_rig(rig_with_insides())))
    here = apply_head(pose.head, model.vertices(pose.controls))[:, where]
    there = apply_head(truth.head, real.vertices(truth.controls))[:, where]
    return float((here - there).norm(dim=-1).mean())
