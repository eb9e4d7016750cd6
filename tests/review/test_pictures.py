"""Edges lie where the mesh is and only where it is seen; clay shows its shape; a picture is written whole."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from facesolve.footage.color import srgb_to_linear
from facesolve.render.clay import clay_rendering
from facesolve.render.posed_rig import camera_depth
from facesolve.review.panels import BACKDROP, Look, Shot, clay, edge_opacity, encoded
from facesolve.review.panels import edges as edges_picture
from facesolve.review.pictures import write_picture
from facesolve.review.scene import SolvedTake
from facesolve.take import Camera, Footage, Rig, Take

from .filmed import solved

SIDE = 10.0  # cm


def square_rig(second: float | None = None) -> Rig:
    """A quad around the origin that faces the camera; ``second``: another one, half as large, at that depth, cm."""
    corners = SIDE / 2 * np.array([[-1, -1, 0], [-1, 1, 0], [1, 1, 0], [1, -1, 0]], np.float32)
    quads = [corners] if second is None else [corners, corners / 2 + np.float32([0, 0, second])]
    vertices = np.concatenate(quads)
    moved = np.zeros((1, len(vertices), 3), np.float32)
    moved[0, :, 0] = 1.0
    return Rig.from_dense(vertices, moved, ["a"], np.full(len(quads), 4), np.arange(len(vertices)))


def scene_of(rig: Rig, control: float = 0.0, head: np.ndarray | None = None) -> SolvedTake:
    """One frame before a camera 100 cm away, 10 pixels a centimeter: the quad covers pixels 50 to 150 of 200."""
    intrinsics = np.array([[1000.0, 0, 100], [0, 1000.0, 100], [0, 0, 1]])
    camera = Camera("c", 200, 200, intrinsics, np.eye(3), np.array([0.0, 0, 100]))
    take = Take("square", rig, (camera,), (Footage("c", "c.{frame}.png"),), np.array([7]), 24.0)
    pose = SolvedTake.of(solved(take), take).pose
    pose = replace(pose, controls=torch.full((1, 1), control).double())
    return SolvedTake.of(solved(take, pose if head is None else replace(pose, head=torch.from_numpy(head)[None])), take)


def shot_of(scene: SolvedTake) -> Shot:
    return Shot(scene, (0,), 0, scene.take.cameras[0], scene.world([0]))


def edges(scene: SolvedTake) -> np.ndarray:
    return edge_opacity(shot_of(scene))[0].numpy()


def test_edges_follow_polygons_not_their_cuts() -> None:
    drawn = edges(scene_of(square_rig())) > 0.3
    rows, columns = np.nonzero(drawn)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (50, 149, 50, 149)
    assert drawn[50, 60:140].all()
    assert not drawn[60:140, 60:140].any()  # the diagonal is no edge


def test_edges_move_with_controls_and_head() -> None:
    head = np.eye(4)
    head[0, 3] = 2.0
    assert np.nonzero(edges(scene_of(square_rig(), head=head)) > 0.3)[1].min() == 70
    assert np.nonzero(edges(scene_of(square_rig(), 1.0)) > 0.3)[1].min() == 60


def test_only_what_the_mesh_touches_is_drawn_and_drawn_as_in_the_whole() -> None:
    head = np.eye(4)
    head[:3, :3] = cv2.Rodrigues(np.array([0.5, 0.8, 0.2]))[0]
    head[0, 3] = 7.3
    shot = shot_of(scene_of(square_rig(-4.0), head=head))
    x, y, width, height = shot.window
    assert width * height < 0.5 * 200 * 200
    whole, part = edge_opacity(shot)[0], edge_opacity(shot.inside)[0]
    np.testing.assert_allclose(part, whole[y : y + height, x : x + width], atol=1e-3)
    assert float(whole.sum()) == pytest.approx(float(part.sum()), rel=1e-3)
    np.testing.assert_allclose(shot.view.depth, camera_depth(shot.scene.mesh, shot.view.drawing), rtol=1e-5)
    assert clay(shot, Look())[0, y : y + height, x : x + width].max() > 60


@pytest.mark.parametrize(("x", "z"), [(400.0, 0.0), (0.0, -101.0)])
def test_a_mesh_beside_or_around_the_camera_leaves_the_backdrop(x: float, z: float) -> None:
    head = np.eye(4)
    head[0, 3], head[2, 3] = x, z
    shot = shot_of(scene_of(square_rig(), head=head))
    assert (edges_picture(shot, Look()) == encoded(torch.tensor([BACKDROP]))).all()


def test_light_is_encoded_as_srgb() -> None:
    levels = np.arange(256, dtype=np.uint8)
    light = torch.from_numpy(srgb_to_linear(levels / 255))
    np.testing.assert_array_equal(encoded(light), levels)


def test_hidden_edges_are_not_drawn() -> None:
    before, behind = (edges(scene_of(square_rig(depth)))[60:140, 60:140] for depth in (-5.0, 5.0))
    assert before.max() > 0.4
    assert behind.max() == 0


def test_edges_are_antialiased_where_the_mesh_ends() -> None:
    head = np.eye(4)
    head[0, 3] = 0.05  # half a pixel
    whole, half = edges(scene_of(square_rig())), edges(scene_of(square_rig(), head=head))
    assert whole[100, 49] == pytest.approx(0, abs=0.01)
    assert 0.2 < half[100, 50] < 0.8


def test_a_mesh_finer_than_the_picture_shows_its_outline_and_hides_nothing() -> None:
    across = np.linspace(-SIDE / 2, SIDE / 2, 101)
    y, x = np.meshgrid(across, across, indexing="ij")
    vertices = np.stack([x, y, 0 * x], -1).reshape(-1, 3).astype(np.float32)
    corner = (np.arange(100)[:, None] * 101 + np.arange(100)).reshape(-1)
    faces = np.stack([corner, corner + 101, corner + 102, corner + 1], 1)
    rig = Rig.from_dense(vertices, vertices[None], ["a"], np.full(len(faces), 4), faces.reshape(-1))
    drawn = edges(scene_of(rig))
    assert 0.05 < drawn[60:140, 60:140].mean() < 0.4
    assert drawn[50, 60:140].min() > 0.6


def test_clay_is_lit_from_above_left_whichever_way_it_is_wound() -> None:
    up_left = np.eye(4)
    turn = cv2.Rodrigues(np.array([-0.4, 0.4, 0.0]))[0]
    up_left[:3, :3] = turn  # its front turns to the upper left of the image
    away = np.eye(4)
    away[:3, :3] = turn.T
    bright = {}
    for name, head in (("towards", up_left), ("away", away)):
        rig = square_rig()
        turned = replace(rig, face_vertices=rig.face_vertices[::-1].copy())
        shades = []
        for one in (rig, turned):
            scene = scene_of(one, head=head)
            shades.append(clay_rendering(scene.model, shot_of(scene).view).colors[0, 100, 100].numpy())
        np.testing.assert_allclose(shades[0], shades[1], atol=1e-5)
        bright[name] = shades[0].mean()
    assert bright["towards"] > 1.3 * bright["away"]


def test_a_picture_is_written_as_it_is(tmp_path: Path) -> None:
    picture = np.random.default_rng(0).integers(0, 255, (30, 40, 3)).astype(np.uint8)
    write_picture(tmp_path / "sub" / "a.png", picture)
    np.testing.assert_array_equal(cv2.imread(str(tmp_path / "sub" / "a.png"))[..., ::-1], picture)
