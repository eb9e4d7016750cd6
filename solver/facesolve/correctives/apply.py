"""A rig, a take or a problem with correctives as further controls: an ordinary rig, so everything else knows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from facesolve.geometry.rig import RigModel
from facesolve.geometry.surface_samples import samples_at
from facesolve.stages.problem import Problem
from facesolve.take import (
    Control,
    ControlSettings,
    Correctives,
    Driver,
    Rig,
    Shape,
    Solution,
    StartPose,
    Take,
    TakeError,
    Target,
)

NAME = "corrective"
REACH = 2.0  # limit of an activation, whose largest at a keyframe is about 1
STILL = 1e-4  # centimeters: smaller offsets are left out of a shape


def corrected_rig(rig: Rig, targets: Sequence[Target], reach: float = REACH) -> Rig:
    """``rig`` with further targets after its skin, each with a control of its name, -reach..reach."""
    first_control, first_target = len(rig.controls), len(rig.targets)
    controls = tuple(Control(target.name, minimum=-reach, maximum=reach) for target in targets)
    drivers = tuple(Driver.identity(first_control + j, first_target + j) for j in range(len(targets)))
    return replace(
        rig,
        targets=(*rig.targets, *(replace(target, after_skin=not rig.linear) for target in targets)),
        controls=(*rig.controls, *controls),
        drivers=(*rig.drivers, *drivers),
    )


def corrective_targets(shapes: np.ndarray, taken: Sequence[str]) -> tuple[Target, ...]:
    """Targets of shapes (J, V, 3), cm, under names that are not ``taken``."""
    names = (
        name for name in (f"{NAME}_{number}" for number in range(1, len(shapes) + len(taken) + 1)) if name not in taken
    )
    return tuple(
        Target(name, (Shape.from_dense(shape, 1.0, STILL),)) for name, shape in zip(names, shapes, strict=False)
    )


def applied(take: Take, solution: Solution, correctives: Correctives) -> tuple[Take, Solution]:
    """A take and its solution with correctives as further controls.

    Raises TakeError when they do not belong together.
    """
    correctives.check_belong_to(solution)
    if correctives.meshes != take.rig.meshes:
        raise TakeError("correctives: they were made for a rig with other meshes; make them again.")
    reach = max(REACH, float(np.abs(correctives.activations).max(initial=0)))
    count = len(correctives.targets)
    unknown = np.full((len(solution.frames), count), np.nan)
    return (
        replace(
            take,
            rig=corrected_rig(take.rig, correctives.targets, reach),
            start=_at_rest(take.start, count),
        ),
        replace(
            solution,
            control_names=(*solution.control_names, *correctives.names),
            controls=np.concatenate([solution.controls, correctives.activations], 1),
            control_std=np.concatenate([solution.control_std, unknown], 1),
        ),
    )


def corrected_take(take: Take, shapes: np.ndarray, held: np.ndarray | None = None) -> Take:
    """``take`` whose rig has shapes (J, V, 3), cm, as further controls, at 0 in the start pose.

    held: (F, K) values at which the rig's own controls are held, and the head with them; None leaves them free.
    """
    taken = [*take.rig.target_names, *take.rig.control_names]
    settings = take.settings
    if held is not None:
        locks = tuple(ControlSettings(name, lock=held[:, k]) for k, name in enumerate(take.rig.control_names))
        settings = replace(settings, head="fixed", controls=locks, pins=(), head_pins=())
    rig = corrected_rig(take.rig, corrective_targets(shapes, taken))
    return replace(take, rig=rig, settings=settings, start=_at_rest(take.start, len(shapes)))


def _at_rest(start: StartPose | None, count: int) -> StartPose | None:
    """The start pose with ``count`` further controls at 0."""
    if start is None:
        return None
    return replace(start, controls=np.concatenate([start.controls, np.zeros(count)]))


def extended(problem: Problem, take: Take) -> Problem:
    """``problem`` for its take with a rig that has further targets: same mesh, same samples."""
    model = RigModel(take.rig, problem.model.device, problem.model.dtype)
    samples = problem.samples
    changed = samples_at(model, samples.triangles, samples.barycentrics, samples.weight, samples.spacing)
    return problem.made_anew(take, model, changed)
