"""nvdiffrast's drawing with gradients against the portable one; both need a CUDA device and nvdiffrast.

nvdiffrast moves vertices to the nearest 1/16 pixel when it decides what covers a pixel, so that the two differ where
pixel centers lie that close to an edge. Where both see the same triangle they must agree closely, which is what most
tests compare: a thin triangle at an outline, seen by one of them only, has any gradient.
"""

from __future__ import annotations

from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

from facesolve.render import Drawing, Texture, TorchMesh
from tests.baseline.filmed import with_uvs
from tests.render.on_cuda import DEVICE, SIZES, head_in_view, needs_both, nvdiffrast
from tests.render.scenes import flat_clip, perspective, sphere
from tests.synthetic import head_rig

if nvdiffrast is not None:
    from facesolve.render.drawing_nvdiffrast import NvdiffrastMesh

pytestmark = needs_both
TILES = {(0, 0): (256, 256), (1, 0): (45, 70)}  # sizes that mip levels halve evenly, and that they do not


@dataclass(frozen=True, eq=False)
class Drawn:
    """One backend's drawing of the head, and the leaves that gradients are taken to."""

    drawing: Drawing
    clip: Tensor
    attributes: Tensor
    tiles: dict[tuple[int, int], Tensor]
    uvs: Tensor
    uv_triangles: Tensor

    @property
    def leaves(self) -> list[Tensor]:
        return [self.clip, self.attributes, *self.tiles.values()]

    def values(self, what: str) -> Tensor:
        """(B, H, W, C) of what is drawn: attributes, their slopes a tenth of the image's width, colors."""
        if what == "attributes":
            return self.drawing.interpolate(self.attributes)
        if what == "slopes":
            _, slopes = self.drawing.interpolate_with_slopes(self.attributes)
            return slopes.flatten(-2) * (slopes.shape[2] / 10)
        uv, slopes = self.drawing.interpolate_with_slopes(self.uvs, self.uv_triangles)
        return self.drawing.texture(Texture.from_tiles(self.tiles), uv, slopes if what == "mip-mapped" else None)


def both_heads(size: tuple[int, int]) -> tuple[Drawn, Drawn]:
    """Two views of the textured head by the portable backend and by nvdiffrast."""
    rig = with_uvs(head_rig())
    clip, triangles = head_in_view(2)
    attributes = torch.tensor(rig.neutral, dtype=torch.float32, device=DEVICE)[None] / 9  # about -1 to 1
    noise = torch.Generator().manual_seed(0)
    images = {tile: torch.rand(*shape, 3, generator=noise).to(DEVICE) for tile, shape in TILES.items()}
    uvs = torch.tensor(rig.uvs, device=DEVICE)[None]
    uv_triangles = torch.tensor(rig.face_uvs, device=DEVICE).view(-1, 3).long()
    drawn = []
    for mesh in (TorchMesh(triangles), NvdiffrastMesh(triangles)):
        leaf = clip.clone().requires_grad_()
        tiles = {tile: image.clone().requires_grad_() for tile, image in images.items()}
        own = attributes.clone().requires_grad_()
        drawn.append(Drawn(mesh.draw(leaf, size), leaf, own, tiles, uvs, uv_triangles))
    return drawn[0], drawn[1]


def agreeing(ours: Drawing, theirs: Drawing) -> Tensor:
    """(B, H, W) bool: pixels where both see the same triangle."""
    return (ours.triangle_id == theirs.triangle_id) & (ours.triangle_id >= 0)


def apart(first: Tensor, second: Tensor) -> float:
    """Distance of two tensors in parts of the second's length."""
    return float((first - second).norm() / second.norm())


def gradients(drawn: Drawn, what: str, where: Tensor) -> list[Tensor | None]:
    """Of the mean squared difference from a ramp, over the pixels (B, H, W) bool ``where``."""
    values = drawn.values(what)
    goal = torch.linspace(0, 1, values.numel(), device=DEVICE).view_as(values)
    loss = (where[..., None] * (values - goal) ** 2).sum() / where.sum()
    return list(torch.autograd.grad(loss, drawn.leaves, allow_unused=True))


