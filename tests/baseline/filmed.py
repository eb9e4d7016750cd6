"""A small filmed head with UVs, its footage on disk, and a start pose about 4 mm off."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from facesolve.take import Footage, Rig, StartPose, Take
from tests.synthetic import RADII, Scene, film, head_rig, make_problem, make_take, performance

FRAMES = 3


def with_uvs(rig: Rig) -> Rig:
    """Seen from the front: the front half fills the first tile, the back half the second."""
    flat = 0.5 + rig.neutral[:, :2] / (2.6 * RADII[:2])
    faces = rig.face_vertices.reshape(-1, 3)
    behind = rig.neutral[faces].mean(1)[:, 2] < 0
    uvs = np.concatenate([flat, flat + np.array([1, 0])]).astype(np.float32)
    return replace(rig, uvs=uvs, face_uvs=(faces + behind[:, None] * rig.vertex_count).reshape(-1))


def filmed_scene() -> Scene:
    """The synthetic head with UVs, the first three of nine frames: between them it moves by less than its texture."""
    problem = make_problem(make_take(with_uvs(head_rig()), frames=FRAMES))
    truth = performance(3 * FRAMES).at(slice(0, FRAMES))
    return Scene(problem, truth, film(problem.model, problem.take.cameras, truth))


def on_disk(scene: Scene, folder: Path) -> Take:
    """The scene's take with its footage in ``folder``."""
    plain = scene.problem.take
    sources = []
    for camera, lens in enumerate(plain.cameras):
        source = Footage(lens.name, (folder / f"{lens.name}.{{frame:04d}}.png").as_posix(), color_space="linear")
        for frame, pixels in enumerate(scene.pixels):
            linear = pixels.luminance[camera].numpy() ** 2
            assert cv2.imwrite(source.image_path(frame), np.rint(linear.clip(0, 1) * 65535).astype(np.uint16))
        sources.append(source)
    start = scene.disturbed().at([0])
    return replace(plain, footage=tuple(sources), start=StartPose(0, start.controls[0].numpy(), start.head[0].numpy()))
