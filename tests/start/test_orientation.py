"""Which way a head faces: axes of rigs modeled along y and z, cameras' directions, turned rotations."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from facesolve.geometry.camera import look_along
from facesolve.start.orientation import (
    camera_centers,
    head_pixels,
    head_rotation,
    meeting_point,
    rig_axes,
    upward_directions,
)
from facesolve.take import Camera, Control, Driver, Footage, Rig, Shape, Take, Target

from .filmed import lenses, stage

STANDING = np.array([[1, 0, 0], [0, 0, -1], [0, 1, 0]])  # from y up, z forward to z up, -y forward


def turned(rig: Rig, rotation: np.ndarray) -> Rig:
    targets = tuple(
        Target(t.name, tuple(Shape(s.weight, s.vertices, s.deltas @ rotation.T) for s in t.shapes)) for t in rig.targets
    )
    return replace(rig, neutral=rig.neutral @ rotation.T.astype(np.float32), targets=targets)


def camera(
    place: tuple[float, float, float], forward: tuple[float, float, float], up: tuple[float, float, float]
) -> Camera:
    rotation = look_along(np.array(forward, float), np.array(up, float))
    intrinsics = np.array([[500.0, 0, 100], [0, 500.0, 100], [0, 0, 1]])
    return Camera(f"c{place}", 200, 200, intrinsics, rotation, -rotation @ np.array(place, float))


@pytest.mark.parametrize("mirrored", [False, True])
def test_axes_of_a_head_modeled_with_y_up_and_with_z_up(mirrored: bool) -> None:
    rig = stage().model.rig
    if mirrored:  # wound the other way round
        starts = np.cumsum(rig.face_counts) - rig.face_counts
        order = np.concatenate([np.arange(s + n - 1, s - 1, -1) for s, n in zip(starts, rig.face_counts, strict=True)])
        rig = replace(rig, face_vertices=rig.face_vertices[order], uvs=np.zeros((0, 2)), face_uvs=np.zeros(0, int))
    axes = rig_axes(rig)
    assert (axes.up.tolist(), axes.forward.tolist(), axes.left.tolist()) == ([0, 1, 0], [0, 0, 1], [1, 0, 0])
    standing = rig_axes(turned(rig, STANDING))
    assert (standing.up.tolist(), standing.forward.tolist()) == ([0, 0, 1], [0, -1, 0])
    assert np.linalg.det(standing.rotation) == pytest.approx(1)


def test_cameras_meet_where_they_look() -> None:
    wanted = np.array([3.0, 5.0, -2.0])
    looking = [camera(place, tuple(wanted - place), (0, 1, 0)) for place in ((50, 0, 40), (-50, 10, 30), (0, -20, 60))]
    assert np.allclose(meeting_point(tuple(looking), 0), wanted)
    assert np.allclose(camera_centers(tuple(looking), 0)[1], (-50, 10, 30))
    parallel = tuple(camera((x, 0, 50), (0, 0, -1), (0, 1, 0)) for x in (0, 20))
    assert meeting_point(parallel, 0) is None
    assert meeting_point(tuple(camera((x, 0, 50), (x, 0, 50), (0, 1, 0)) for x in (-20, 20)), 0) is None


def test_upright_is_what_the_cameras_say_then_the_axes_of_the_world() -> None:
    ups = upward_directions(lenses(), 0, np.array([0.0, 0.0, 1.0]))
    assert ups[0] @ (0, 1, 0) > 0.99
    assert len(ups) == 4
    on_their_side = tuple(camera((x, 0, 60), (-x, 0, -60), (1, 0, 0)) for x in (-20, 0, 20))
    ups = upward_directions(on_their_side, 0, np.array([0.0, 0.0, 1.0]))
    assert ups[0] @ (1, 0, 0) > 0.9
    assert max(up @ (0, 1, 0) for up in ups) > 0.99


def test_rotations_turn_to_the_left_down_and_sideways() -> None:
    axes = rig_axes(stage().model.rig)
    up, facing = np.array([0.0, 0.0, 1.0]), np.array([0.0, -1.0, 0.2])
    straight, yaw, nod, tilt = head_rotation(
        axes, up, facing, np.array([[0, 0, 0], [0.3, 0, 0], [0, 0.3, 0], [0, 0, 0.3]])
    )
    assert np.allclose(straight @ axes.up, up)
    assert np.allclose(straight @ axes.forward, (0, -1, 0))
    assert (yaw @ axes.forward) @ (straight @ axes.left) == pytest.approx(np.sin(0.3))
    assert (nod @ axes.forward) @ up == pytest.approx(-np.sin(0.3))
    assert (tilt @ axes.up) @ (straight @ axes.left) == pytest.approx(-np.sin(0.3))
    assert np.allclose(np.linalg.det([straight, yaw, nod, tilt]), 1)


def test_pixels_across_a_head() -> None:
    lens = camera((0, 0, 60), (0, 0, -1), (0, 1, 0))
    take = Take("t", stage().model.rig, (lens,), (Footage(lens.name, "x.png"),), np.arange(1), 24.0)
    assert head_pixels(take, 0, 8.0, np.array([0.0, 0.0, 10.0])) == pytest.approx(2 * 8 * 500 / 50)


def test_what_moves_the_whole_head_does_not_say_where_the_face_is() -> None:
    """Identity modes and a control of the head's size move its back the most."""
    rig = stage().model.rig
    grow = np.where(rig.neutral[:, 2:] < rig.neutral[:, 2].mean(), 3.0, 1.0) * (rig.neutral - rig.neutral.mean(0)) / 10
    target = Target("size", (Shape.from_dense(grow),))
    larger = replace(
        rig,
        targets=(*rig.targets, target),
        controls=(*rig.controls, Control("size", -3, 3)),
        drivers=(*rig.drivers, Driver.identity(len(rig.controls), len(rig.targets))),
    )
    np.testing.assert_array_equal(rig_axes(larger).forward, rig_axes(rig).forward)
