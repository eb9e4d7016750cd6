"""The demo's head and film as a Maya scene: in-betweens, a combination, cameras made from a calibration, plates."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from maya import cmds

from facesolve.demo.film import develop
from facesolve.demo.performance import cameras, control_curves, disturbed, head_transforms
from facesolve.jobs.demo_take import START_ERROR
from facesolve.review.pictures import write_picture
from facesolve.take import Camera, Rig
from facesolve_maya.cameras import create_cameras
from facesolve_maya.scene.rotate_order import euler_angles
from tests.demo_stage import stage
from tests.facesolve_maya.ma_scene import blend_scene, open_scene

CALIBRATION = "calibration.json"
TAKE_LENGTH = 16  # frames of the whole performance, of which the first are filmed


@dataclass(frozen=True, eq=False)
class DemoFilm:
    """What was filmed: controls (F, K) and heads (F, 4, 4) as they were, and the start pose, slightly off."""

    rig: Rig
    cameras: tuple[Camera, ...]
    controls: np.ndarray
    heads: np.ndarray
    start_controls: np.ndarray
    start_head: np.ndarray


def open_demo_head(folder: Path, frames: int, with_cameras: bool = True) -> DemoFilm:
    """Films the demo's first frames and opens them as a scene, frame 1 first, with the head at the start pose.

    with_cameras: made from CALIBRATION, which lies in the folder either way.
    """
    film, images = _film(folder, frames)
    open_rig(film.rig, folder)
    calibration = write_calibration(film.cameras, folder)
    if with_cameras:
        create_cameras(calibration, images, first_frame=1.0)
    pose_rig(film.rig, film.start_controls, film.start_head)
    return film


def open_rig(rig: Rig, folder: Path) -> None:
    """Opens a scene with the blendShape rig alone: mesh ``head`` below ``head_GRP``, weights of ``BS`` as controls."""
    faces = [face.tolist() for face in np.split(rig.face_vertices, np.cumsum(rig.face_counts)[:-1])]
    targets = {
        target.name: (
            index,
            [(5000 + round(1000 * shape.weight), shape.vertices, shape.deltas) for shape in target.shapes],
        )
        for index, target in enumerate(rig.targets)
    }
    open_scene(blend_scene(rig.neutral, faces, targets), folder)
    for combination in rig.combinations:
        node = cmds.createNode("combinationShape", name="both")
        for place, driver in enumerate(combination.drivers):
            cmds.connectAttr(f"BS.weight[{driver}]", f"{node}.inputWeight[{place}]")
        cmds.connectAttr(node + ".outputWeight", f"BS.weight[{combination.target}]")


def pose_rig(rig: Rig, controls: np.ndarray, head: np.ndarray) -> None:
    """Sets the weights (K,) and the head transform (4, 4), centimeters."""
    for control, value in zip(rig.controls, controls, strict=True):
        cmds.setAttr(f"BS.{control.name}", float(value))
    cmds.setAttr("head_GRP.translate", *head[:3, 3])
    cmds.setAttr("head_GRP.rotate", *np.degrees(euler_angles(head[:3, :3].T, "xyz")))


def _film(folder: Path, frames: int) -> tuple[DemoFilm, dict[str, str]]:
    """The film, and the first image of each camera."""
    head = stage()
    rig, lenses = head.model.rig, cameras()
    controls, heads = control_curves(rig.control_names, TAKE_LENGTH)[:frames], head_transforms(TAKE_LENGTH)[:frames]
    for index in range(frames):
        for number, lens in enumerate(lenses):
            image = develop(head.render(controls[index], heads[index], lens), np.random.default_rng((index, number)))
            write_picture(folder / "film" / f"{lens.name}.{index + 1:04d}.png", image)
    guess = np.clip(controls[0] + START_ERROR * np.cos(3.0 * np.arange(len(rig.controls))), 0.0, 1.0)
    images = {lens.name: (folder / "film" / f"{lens.name}.0001.png").as_posix() for lens in lenses}
    return DemoFilm(rig, lenses, controls, heads, guess, disturbed(heads[0])), images


def write_calibration(lenses: tuple[Camera, ...], folder: Path) -> Path:
    """The calibration file of the cameras, in the folder."""
    record = {
        lens.name: {
            "intrinsic": lens.intrinsics.tolist(),
            "distortion": lens.distortion.tolist(),
            "rotation": lens.rotation.tolist(),
            "translation": lens.translation.tolist(),
            "width": lens.width,
            "height": lens.height,
        }
        for lens in lenses
    }
    path = folder / CALIBRATION
    path.write_text(json.dumps(record), encoding="utf-8")
    return path