@pytest.mark.parametrize("size", SIZES)
def test_coverage_barycentrics_and_depth(size):
    ours, theirs = (drawn.drawing for drawn in both_heads(size))
    covered = (ours.triangle_id >= 0) | (theirs.triangle_id >= 0)
    same = agreeing(ours, theirs)
    assert covered.float().mean() > 0.1
    assert float((covered & ~same).sum()) < 0.05 * float(covered.sum())
    assert float(((ours.triangle_id >= 0) != (theirs.triangle_id >= 0)).sum()) < 0.2 * sum(size)
    torch.testing.assert_close(ours.barycentrics[same], theirs.barycentrics[same], rtol=0, atol=2e-3)
    torch.testing.assert_close(ours.depth[same], theirs.depth[same], rtol=0, atol=3e-5)
    empty = theirs.triangle_id < 0
    assert (theirs.barycentrics[empty] == 0).all()
    assert torch.isinf(theirs.depth[empty]).all()
    assert ours.triangle_id.dtype == theirs.triangle_id.dtype == torch.int32


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    ("what", "close"), [("attributes", 1e-4), ("slopes", 1e-3), ("finest", 1e-3), ("mip-mapped", 1e-3)]
)
def test_values_agree(size, what, close):
    """At pixels that agree 99.9 % of the values within ``close`` of a range of about 1, and all within 0.02; over whole
    images, which adds pixels near edges, 0.005 on average."""
    ours, theirs = both_heads(size)
    same, covered = agreeing(ours.drawing, theirs.drawing), ours.drawing.triangle_id >= 0
    with torch.no_grad():
        difference = (ours.values(what) - theirs.values(what)).abs()
        assert float(ours.values(what)[same].std()) > 0.02
        assert not theirs.values(what)[theirs.drawing.triangle_id < 0].any()
    assert float((difference[same] > close).float().mean()) < 1e-3
    if what != "slopes":  # those of thin triangles have no bound
        assert float(difference[same].max()) < 0.02
        assert float(difference[covered].mean()) < 5e-3


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    ("what", "positions", "others"),
    [("attributes", 1e-3, 1e-3), ("slopes", 5e-3, 5e-3), ("finest", 0.1, 2e-3), ("mip-mapped", 0.05, 2e-3)],
)
def test_gradients_agree(size, what, positions, others):
    """Relative to their length, of a loss over the pixels that agree. A texture is bent at the centers of its texels:
    the change of a color with position is another one on either side, hence the wider bounds for positions."""
    drawn = both_heads(size)
    same = agreeing(drawn[0].drawing, drawn[1].drawing)
    ours, theirs = (gradients(one, what, same) for one in drawn)
    used = [0, 1] if what in ("attributes", "slopes") else [0, 2, 3]
    assert [k for k in range(4) if theirs[k] is not None] == used
    for k in used:
        assert apart(ours[k], theirs[k]) < (positions if k == 0 else others), f"gradient {k}"


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("what", ["attributes", "finest", "mip-mapped"])
def test_gradients_of_attributes_and_texels_agree_over_whole_images(size, what):
    """Within 10 %: single pixels at edges take their colors from neighboring triangles and texels."""
    ours, theirs = (gradients(one, what, torch.ones_like(one.drawing.triangle_id) > 0) for one in both_heads(size))
    for mine, its in zip(ours[1:], theirs[1:], strict=True):
        assert (mine is None) == (its is None)
        assert mine is None or apart(mine, its) < 0.1


@pytest.mark.parametrize("filtered", [False, True])
def test_textures_lie_the_same_way_up_and_end_the_same_way(filtered):
    """A sheet over two tiles and a little beyond, one texel of the smaller tile 17 pixels wide, and seen from afar."""
    size = (120, 261)
    height, width = size
    corners = flat_clip([(0, 0), (width, 0), (width, height), (0, height)], size)[None].float().to(DEVICE)
    triangles = torch.tensor([[0, 1, 2], [0, 2, 3]], device=DEVICE)
    uvs = torch.tensor([[[-0.03, 1.02], [2.04, 1.02], [2.04, -0.03], [-0.03, -0.03]]], device=DEVICE)
    noise = torch.Generator().manual_seed(2)
    texture = Texture.from_tiles(
        {
            tile: torch.rand(*shape, 2, generator=noise).to(DEVICE)
            for tile, shape in {(0, 0): (7, 8), (1, 0): (300, 500)}.items()
        }
    )
    images = []
    for mesh in (TorchMesh(triangles), NvdiffrastMesh(triangles)):
        drawing = mesh.draw(corners, size)
        assert (drawing.triangle_id >= 0).all()
        uv, slopes = drawing.interpolate_with_slopes(uvs)
        images.append(drawing.texture(texture, uv, slopes if filtered else None))
    ours, theirs = images
    assert ((ours == 0).all(-1) == (theirs == 0).all(-1)).all()
    assert 0.01 < float((ours == 0).all(-1).float().mean()) < 0.1
    difference = (ours - theirs).abs()
    assert float((difference > 2e-3).float().mean()) < 0.01
    assert float(difference.max()) < 0.05


