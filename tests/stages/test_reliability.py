"""Trust in the surface: what keeps changing its look has less of a say, skin that fits keeps it."""

from functools import cache

import torch
from torch import Tensor

from facesolve.stages.reliability import reliability
from tests.synthetic import Scene, film, head_scene, texture

PATCH = 3.5  # cm above the middle: from there on up the actor has hair


@cache
def with_hair() -> Scene:
    """The head's scene, but what is above changes its look from frame to frame and from camera to camera."""
    scene = head_scene()
    problem = scene.problem
    pixels = []
    for frame in range(len(scene.pixels)):
        shots = []
        for number, lens in enumerate(problem.take.cameras):

            def look(points: Tensor, seed: int = 10 * frame + number) -> Tensor:
                strands = texture(points * 1.7 + 4.0 * seed)
                return torch.where(points[..., 1] > PATCH, strands, texture(points))

            shots.append(film(problem.model, (lens,), scene.truth.at([frame]), look)[0])
        luminance = tuple(shot.luminance[0] for shot in shots)
        pixels.append(type(shots[0])(luminance, tuple(shot.mask[0] for shot in shots)))
    return Scene(problem, scene.truth, pixels)


def trust(scene: Scene) -> tuple[Tensor, Tensor]:
    """Of samples well inside of the hair and of those well below it, in front."""
    found = reliability(scene.problem, scene.views(scene.truth), scene.truth)
    neutral = scene.problem.samples.neutral
    front = neutral[:, 2] > 3
    return found[front & (neutral[:, 1] > PATCH + 1.5)], found[front & (neutral[:, 1] < PATCH - 1.5)]


def test_hair_is_trusted_less_than_skin() -> None:
    hair, skin = trust(with_hair())
    assert float(hair.median()) < 0.25
    assert float(skin.median()) > 0.75


def test_a_surface_that_fits_everywhere_is_trusted_everywhere() -> None:
    above, below = trust(head_scene())
    assert float(above.median()) > 0.75
    assert float(below.median()) > 0.75
