"""Surface samples: where they lie, how evenly and what they weigh."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from facesolve.geometry.rig import RigModel
from facesolve.geometry.surface_samples import (
    FULL_MOTION,
    STILL_DENSITY,
    UNSEEN_DENSITY,
    sample_surface,
)
from facesolve.take import Rig, SolveError
from tests.synthetic import compound_rig, head_rig


def plane(columns: int = 12, moving: float = 1.0) -> Rig:
    """A square of 12 x 12 cm in quads; the one control moves its left half by a given way (cm); all of it drives."""
    y, x = np.mgrid[: columns + 1, : columns + 1] * (12.0 / columns)
    neutral = np.stack([x, y, 0 * x], -1).reshape(-1, 3)
    corner = (np.arange(columns)[:, None] * (columns + 1) + np.arange(columns)).reshape(-1)
    faces = np.stack([corner, corner + 1, corner + columns + 2, corner + columns + 1], 1)
    deltas = np.zeros((1, len(neutral), 3))
    deltas[0, neutral[:, 0] < 5.9, 2] = moving
    rig = Rig.from_dense(neutral, deltas, ["lift"], np.full(len(faces), 4), faces.reshape(-1))
    return replace(rig, photometric_weight=np.ones(rig.vertex_count, np.float32))


def everything(model: RigModel) -> torch.Tensor:
    return torch.ones(len(model.triangles), dtype=torch.bool)


def test_samples_lie_on_the_surface_and_move_with_it():
    model = RigModel(compound_rig(), dtype=torch.float64)
    samples = sample_surface(model, 300, everything(model))
    assert (samples.barycentrics >= 0).all()
    torch.testing.assert_close(samples.barycentrics.sum(1), torch.ones(300, dtype=torch.float64))
    controls = torch.rand(4, 5, dtype=torch.float64, generator=torch.manual_seed(0)) * 2 - 0.5
    corners = model.vertices(controls)[:, model.triangles[samples.triangles]]
    expected = (corners * samples.barycentrics[..., None]).sum(2)
    torch.testing.assert_close(samples.positions(model.deformation(controls)), expected)


def test_density_is_even():
    """Mean, second moments and counts in a 4 x 4 grid are those of the area, where every part moves alike."""
    rig = plane()
    everywhere = replace(rig.targets[0].shapes[0], vertices=np.arange(169, dtype=np.int32), deltas=np.ones((169, 3)))
    model = RigModel(replace(rig, targets=(replace(rig.targets[0], shapes=(everywhere,)),)))
    samples = sample_surface(model, 6400, everything(model))
    place = samples.neutral[:, :2]
    torch.testing.assert_close(place.mean(0), torch.full((2,), 6.0), atol=0.1, rtol=0)
    torch.testing.assert_close(torch.cov(place.T), 12 * torch.eye(2), atol=0.4, rtol=0)
    counts = torch.bincount((place // 3).long() @ torch.tensor([4, 1]), minlength=16)
    assert (counts - 400).abs().max() < 45, "a random scatter would have a deviation of 20, stratified less"
    assert samples.spacing == pytest.approx(12 / 80)


def test_density_does_not_depend_on_the_size_of_the_triangles():
    """The head's triangles differ; moments of the samples are the area's, if all of it counts alike."""
    rig = replace(head_rig(), targets=(), drivers=())
    model = RigModel(rig, dtype=torch.float64)
    samples = sample_surface(model, 4000, everything(model))
    corners = model.neutral[model.triangles]
    area = torch.linalg.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]).norm(dim=1)
    area = area / area.sum()
    # second moment of a triangle: (sum of c c^T + s s^T) / 12, s the sum of the corners
    total = corners.sum(1)
    moment = (torch.einsum("fci,fcj->fij", corners, corners) + total[:, :, None] * total[:, None]) / 12
    torch.testing.assert_close(samples.neutral.mean(0), (area[:, None] * corners.mean(1)).sum(0), atol=0.15, rtol=0)
    actual = samples.neutral.T @ samples.neutral / 4000
    torch.testing.assert_close(actual, (area[:, None, None] * moment).sum(0), atol=0.6, rtol=0.02)


def test_denser_where_controls_move_and_sparse_samples_weigh_as_much_more():
    model = RigModel(plane())
    samples = sample_surface(model, 4000, everything(model))
    left = samples.neutral[:, 0] < 5
    right = samples.neutral[:, 0] > 7
    assert float(right.sum() / left.sum()) == pytest.approx(STILL_DENSITY, rel=0.05)
    assert float(samples.weight[right].sum() / samples.weight[left].sum()) == pytest.approx(1, rel=0.05)
    assert samples.weight[left].tolist() == pytest.approx([1.0] * int(left.sum()))


def test_less_motion_less_density():
    counts = []
    for moving in (10 * FULL_MOTION, FULL_MOTION, 0.5 * FULL_MOTION, 0.01 * FULL_MOTION):
        model = RigModel(plane(moving=moving))
        place = sample_surface(model, 4000, everything(model)).neutral[:, 0]
        counts.append(float((place < 5).sum() / (place > 7).sum()) * STILL_DENSITY)
    assert counts == pytest.approx([1, 1, 0.5, STILL_DENSITY], rel=0.06)


def test_thinner_where_no_camera_looks():
    model = RigModel(plane(moving=0.0))
    low = model.neutral[model.triangles][:, :, 1].mean(1) < 6
    place = sample_surface(model, 4000, low).neutral[:, 1]
    assert float((place > 6).sum() / (place < 6).sum()) == pytest.approx(UNSEEN_DENSITY, rel=0.05)


def test_the_same_samples_each_time():
    model = RigModel(head_rig())
    first = sample_surface(model, 200, everything(model))
    torch.manual_seed(5)
    second = sample_surface(model, 200, everything(model))
    assert torch.equal(first.triangles, second.triangles)
    assert torch.equal(first.barycentrics, second.barycentrics)


def test_thinned_samples_are_as_even():
    model = RigModel(head_rig())
    samples = sample_surface(model, 4000, everything(model))
    few = samples.thinned(8)
    assert len(few.weight) == 500
    assert few.spacing == pytest.approx(samples.spacing * 8**0.5)
    torch.testing.assert_close(few.neutral.mean(0), samples.neutral.mean(0), atol=0.3, rtol=0)
    torch.testing.assert_close(
        few.positions(model.deformation(torch.zeros(1, model.control_count)))[0], samples.neutral[::8]
    )


def test_photometric_weights_are_honored():
    rig = plane()
    weight = np.where(rig.neutral[:, 1] < 5.9, 0.0, np.where(rig.neutral[:, 1] > 8.1, 1.0, 0.5)).astype(np.float32)
    model = RigModel(replace(rig, photometric_weight=weight))
    samples = sample_surface(model, 3000, everything(model))
    assert (samples.neutral[:, 1] > 5.9).all(), "triangles with a corner of weight 0 carry no sample"
    moving = samples.neutral[:, 0] < 5
    y = samples.neutral[moving, 1]
    torch.testing.assert_close(samples.weight[moving][y > 9], torch.ones(int((y > 9).sum())))
    torch.testing.assert_close(samples.weight[moving][y < 8], torch.full((int((y < 8).sum()),), 0.5))


def test_no_surface_may_drive():
    model = RigModel(replace(plane(), photometric_weight=np.zeros(169, np.float32)))
    with pytest.raises(SolveError, match="photometric_weight"):
        sample_surface(model, 10, everything(model))
