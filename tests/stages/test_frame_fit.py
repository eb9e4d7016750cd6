"""Frame by frame Levenberg-Marquardt: descent, priors and anchor, frames of a batch, damping."""

from functools import cache
from itertools import pairwise

import torch

from facesolve.geometry.pose import Pose
from facesolve.optimize.levenberg_marquardt import Linearized, Options
from facesolve.residuals.against_template import Photometric
from facesolve.residuals.observation import Views
from facesolve.residuals.photometric import Template
from facesolve.residuals.quadratic import Quadratic
from facesolve.residuals.residual import REFINE
from facesolve.stages.frame_fit import Anchor, FrameFitOptions, fit_frames, with_priors
from facesolve.stages.refine import learn_template
from facesolve.take import ControlSettings, Settings
from tests.synthetic import head_rig, head_scene, make_problem, make_take

FRAMES = [0, 2, 3]
INDICES = torch.tensor(FRAMES)


@cache
def true_template() -> Template:
    scene = head_scene()
    return learn_template(scene.problem, scene.pixels, scene.truth, scene.frames, 0).template


def views_of(pose: Pose):
    problem, pixels = head_scene().problem, [head_scene().pixels[f] for f in FRAMES]
    return problem.views.views(problem.samples, 0, FRAMES, pixels, pose.controls, pose.head)


def seen_at(views: Views, pose: Pose, scale: torch.Tensor | None) -> tuple[Quadratic, torch.Tensor]:
    return Photometric.of(true_template(), views, 0).judged(head_scene().problem, pose, scale)


def off() -> Pose:
    """Three frames, each about 2 mm off in its own way."""
    step = 0.02 * torch.randn(3, 11, dtype=torch.float64, generator=torch.manual_seed(0))
    step[:, 8:] *= 5
    return head_scene().truth.at(FRAMES).stepped(step)


def test_fit_recovers_frames_from_a_true_template():
    scene, start = head_scene(), off()
    fit = fit_frames(scene.problem, true_template(), views_of(start), start, INDICES, 0, FrameFitOptions(6))
    assert (scene.errors(fit.pose, FRAMES) < 0.25 * scene.errors(start, FRAMES)).all()


def test_fit_never_raises_the_cost():
    scene, start, frames = head_scene(), off(), INDICES
    views, costs = views_of(start), []
    scale = seen_at(views, start, None)[1]
    for iterations in range(5):
        pose = fit_frames(scene.problem, true_template(), views, start, frames, 0, FrameFitOptions(iterations)).pose
        quadratic = seen_at(views, pose, scale)[0]
        costs.append(with_priors(scene.problem, quadratic, pose, frames, REFINE).cost)
    for before, after in pairwise(costs):
        assert (after <= before * 1.002).all()
    assert (costs[-1] < 0.7 * costs[0]).all()


def test_the_reported_quadratic_is_that_of_the_reported_pose():
    scene, start = head_scene(), off()
    views = views_of(start)
    fit = fit_frames(scene.problem, true_template(), views, start, INDICES, 0, FrameFitOptions(4))
    again = seen_at(views, fit.pose, fit.scale)[0]
    for name in ("A", "b", "cost"):
        torch.testing.assert_close(getattr(again, name), getattr(fit.quadratic, name))


def test_anchor_and_priors_have_the_gradient_and_hessian_of_their_cost():
    problem = make_problem(make_take(head_rig(), Settings(controls=(ControlSettings("jaw", exclusive="smile"),))), 10)
    generator, frames = torch.manual_seed(1), INDICES
    pose = head_scene().truth.at(FRAMES)
    anchor = Anchor(torch.rand(3, 5, dtype=torch.float64, generator=generator), torch.arange(1.0, 6).double())
    nothing = Quadratic(*(torch.zeros(3, *shape, dtype=torch.float64) for shape in ((11, 11), (11,), ())))
    full = with_priors(problem, nothing, pose, frames, REFINE, anchor)
    for k in range(5):
        step = torch.zeros(3, 11, dtype=torch.float64)
        step[:, k] = 1e-6
        costs = [
            with_priors(problem, nothing, pose.stepped(sign * step), frames, REFINE, anchor).cost for sign in (1, -1)
        ]
        torch.testing.assert_close(full.b[:, k], -(costs[0] - costs[1]) / 2e-6, atol=1e-5, rtol=1e-6)
    extra = full.A - with_priors(problem, nothing, pose, frames, REFINE).A
    torch.testing.assert_close(extra[:, :5, :5], torch.diag_embed(anchor.information).expand(3, -1, -1))
    assert not full.A[:, 5:].any()


def test_a_strong_anchor_holds_the_controls():
    scene, start = head_scene(), off()
    anchor = Anchor(start.controls, torch.full((5,), 1e9, dtype=torch.float64))
    fit = fit_frames(scene.problem, true_template(), views_of(start), start, INDICES, 0, FrameFitOptions(3), anchor)
    torch.testing.assert_close(fit.pose.controls, start.controls, atol=1e-4, rtol=0)
    assert (fit.pose.head != start.head).any()


def test_damping_shortens_the_step():
    scene, start, frames = head_scene(), off(), INDICES
    quadratic = seen_at(views_of(start), start, None)[0]
    model, box = Linearized(quadratic.A, quadratic.b, quadratic.cost, None), scene.problem.box(start, frames)
    free, damped = (
        model.damped_step(torch.tensor(damping).double(), box, Options(1)) for damping in ([0.0] * 3, [0.0, 10.0, 1e6])
    )
    torch.testing.assert_close(free[0], damped[0])
    assert damped[1].norm() < 0.5 * free[1].norm()
    assert damped[2].norm() < 1e-4 * free[2].norm()


def test_an_invisible_head_takes_no_step():
    scene, start = head_scene(), off()
    unseen = Template(*(0 * part for part in (true_template().values, true_template().slopes, true_template().weights)))
    fit = fit_frames(scene.problem, unseen, views_of(start), start, INDICES, 0, FrameFitOptions(2))
    torch.testing.assert_close(fit.pose.head, start.head)
    assert fit.pose.controls.isfinite().all()
