"""The example of a residual of one's own: short, exact in its derivatives, and of use where colors lead astray."""

from __future__ import annotations

import runpy
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import torch

import facesolve
from facesolve.geometry.camera import CameraModel
from facesolve.geometry.pose import Pose
from facesolve.geometry.rig import apply_head
from facesolve.take import StartPose, Take
from tests import synthetic

from .test_examples import EXAMPLES

FRAMES = 3
PIXEL = 0.5  # standard deviation of a detection
FILE = EXAMPLES / "landmark_residual.py"


@cache
def filmed() -> tuple[Take, Pose, Any]:
    """The synthetic head in memory, its true poses, and noisy landmarks on its front; one camera misses some."""
    take, truth = synthetic.make_take(synthetic.head_rig(), frames=FRAMES), synthetic.performance(FRAMES)
    model = synthetic.make_problem(take).model
    pixels = synthetic.film(model, take.cameras, truth)
    footage = tuple(
        facesolve.Footage.from_arrays(lens.name, np.stack([frame.luminance[camera].numpy() for frame in pixels]))
        for camera, lens in enumerate(take.cameras)
    )
    vertices = np.flatnonzero(take.rig.neutral[:, 2] > 4)[::8]
    places = apply_head(truth.head.float(), model.vertices(truth.controls.float()))[:, vertices]
    detections = CameraModel.from_cameras(take.cameras, range(FRAMES)).project(places[:, None]).pixels.numpy()
    detections = detections + np.random.default_rng(0).normal(0, PIXEL, detections.shape)
    detections[:, 0, ::3] = np.nan
    landmarks = runpy.run_path(str(FILE))["LandmarkResidual"](vertices, detections, PIXEL)
    return replace(take, footage=footage), truth, landmarks


def test_it_is_written_in_under_forty_lines():
    lines = FILE.read_text(encoding="utf-8").split('"""', 2)[2].splitlines()
    assert len([line for line in lines if line.strip() and not line.strip().startswith("#")]) < 40


def test_its_gradient_is_that_of_its_cost():
    take, truth, landmarks = filmed()
    problem = synthetic.make_problem(take, dtype=torch.float64)
    frames, pose = torch.arange(FRAMES), truth.stepped(0.02 * torch.ones(FRAMES, 11, dtype=torch.float64))
    found = landmarks.quadratic(problem, frames, pose)
    assert (found.cost > 10).all()
    for unknown in range(11):
        step = torch.zeros(FRAMES, 11, dtype=torch.float64)
        step[:, unknown] = 1e-5
        ahead, behind = (landmarks.quadratic(problem, frames, pose.stepped(s)).cost for s in (step, -step))
        torch.testing.assert_close(found.b[:, unknown], (behind - ahead) / 2e-5, rtol=1e-4, atol=1e-3)


def test_it_holds_a_head_that_colors_alone_lose():
    take, truth, landmarks = filmed()
    far = truth.head[0].numpy().copy()
    far[:3, 3] += (1.5, -1.0, 2.0)  # cm
    take = replace(take, start=StartPose(0, np.clip(truth.controls[0].numpy() + 0.3, -0.5, 1.5), far))
    true = facesolve.Truth(truth.controls.numpy(), tuple(take.rig.control_names), truth.head.numpy())
    alone, held = (facesolve.solve(take, device="cpu", residuals=residuals) for residuals in ((), (landmarks,)))
    assert facesolve.evaluate(alone, take, true).regions[0].world_mean > 3.0  # mm: tracked on to the wrong colors
    assert facesolve.evaluate(held, take, true).regions[0].world_mean < 1.0
    assert held.provenance["residuals"] == ["LandmarkResidual"]
