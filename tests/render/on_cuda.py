"""What the tests of nvdiffrast against the portable backend share: the device, sizes, and a head in view."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from tests.synthetic import head_rig

try:
    import nvdiffrast.torch as nvdiffrast
except ImportError:
    nvdiffrast = None

DEVICE = "cuda"
SIZES = [(64, 48), (120, 160), (333, 517), (1600, 1200)]  # height, width
needs_both = pytest.mark.skipif(
    nvdiffrast is None or not torch.cuda.is_available(), reason="needs a CUDA device and nvdiffrast"
)


def head_in_view(count: int = 3) -> tuple[Tensor, Tensor]:
    """Clip positions (B, V, 4) of the bumpy head as ``count`` cameras around it see it, and its triangles."""
    rig = head_rig()
    points = torch.tensor(rig.neutral, dtype=torch.float32, device=DEVICE)
    angle = torch.linspace(-0.6, 0.6, count, device=DEVICE)
    x = points[:, 0] * angle.cos()[:, None] + points[:, 2] * angle.sin()[:, None]
    z = points[:, 2] * angle.cos()[:, None] - points[:, 0] * angle.sin()[:, None]
    depth = 60 - z
    near, far = 30.0, 120.0
    clip_z = depth * (far + near) / (far - near) - 2 * far * near / (far - near)
    clip = torch.stack([4.5 * x, 4.5 * points[:, 1].expand_as(x), clip_z, depth], -1)
    return clip, torch.tensor(rig.face_vertices, device=DEVICE).view(-1, 3).long()
