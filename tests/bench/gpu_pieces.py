"""What one iteration at full resolution is made of on a GPU: how long each piece takes, and what fused kernels make
different from plain PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor

from facesolve.footage.stream import FramePixels, TakeFootage
from facesolve.footage.upload import Uploader
from facesolve.geometry.pose import Pose
from facesolve.geometry.surface_samples import PlacedSamples
from facesolve.optimize.levenberg_marquardt import Linearized, Options
from facesolve.render import Backend, TorchMesh, rasterize_torch
from facesolve.residuals.against_template import Photometric
from facesolve.residuals.normal_equations import normal_equations
from facesolve.residuals.observation import Views
from facesolve.residuals.photometric import said_by_samples
from facesolve.residuals.residual import REFINE
from facesolve.residuals.visibility import ViewBuilder, Visibility
from facesolve.solve.pipeline import Solved
from facesolve.stages.frame_fit import BOX_ROUNDS, with_priors
from facesolve.stages.problem import Problem
from facesolve.stages.refine import learn_template

from .generated import Filmed

REPETITIONS = 20


@dataclass(frozen=True, eq=False)
class _Iteration:
    """The first frames of a take where a solve ended: all that one iteration is made from."""

    problem: Problem
    pose: Pose
    frames: Tensor
    pixels: list[FramePixels]
    visibility: Visibility
    views: Views
    against: Photometric
    placed: PlacedSamples

    @staticmethod
    def of(solved: Solved, filmed: Filmed, frames: int) -> _Iteration:
        problem, pose = solved.problem, solved.joint.pose.at(list(range(frames)))
        level, indices = problem.quality.finest, list(range(frames))
        with filmed.in_memory(), TakeFootage(filmed.take, problem.model.device) as footage:
            pixels = [image for _, image in footage.frames(indices, level, color=False)]
        index = torch.tensor(indices, device=problem.model.device)
        template = learn_template(problem, pixels, pose, index, level).template
        visibility = problem.views.visibility(problem.samples, level, indices, pose.controls, pose.head)
        views = problem.views.build(visibility, level, indices, pixels)
        placed = problem.samples.placed(problem.model.deformation(pose.controls.to(problem.model.dtype)))
        against = Photometric.of(template, views, level)
        return _Iteration(problem, pose, index, pixels, visibility, views, against, placed)

    def see(self, views: ViewBuilder | None = None) -> Visibility:
        views = self.problem.views if views is None else views
        level, indices = self.problem.quality.finest, self.frames.tolist()
        return views.visibility(self.problem.samples, level, indices, self.pose.controls, self.pose.head)

    def build(self) -> Views:
        level = self.problem.quality.finest
        return self.problem.views.build(self.visibility, level, self.frames.tolist(), self.pixels)


def pieces_of_an_iteration(solved: Solved, filmed: Filmed, frames: int) -> dict[str, float]:
    """Milliseconds a frame of what one iteration at full resolution does, each recorded and replayed alone."""
    now = _Iteration.of(solved, filmed, frames)
    problem, level = now.problem, now.problem.quality.finest
    quadratic, scale = now.against.judged(problem, now.pose, None)
    full = with_priors(problem, quadratic, now.pose, now.frames, REFINE)
    model, box = Linearized(full.A, full.b, full.cost, scale), problem.box(now.pose, now.frames)
    damping = torch.full((frames,), 1e-4, dtype=torch.float64, device=now.frames.device)
    said = now.against.said(now.placed, now.pose.head, scale)
    tasks: dict[str, Callable[[], Any]] = {
        "rasterization and visibility": now.see,
        "normalized images": now.build,
        "linearization": lambda: now.against.said(now.placed, now.pose.head, scale),
        "accumulation": lambda: normal_equations(now.placed, said.information, said.force, exact=False),
        "bounded step": lambda: model.damped_step(damping, box, Options(1, box_rounds=BOX_ROUNDS)),
    }
    recorded = ("linearization", "accumulation", "bounded step")
    pieces = {name: _milliseconds(task, name in recorded) / frames for name, task in tasks.items()}
    images = [filmed.images[0]]
    device, take = problem.model.device, filmed.take
    with filmed.in_memory(), TakeFootage(take, device) as footage:
        begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        begin.record()
        for _ in footage.frames(range(len(filmed.images)), level, color=False):
            torch.cuda.synchronize(device)
        end.record()
        torch.cuda.synchronize(device)
        pieces["input alone"] = begin.elapsed_time(end) / len(filmed.images)
    upload = Uploader(take.cameras, device, level, color=False)
    stored = torch.stack([torch.from_numpy(image) for image in images[0]]).to(device)
    pieces["luminance of stored images"] = _milliseconds(lambda: upload.luminance(stored, "srgb"), False)
    return pieces


def differences(solved: Solved, filmed: Filmed, frames: int) -> dict[str, float]:
    """The largest difference that fused kernels make, over the largest value, and the share of samples and pixels that
    are seen by one and not by the other. Needs a solve whose kernels are fused."""
    now = _Iteration.of(solved, filmed, frames)
    level = now.problem.quality.finest
    said = now.against.said(now.placed, now.pose.head, None)
    twin = said_by_samples(now.placed, now.pose.head, now.against.against, None)
    found = {
        f"linearization: {name}": _off(getattr(said, name), getattr(twin, name))
        for name in ("information", "force", "cost", "curvature", "scale")
    }
    matrices = normal_equations(now.placed, said.information, said.force, exact=False)[0]
    with patch("facesolve.residuals.normal_equations.fused", lambda device, named=False: False):
        others = normal_equations(now.placed, said.information, said.force, exact=False)[0]
    found["accumulation"] = _off(matrices, others)
    images = now.views.images[0].values
    with patch("facesolve.residuals.visibility.fused", lambda device: False):
        plain = now.build().images[0].values
        builder = ViewBuilder(filmed.take, now.problem.model, _torch_backend(), now.problem.quality.finest_visibility)
        other = now.see(builder)
    found["normalized images"] = _off(images, plain)
    ours, theirs = now.visibility.weights, other.weights
    either = (ours > 0) != (theirs > 0)
    found["samples seen by one only"] = float(either.double().mean())
    found["weights of samples seen by both"] = float(torch.where(either, 0.0, (ours - theirs).abs()).max())
    covered = [a != b for a, b in zip(now.visibility.coverage, other.coverage, strict=True)]
    found["pixels covered by one only"] = float(torch.stack([part.double().mean() for part in covered]).mean())
    stored = torch.stack([torch.from_numpy(image) for image in filmed.images[0]]).to(ours.device)
    upload = Uploader(filmed.take.cameras, ours.device, level, color=False)
    with patch("facesolve.footage.upload.fused", lambda device: False):
        slow = Uploader(filmed.take.cameras, ours.device, level, color=False)
    found["luminance"] = _off(upload.luminance(stored, "srgb")[0], slow.luminance(stored, "srgb")[0])
    return found


def _torch_backend() -> Backend:
    return Backend("torch", rasterize_torch.nearest, TorchMesh, "to compare with", named=True)


def _off(one: Tensor, other: Tensor) -> float:
    return float((one - other).abs().max() / other.abs().max())


def _milliseconds(task: Callable[[], Any], recorded: bool) -> float:
    task()
    torch.cuda.synchronize()
    run = task
    if recorded:
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            task()
        run = graph.replay
    run()
    begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    begin.record()
    for _ in range(REPETITIONS):
        run()
    end.record()
    torch.cuda.synchronize()
    return begin.elapsed_time(end) / REPETITIONS
