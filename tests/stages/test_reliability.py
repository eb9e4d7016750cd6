"""Trust in the surface: what keeps changing its look has less of a say, skin that fits keeps it."""

from functools import cache

import torch
from torch import Tensor

from facesolve.stages.reliability import reliability, say_of_vertices
from tests.synthetic import Scene, film, head_scene, texture

PATCH = 3.5  # cm above the middle: from there on up the actor has hair


@cache
def with_look_above(share: float, lasting: bool = False, noise: float = 0.0) -> Scene:
    """The head's scene, but what is above changes its look by a share, from camera to camera, and from frame to frame
    if that is not ``lasting``. Elsewhere it changes by ``noise`` in every image."""
    scene = head_scene()
    problem = scene.problem
    pixels = []
    for frame in range(len(scene.pixels)):
        shots = []
        for number, lens in enumerate(problem.take.cameras):
            changing = number + 10 * frame

            def look(points: Tensor, seed: int = number if lasting else changing, own: int = changing) -> Tensor:
                strands = torch.lerp(texture(points), texture(points * 1.7 + 4.0 * seed), share)
                skin = torch.lerp(texture(points), texture(points * 1.7 - 4.0 * own), noise)
                return torch.where(points[..., 1] > PATCH, strands, skin)

            shots.append(film(problem.model, (lens,), scene.truth.at([frame]), look)[0])
        luminance = tuple(shot.luminance[0] for shot in shots)
        pixels.append(type(shots[0])(luminance, tuple(shot.mask[0] for shot in shots)))
    return Scene(problem, scene.truth, pixels)


def trust(scene: Scene) -> tuple[Tensor, Tensor]:
    """Of samples well inside of the hair and of those well below it, in front."""
    return inside_and_below(scene, reliability(scene.problem, scene.views(scene.truth), scene.truth).trust)


def inside_and_below(scene: Scene, found: Tensor) -> tuple[Tensor, Tensor]:
    """Of ``found`` (N,), in front."""
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
    assert parts[0].overall > 0.7
    assert parts[1].overall < 0.2
    assert parts[0].common(12) > 8
    assert parts[0].common(1) == 1


def test_where_highlights_stay_with_a_camera_little_is_known_of_what_frames_have_in_common() -> None:
    """Wet skin above: each camera sees a pattern of its own on it, in all frames alike."""
    scene = with_look_above(0.1, lasting=True, noise=0.1)
    found = reliability(scene.problem, scene.views(scene.truth), scene.truth)
    wet, dry = inside_and_below(scene, found.lasting)
    assert float(wet.median()) > 2 * float(dry.median())
    wet, dry = inside_and_below(scene, found.steady(12))
    assert float(wet.median()) < 0.5 * float(dry.median())
    assert bool((found.steady(1) == 1).all())


def test_one_frame_tells_nothing_of_what_lasts() -> None:
    scene = head_scene()
    first = scene.truth.at([0])
    found = reliability(scene.problem, scene.views(scene.truth).at(torch.tensor([0])), first)
    assert found.overall == found.usual == 0
    assert not found.lasting.any()


def test_vertices_under_hair_have_little_say_and_those_of_skin_all() -> None:
    scene = with_look_above(1.0)
    views = scene.views(scene.truth)
    say = say_of_vertices(scene.problem, reliability(scene.problem, views, scene.truth).trust)
    neutral, weight = scene.problem.model.neutral, scene.problem.model.face_weight
    front = (neutral[:, 2] > 3) & (weight == 1)
    assert float(say[front & (neutral[:, 1] > PATCH + 1.5)].median()) < 0.25
    assert float(say[front & (neutral[:, 1] < PATCH - 1.5)].median()) > 0.75
    assert not say[weight == 0].any()
