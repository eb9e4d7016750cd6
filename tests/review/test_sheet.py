"""The render lies over the footage to a fraction of a pixel, through lenses and scales, and is held still on demand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from facesolve.review.panels import signed_difference
from facesolve.review.stabilize import similarity
from tests import synthetic, textured

from . import filmed as film
from .filmed import Filmed


def disagreement(filmed: Filmed, **request: object) -> float:
    """Mean absolute difference of footage and textured render in levels of 255, all frames and cameras."""
    found = [signed_difference(shot) for shots in filmed.shots(("difference",), **request) for shot in shots]
    return float(np.mean([levels[cover[..., 0] > 0.99].abs().mean() for levels, cover in found if cover is not None]))


def shifted(image: np.ndarray, x: float, y: float) -> np.ndarray:
    move = np.array([[1.0, 0, x], [0, 1, y]])
    return cv2.warpAffine(image, move, image.shape[1::-1], borderMode=cv2.BORDER_REPLICATE)


@pytest.mark.parametrize(
    ("size", "most"), [({"scale": 1.0}, 0.5), ({"scale": 2.0}, 0.8), ({"scale": 0.5}, 1.2), ({"height": 251}, 0.6)]
)
def test_footage_and_render_agree_at_every_size(filmed: Filmed, size: dict[str, float], most: float) -> None:
    assert disagreement(filmed, **size) < most


@pytest.mark.parametrize(("x", "y", "least"), [(1, 0, 2.5), (0, 1, 2.5), (0.5, 0, 1.2), (0, -0.5, 1.2)])
def test_an_overlay_that_is_off_by_half_a_pixel_shows(
    filmed: Filmed, tmp_path: Path, x: float, y: float, least: float
) -> None:
    moved = film.with_footage(filmed, tmp_path, lambda image: shifted(image, x, y))
    assert disagreement(moved, scale=1.0) > least


@pytest.mark.parametrize("axis", [0, 1])
def test_a_flipped_overlay_shows(filmed: Filmed, tmp_path: Path, axis: int) -> None:
    flipped = film.with_footage(filmed, tmp_path, lambda image: np.ascontiguousarray(np.flip(image, axis)))
    assert disagreement(flipped, scale=1.0) > 15


def test_render_agrees_with_footage_through_a_lens(filmed: Filmed, tmp_path: Path) -> None:
    through = film.with_lens(filmed, tmp_path, (-0.9, 0.4, 0.004, -0.003))
    assert disagreement(through, scale=1.0) < 0.9
    ignored = tuple(replace(source, undistorted=True) for source in through.take.footage)
    wrong = replace(through, take=replace(through.take, footage=ignored))
    assert disagreement(wrong, scale=1.0) > 2


def test_gains_make_the_texture_comparable(filmed: Filmed) -> None:
    plain = replace(filmed.solution, provenance={"texture": ["texture.1001.png"]})
    assert disagreement(replace(filmed, solution=plain), scale=1.0) > 5


@pytest.mark.parametrize(("scale", "most"), [(1.0, 0.6), (0.5, 1.4), (1.5, 0.9)])
def test_stabilized_footage_and_render_move_alike(filmed: Filmed, scale: float, most: float) -> None:
    assert disagreement(filmed, scale=scale, stabilize=True) < most


def test_a_stabilized_head_stands_still(filmed: Filmed) -> None:
    spread = {}
    for held in (False, True):
        centers = []
        for shots in filmed.shots(("clay",), stabilize=held):
            covered = [np.argwhere(shot.view.drawing.triangle_id[0].numpy() >= 0).mean(0) for shot in shots]
            centers.append(covered)
        spread[held] = np.ptp(np.array(centers), axis=0).max()
    assert spread[False] > 5
    assert spread[True] < 1


def test_similarity_is_exact_for_one() -> None:
    points = np.random.default_rng(0).normal(size=(20, 2)) * 50
    turn = 1.3 * np.array([[np.cos(0.4), -np.sin(0.4)], [np.sin(0.4), np.cos(0.4)]])
    found = similarity(points, points @ turn.T + (3, -7))
    np.testing.assert_allclose(found, np.concatenate([turn, [[3], [-7]]], 1), atol=1e-9)


def test_scale_of_differences_covers_the_pixels(filmed: Filmed) -> None:
    with filmed.sheet(("difference",)) as sheet:
        sheet.fit_levels()
        assert sheet.levels <= 8
    wrong = replace(filmed, solution=replace(filmed.solution, head=np.roll(filmed.solution.head, 1, axis=0)))
    with wrong.sheet(("difference",)) as sheet:
        sheet.fit_levels()
        assert sheet.levels >= 40


def test_an_image_that_the_take_may_lack_is_said_to_be_absent(filmed: Filmed, tmp_path: Path) -> None:
    lacking = film.with_footage(filmed, tmp_path, lambda image: image)
    lacking = replace(lacking, take=replace(lacking.take, on_bad_frame="unseen"))
    Path(lacking.take.footage[0].image_path(1)).unlink()
    with lacking.sheet(("footage",), cameras=(0,)) as sheet:
        pictures = [picture for _, picture in sheet.pictures([0, 1, 2])]
    bright = [(picture > 200).all(-1).sum() for picture in pictures]
    assert bright[1] > bright[0]  # two words more
    assert np.median(pictures[1]) < 40 < np.median(pictures[0])


def test_nothing_is_compared_where_the_footage_does_not_reach(filmed: Filmed) -> None:
    (held,), *_, (moved,) = filmed.shots(("difference",), cameras=(0,), scale=1.0, stabilize=True)
    assert held.filmed.min() == 1
    assert moved.filmed.min() == 0
    nowhere = moved.filmed.numpy() == 0
    assert nowhere.mean() > 0.05
    aside = replace(moved, world=moved.world + moved.world.new_tensor([0.0, 0.0, 30.0]))  # the mesh fills the picture
    _, coverage = signed_difference(aside)
    assert (coverage[nowhere] == 0).all()
    assert coverage[~nowhere].max() == 1


def test_stabilized_blend_at_no_opacity_is_the_footage(filmed: Filmed) -> None:
    pictures = []
    for shown, opacity in (("footage", 0.5), ("blend", 0.0), ("blend", 1.0), ("texture", 0.5)):
        with filmed.sheet((shown,), cameras=(1,), scale=1.0, opacity=opacity, labels=False) as sheet:
            pictures.append(next(sheet.pictures([0]))[1].astype(int))
    plain, none, full, texture = pictures
    np.testing.assert_array_equal(none, plain)
    assert np.abs(full[50:70, 70:90] - texture[50:70, 70:90]).max() <= 1
    np.testing.assert_array_equal(full[:5, :5], plain[:5, :5])  # beside the head


def test_what_the_texture_cannot_hold_is_not_compared(filmed: Filmed, tmp_path: Path) -> None:
    rig = textured.rig(ball=True)
    of_ball = (rig.face_vertices.reshape(-1, 3) >= filmed.take.rig.vertex_count).any(1).repeat(3)
    over_skin = replace(rig, face_uvs=np.where(of_ball, rig.face_uvs - rig.vertex_count, rig.face_uvs))
    take = textured.make_take(tmp_path, over_skin)
    textured.film(take, synthetic.performance(3), film.GAINS)
    assert disagreement(replace(filmed, take=take), scale=1.0) < 0.7
