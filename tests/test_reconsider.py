"""Second thoughts: what is hidden costs nothing, outliers point at their control, a stuck control is moved."""

from types import SimpleNamespace

import torch

from solver.problem import Pose
from solver.reconsider import TYPICAL_LOSS, reconsider, suspects
from solver.residuals.photometric import Observation, Template, robust_loss

SAMPLES, CONTROLS = 40, 3
SCALE = torch.tensor(0.5)


def _template() -> Template:
    return Template(torch.zeros(SAMPLES), torch.zeros(SAMPLES, 2), torch.ones(SAMPLES))


def _observation(values: torch.Tensor, weights: torch.Tensor) -> Observation:
    return Observation(
        values=values[None, None],
        pixel_slopes=torch.zeros(1, 1, SAMPLES, 2),
        rays=torch.zeros(1, 1, SAMPLES, 3),
        weights=weights[None, None],
        points=torch.zeros(1, SAMPLES, 3),
        head=torch.eye(4)[None],
        cameras=None,  # type: ignore[arg-type]  # nothing here looks through a camera
    )


def _problem(locked: bool = False) -> SimpleNamespace:
    """Control k moves samples 10 k to 10 k + 9 along x, the rest of the surface nothing."""
    basis = torch.zeros(SAMPLES, 3, CONTROLS)
    for k in range(CONTROLS):
        basis[10 * k : 10 * k + 10, 0, k] = 1.0
    upper = torch.zeros(1, CONTROLS) if locked else torch.ones(1, CONTROLS)
    return SimpleNamespace(
        samples=SimpleNamespace(basis=basis),
        model=SimpleNamespace(
            neutral=torch.zeros(1, 3),
            activations=lambda controls: (controls, torch.eye(CONTROLS).expand(len(controls), -1, -1)),
        ),
        prior=SimpleNamespace(lower=torch.zeros(1, CONTROLS, dtype=torch.float64), upper=upper.double()),
    )


def _look_of_a_lid(pose: Pose) -> Observation:
    """What is seen while the truth is control 1 = 0: elsewhere, the samples it moves show something else."""
    values, weights = torch.full((SAMPLES,), 0.1), torch.ones(SAMPLES)
    if pose.controls[0, 1] > 0.3:
        values[10:20] = 3.0
    else:
        weights[10:20] = 0.0  # folded away
    return _observation(values, weights)


def _stuck() -> Pose:
    return Pose(torch.tensor([[0.0, 0.9, 0.0]], dtype=torch.float64), torch.eye(4, dtype=torch.float64)[None])


def _again(problem: SimpleNamespace, tried: list[float]) -> Pose:
    def fit(pose: Pose) -> Pose:
        tried.append(float(pose.controls[0, 1]))
        return pose

    return reconsider(problem, _stuck(), 0, _look_of_a_lid, fit, _template(), SCALE)  # type: ignore[arg-type]


def test_a_stuck_control_is_moved_and_the_others_are_not():
    tried: list[float] = []
    pose = _again(_problem(), tried)
    assert pose.controls.tolist() == [[0.0, 0.0, 0.0]]
    assert tried[0] == 0.0


def test_a_locked_control_stays():
    tried: list[float] = []
    pose = _again(_problem(locked=True), tried)
    assert pose.controls.tolist() == _stuck().controls.tolist()
    assert tried == []


def test_no_suspect_where_the_whole_surface_disagrees_alike():
    everywhere = _observation(torch.full((SAMPLES,), 3.0), torch.ones(SAMPLES))
    assert suspects(everywhere, _template(), SCALE, torch.full((CONTROLS,), 0.97)) == []


def test_a_control_whose_surface_alone_disagrees_is_suspected():
    values = torch.full((SAMPLES,), 0.1)
    values[20:30] = 3.0
    share = torch.tensor([0.04, 0.04, 0.97])
    assert suspects(_observation(values, torch.ones(SAMPLES)), _template(), SCALE, share) == [2]


def test_typical_loss_is_that_of_noise():
    noise = torch.randn(200_000, generator=torch.Generator().manual_seed(0)) * SCALE / 2
    expected = robust_loss(noise, SCALE).mean() / SCALE**2
    torch.testing.assert_close(expected, torch.tensor(TYPICAL_LOSS), atol=3e-3, rtol=0)
