"""The nvdiffrast rasterizer against the built-in one, and the built-in operations against nvdiffrast's, with gradients.

Needs a CUDA device and nvdiffrast, which is never installed for the user; without them the choice of backend is tested.
"""

import sys

import pytest
import torch

from solver.render import CHOICE, barycentrics_at_pixels, choose_backend, interpolate, rasterize_torch, sample_bilinear
from solver.render.texture import Texture
from solver.take import SolveError
from tests.synthetic import head_rig

try:
    import nvdiffrast.torch as nvdiffrast

    from solver.render import rasterize_nvdiffrast
except ImportError:
    nvdiffrast = None
needs_both = pytest.mark.skipif(
    nvdiffrast is None or not torch.cuda.is_available(), reason="needs a CUDA device and nvdiffrast"
)
SIZES = [(64, 48), (120, 160), (333, 517), (1600, 1200), (2400, 3200)]


def head_in_view(count: int = 3) -> tuple[torch.Tensor, torch.Tensor]:
    """Clip positions (B, V, 4) of the bumpy head as ``count`` cameras around it see it, and its triangles."""
    rig = head_rig()
    points = torch.tensor(rig.neutral, device="cuda")
    angle = torch.linspace(-0.6, 0.6, count, device="cuda")
    x = points[:, 0] * angle.cos()[:, None] + points[:, 2] * angle.sin()[:, None]
    z = points[:, 2] * angle.cos()[:, None] - points[:, 0] * angle.sin()[:, None]
    depth = 60 - z
    near, far = 30.0, 120.0
    clip_z = depth * (far + near) / (far - near) - 2 * far * near / (far - near)
    clip = torch.stack([4.5 * x, 4.5 * points[:, 1].expand_as(x), clip_z, depth], -1)
    return clip, torch.tensor(rig.face_vertices, device="cuda").view(-1, 3).long()


@needs_both
@pytest.mark.parametrize("size", SIZES)
def test_both_see_the_same(size):
    """Pixels that only one covers, or that show another triangle, lie within rounding of an edge: few, and fewer the
    finer the image is against the triangles. Elsewhere barycentrics and depth agree."""
    clip, triangles = head_in_view()
    ours, theirs = (backend.rasterize(clip, triangles, size) for backend in (rasterize_torch, rasterize_nvdiffrast))
    either = (ours[0] >= 0) | (theirs[0] >= 0)
    assert either.float().mean() > 0.1
    other = (ours[0] != theirs[0]) & either
    edges = 3 * len(triangles) * len(clip) * max(size) / 20  # pixels that edges pass through, at most
    assert float(other.sum()) < 0.03 * min(float(either.sum()), edges)
    same = (ours[0] == theirs[0]) & either
    torch.testing.assert_close(ours[1][same], theirs[1][same], rtol=0, atol=2e-3)
    torch.testing.assert_close(ours[2][same], theirs[2][same], rtol=0, atol=3e-5)
    assert (theirs[1][~either] == 0).all()
    assert torch.isinf(theirs[2][theirs[0] < 0]).all()


@needs_both
def test_colours_and_their_gradients_agree_with_nvdiffrast():
    """Our barycentrics, interpolation and bilinear texture on nvdiffrast's coverage, against its own operations.

    It moves vertices to the nearest 1/16 pixel and cuts barycentrics off at 0 and 1, so that pixels at edges differ by
    what the texture changes over that distance: little, as the texture is smooth.
    """
    clip, triangles = head_in_view(1)
    uvs = (clip[..., :2] / clip[..., :2].abs().amax((0, 1)) * 0.45 + 0.5).detach()
    coarse = torch.rand(1, 3, 5, 5, device="cuda", generator=torch.Generator("cuda").manual_seed(1))
    image = torch.nn.functional.interpolate(coarse, (64, 64), mode="bicubic", align_corners=False)[0]
    image = image.permute(1, 2, 0).contiguous()
    results = []
    for ours in (True, False):
        position, texels = clip.clone().requires_grad_(), image.clone().requires_grad_()
        context = nvdiffrast.RasterizeCudaContext(device="cuda")
        drawn, _ = nvdiffrast.rasterize(context, position, triangles.int(), (240, 320))
        number = drawn[..., 3].int() - 1
        if ours:
            weights = barycentrics_at_pixels(position, triangles, number)
            places = interpolate(uvs, number, weights, triangles)
            colours = sample_bilinear(Texture.from_tiles({(0, 0): texels}), places) * (number >= 0)[..., None]
        else:
            places, _ = nvdiffrast.interpolate(uvs, drawn, triangles.int())
            flipped = torch.stack([places[..., 0], 1 - places[..., 1]], -1)  # row 0 of our textures is at v = 1
            colours = nvdiffrast.texture(
                texels[None], flipped.contiguous(), filter_mode="linear", boundary_mode="clamp"
            )
            colours = colours * (number >= 0)[..., None]
        goal = torch.linspace(0, 1, colours.numel(), device="cuda").view_as(colours)
        ((colours - goal) ** 2).mean().backward()
        results.append((colours.detach(), position.grad, texels.grad))
    apart = (results[0][0] - results[1][0]).abs()
    assert float(apart.max()) < 1e-2
    assert float((apart > 2e-3).float().mean()) < 1e-3
    for mine, its in zip(results[0][1:], results[1][1:], strict=True):
        assert float((mine - its).norm() / its.norm()) < 2e-2


def test_without_nvdiffrast_the_built_in_one_runs_and_says_why(monkeypatch):
    monkeypatch.delenv(CHOICE, raising=False)
    monkeypatch.setitem(sys.modules, "solver.render.rasterize_nvdiffrast", None)
    monkeypatch.delattr("solver.render.rasterize_nvdiffrast", raising=False)
    backend = choose_backend("cuda")
    assert backend.name == "torch"
    assert "nvdiffrast" in backend.reason


def test_the_choice_can_be_made_by_the_user(monkeypatch):
    monkeypatch.setenv(CHOICE, "torch")
    assert choose_backend("cuda").name == "torch"
    monkeypatch.setenv(CHOICE, "nvdiffrast")
    with pytest.raises(SolveError, match="nvdiffrast"):
        choose_backend("cpu")
    monkeypatch.setenv(CHOICE, "fastest")
    with pytest.raises(SolveError, match="'fastest'; set it to auto, torch or nvdiffrast"):
        choose_backend("cpu")
