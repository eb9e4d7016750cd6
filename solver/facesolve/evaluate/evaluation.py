"""Measures a solution against the truth of a synthetic or scanned take. Knows nothing about how it was solved."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from facesolve.take import Control, Driver, Rig, Solution, Take, TakeError, read_correctives
from facesolve.take.layouts import TRUTH_TABLE
from facesolve.take.reading import read_npz
from facesolve.take.rig_evaluation import RigEvaluator, control_columns
from facesolve.take.solved import take_rows
from facesolve.take.take import check_rigid

from .gaze import Gaze, gaze_error
from .vertex_errors import Poses, RegionErrors, vertex_errors

ACTIVE_WEIGHT = 0.01
SHOWN = 0.25  # of a control's range: a standard deviation below it means that the face shows the control


@dataclass(frozen=True, eq=False)
class Truth:
    """What really happened in each of a take's F frames.

    Attributes:
        weights: (F, K) values of what ``names`` lists.
        names: K names of the rig's controls, or of its targets where rig controls stand between a person and them.
        head: (F, 4, 4) rigid transforms, world space, centimeters.
    """

    weights: np.ndarray
    names: tuple[str, ...]
    head: np.ndarray


@dataclass(frozen=True, eq=False, repr=False)
class Evaluation:
    """All measures of a solution of F frames.

    Attributes:
        frames: (F,) take frame numbers.
        regions: Vertex errors in millimeters: first of the face (every vertex that a control moves), then of the
            region asked for, if any.
        head_rotation: (F,) degrees.
        weight_error: (F,) mean absolute difference of the controls, or of the targets' weights where the truth gives
            those.
        active: (F,) controls (or weights) whose magnitude exceeds 0.01.
        active_truth: (F,) the same of the truth.
        roughness: Mean absolute second difference over time of the controls, parts of their ranges; NaN where no three
            frames follow one another.
        roughness_truth: The same of the truth.
        within: Shares of the true controls within one and within two standard deviations of the solved ones, over
            controls that the face shows (deviation below a quarter of the range); None where the solution gives none.
        jitter: Millimeters that the solved face moves from frame to frame, without the head, where the true one holds
            its pose; NaN where it never does.
        jerk: Mean norm of the third difference of the face's world vertices, meters per second cubed; NaN where no
            four frames follow one another.
        jerk_truth: The same of the truth.
        gaze: Degrees that each eyeball looks elsewhere than the true one, and where the true eye is open; None where no
            control turns eyeballs.
        control_error: Mean absolute difference of each control (or weight), by name.
    """

    frames: np.ndarray
    regions: tuple[RegionErrors, ...]
    head_rotation: np.ndarray
    weight_error: np.ndarray
    active: np.ndarray
    active_truth: np.ndarray
    roughness: float
    roughness_truth: float
    within: tuple[float, float] | None
    jitter: float
    jerk: float
    jerk_truth: float
    gaze: Gaze | None = None
    control_error: dict[str, float] = field(default_factory=dict)

    def __repr__(self) -> str:
        regions = [
            f"{region.name} {region.world_mean:.3f} mm on average, {region.world_p95:.3f} at 95 %, "
            f"{region.world_max:.3f} at most ({region.rig_mean:.3f} without the head transform)"
            for region in self.regions
        ]
        frames = f"{len(self.frames)} frame{'s' if len(self.frames) != 1 else ''}"
        return (
            f"<Evaluation of {frames}: {'; '.join(regions)}; head {self.head_rotation.mean():.3f} degrees; "
            f"controls {self.weight_error.mean():.4f}>"
        )


def read_truth(path: Path) -> Truth:
    """The truth in an ``.npz`` of weights (F, K), names (K) and head (F, 4, 4). Raises TakeError."""
    arrays = read_npz(path, "truth", table=TRUTH_TABLE)
    names = tuple(str(name) for name in arrays["names"])
    return Truth(arrays["weights"].astype(np.float64), names, arrays["head"].astype(np.float64))


def with_correctives(take: Take, solution: Solution, truth: Truth, folder: Path) -> tuple[Take, Solution, Truth]:
    """Take and solution with the correctives in ``folder`` as further controls, which the truth has at 0.

    Raises TakeError.
    """
    from facesolve.correctives.apply import applied

    correctives = read_correctives(folder)
    zeros = np.zeros((len(truth.weights), len(correctives.targets)))
    padded = replace(truth, weights=np.concatenate([truth.weights, zeros], 1), names=(*truth.names, *correctives.names))
    return *applied(take, solution, correctives), padded


def _of_frames(truth: Truth, take: Take) -> Truth:
    """The truth of the take's frames: one of as many frames, or a longer one by their numbers, from 0. TakeError."""
    count = len(truth.weights)
    if count == take.frame_count:
        return truth
    if count < take.frame_count or take.frames[0] < 0 or take.frames[-1] >= count:
        raise TakeError(
            f"truth: it has {count} frames, the take has {take.frame_count} ({take.frames[0]}-{take.frames[-1]}); a "
            "longer truth is matched by frame numbers, of which its first is 0."
        )
    return replace(truth, weights=truth.weights[take.frames], head=truth.head[take.frames])


