"""Priors of the controls: gradients against finite differences, bounds from locks, pins and inactive controls."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from facesolve.residuals.priors import ControlPrior
from facesolve.take import ControlSettings, Pin, Settings, StartPose
from tests.synthetic import head_rig, make_take

CPU = torch.device("cpu")
NAMES = ["puff", "puff_other", "jaw", "brow", "smile"]


def prior_of(settings: Settings, **changes: object) -> ControlPrior:
    """Controls with ranges of different width and defaults that are not 0."""
    rig = head_rig()
    controls = tuple(
        replace(control, minimum=-0.5 - k, maximum=1.5 + k, default=0.1 * k) for k, control in enumerate(rig.controls)
    )
    take = make_take(replace(rig, controls=controls))
    return ControlPrior.from_take(replace(take, settings=settings, **changes), CPU)


SETTINGS = {
    "stiffness": Settings(stiffness=2.0, controls=(ControlSettings("jaw", stiffness=7.0),)),
    "symmetric": Settings(stiffness=0.0, controls=(ControlSettings("puff", symmetric="puff_other"),)),
    "exclusive": Settings(stiffness=0.0, controls=(ControlSettings("jaw", exclusive="smile"),)),
    "sparsity": Settings(stiffness=0.0, sparsity=3.0),
    "all": Settings(
        sparsity=1.5,
        controls=(
            ControlSettings("puff", symmetric="puff_other", exclusive="brow"),
            ControlSettings("jaw", exclusive="smile", stiffness=0.3),
        ),
    ),
}


def controls_at_random() -> torch.Tensor:
    return 2 * torch.rand(20, 5, dtype=torch.float64, generator=torch.manual_seed(0)) - 0.5


@pytest.mark.parametrize("name", SETTINGS)
def test_force_is_minus_the_gradient_of_the_cost(name):
    prior, controls = prior_of(SETTINGS[name]), controls_at_random()
    _, b = prior.normal_equations(controls)
    for k in range(5):
        step = 1e-6 * torch.eye(5, dtype=torch.float64)[k]
        gradient = (prior.cost(controls + step) - prior.cost(controls - step)) / 2e-6
        torch.testing.assert_close(b[:, k], -gradient, atol=1e-5, rtol=1e-6)
    assert b.abs().max() > 0


@pytest.mark.parametrize("name", SETTINGS)
def test_matrix_is_symmetric_and_positive_semidefinite(name):
    A, _ = prior_of(SETTINGS[name]).normal_equations(controls_at_random())
    assert torch.equal(A, A.mT)
    eigenvalues = torch.linalg.eigvalsh(A)
    assert (eigenvalues >= -1e-9 * eigenvalues.amax(1, keepdim=True)).all()


@pytest.mark.parametrize("name", ["stiffness", "symmetric"])
def test_matrix_is_the_hessian_of_quadratic_priors(name):
    prior, controls = prior_of(SETTINGS[name]), controls_at_random()
    A, _ = prior.normal_equations(controls)
    for k in range(5):
        step = 0.1 * torch.eye(5, dtype=torch.float64)[k]
        force = prior.normal_equations(controls - step)[1] - prior.normal_equations(controls + step)[1]
        torch.testing.assert_close(A[:, :, k], force / 0.2)


def test_sparsity_majorises_so_that_a_step_never_raises_the_cost():
    """Its matrix is that of a parabola above the cost: minimizing it again and again goes downhill."""
    prior, controls = prior_of(SETTINGS["sparsity"]), controls_at_random()
    for _ in range(5):
        A, b = prior.normal_equations(controls)
        stepped = controls + torch.linalg.solve(A, b)
        assert (prior.cost(stepped) <= prior.cost(controls) + 1e-12).all()
        controls = stepped


def test_at_the_defaults_nothing_pulls():
    prior = prior_of(Settings(sparsity=2.0, controls=(ControlSettings("jaw", exclusive="smile"),)))
    default = prior.default[None]
    assert float(prior.cost(default)) == 0.0
    assert not prior.normal_equations(default)[1].any()


def test_stiffness_multiplies_and_zero_turns_it_off():
    normal, stiff = prior_of(Settings()), prior_of(SETTINGS["stiffness"])
    factor = torch.tensor([2.0, 2.0, 14.0, 2.0, 2.0]).double()
    torch.testing.assert_close(stiff.information, factor * normal.information)
    assert not prior_of(Settings(stiffness=0.0)).information.any()


def test_bounds_are_the_ranges_of_the_controls():
    prior = prior_of(Settings())
    for row in range(5):
        np.testing.assert_allclose(prior.lower[row].numpy(), [-0.5, -1.5, -2.5, -3.5, -4.5])
        np.testing.assert_allclose(prior.upper[row].numpy(), [1.5, 2.5, 3.5, 4.5, 5.5])


def test_a_lock_fixes_a_control_to_a_value_or_a_curve():
    curve = np.array([0.1, 0.2, 0.4, 0.3, 0.0])
    settings = Settings(controls=(ControlSettings("jaw", lock=np.array([0.25])), ControlSettings("brow", lock=curve)))
    prior = prior_of(settings)
    for bound in (prior.lower, prior.upper):
        np.testing.assert_allclose(bound[:, NAMES.index("jaw")].numpy(), 0.25)
        np.testing.assert_allclose(bound[:, NAMES.index("brow")].numpy(), curve)
    assert (prior.lower[:, 4] < prior.upper[:, 4]).all()


def test_stiffness_holds_a_control_where_it_rests():
    take = make_take(head_rig())
    take = replace(take, settings=Settings(controls=(ControlSettings("jaw", rest=0.7),)))
    prior = ControlPrior.from_take(take, CPU)
    index = take.rig.control_names.index("jaw")
    expected = take.rig.default_controls.copy()
    expected[index] = 0.7
    assert prior.default.tolist() == expected.tolist()
    assert float(prior.cost(prior.default[None])) == 0.0


def test_an_inactive_control_stays_at_the_start_pose_else_at_its_default():
    settings = Settings(controls=(ControlSettings("brow", active=False),))
    assert (
        prior_of(settings).lower[:, 3].tolist() == prior_of(settings).upper[:, 3].tolist() == pytest.approx([0.3] * 5)
    )
    start = StartPose(0, np.array([0.0, 0.1, 0.2, 0.9, 0.4]), np.eye(4))
    prior = prior_of(settings, start=start)
    assert (prior.lower[:, 3] == 0.9).all()
    assert (prior.upper[:, 3] == 0.9).all()


def test_a_pin_fixes_one_frame_by_its_frame_number_and_beats_a_lock():
    settings = Settings(
        controls=(ControlSettings("jaw", lock=np.array([0.25])),), pins=(Pin(104, "jaw", 0.75), Pin(108, "smile", -0.2))
    )
    prior = prior_of(settings, frames=np.array([100, 102, 104, 106, 108]), scene_times=np.zeros(5))
    np.testing.assert_allclose(prior.lower[:, 2].numpy(), [0.25, 0.25, 0.75, 0.25, 0.25])
    assert float(prior.lower[4, 4]) == float(prior.upper[4, 4]) == -0.2
    assert (prior.lower[:4, 4] < prior.upper[:4, 4]).all()


def test_partners_named_from_both_sides_are_one_pair():
    both = Settings(
        controls=(ControlSettings("puff", symmetric="puff_other"), ControlSettings("puff_other", symmetric="puff"))
    )
    one = prior_of(SETTINGS["symmetric"])
    assert prior_of(both).symmetric.tolist() == one.symmetric.tolist() == [[0, 1]]


def test_clamped_moves_controls_into_the_bounds_of_their_frames():
    prior = prior_of(Settings(pins=(Pin(2, "smile", 0.5),)))
    clamped = prior.clamped(torch.full((2, 5), 9.0, dtype=torch.float64), torch.tensor([2, 3]))
    np.testing.assert_allclose(clamped.numpy(), [[1.5, 2.5, 3.5, 4.5, 0.5], [1.5, 2.5, 3.5, 4.5, 5.5]])
