"""The drawn texture is what cameras filmed, antialiased at the outline, and absent where no tile lies."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from facesolve.geometry.camera import CameraModel
from facesolve.geometry.pose import Pose
from facesolve.geometry.rig import RigModel
from facesolve.render import Texture
from facesolve.render.posed_rig import camera_depth, draw, has_texture, mesh_of, render_textured, world_vertices
from facesolve.take import SolveError, Take
from tests import synthetic, textured
from tests.textured import BACK, FRONT, SIDE

POSE = synthetic.performance(3)


@pytest.fixture(scope="module")
def filmed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Take, RigModel, Tensor]:
    """The take, its model and its images (frames, cameras, H, W, 3)."""
    take = textured.make_take(tmp_path_factory.mktemp("film"), textured.rig())
    textured.film(take, POSE)
    return take, RigModel(take.rig), textured.read_images(take)


def lenses(take: Take) -> CameraModel:
    return CameraModel.from_cameras(take.cameras, range(3))


def front_texture(size: int = 256) -> Texture:
    return Texture.from_tiles({FRONT: textured.tile_colors(size)})


def test_the_texture_is_drawn_as_it_was_filmed(filmed: tuple[Take, RigModel, Tensor]) -> None:
    take, model, images = filmed
    for camera, drawn in enumerate(render_textured(model, front_texture(), lenses(take), POSE)):
        inside = drawn.coverage >= 1
        assert inside.float().mean() > 0.2
        difference = (drawn.colors - images[:, camera]).abs().amax(-1)[inside]
        assert difference.mean() < 0.007
        assert difference.quantile(0.99) < 0.05  # slanted surface is drawn softer than it is filmed


def test_coverage_is_antialiased_where_the_rig_ends(filmed: tuple[Take, RigModel, Tensor]) -> None:
    take, model, _ = filmed
    everywhere = Texture.from_tiles({tile: torch.ones(2, 2, 3) for tile in (FRONT, SIDE, BACK)})
    for camera, drawn in enumerate(render_textured(model, everywhere, lenses(take), POSE)):
        covered = (draw(mesh_of(model), world_vertices(model, POSE), lenses(take), camera).triangle_id >= 0).float()
        partly = (drawn.coverage > 0) & (drawn.coverage < 1)
        outline = F.max_pool2d(covered[:, None], 3, 1, 1) + F.max_pool2d(1 - covered[:, None], 3, 1, 1) > 1
        assert partly.sum() > 300
        assert outline[:, 0][partly].all()
        torch.testing.assert_close(drawn.colors, drawn.coverage[..., None].expand(-1, -1, -1, 3))


def test_surface_without_a_tile_shows_the_image_behind(filmed: tuple[Take, RigModel, Tensor]) -> None:
    take, model, _ = filmed
    aside = Texture.from_tiles({(7, 0): torch.ones(2, 2, 3)})
    for drawn in render_textured(model, aside, lenses(take), POSE):
        assert not drawn.coverage.any()
        assert not drawn.colors.any()


def test_triangles_that_the_texture_does_not_carry_hide_but_are_not_drawn(
    filmed: tuple[Take, RigModel, Tensor],
) -> None:
    take, model, _ = filmed
    front = model.neutral[model.triangles, 2].mean(1) > 6
    everywhere = Texture.from_tiles({tile: torch.ones(2, 2, 3) for tile in (FRONT, SIDE, BACK)})
    whole = render_textured(model, everywhere, lenses(take), POSE)[1].coverage
    ring = render_textured(model, everywhere, lenses(take), POSE, carried=~front)[1].coverage
    seen = draw(mesh_of(model), world_vertices(model, POSE), lenses(take), 1).triangle_id
    of_front = front[seen.clamp(min=0).long()] & (seen >= 0)
    assert of_front.sum() > 500
    assert not ring[of_front].any()
    torch.testing.assert_close(ring[~of_front], whole[~of_front])


def test_distant_detail_is_filtered(filmed: tuple[Take, RigModel, Tensor]) -> None:
    take, model, _ = filmed
    checks = (torch.arange(512)[:, None] + torch.arange(512)) % 2  # far finer than a pixel
    texture = Texture.from_tiles({FRONT: checks[..., None].repeat(1, 1, 3).float()})
    drawn = render_textured(model, texture, lenses(take), POSE)[1]
    inside = drawn.coverage >= 1
    assert (drawn.colors[inside] - 0.5).abs().mean() < 0.02


def test_depth_is_in_centimeters_along_the_axis(filmed: tuple[Take, RigModel, Tensor]) -> None:
    take, model, _ = filmed
    still = Pose(torch.zeros(3, 5).double(), torch.eye(4).double().repeat(3, 1, 1))
    mesh = mesh_of(model)
    depth = camera_depth(mesh, draw(mesh, world_vertices(model, still), lenses(take), 1))
    nearest = synthetic.DISTANCE - depth.amin()
    assert 7.0 < nearest < 10.0  # the head's half depth is 8 cm
    assert torch.isinf(depth).any()


def test_tiles_end_at_their_borders() -> None:
    texture = Texture.from_tiles({(0, 0): torch.ones(2, 2, 3), (2, 1): torch.ones(2, 2, 3)})
    uv = torch.tensor([[0.5, 0.5], [1.0, 1.0], [1.2, 0.5], [2.5, 1.5], [2.5, 0.5], [-0.1, 0.5], [0.5, -1e-5]])
    assert has_texture(texture, uv).tolist() == [True, True, False, True, False, False, True]


def test_a_rig_without_uvs_cannot_be_drawn(filmed: tuple[Take, RigModel, Tensor]) -> None:
    take, _, _ = filmed
    bare = RigModel(replace(take.rig, uvs=np.zeros((0, 2)), face_uvs=np.zeros(0)))
    with pytest.raises(SolveError, match="no UVs"):
        render_textured(bare, front_texture(), lenses(take), POSE)
