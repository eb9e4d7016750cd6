"""Offsets of the neutral: directions on badly wound meshes, the prior's size, and samples that follow the mesh."""

from dataclasses import replace

import numpy as np
import torch

from facesolve.actor.constant import ConstantPrior
from facesolve.actor.equations import offset_and_cameras, offset_equations
from facesolve.actor.evidence import expected_deviation, is_sure
from facesolve.actor.offset import OffsetSpace
from facesolve.geometry.rig import RigModel
from facesolve.geometry.rigid import step_basis
from facesolve.geometry.surface_samples import samples_at
from facesolve.residuals.color_elimination import SampleEquations, eliminated_rows
from facesolve.residuals.normal_equations import step_jacobian
from tests.stages.test_jointed_rig import jointed_head
from tests.synthetic import cameras, compound_rig, head_rig, make_problem, make_take

FRAMES = 2
PROBLEM = make_problem(make_take(compound_rig(), frames=FRAMES), 40, torch.float64)
SPACE = OffsetSpace.of(PROBLEM.model, PROBLEM.model.neutral[:, 2] > 4)


def random(*shape: int, seed: int) -> torch.Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def test_directions_point_to_one_side_of_a_mesh_that_is_wound_both_ways() -> None:
    rig = head_rig()
    faces = rig.face_vertices.reshape(-1, 3).copy()
    faces[::3] = faces[::3, ::-1]
    model = RigModel(replace(rig, face_vertices=faces.reshape(-1)))
    space = OffsetSpace.of(model, model.neutral[:, 2] > 4)
    covered = space.fields.kernels.to_dense().sum(1) > 0.5
    outward = (space.normals * torch.nn.functional.normalize(model.neutral.double(), dim=1)).sum(1)[covered]
    assert abs(float(outward.sign().mean())) == 1
    assert float(outward.abs().min()) > 0.6


def test_offsets_that_are_expected_have_the_deviation_that_is_meant() -> None:
    factor = torch.linalg.cholesky(torch.linalg.inv(SPACE.information))
    drawn = torch.stack([SPACE.heights(factor @ random(SPACE.count, seed=seed)) for seed in range(40)])
    inside = SPACE.fields.kernels.to_dense().sum(1) > 1
    assert 0.7 < float(drawn[:, inside].std()) < 1.4


def test_samples_are_displaced_as_the_mesh_is() -> None:
    coefficients, controls = 0.1 * random(SPACE.count, seed=1), random(FRAMES, PROBLEM.model.control_count, seed=2)
    samples, model = PROBLEM.samples, PROBLEM.model
    offset = SPACE.at_samples(model, samples)
    displaced = offset.displaced(samples.placed(model.deformation(controls)), coefficients)
    rig = model.rig
    moved = model.with_neutral(replace(rig, neutral=rig.neutral + SPACE.offsets(coefficients).numpy()))
    again = samples_at(moved, samples.triangles, samples.barycentrics, samples.weight, samples.spacing)
    difference = displaced.points - again.positions(moved.deformation(controls))
    assert float(difference.abs().max()) < 0.1 * float(SPACE.offsets(coefficients).norm(dim=1).max())


def test_a_skin_turns_the_offset_along() -> None:
    """Samples and mesh agree where a joint has turned the jaw."""
    model = RigModel(jointed_head(), dtype=torch.float64)
    space = OffsetSpace.of(model, model.neutral[:, 2] > 4)
    coefficients = 0.1 * random(space.count, seed=1)
    generator = torch.Generator().manual_seed(3)
    triangles = torch.randint(len(model.triangles), (60,), generator=generator)
    corners = torch.full((60, 3), 1 / 3, dtype=torch.float64)
    weight = torch.ones(60, dtype=torch.float64)
    controls = torch.tensor([[0.2, 0.1, 0.3, 0.0, 0.5, 18.0, 5.0, 5.0]], dtype=torch.float64)
    samples = samples_at(model, triangles, corners, weight, 1.0)
    displaced = space.at_samples(model, samples).displaced(samples.placed(model.deformation(controls)), coefficients)
    rig = model.rig
    moved = model.with_neutral(replace(rig, neutral=rig.neutral + space.offsets(coefficients).numpy()))
    again = samples_at(moved, triangles, corners, weight, 1.0).positions(moved.deformation(controls))
    difference = (displaced.points - again).norm(dim=-1).max()
    assert float(difference) < 0.1 * float(space.offsets(coefficients).norm(dim=1).max())


