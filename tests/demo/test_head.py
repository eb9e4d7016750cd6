"""The demo's head: a valid, symmetric rig whose parts do what a face does."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from facesolve.demo.head import Head, build_head, build_rig
from facesolve.demo.parts import EYE_ISLAND, Island
from facesolve.demo.sculpt import EYE_CENTER, EYE_RADIUS, cast, signed_distance
from facesolve.demo.skin_grid import SkinGrid
from facesolve.geometry.rig import RigModel
from facesolve.take import Rig


@pytest.fixture(scope="module")
def head() -> Head:
    return build_head()


@pytest.fixture(scope="module")
def rig(head: Head) -> Rig:
    return build_rig(head)


@pytest.fixture(scope="module")
def model(rig: Rig) -> RigModel:
    return RigModel(rig, dtype=torch.float64)


def posed(model: RigModel, **controls: float) -> np.ndarray:
    values = torch.zeros(1, model.control_count, dtype=torch.float64)
    for name, value in controls.items():
        values[0, model.rig.control_names.index(name)] = value
    return model.vertices(values)[0].numpy()


def skin_counts(skin: SkinGrid) -> np.ndarray:
    edges = np.concatenate([np.array([face, np.roll(face, -1)]).T for face in skin.faces])
    return np.unique(np.sort(edges, axis=1), axis=0, return_counts=True)[1]


def test_rays_end_on_the_skin() -> None:
    random = np.random.default_rng(0)
    directions = random.standard_normal((200, 3))
    directions[:, 1] = np.abs(directions[:, 1]) * 0.5
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    points = cast(np.array([0.0, 1.5, 0.0]), directions)
    assert np.abs(signed_distance(points)).max() < 1e-3
    np.testing.assert_allclose(signed_distance(points), signed_distance(points * (-1, 1, 1)), atol=1e-12)


def test_size_and_controls_are_those_of_a_face(rig: Rig) -> None:
    assert 6000 < rig.vertex_count < 10000
    assert 16 <= len(rig.controls) <= 24
    assert len(rig.combinations) == 1
    extent = rig.neutral[: rig.meshes[0].vertex_count].max(axis=0) - rig.neutral.min(axis=0)
    assert 14 < extent[0] < 17  # centimeters
    in_betweens = {target.name for target in rig.targets if len(target.shapes) > 1}
    assert in_betweens == {"eyeBlink_L", "eyeBlink_R"}


def test_skin_is_a_surface_with_one_neck_opening(head: Head) -> None:
    counts = skin_counts(head.skin)
    assert counts.max() == 2
    columns = head.skin.upper.shape[1]
    bag_and_lids = (counts == 1).sum() - columns
    assert 0 < bag_and_lids < 2 * columns


def test_uvs_stay_in_the_tile_and_apart(head: Head) -> None:
    assert head.uvs.min() >= 0
    assert head.uvs.max() <= 1
    assert head.skin.uvs[:, 1].min() > EYE_ISLAND.v + EYE_ISLAND.height
    np.testing.assert_allclose(Island(0.1, 0.2, 0.5, 0.25).place(np.array([1.0, 1.0])), [0.6, 0.45])


def test_neutral_is_symmetric(head: Head) -> None:
    skin = head.skin
    columns = skin.upper.shape[1]
    other = (columns - np.arange(columns)) % columns
    for chain in (skin.upper, skin.lower):
        mirrored = skin.vertices[chain[:, other]] * (-1, 1, 1)
        np.testing.assert_allclose(skin.vertices[chain], mirrored, atol=1e-6)


@pytest.mark.parametrize("name", ["mouthSmile", "mouthFrown", "browDown", "eyeBlink", "eyeSquint", "noseSneer"])
def test_left_and_right_mirror_each_other(head: Head, model: RigModel, name: str) -> None:
    columns = head.skin.upper.shape[1]
    other = (columns - np.arange(columns)) % columns
    left, right = posed(model, **{f"{name}_L": 0.8}), posed(model, **{f"{name}_R": 0.8})
    np.testing.assert_allclose(left[head.skin.upper], right[head.skin.upper[:, other]] * (-1, 1, 1), atol=1e-3)


def test_left_controls_stay_on_the_actors_left(model: RigModel, rig: Rig) -> None:
    for name in ("mouthSmile_L", "browDown_L", "eyeBlink_L", "noseSneer_L"):
        moved = np.linalg.norm(posed(model, **{name: 1.0}) - rig.neutral, axis=1)
        assert (moved * rig.neutral[:, 0]).sum() / moved.sum() > 0.5


def test_every_control_moves_centimeters_not_meters(model: RigModel, rig: Rig) -> None:
    for name in rig.control_names:
        largest = np.linalg.norm(posed(model, **{name: 1.0}) - rig.neutral, axis=1).max()
        assert 0.15 < largest < 4.0, name


def test_jaw_opens_the_lips_and_leaves_the_skull(head: Head, model: RigModel, rig: Rig) -> None:
    opened = posed(model, jawOpen=1.0)
    skin = head.skin
    middle = skin.upper.shape[1] // 2
    upper, lower = skin.upper[skin.mouth.row, middle], skin.lower[skin.mouth.row, middle]
    np.testing.assert_allclose(rig.neutral[upper], rig.neutral[lower], atol=1e-4)
    assert opened[upper, 1] - opened[lower, 1] > 1.2
    skull = rig.neutral[:, 1] > 3
    np.testing.assert_array_equal(opened[skull], rig.neutral[skull].astype(np.float64))


def test_blink_brings_the_lids_together_over_the_eyeball(head: Head, model: RigModel) -> None:
    skin, slit = head.skin, head.skin.eyes[0]
    columns = np.arange(slit.first + 1, slit.last)
    upper, lower = skin.upper[slit.row, columns], skin.lower[slit.row, columns]
    gaps = []
    for amount in (0.0, 0.5, 1.0):
        vertices = posed(model, eyeBlink_L=amount)
        gaps.append(vertices[upper, 1] - vertices[lower, 1])
        distance = np.linalg.norm(vertices[upper] - EYE_CENTER, axis=1)
        assert distance.min() > EYE_RADIUS
    assert gaps[0].max() > 0.7
    assert (gaps[1] < gaps[0]).all()
    assert np.abs(gaps[2]).max() < 0.15


def test_combination_needs_both_of_its_drivers(model: RigModel) -> None:
    neutral = posed(model)
    alone = (posed(model, jawOpen=1.0) - neutral) + (posed(model, mouthPucker=1.0) - neutral)
    together = posed(model, jawOpen=1.0, mouthPucker=1.0) - neutral
    assert np.linalg.norm(together - alone, axis=1).max() > 0.2


def test_what_only_occludes_carries_no_photometric_weight(rig: Rig) -> None:
    assert rig.photometric_weight is not None
    start = 0
    for mesh in rig.meshes:
        weights = rig.photometric_weight[start : start + mesh.vertex_count]
        if mesh.name.startswith(("eye", "teeth", "tongue")):
            assert not weights.any(), mesh.name
        else:
            assert weights.max() == 1
        start += mesh.vertex_count
