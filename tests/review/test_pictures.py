"""Wireframes lie where the mesh is, difference maps where images differ, curves in a readable file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from solver.evaluate import Truth
from solver.review.curves import draw_curves
from solver.review.pictures import beside, difference_map, enlarged, wireframe, write_picture
from solver.rig import RigModel
from solver.take import Camera, Rig

from ..take import rigs


@pytest.fixture
def square() -> tuple[RigModel, Camera]:
    """A 10 cm quad of one polygon, 100 cm before a camera of 10 pixels a centimetre: pixels 50..150."""
    corners = np.array([[-5, -5, 0], [5, -5, 0], [5, 5, 0], [-5, 5, 0]], np.float32)
    rig = Rig.from_dense(corners, np.ones((1, 4, 3), np.float32), ["a"], np.array([4]), np.arange(4))
    intrinsics = np.array([[1000.0, 0, 100], [0, 1000.0, 100], [0, 0, 1]])
    return RigModel(rig), Camera("c", 200, 200, intrinsics, np.eye(3), np.array([0.0, 0, 100]))


@pytest.mark.parametrize("factor", [1, 2])
def test_wireframe_follows_polygon_edges_not_the_cut(square: tuple[RigModel, Camera], factor: int) -> None:
    model, camera = square
    image = np.zeros((200 * factor, 200 * factor, 3), np.uint8)
    drawn = wireframe(image, model, np.zeros(1), np.eye(4), camera).max(axis=2) > 30
    rows, columns = np.nonzero(drawn)
    assert (rows.min(), rows.max()) == (50 * factor, 150 * factor - 1)
    assert (columns.min(), columns.max()) == (50 * factor, 150 * factor - 1)
    assert drawn[50 * factor, 60 * factor : 140 * factor].all()
    assert not drawn[60 * factor : 140 * factor, 60 * factor : 140 * factor].any()  # the diagonal is no edge


def test_wireframe_moves_with_controls_and_head(square: tuple[RigModel, Camera]) -> None:
    model, camera = square
    head = np.eye(4)
    head[0, 3] = 2.0
    drawn = wireframe(np.zeros((200, 200, 3), np.uint8), model, np.array([0.0]), head, camera).max(axis=2) > 30
    assert np.nonzero(drawn)[1].min() == 70
    moved = wireframe(np.zeros((200, 200, 3), np.uint8), model, np.array([1.0]), np.eye(4), camera)
    assert np.nonzero(moved.max(axis=2) > 30)[1].min() == pytest.approx(60, abs=1)


def test_difference_is_black_where_images_agree() -> None:
    image = np.full((40, 60, 3), 100, np.uint8)
    other = image.copy()
    other[10:30, 10:30] += 60
    heat = difference_map(image, other)
    assert heat[20, 50].max() < 10
    assert heat[20, 20].min() > 100


def test_panels_stand_side_by_side_under_labels(tmp_path: Path) -> None:
    image = np.zeros((30, 40, 3), np.uint8)
    image[..., 0] = 200
    picture = beside([("one", image), ("two", enlarged(image, 1))])
    assert picture.shape[1] == 80
    np.testing.assert_array_equal(picture[-30:, :40], image)
    write_picture(tmp_path / "sub" / "a.png", picture)
    np.testing.assert_array_equal(cv2.imread(str(tmp_path / "sub" / "a.png"))[..., ::-1], picture)


def test_enlarging_keeps_the_mean() -> None:
    image = np.random.default_rng(0).integers(60, 200, (20, 30, 3)).astype(np.uint8)
    large = enlarged(image, 2)
    assert large.shape == (40, 60, 3)
    assert large.mean() == pytest.approx(image.mean(), abs=1)


def test_curves_grow_with_the_controls_that_move(tmp_path: Path) -> None:
    still = rigs.solution(6, controls=np.zeros((6, 2)), residual=np.full((6, 1), np.nan))
    truth = Truth(np.zeros((6, 2)), ("jaw", "smile"), still.head)
    draw_curves(still, tmp_path / "still.png", truth)
    names = tuple(f"control{k}" for k in range(12))
    many = replace(
        still,
        control_names=names,
        controls=np.tile(np.linspace(0, 1, 6)[:, None], (1, 12)),
        control_std=np.full((6, 12), 0.05),
    )
    draw_curves(many, tmp_path / "new" / "many.png")
    heights = [cv2.imread(str(tmp_path / name)).shape[0] for name in ("still.png", "new/many.png")]
    assert heights[1] > 2 * heights[0]
