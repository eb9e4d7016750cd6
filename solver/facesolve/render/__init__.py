"""Rendering of triangle meshes in clip space: rasterize, interpolate, texture, antialias, visibility.

`choose_backend` picks what rasterizes and draws with gradients (`drawing.Drawing`); everything else is plain PyTorch.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from facesolve.take import SolveError

from . import rasterize_torch
from .antialias import antialias
from .barycentrics import barycentric_derivatives, barycentrics_at_pixels
from .drawing import Drawing, Mesh
from .drawing_torch import TorchMesh
from .interpolate import interpolate, interpolate_derivatives
from .silhouette import opposite_vertices, silhouette_edges
from .texture import Texture, mip_level, sample_bilinear, sample_trilinear
from .visibility import camera_depth_image, visible

__all__ = [
    "Backend",
    "Drawing",
    "Mesh",
    "Nearest",
    "Texture",
    "TorchMesh",
    "antialias",
    "barycentric_derivatives",
    "barycentrics_at_pixels",
    "camera_depth_image",
    "choose_backend",
    "interpolate",
    "interpolate_derivatives",
    "mip_level",
    "opposite_vertices",
    "sample_bilinear",
    "sample_trilinear",
    "silhouette_edges",
    "visible",
]

CHOICE = "FACESOLVE_RASTERIZER"  # environment variable

# (clip (B, V, 4), triangles (F, 3), (height, width)) -> triangle_id (B, H, W), depth (B, H, W)
Nearest = Callable[[Tensor, Tensor, tuple[int, int]], tuple[Tensor, Tensor]]


@dataclass(frozen=True)
class Backend:
    """What draws, and why it was chosen.

    nearest: rasterizes without gradients, by the contract of `rasterize_torch.nearest`. mesh: makes triangles (F, 3),
    integer indices of a welded mesh, ready to be drawn with gradients. named: whether the user chose it by name, so
    that nothing else draws in its place.
    """

    name: str
    nearest: Nearest
    mesh: Callable[[Tensor], Mesh]
    reason: str
    named: bool = False


def choose_backend(device: torch.device | str) -> Backend:
    """What draws tensors on `device`; `reason` is a sentence for the user.

    nvdiffrast where it can be used, else the built-in one; the environment variable FACESOLVE_RASTERIZER, `torch` or
    `nvdiffrast`, decides otherwise. Raises SolveError when it asks for what cannot be had.
    """
    device = torch.device(device)
    wanted = os.environ.get(CHOICE, "auto")
    if wanted not in ("auto", "torch", "nvdiffrast"):
        raise SolveError(f"{CHOICE} is '{wanted}'; set it to auto, torch or nvdiffrast.")
    why = "with no further installation or license"
    if wanted == "torch":
        why = f"as set by {CHOICE}"
    elif device.type == "cuda":
        try:
            from . import drawing_nvdiffrast, rasterize_nvdiffrast
        except ImportError as error:
            why = f"because nvdiffrast, which is faster, cannot be used ({error})"
        else:
            found = "as it is installed" if wanted == "auto" else f"as set by {CHOICE}"
            license = "its license is for research and evaluation, unless you have another"
            reason = f"nvdiffrast runs on cuda, {found}; {license} ({CHOICE}=torch does without it)"
            draws = drawing_nvdiffrast.NvdiffrastMesh
            return Backend("nvdiffrast", rasterize_nvdiffrast.nearest, draws, reason, wanted != "auto")
    if wanted == "nvdiffrast":
        raise SolveError(f"{CHOICE} is nvdiffrast, but on {device.type} the PyTorch rasterizer must run {why}.")
    reason = f"the built-in PyTorch rasterizer runs on {device.type}, {why}"
    return Backend("torch", rasterize_torch.nearest, TorchMesh, reason, wanted != "auto")
