"""Texels lie where UDIM tiles and image rows say, sizes follow the surface, holes are filled from what is around."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from facesolve.appearance.own_tiles import own_tiles
from facesolve.appearance.texel_layout import TileTexels, carried_triangles, lay_out_texels
from facesolve.geometry.rig import RigModel
from facesolve.render.texture import fill_unseen
from facesolve.take import Rig


def squares(*corners: tuple[float, float], side: float = 1.0, sizes: tuple[float, ...] = (10.0,) * 4) -> RigModel:
    """One quad for each lower left UV corner, of ``side`` in UV; ``sizes`` in cm, 5 cm behind each other."""
    count = len(corners)
    unit = np.array([(0, 0), (1, 0), (1, 1), (0, 1)], np.float64)
    neutral = np.concatenate([np.c_[unit * sizes[i], np.full(4, 5.0 * i)] for i in range(count)])
    uvs = np.concatenate([unit * side + np.array(corner) for corner in corners])
    faces = np.arange(4 * count)
    rig = Rig.from_dense(neutral, np.ones((1, 4 * count, 3)), ["a"], np.full(count, 4), faces, uvs, faces)
    return RigModel(rig)


def uv_of(layout: TileTexels, model: RigModel) -> Tensor:
    """(n, 2) UVs that the barycentrics stand for."""
    assert model.triangle_uvs is not None
    corners = model.uvs[model.triangle_uvs[layout.triangles]]
    return (corners * layout.barycentrics[..., None]).sum(1)


def test_row_0_is_at_v_1_and_columns_go_with_u() -> None:
    model = squares((3.0, 2.0))
    (layout,) = lay_out_texels(model, 1.0, size=8)
    assert layout.tile == (3, 2)
    assert len(layout.texels) == 64
    row, column = layout.texels // 8, layout.texels % 8
    expected = torch.stack([3 + (column + 0.5) / 8, 3 - (row + 0.5) / 8], 1)
    torch.testing.assert_close(uv_of(layout, model), expected)


def test_values_return_to_their_texels() -> None:
    model = squares((0.25, 0.5), side=0.25)
    (layout,) = lay_out_texels(model, 1.0, size=8)
    image = layout.image(torch.ones(len(layout.texels), 1))[..., 0]
    assert image.sum() == 4
    assert image[2:4, 2:4].all()  # v 0.5..0.75 is rows 2 and 3 from the top


def test_a_triangle_over_two_tiles_is_in_both_and_one_up_to_the_border_in_one() -> None:
    assert [layout.tile for layout in lay_out_texels(squares((0.5, 0.0)), 1.0, 8)] == [(0, 0), (1, 0)]
    assert [layout.tile for layout in lay_out_texels(squares((1.0, 0.0)), 1.0, 8)] == [(1, 0)]


def test_tiles_without_a_number_are_left_out() -> None:
    model = squares((-1.0, 0.0), (0.0, -1.0), (10.0, 0.0), (9.0, 1.0))
    assert [layout.tile for layout in lay_out_texels(model, 1.0, 8)] == [(9, 1)]


def test_where_uvs_overlap_the_largest_piece_wins_then_the_first() -> None:
    same, larger = squares((0.0, 0.0), (0.0, 0.0)), squares((0.0, 0.0), (0.0, 0.0), sizes=(9.0, 10.0))
    assert set(lay_out_texels(same, 1.0, 8)[0].triangles.tolist()) == {0, 1}
    assert set(lay_out_texels(larger, 1.0, 8)[0].triangles.tolist()) == {2, 3}


def test_surface_whose_texels_show_another_part_is_not_carried() -> None:
    # a quad, its copy, one that lies over half of it, one beside them in a tile of its own, one without a number
    places = ((0.0, 0.0), (0.0, 0.0), (0.25, 0.0), (1.0, 0.0), (-1.0, 0.0))
    model = squares(*places, side=0.5, sizes=(10.0, 9.0, 8.0, 7.0, 6.0))
    quads = carried_triangles(model, lay_out_texels(model, 1.0, 32)).view(5, 2).tolist()
    assert quads[0] == quads[1] == quads[3] == [True, True]
    assert quads[2] == [True, False]  # its first triangle's middle is past the first quad
    assert quads[4] == [False, False]


@pytest.mark.parametrize(("texels_per_cm", "side", "size"), [(25.6, 0.5, 512), (51.2, 0.5, 1024), (1e6, 1, 2048)])
def test_a_tile_is_as_fine_as_asked(texels_per_cm: float, side: float, size: int) -> None:
    # 10 cm span ``side`` of the tile
    (layout,) = lay_out_texels(squares((0.0, 0.0), side=side), texels_per_cm)
    assert layout.size == size


def test_a_tile_has_256_texels_at_least() -> None:
    assert lay_out_texels(squares((0.0, 0.0)), 0.1)[0].size == 256


def test_no_texels_without_uvs_or_without_area() -> None:
    model = squares((0.0, 0.0))
    bare = replace(model.rig, uvs=np.zeros((0, 2)), face_uvs=np.zeros(0))
    assert lay_out_texels(RigModel(bare), 1.0) == []
    assert lay_out_texels(squares((0.5, 0.5), side=0.0), 1.0) == []


@pytest.mark.parametrize("shape", [(16, 16), (13, 22), (1, 5)])
def test_filling_keeps_what_was_seen_and_stays_in_its_range(shape: tuple[int, int]) -> None:
    generator = torch.Generator().manual_seed(2)
    image = 0.3 + 0.5 * torch.rand(*shape, 3, generator=generator)
    seen = torch.rand(*shape, generator=generator) < 0.2
    seen[0, 0] = True
    filled = fill_unseen(torch.where(seen[..., None], image, -9.0), seen)
    assert torch.equal(filled[seen], image[seen])
    assert filled.amin() >= image[seen].amin() - 1e-6
    assert filled.amax() <= image[seen].amax() + 1e-6


def test_holes_take_the_color_of_the_nearer_side() -> None:
    image = torch.zeros(32, 32, 1)
    image[:, 16:] = 1.0
    seen = torch.zeros(32, 32, dtype=torch.bool)
    seen[:, :4] = seen[:, 28:] = True
    filled = fill_unseen(image, seen)[..., 0]
    assert filled[:, 6].max() < 0.3
    assert filled[:, 25].min() > 0.7
    assert (filled[:, 1:] >= filled[:, :-1] - 1e-6).all()


def test_parts_that_lie_over_others_in_the_uvs_get_tiles_of_their_own() -> None:
    over = squares((0.0, 0.0), (0.1, 0.1), (0.1, 0.1), (1.2, 2.2), side=0.6, sizes=(10.0, 4.0, 4.0, 8.0))
    own = own_tiles(over)
    tiles = np.floor(own.uvs[own.face_uvs].reshape(4, 4, 2).mean(1)).astype(int).tolist()
    assert tiles == [[0, 0], [0, 3], [0, 3], [1, 2]]  # the two of one picture go on sharing it
    np.testing.assert_allclose(own.uvs[own.face_uvs] % 1, over.rig.uvs[over.rig.face_uvs] % 1, atol=1e-6)
    there = RigModel(own)
    assert carried_triangles(there, lay_out_texels(there, 1.0, 256)).all()
    assert not carried_triangles(over, lay_out_texels(over, 1.0, 256)).all()
    assert own_tiles(there) is own
    assert over.with_uvs(own).triangle_uvs.tolist() == there.triangle_uvs.tolist()