def polyhedra(size: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Two views of a large polyhedron of 20 triangles and a small one before it: all edges are many pixels long."""
    vertices, faces = sphere(3, 5, 1.6)
    turn = torch.linalg.matrix_exp(torch.tensor([[0.0, -0.4, 0.1], [0.4, 0, -0.5], [-0.1, 0.5, 0]]).double())
    small = 0.4 * vertices @ turn.T + torch.tensor([0.6, -0.4, -2.2])
    points = torch.cat([vertices @ turn.T, small])
    views = torch.stack([points + torch.tensor([0.1, 0.05, 6.0]), points @ turn + torch.tensor([-0.2, 0.1, 6.5])])
    clip = perspective(views, size, 1.6 * min(size)).float().to(DEVICE)
    return clip, torch.cat([faces, faces + len(vertices)]).long().to(DEVICE)


@pytest.mark.parametrize("size", SIZES)
def test_antialiased_edges_agree(size):
    """Colors differ at a few pixels where edges end, whatever the size, and gradients by as many pixels of an edge."""
    clip, triangles = polyhedra(size)
    colors = torch.rand(1, clip.shape[1], 3, generator=torch.Generator().manual_seed(1)).to(DEVICE)
    goal = torch.linspace(0, 1, 2 * size[0] * size[1] * 3, device=DEVICE).view(2, *size, 3)
    results = []
    for mesh in (TorchMesh(triangles), NvdiffrastMesh(triangles)):
        leaf, table = clip.clone().requires_grad_(), colors.clone().requires_grad_()
        drawing = mesh.draw(leaf, size)
        sharp = torch.where((drawing.triangle_id >= 0)[..., None], drawing.interpolate(table), 0.1)
        smooth = drawing.antialias(sharp)
        blended = ((smooth - sharp).abs().amax(-1) > 1e-3).sum()
        results.append(
            (smooth.detach(), int(blended), *torch.autograd.grad(((smooth - goal) ** 2).sum(), (leaf, table)))
        )
    ours, theirs = results
    assert abs(ours[1] - theirs[1]) < 100
    assert theirs[1] > 4 * min(size)
    assert int(((ours[0] - theirs[0]).abs().amax(-1) > 0.05).sum()) < 100
    assert apart(ours[2], theirs[2]) < 0.02 + 20 / min(size)
    assert apart(ours[3], theirs[3]) < 0.02


@pytest.mark.parametrize("size", SIZES)
def test_of_a_fine_outline_nvdiffrast_blends_some_pixels_and_these_alike(size):
    """Its pixels look for edges of their own triangle, and miss those of triangles thinner than a pixel."""
    ours, theirs = (drawn.drawing for drawn in both_heads(size))
    with torch.no_grad():
        white = [(drawing.triangle_id >= 0).float()[..., None] for drawing in (ours, theirs)]
        smooth = [drawing.antialias(image) for drawing, image in zip((ours, theirs), white, strict=True)]
    blended = [(image - sharp).abs() > 0.01 for image, sharp in zip(smooth, white, strict=True)]
    assert 0 < int(blended[1].sum()) < 1.05 * int(blended[0].sum())
    assert float((blended[1] & blended[0]).sum()) > 0.9 * float(blended[1].sum())
    both = blended[0] & blended[1]
    assert float(((smooth[0] - smooth[1])[both].abs() > 0.1).float().mean()) < 0.1
    assert abs(float(smooth[0].sum() / smooth[1].sum()) - 1) < 0.02


def test_attributes_of_another_number_of_images_are_refused():
    clip, triangles = head_in_view(2)
    drawing = NvdiffrastMesh(triangles).draw(clip, (24, 32))
    with pytest.raises(ValueError, match="given for 3 images"):
        drawing.interpolate(torch.zeros(3, clip.shape[1], 1, device=DEVICE))


@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="needs two CUDA devices")
def test_draws_on_a_device_that_is_not_the_current_one():
    clip, triangles = polyhedra((120, 160))
    images = []
    for device in ("cuda:0", "cuda:1"):
        leaf = clip.to(device).requires_grad_()
        drawing = NvdiffrastMesh(triangles.to(device)).draw(leaf, (120, 160))
        image = drawing.antialias(drawing.interpolate(leaf[..., :2]))
        (gradient,) = torch.autograd.grad((image**2).sum(), leaf)
        assert gradient.device == image.device == torch.device(device)
        images.append(image.cpu())
    torch.testing.assert_close(*images)