def compare(
    solution: Solution, take: Take, given: Truth | str | os.PathLike[str], region: tuple[int, int] | None
) -> Evaluation:
    """See ``facesolve.evaluate.evaluate``."""
    truth = given if isinstance(given, Truth) else read_truth(Path(given))
    rig, solved = take.rig, control_columns(solution.controls, solution.control_names, take.rig, "solution")
    deviation: np.ndarray | None = solution.control_std
    if deviation is not None:
        deviation = control_columns(deviation, solution.control_names, rig, "solution")
    if set(truth.names) != set(rig.control_names) and not rig.responses:
        plain = rig_of_weights(rig)
        if set(plain.control_names) <= set(truth.names) <= set(rig.target_names):
            weights = RigEvaluator(rig).target_weights(solved)
            solved = weights[:, [rig.target_names.index(name) for name in plain.control_names]]
            truth = _only(truth, plain.control_names)
            rig, deviation = plain, None
    truth = _of_frames(truth, take)
    rows = take_rows(solution, take)
    true = control_columns(truth.weights[rows], truth.names, rig, "truth")
    for index, row in enumerate(rows):
        check_rigid(truth.head[row], f"truth: the head transform of frame {solution.frames[index]}")
    difference = np.abs(solved - true)
    fitted = RigEvaluator(solution.fitted_rig(rig))
    both = Poses(fitted, solved, solution.head), Poses(RigEvaluator(rig), true, truth.head[rows])
    errors = vertex_errors(*both, solution.frames, solution.fps, region)
    return Evaluation(
        frames=solution.frames,
        regions=errors.regions,
        head_rotation=head_rotation(truth.head[rows], solution.head),
        weight_error=difference.mean(axis=1),
        active=(np.abs(solved) > ACTIVE_WEIGHT).sum(axis=1),
        active_truth=(np.abs(true) > ACTIVE_WEIGHT).sum(axis=1),
        roughness=roughness(solved, np.ptp(rig.bounds, axis=1), solution.frames),
        roughness_truth=roughness(true, np.ptp(rig.bounds, axis=1), solution.frames),
        within=None if deviation is None else _within(difference, deviation, rig),
        jitter=errors.jitter,
        jerk=errors.jerks[0],
        jerk_truth=errors.jerks[1],
        gaze=gaze_error(*both),
        control_error=dict(zip(rig.control_names, difference.mean(axis=0).tolist(), strict=True)),
    )


def roughness(controls: np.ndarray, span: np.ndarray, frames: np.ndarray) -> float:
    """Mean absolute second difference over time of controls (F, K), in parts of the spans (K,) of their ranges; NaN
    where no three of the frames (F,) follow one another."""
    parts = controls / span
    follow = (np.diff(frames)[1:] == 1) & (np.diff(frames)[:-1] == 1)
    bends = np.abs(parts[2:] - 2 * parts[1:-1] + parts[:-2])[follow]
    return float(bends.mean()) if bends.size else float("nan")


def _within(difference: np.ndarray, deviation: np.ndarray, rig: Rig) -> tuple[float, float] | None:
    """Shares of differences (F, K) within one and two deviations (F, K); None where the face shows no control."""
    shown = (deviation > 0) & (deviation < SHOWN * np.ptp(rig.bounds, axis=1))
    if not shown.any():
        return None
    ratio = difference[shown] / deviation[shown]
    return float((ratio < 1).mean()), float((ratio < 2).mean())


def rig_of_weights(rig: Rig) -> Rig:
    """``rig`` with the weight of each target as a control of the target's name; combinations follow as before."""
    follow = {combination.target for combination in rig.combinations}
    free = [index for index in range(len(rig.targets)) if index not in follow]
    controls = tuple(Control(rig.targets[index].name) for index in free)
    drivers = tuple(Driver.identity(control, index) for control, index in enumerate(free))
    return replace(rig, controls=controls, drivers=drivers)


def _only(truth: Truth, names: list[str]) -> Truth:
    """The columns called ``names``; what else it has are weights of combinations, which follow from these."""
    return Truth(truth.weights[:, [truth.names.index(name) for name in names]], tuple(names), truth.head)


def head_rotation(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """(F,) angle in degrees between the rotations of head transforms (F, 4, 4)."""
    apart = np.linalg.norm(one[:, :3, :3] - other[:, :3, :3], axis=(1, 2))  # sqrt(8) times the sine of half the angle
    return np.degrees(2.0 * np.arcsin(np.minimum(apart / np.sqrt(8.0), 1.0)))
