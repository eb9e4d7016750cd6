"""The color of each sample eliminated: against the cost with the best color put in, and the two ways to sum it up."""

import torch

from facesolve.geometry.rigid import step_basis
from facesolve.residuals.color_elimination import SampleEquations, eliminated_normal_equations, eliminated_rows
from facesolve.residuals.normal_equations import step_jacobian
from tests.synthetic import compound_rig, make_problem, make_take

FRAMES, CAMERAS, SAMPLES = 2, 3, 40
PROBLEM = make_problem(make_take(compound_rig(), frames=FRAMES), SAMPLES, torch.float64)


def random(*shape: int, seed: int) -> torch.Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


class Observed:
    """Colors that depend linearly on the position of each sample, with one unseen sample and uneven weights."""

    def __init__(self) -> None:
        count = len(PROBLEM.samples.weight)
        self.covectors = random(FRAMES, CAMERAS, count, 3, seed=0)
        self.weights = random(FRAMES, CAMERAS, count, seed=1).abs()
        self.weights[..., 3] = 0
        self.colors = random(FRAMES, CAMERAS, count, seed=2)
        self.total = self.weights.sum((0, 1))
        self.residual = self.colors - self.best(self.colors)

    def best(self, colors: torch.Tensor) -> torch.Tensor:
        """(N,) the color of each sample at which the cost is lowest."""
        return (self.weights * colors).sum((0, 1)) / self.total.clamp_min(1e-9)

    def cost(self, displacement: torch.Tensor) -> torch.Tensor:
        """With samples displaced by (M, N, 3), and the best color for that."""
        colors = self.colors + (self.covectors * displacement[:, None]).sum(-1)
        return 0.5 * (self.weights * (colors - self.best(colors)) ** 2).sum()

    def equations(self) -> SampleEquations:
        return SampleEquations.of(self.covectors, self.weights, self.residual, self.total)


def test_the_equations_of_samples_are_the_derivatives_of_the_cost_with_the_best_color():
    seen, found = Observed(), Observed().equations()
    still = torch.zeros_like(found.force, requires_grad=True)
    (gradient,) = torch.autograd.grad(seen.cost(still), still, create_graph=True)
    torch.testing.assert_close(found.force, -gradient.detach())
    displacement = random(*still.shape, seed=3)
    (curvature,) = torch.autograd.grad((gradient * displacement).sum(), still)
    alone = (found.information @ displacement[..., None])[..., 0]
    together = found.shared * (found.shared * displacement).sum((0, 2))[:, None]
    torch.testing.assert_close(alone - together, curvature)


def test_they_equal_finite_differences():
    seen, found, length = Observed(), Observed().equations(), 1e-4
    for seed in range(5):
        direction = random(*found.force.shape, seed=10 + seed)
        ahead, here, behind = (seen.cost(share * length * direction) for share in (1.0, 0.0, -1.0))
        slope, bend = (ahead - behind) / (2 * length), (ahead - 2 * here + behind) / length**2
        torch.testing.assert_close((found.force * direction).sum(), -slope, rtol=1e-6, atol=1e-6)
        alone = (direction * (found.information @ direction[..., None])[..., 0]).sum()
        together = (found.shared * direction).sum((0, 2)).square().sum()
        torch.testing.assert_close(alone - together, bend, rtol=1e-5, atol=1e-5)


def test_sums_over_samples_equal_those_of_explicit_rows():
    """The same derivatives of controls and heads, as rows of every observation, some samples at a time."""
    seen, samples, model = Observed(), PROBLEM.samples, PROBLEM.model
    placed = samples.placed(model.deformation(random(FRAMES, model.control_count, seed=4)))
    points, J_activation_control = placed.points, placed.deformation.J_unknown_control
    A, b = eliminated_normal_equations(placed, seen.equations())
    basis = torch.cat([samples.basis.expand(FRAMES, -1, -1, -1), step_basis(points)], 3)
    J_step = basis @ step_jacobian(J_activation_control)[:, None]  # (M, N, 3, K+6)
    J = (seen.covectors[..., None, :] @ J_step[:, None])[..., 0, :].flatten(0, 1)
    width = J.shape[2]
    columns = torch.arange(FRAMES * width).view(FRAMES, width).repeat_interleave(CAMERAS, 0)
    sums = [torch.zeros_like(A), torch.zeros_like(b)]
    for some in (slice(0, 17), slice(17, None)):
        rows = (part[..., some].flatten(0, 1) for part in (seen.weights, seen.residual))
        weights, residual = rows
        parts = eliminated_rows(J[:, some], columns, len(b), weights, residual, seen.total[some])
        sums = [whole + part for whole, part in zip(sums, parts, strict=True)]
    torch.testing.assert_close(sums[0], A)
    torch.testing.assert_close(sums[1], b)


def test_what_all_observations_of_a_sample_share_says_nothing():
    """The same shift of the color everywhere is taken up by the color."""
    seen = Observed()
    seen.covectors[:] = seen.covectors[:1, :1]
    found = seen.equations()
    same = random(1, found.force.shape[1], 3, seed=5).expand_as(found.force)
    alone = (found.information @ same[..., None])[..., 0]
    together = found.shared * (found.shared * same).sum((0, 2))[:, None]
    torch.testing.assert_close(alone, together)
    assert alone.abs().max() > 1
