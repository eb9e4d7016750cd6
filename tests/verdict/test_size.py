"""A head of another size than the rig."""

from dataclasses import replace

import pytest
import torch

from facesolve.stages.bundle import BundleOptions, bundle
from facesolve.take import Rig, Target
from facesolve.verdict.giving_way import Keyframes
from facesolve.verdict.size import size_error
from tests.synthetic import Scene, head_rig, head_scene, make_problem, make_take


def scaled(rig: Rig, factor: float) -> Rig:
    targets = tuple(
        Target(t.name, tuple(replace(shape, deltas=shape.deltas * factor) for shape in t.shapes)) for t in rig.targets
    )
    return replace(rig, neutral=rig.neutral * factor, targets=targets)


@pytest.mark.parametrize("larger", [0.0, 0.1])
def test_a_head_that_is_larger_than_the_rig_is_told_from_one_that_is_not(larger: float):
    """Poses give way to most of it, so that a quarter is left."""
    filmed = head_scene()
    problem = make_problem(make_take(scaled(head_rig(), 1 / (1 + larger))))
    scene = Scene(problem, filmed.truth, filmed.pixels)
    fit = bundle(problem, scene.views(scene.truth, 1), scene.truth, scene.frames, 1, BundleOptions(4))
    velocity = torch.zeros(len(scene.frames), len(problem.samples.weight), 3)
    keyframes = Keyframes.seen(problem, scene.pixels, fit, scene.frames, velocity)
    found, deviation = size_error(keyframes, keyframes.about())
    assert 0 < deviation < 0.01
    if larger:
        assert 0.15 * larger < found < larger
        assert found > 1.8 * deviation
    else:
        assert abs(found) < deviation
