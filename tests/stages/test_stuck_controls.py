"""Second thoughts: what is hidden costs nothing, outliers point at their control, a stuck control is moved."""

from collections.abc import Callable, Sequence
from types import SimpleNamespace

import torch

from facesolve.geometry.deformation import Deformation
from facesolve.geometry.pose import Pose
from facesolve.geometry.surface_samples import SurfaceSamples
from facesolve.optimize.robust import robust_loss
from facesolve.residuals.photometric import Template
from facesolve.stages.stuck_controls import TYPICAL_LOSS, SampleValues, reconsider, suspects

SAMPLES, CONTROLS = 40, 3
SCALE = torch.tensor([0.5])


def _template() -> Template:
    return Template(torch.zeros(SAMPLES), torch.zeros(SAMPLES, 2), torch.ones(SAMPLES))


def _sample_values(values: torch.Tensor, weights: torch.Tensor) -> SampleValues:
    """One camera; values, weights: (B, N) or (N,)."""
    return SampleValues(values.view(-1, 1, SAMPLES), weights.view(-1, 1, SAMPLES))


def _problem(locked: bool = False) -> SimpleNamespace:
    """Control k moves samples 10 k to 10 k + 9 along x, the rest of the surface nothing. Two frames."""
    basis = torch.zeros(SAMPLES, 3, CONTROLS)
    for k in range(CONTROLS):
        basis[10 * k : 10 * k + 10, 0, k] = 1.0
    upper = torch.zeros(2, CONTROLS) if locked else torch.ones(2, CONTROLS)
    still = torch.zeros(SAMPLES, 3)
    return SimpleNamespace(
        samples=SurfaceSamples(torch.zeros(SAMPLES), still, still, basis, torch.ones(SAMPLES), 1.0),
        model=SimpleNamespace(
            neutral=torch.zeros(1, 3),
            deformation=lambda controls: Deformation(controls, torch.eye(CONTROLS).expand(len(controls), -1, -1)),
        ),
        prior=SimpleNamespace(lower=torch.zeros(2, CONTROLS, dtype=torch.float64), upper=upper.double()),
    )


def _observe_lids(rows: Sequence[int], pose: Pose) -> SampleValues:
    """What is seen while the truth is 0 for the controls 1 and 2: elsewhere, the samples they move show other things,
    but at 0 they are folded away. The second frame is right from the beginning."""
    assert len(rows) == len(pose.controls)
    values, weights = torch.full((len(rows), SAMPLES), 0.1), torch.ones(len(rows), SAMPLES)
    for control in (1, 2):
        samples = slice(10 * control, 10 * control + 10)
        off = pose.controls[:, control] > 0.3
        values[:, samples] = torch.where(off, 3.0, 0.1)[:, None]
        weights[:, samples] = off[:, None].float()
    return _sample_values(values, weights)


def _stuck() -> Pose:
    controls = torch.tensor([[0.0, 0.9, 0.8], [0.4, 0.0, 0.0]], dtype=torch.float64)
    return Pose(controls, torch.eye(4, dtype=torch.float64).repeat(2, 1, 1))


def _again(problem: SimpleNamespace, fitted: list[tuple[int, list[float]]]) -> Pose:
    def fit(rows: Sequence[int], pose: Pose) -> Pose:
        fitted.extend(zip(rows, pose.controls.tolist(), strict=True))
        return pose

    return _reconsidered(problem, _stuck(), fit)[0]


def _reconsidered(problem: SimpleNamespace, stuck: Pose, fit: Callable[[Sequence[int], Pose], Pose]):
    observed = _observe_lids([0, 1], stuck)
    return reconsider(problem, stuck, [0, 1], observed, _observe_lids, fit, _template(), SCALE.expand(2))  # type: ignore[arg-type]


def test_stuck_controls_are_moved_one_after_the_other_and_the_others_are_not():
    fitted: list[tuple[int, list[float]]] = []
    pose = _again(_problem(), fitted)
    assert pose.controls.tolist() == [[0.0, 0.0, 0.0], [0.4, 0.0, 0.0]]
    assert {row for row, _ in fitted} == {0}, "a frame that agrees is left alone"
    assert len(fitted) == 2, "only the most promising trial of each round is worth a fit"


def test_the_poses_given_are_not_written_to():
    stuck = _stuck()
    _, changed = _reconsidered(_problem(), stuck, lambda rows, pose: pose)
    assert stuck.controls.equal(_stuck().controls)
    assert changed == {0}


def test_a_locked_control_stays():
    fitted: list[tuple[int, list[float]]] = []
    pose = _again(_problem(locked=True), fitted)
    assert pose.controls.equal(_stuck().controls)
    assert fitted == []


def test_a_trial_that_the_fit_makes_worse_is_not_taken():
    def fit(rows: Sequence[int], pose: Pose) -> Pose:
        return Pose(torch.ones_like(pose.controls), pose.head)

    pose, changed = _reconsidered(_problem(), _stuck(), fit)
    assert pose.controls.equal(_stuck().controls)
    assert not changed


def test_no_suspect_where_the_whole_surface_disagrees_alike():
    everywhere = _sample_values(torch.full((SAMPLES,), 3.0), torch.ones(SAMPLES))
    assert suspects(everywhere, _template(), SCALE, torch.full((1, CONTROLS), 0.97)) == [[]]


def test_a_control_whose_surface_alone_disagrees_is_suspected_in_its_frame():
    values = torch.full((2, SAMPLES), 0.1)
    values[1, 20:30] = 3.0
    share = torch.tensor([[0.04, 0.04, 0.04], [0.04, 0.04, 0.97]])
    assert suspects(_sample_values(values, torch.ones(2, SAMPLES)), _template(), SCALE.expand(2), share) == [[], [2]]


def test_typical_loss_is_that_of_noise():
    noise = torch.randn(200_000, generator=torch.Generator().manual_seed(0)) * SCALE / 2
    expected = robust_loss(noise, SCALE).mean() / SCALE[0] ** 2
    torch.testing.assert_close(expected, torch.tensor(TYPICAL_LOSS), atol=3e-3, rtol=0)
