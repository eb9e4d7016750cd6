"""USD cameras: the pixels of OpenUSD's frustum against the solver's projection."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from facesolve.geometry.camera import CameraModel, without_distortion
from facesolve.take import Camera

from .performances import performance

pytest.importorskip("pxr", reason='needs usd-core: pip install "facesolve[usd]"')
from pxr import UsdGeom

from facesolve.export.usd import UsdOptions, build_stage


def cameras_of(stage: Any) -> list[Any]:
    return [UsdGeom.Camera(prim) for prim in stage.Traverse() if prim.IsA(UsdGeom.Camera)]


def frustum_pixels(lens: Any, frame: int, points: np.ndarray, width: int, height: int) -> np.ndarray:
    """Where OpenUSD's frustum puts world points (n, 3) in an image of that size, first pixel's center at 0.5."""
    frustum = lens.GetCamera(frame).frustum
    clip = np.concatenate((points, np.ones((len(points), 1))), 1) @ np.array(
        frustum.ComputeViewMatrix() * frustum.ComputeProjectionMatrix()
    )
    assert (clip[:, 3] > 0).all()
    screen = clip[:, :2] / clip[:, 3:]
    return np.stack(((1 + screen[:, 0]) / 2 * width, (1 - screen[:, 1]) / 2 * height), 1)


def solver_pixels(camera: Camera, row: int, points: np.ndarray) -> np.ndarray:
    model = CameraModel.from_cameras([without_distortion(camera)], row, dtype=torch.float64)
    projection = model.project(torch.from_numpy(points))
    assert projection.valid.all()
    return projection.pixels[0].numpy()


@pytest.mark.parametrize("stabilized", [False, True])
def test_frustum_gives_the_pixels_of_the_solver(tmp_path: Path, stabilized: bool) -> None:
    """Principal point, non-square pixels, moving and zooming; the still head is seen as the moving one was."""
    one = performance(tmp_path)
    stage = build_stage(one, UsdOptions(stabilized=stabilized))
    lenses = cameras_of(stage)
    assert [lens.GetPrim().GetName() for lens in lenses] == ["main_cam", "dolly"]
    for (frame, vertices), (_, world), row in zip(one.vertices(stabilized), one.vertices(False), one.rows, strict=True):
        for lens, camera in zip(lenses, one.take.cameras, strict=True):
            found = frustum_pixels(lens, frame, vertices, camera.width, camera.height)
            np.testing.assert_allclose(found, solver_pixels(camera, int(row), world), atol=1e-3)


def test_still_camera_has_no_samples_and_keeps_what_usd_lacks(tmp_path: Path) -> None:
    stage = build_stage(performance(tmp_path))
    still, dolly = cameras_of(stage)
    assert still.GetFocalLengthAttr().GetNumTimeSamples() == 0
    assert dolly.GetFocalLengthAttr().GetNumTimeSamples() == 4
    origin = still.GetPrim().GetCustomDataByKey("facesolve")
    assert (origin["camera"], origin["width"], origin["height"]) == ("main cam", 640, 480)
    np.testing.assert_array_equal(origin["distortion"], np.full(5, 1e-3))