def test_equations_equal_those_of_explicit_rows() -> None:
    count, unknowns = len(cameras()), 2
    samples, model = PROBLEM.samples, PROBLEM.model
    n, m = len(samples.weight), SPACE.count
    covectors, columns = random(FRAMES, count, n, 3, seed=0), random(FRAMES, count, n, unknowns, seed=5)
    weights = random(FRAMES, count, n, seed=1).abs()
    total = weights.sum((0, 1))
    seen = random(FRAMES, count, n, seed=2)
    residual = seen - (weights * seen).sum((0, 1)) / total
    offset = SPACE.at_samples(model, samples)
    placed = samples.placed(model.deformation(random(FRAMES, model.control_count, seed=4)))
    placed = offset.displaced(placed, 0.1 * random(m, seed=6))
    found = offset_equations(placed, offset, SampleEquations.of(covectors, weights, residual, total))
    side = offset_and_cameras(placed, offset, columns, covectors, weights, total)
    basis = torch.cat([samples.basis.expand(FRAMES, -1, -1, -1), step_basis(placed.points)], 3)
    J_step = basis @ step_jacobian(placed.deformation.J_unknown_control)[:, None]
    J_frames = (covectors[..., None, :] @ J_step[:, None])[..., 0, :]  # (M, C, N, K+6)
    width = J_frames.shape[3]
    J_offset = (covectors * offset.normals).sum(-1, keepdim=True) * offset.columns
    J = torch.cat([J_frames, columns, J_offset], 3).flatten(0, 1)
    frames, own = FRAMES * width, count * unknowns
    of_frame = torch.arange(frames).view(FRAMES, width).repeat_interleave(count, 0)
    of_camera = frames + torch.arange(own).view(count, unknowns).repeat(FRAMES, 1)
    of_offset = (frames + own + torch.arange(m)).expand(FRAMES * count, -1)
    size = frames + own + m
    A, b = eliminated_rows(
        J,
        torch.cat([of_frame, of_camera, of_offset], 1),
        size,
        weights.flatten(0, 1),
        residual.flatten(0, 1),
        total,
    )
    torch.testing.assert_close(found.own, A[-m:, -m:])
    torch.testing.assert_close(found.frames, A[:frames, -m:])
    torch.testing.assert_close(side, A[frames:-m, -m:])
    torch.testing.assert_close(found.b, b[-m:])


def test_the_footage_says_how_large_an_offset_is_to_be_expected() -> None:
    prior = SPACE.information
    information = 400.0**2 * torch.eye(SPACE.count, dtype=torch.float64)
    factor = torch.linalg.cholesky(torch.linalg.inv(prior))
    noise = 400.0 * random(SPACE.count, seed=8)
    force = information @ (0.1 * factor @ random(SPACE.count, seed=7)) + noise
    assert is_sure(information, force, prior)
    assert expected_deviation(information, force, prior) in (0.05, 0.1, 0.2)
    assert not is_sure(information, noise, prior)


def test_what_is_known_of_the_controls_is_a_cost_of_their_average() -> None:
    frames, count = torch.arange(FRAMES), 3
    controls, span = random(FRAMES, count, seed=9), torch.tensor([1.0, 2.0, 0.5], dtype=torch.float64)
    nothing = torch.zeros(count, dtype=torch.float64)
    _is_a_cost(ConstantPrior.usual(nothing, span, FRAMES), frames, controls, rtol=1e-9)
    _is_a_cost(replace(ConstantPrior.at(1, nothing, span, FRAMES), counted=3.0), frames, controls, rtol=1e-9)
    doubtful = ConstantPrior.about(1, 0.1 * span, nothing, span, FRAMES)
    for size in (0.02, 0.2):
        _is_a_cost(doubtful, frames, size * controls, rtol=1e-5, curved=False)


def test_a_control_that_a_person_has_moved_is_known_better_than_one_that_was_left_alone() -> None:
    values, span = torch.tensor([0.3, 0.0]).double(), torch.ones(2).double()
    prior = ConstantPrior.about(0, values, torch.zeros(2).double(), span, FRAMES)
    assert float(prior.deviation[0]) < 0.6 * float(prior.deviation[1])


def test_frames_that_a_person_did_not_pose_are_left_alone() -> None:
    blocks, b = torch.zeros(1, 7, 1, 7).double(), torch.zeros(1, 7).double()
    prior = ConstantPrior.at(0, torch.ones(1).double(), torch.ones(1).double(), FRAMES)
    assert float(prior.add_to(blocks, b, torch.tensor([1]), torch.zeros(1, 1).double())) == 0
    assert not blocks.any()
    assert not b.any()


def test_a_start_pose_that_is_far_off_pulls_no_more() -> None:
    values, span = torch.tensor([0.3]).double(), torch.ones(1).double()
    prior = ConstantPrior.about(0, values, torch.zeros(1).double(), span, FRAMES)

    def pull(off: float) -> float:
        blocks, b = torch.zeros(1, 7, 1, 7).double(), torch.zeros(1, 7).double()
        prior.add_to(blocks, b, torch.tensor([0]), values[None] + off)
        return -float(b[0, 0])

    assert pull(0.08) > 5 * pull(0.7) > 0


def _is_a_cost(
    prior: ConstantPrior, frames: torch.Tensor, controls: torch.Tensor, rtol: float, curved: bool = True
) -> None:
    """Its matrix and force are those of its cost; of a robust one the force alone, along a short step."""
    count = controls.shape[1]

    def cost(values: torch.Tensor) -> tuple[float, torch.Tensor, torch.Tensor]:
        blocks = torch.zeros(FRAMES, count + 6, FRAMES, count + 6, dtype=torch.float64)
        b = torch.zeros(FRAMES, count + 6, dtype=torch.float64)
        return float(prior.add_to(blocks, b, frames, values)), blocks, b

    total, blocks, b = cost(controls)
    step = (1e-3 if curved else 1e-7) * random(FRAMES, count, seed=10)
    whole = torch.cat([step, torch.zeros(FRAMES, 6, dtype=torch.float64)], 1).flatten()
    expected = total - b.flatten() @ whole + 0.5 * whole @ blocks.flatten(2).flatten(0, 1) @ whole
    np.testing.assert_allclose(cost(controls + step)[0], float(expected), rtol=1e-9)
    np.testing.assert_allclose(cost(controls + step)[0] - total, float(expected) - total, rtol=rtol)
