"""Trust in the surface: what keeps changing its look has less of a say, skin that fits keeps it."""

from functools import cache

import torch
from torch import Tensor

from facesolve.stages.reliability import reliability, say_of_vertices
from tests.synthetic import Scene, film, head_scene, texture

PATCH = 3.5  # cm above the middle: from there on up the actor has hair


@cache
def with_look_above(share: float, lasting: bool = False) -> Scene:
    """The head's scene, but what is above changes its look by a share, from camera to camera, and from frame to frame
    if that is not ``lasting``."""
    scene = head_scene()
    problem = scene.problem
    pixels = []
    for frame in range(len(scene.pixels)):
        shots = []
        for number, lens in enumerate(problem.take.cameras):

            def look(points: Tensor, seed: int = number + 10 * frame * (not lasting)) -> Tensor:
                strands = torch.lerp(texture(points), texture(points * 1.7 + 4.0 * seed), share)
                return torch.where(points[..., 1] > PATCH, strands, texture(points))

            shots.append(film(problem.model, (lens,), scene.truth.at([frame]), look)[0])
        luminance = tuple(shot.luminance[0] for shot in shots)
        pixels.append(type(shots[0])(luminance, tuple(shot.mask[0] for shot in shots)))
    return Scene(problem, scene.truth, pixels)


def trust(scene: Scene) -> tuple[Tensor, Tensor]:
    """Of samples well inside of the hair and of those well below it, in front."""
    found = reliability(scene.problem, scene.views(scene.truth), scene.truth).trust
    neutral = scene.problem.samples.neutral
    front = neutral[:, 2] > 3
    return found[front & (neutral[:, 1] > PATCH + 1.5)], found[front & (neutral[:, 1] < PATCH - 1.5)]


def test_hair_is_trusted_less_than_skin() -> None:
    hair, skin = trust(with_look_above(1.0))
    assert float(hair.median()) < 0.25
    assert float(skin.median()) > 0.75


def test_a_surface_that_fits_everywhere_is_trusted_everywhere() -> None:
    above, below = trust(head_scene())
    assert float(above.median()) > 0.4  # without noise, what is left is interpolation, which is finer below
    assert float(below.median()) > 0.75


def test_skin_whose_highlights_travel_counts_by_the_inverse_of_its_variance() -> None:
    """Wet skin above: each camera sees another pattern, of a twentieth of the texture's contrast, on it."""
    wet, dry = trust(with_look_above(0.05))
    assert 0.3 < float(wet.median()) < 0.6
    assert float(dry.median()) > 0.9


def test_what_cameras_see_in_all_frames_alike_is_told_from_what_changes() -> None:
    parts = []
    for lasting in (True, False):
        scene = with_look_above(1.0, lasting)
        parts.append(reliability(scene.problem, scene.views(scene.truth), scene.truth))
    assert parts[0].lasting > 0.7
    assert parts[1].lasting < 0.2
    assert parts[0].common(12) > 8
    assert parts[0].common(1) == 1


def test_one_frame_tells_nothing_of_what_lasts() -> None:
    scene = head_scene()
    first = scene.truth.at([0])
    found = reliability(scene.problem, scene.views(scene.truth).at(torch.tensor([0])), first)
    assert found.lasting == 0


def test_vertices_under_hair_have_little_say_and_those_of_skin_all() -> None:
    scene = with_look_above(1.0)
    views = scene.views(scene.truth)
    say = say_of_vertices(scene.problem, reliability(scene.problem, views, scene.truth).trust)
    neutral, weight = scene.problem.model.neutral, scene.problem.model.face_weight
    front = (neutral[:, 2] > 3) & (weight == 1)
    assert float(say[front & (neutral[:, 1] > PATCH + 1.5)].median()) < 0.25
    assert float(say[front & (neutral[:, 1] < PATCH - 1.5)].median()) > 0.75
    assert not say[weight == 0].any()
