"""What a reviewer should know about a solution, in plain words, the gravest first. Knows no page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from facesolve.review.inspection import inspect_take
from facesolve.review.motion import HeadMotion
from facesolve.take import Solution, Take
from facesolve.take.finding import ERROR, NOTE, WARNING, Finding, Show, gravest_first
from facesolve.take.provenance import read_provenance
from facesolve.take.summary import error_of_frames, frame_errors, usual_error_of_frames
from facesolve.take.verdict import DOES_NOT_FIT, DOUBTFUL

from .limits import Limits

WEAK_CAMERA = 1.3  # times the median error of the other cameras
AT_LIMIT = 0.005  # of a control's range: this near it stands at its limit
LONG_FRAMES, LONG_SHARE = 5, 0.1  # at a limit for so many frames, and for so much of the take, is worth a word
SPIKE, STEP = 0.15, 0.4  # of a control's range
SPIKE_DEGREES, SPIKE_MILLIMETERS = 0.5, 1.0
SURE = 4.0  # standard deviations that a jump must exceed
UNSURE = 0.1  # of a control's range
MISSED_PIN = 0.01  # of a control's range
NAMED = 6  # controls named in one sentence


def find(solution: Solution, take: Take | None, limits: Limits, motion: HeadMotion) -> tuple[Finding, ...]:
    """Everything that stands out in ``solution``; without its ``take`` only what the solution itself tells.

    An error is likely wrong, a warning worth a look.
    """
    found = [
        *_verdict(solution),
        *_frames(solution),
        *_cameras(solution),
        *_limits(solution, limits),
        *_jumps(solution, limits),
        *_head_jumps(solution, motion),
        *_pins(solution, limits),
        *_certainty(solution, limits),
        *_run(solution, take),
    ]
    return gravest_first(found)


def _verdict(solution: Solution) -> Iterator[Finding]:
    verdict = solution.verdict
    if verdict is None:
        return
    severity = {DOES_NOT_FIT: ERROR, DOUBTFUL: WARNING}.get(verdict.verdict, NOTE)
    shown = tuple(np.flatnonzero(np.isin(solution.frames, verdict.frames)).tolist())
    action = _show(solution, shown) if shown else None
    yield Finding(severity, f"verdict, {verdict.verdict}", verdict.reason, verdict.next_step, action)


def _frames(solution: Solution) -> Iterator[Finding]:
    error, usual = error_of_frames(solution), usual_error_of_frames(solution)
    judged = frame_errors(solution)
    unseen = tuple(int(i) for i in np.flatnonzero(np.isnan(error)))
    if unseen and len(solution.camera_names):
        text = (
            f"{_count(unseen, 'frame', ' is', ' are')} seen by no camera; the curves there come from their neighbors."
        )
        yield Finding(ERROR, "frames", text, action=_show(solution, unseen))
    words = {2: (ERROR, "far worse"), 1: (WARNING, "worse")}
    for level, (severity, how) in words.items():
        frames = tuple(i for i, frame in enumerate(judged) if frame.level == level and frame.error is not None)
        if frames:
            worst = max(frames, key=lambda i: error[i] / usual[i])
            text = (
                f"{_count(frames, 'frame', ' fits', ' fit')} the footage {how} than the others of the take; frame "
                f"{solution.frames[worst]} most, with {error[worst] / usual[worst]:.2f} times the usual error (camera "
                f"{judged[worst].camera})."
            )
            yield Finding(severity, "frames", text, action=_show(solution, frames))


def _cameras(solution: Solution) -> Iterator[Finding]:
    seen = np.isfinite(solution.residual)
    blind_everywhere = ~seen.any(axis=1)
    medians = np.array(
        [
            np.median(column[np.isfinite(column)]) if np.isfinite(column).any() else np.nan
            for column in solution.residual.T
        ]
    )
    for index, name in enumerate(solution.camera_names):
        missed = tuple(int(i) for i in np.flatnonzero(~seen[:, index] & ~blind_everywhere))
        subject = f"camera '{name}'"
        if not seen[:, index].any():
            text = "it did not see the head in any frame, so it was not used."
            yield Finding(ERROR, subject, text, "Check its footage, calibration and frame offset.")
        elif missed:
            text = f"it was not used in {_count(missed, 'frame')}."
            yield Finding(WARNING, subject, text, action=_show(solution, missed))
        others = np.delete(medians, index)
        others = others[np.isfinite(others)]
        if len(others) and medians[index] > WEAK_CAMERA * np.median(others):
            text = f"it fits {medians[index] / np.median(others):.2f} times worse than the others over the whole take."
            yield Finding(WARNING, subject, text, "Look at its calibration, focus and frame offset.")


def _limits(solution: Solution, limits: Limits) -> Iterator[Finding]:
    """Controls that stand at a limit which is not their rest."""
    least = max(LONG_FRAMES, LONG_SHARE * len(solution.frames))
    for k, name in enumerate(solution.control_names):
        if not limits.known[k] or limits.held[k]:
            continue
        values, span = solution.controls[:, k], limits.span[k]
        for word, limit in (("upper", limits.maximum[k]), ("lower", limits.minimum[k])):
            there = tuple(int(i) for i in np.flatnonzero(np.abs(values - limit) <= AT_LIMIT * span))
            if len(there) >= least and abs(limit - limits.default[k]) > AT_LIMIT * span:
                text = (
                    f"it is at its {word} limit {limit:g} in {_count(there, 'frame')}; the performance may go "
                    "beyond what the rig can show."
                )
                yield Finding(WARNING, name, text, action=_show(solution, there, (name,)))


def _jumps(solution: Solution, limits: Limits) -> Iterator[Finding]:
    for k, name in enumerate(solution.control_names):
        if limits.held[k]:
            continue
        values = solution.controls[:, k] / limits.span[k]
        noise = SURE * np.nan_to_num(solution.control_std[:, k]) / limits.span[k]
        spikes = _where(spike_heights(values) > np.maximum(SPIKE, noise), solution)
        steps = _where(step_heights(values) > np.maximum(STEP, noise), solution)
        if spikes:
            text = "it spikes for a single frame."
            yield Finding(WARNING, name, text, action=_show(solution, spikes, (name,)))
        if steps:
            text = "it moves a large part of its range from one frame to the next."
            yield Finding(WARNING, name, text, action=_show(solution, steps, (name,)))


def _head_jumps(solution: Solution, motion: HeadMotion) -> Iterator[Finding]:
    for what, curves, deviations, floor in (
        ("turns", motion.rotation, motion.rotation_std, SPIKE_DEGREES),
        ("moves", motion.translation, motion.translation_std, SPIKE_MILLIMETERS),
    ):
        noise = SURE * np.nan_to_num(deviations)
        heights = np.stack([spike_heights(curve) for curve in curves.T], axis=1)
        frames = _where((heights > np.maximum(floor, noise)).any(axis=1), solution)
        if frames:
            text = f"it {what} away for a single frame."
            yield Finding(WARNING, "head", text, action=_show(solution, frames))


def spike_heights(values: np.ndarray) -> np.ndarray:
    """(F,) how far each value lies off the line through two neighbors on either side; 0 where they leave it too."""
    heights = np.zeros(len(values))
    if len(values) >= 5:
        around = np.stack([values[:-4], values[1:-3], values[3:-1], values[4:]])
        middle, slope = around.mean(axis=0), np.array([-2.0, -1.0, 1.0, 2.0]) @ around / 10.0
        bent = np.abs(around - middle - slope * np.array([-2.0, -1.0, 1.0, 2.0])[:, None]).max(axis=0)
        off = np.abs(values[2:-2] - middle)
        heights[2:-2] = np.where(off > 4 * bent, off, 0.0)
    return heights


def step_heights(values: np.ndarray) -> np.ndarray:
    """(F,) how far the value moved since the frame before, 0 where it was moving before or goes on moving after."""
    heights = np.zeros(len(values))
    if len(values) >= 4:
        steps = np.abs(np.diff(values))
        beside = np.maximum(steps[:-2], steps[2:])
        heights[2:-1] = np.where(steps[1:-1] > 10 * beside, steps[1:-1], 0.0)
    return heights


def _where(mask: np.ndarray, solution: Solution) -> tuple[int, ...]:
    """Indices at which ``mask`` holds and no frame is missing close by, where a jump would only be a gap."""
    gap = np.concatenate([[False], np.diff(solution.frames) != 1])
    near = gap.copy()
    for shift in (1, 2):
        near[:-shift] |= gap[shift:]
        near[shift:] |= gap[:-shift]
    return tuple(int(i) for i in np.flatnonzero(mask & ~near))


def _pins(solution: Solution, limits: Limits) -> Iterator[Finding]:
    for pin in limits.pins:
        off = abs(solution.controls[pin.index, pin.control] - pin.value)
        if off > MISSED_PIN * limits.span[pin.control]:
            name = solution.control_names[pin.control]
            text = f"it was pinned to {pin.value:.3g}, but the curve is {off:.2g} away from it."
            yield Finding(ERROR, name, text, action=_show(solution, (pin.index,), (name,)))


def _certainty(solution: Solution, limits: Limits) -> Iterator[Finding]:
    if not limits.has_deviations:
        yield Finding(NOTE, "solution", "it has no standard deviations; how certain its curves are is unknown.")
    ranges = dict(zip(solution.control_names, limits.span.tolist(), strict=True))
    unsure = [row for row in solution.uncertain_controls(ranges) if row.std > UNSURE]
    if unsure:
        names = tuple(row.name for row in unsure)
        text = (
            f"{_count(names, 'control', ' is', ' are')} uncertain by more than a tenth of the range ({some(names)}): "
            "too little shows in the footage."
        )
        yield Finding(WARNING, "controls", text, action=_show(solution, (), names))
    if solution.confused:
        pairs = _count(solution.confused, "pair")
        yield Finding(NOTE, "controls", f"{pairs} of them cannot be told apart by this footage (list below).")


def _run(solution: Solution, take: Take | None) -> Iterator[Finding]:
    made = read_provenance(solution.provenance)
    if made.settings.get("quality") == "draft":
        text = "it was solved in draft quality, at half resolution."
        yield Finding(NOTE, "solution", text, "Quality 'standard' or 'final' gives finer curves.")
    if made.texture is None:
        yield Finding(NOTE, "texture", "none was baked from the footage; the log below says why.")
    if take is None:
        return
    if len(solution.frames) < take.frame_count:
        text = f"it covers {len(solution.frames)} of the take's {take.frame_count} frames."
        yield Finding(NOTE, "solution", text)
    for finding in inspect_take(take).findings:
        if finding.subject != "start pose":  # it has served
            yield finding


def _show(solution: Solution, indices: Sequence[int], controls: tuple[str, ...] = ()) -> Show:
    """The solution's frames with these 0-based indices, and controls."""
    return Show(tuple(int(solution.frames[index]) for index in indices), controls)


def some(names: Sequence[str]) -> str:
    """The first few names, and how many more there are."""
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more


def _count(items: Sequence[object], noun: str, one: str = "", many: str = "") -> str:
    """``1 frame`` or ``3 frames``, each with the verb that follows it."""
    return f"1 {noun}{one}" if len(items) == 1 else f"{len(items)} {noun}s{many}"
