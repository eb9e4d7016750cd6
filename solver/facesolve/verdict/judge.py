"""From figures to a verdict and its sentence. The limits come from a study (docs/method/verdict.md).

Knows no images: what the cameras say is measured in ``agreement``.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from facesolve.stages.covered import LEAST
from facesolve.take.in_words import listed, stretches_in_words
from facesolve.take.verdict import DOES_NOT_FIT, DOUBTFUL, FITS, VERDICTS, CameraAgreement, Verdict

from .agreement import Agreement
from .cameras_apart import TOGETHER, CamerasApart
from .from_start import NO_START_POSE, FromStart
from .off_calibration import DIRECTION, PLACE, OffCalibration

AGREES = 0.5  # correlation of a patch from which on it is taken to agree
NEAR = 1.0  # pixels of the level that a patch that agrees may be moved by

# what does not fit, and what is doubtful: correlation of a camera with all others below, mm that it is off by above
NO_CORRELATION, LITTLE_CORRELATION = 0.35, 0.66
FAR_OFF_MM, OFF_MM = 2.0, 0.9
LEAST_OFF = 0.5  # pixels of the level: nearer is as good as images of this size can tell
LITTLE_SHARE = 0.82  # of the visible face that agrees
LITTLE_CONTRAST = 0.14
LITTLE_FRAME = 0.65  # of the take's usual correlation with the template: below it a frame shows something else
MANY_FRAMES = 0.5  # part of the take that shows something else
COVERED_PART = 0.1  # of the visible face that something hides: from here on the frame is named
UNCERTAIN_MM = 3.0
NOTHING_MM = 50.0  # beyond it the figure itself means nothing
FAR_TURN, FAR_SHIFT = 10.0, 3.0  # degrees and cm from the start pose: nothing leads back from there for sure
STRAYED_MM = 4.5  # of the surface from the start pose: one that is posed by eye is off by about 2
TOO_STIFF = 20.0  # from about here on the footage cannot move what it should
NEARER = 0.6  # of that distance: a frame that is nearer to the start pose is named
# part by which a head differs from the rig, at least, since poses give way to most of it; and deviations of that
WRONG_SIZE, SURE_OF_SIZE = 0.003, 2.0
APART_MM = 0.65  # by which cameras' images are shifted at the face, whatever the pose
OFF_CALIBRATION, LATE = 3.0, 0.5  # deviations that the setting calibration_error allows; frames

LOOK_AT_FRAMES = "Look at these frames, and leave them out or key them by hand."
LOOK_AT_START = (
    "Look at the start frame: where the face was solved right, run 'facesolve align TAKE --write --overwrite' and "
    "solve again; else footage or cameras are others than those it was posed for."
)
CHECK_CALIBRATION = (
    "Check the calibration, principal points first, and calibrate again where a camera was moved or its images were "
    "cropped; 'facesolve inspect TAKE --deep' looks for larger mistakes."
)
LOOK = "Run 'facesolve inspect TAKE --deep' to find the mistake."


@dataclass(frozen=True)
class Judged:
    """What a verdict is made from. cameras, frames: names and numbers. correlation: (F, C) of frames with the template.

    hidden: (F,) part of the visible face that something hides. size: by which part of its size the head is larger than
    the rig, and the deviation of that. apart: how far the cameras are from where their calibration has them. error_mm:
    expected, from the standard deviations and from that. off_calibration: what the solve found each camera to be off
    by. from_start: between the start pose and what was solved. stiffness: how strongly the settings hold controls at
    their defaults, times the usual.
    """

    cameras: Sequence[str]
    frames: Sequence[int]
    agreement: Agreement
    correlation: np.ndarray
    error_mm: float
    off_calibration: Sequence[OffCalibration] = ()
    hidden: np.ndarray | None = None
    size: tuple[float, float] = (math.nan, math.nan)
    apart: CamerasApart = TOGETHER
    from_start: FromStart = NO_START_POSE
    stiffness: float = 1.0


def judge(judged: Judged) -> Verdict:
    """The verdict: the worst of what the figures say; of equals that which explains most."""
    figures = _figures(judged)
    reasons = _reasons(judged, figures)
    worst = max(reasons, key=lambda reason: VERDICTS.index(reason.verdict)) if reasons else _sound(figures)
    return Verdict(
        worst.verdict,
        worst.sentence,
        correlation=figures.correlation,
        off_mm=figures.off_mm,
        contrast=figures.contrast,
        error_mm=judged.error_mm,
        share=figures.share,
        frames=tuple(sorted({*figures.frames, *figures.covered})),
        cameras=figures.cameras,
        next_step=worst.next_step,
    )


@dataclass(frozen=True)
class _Figures:
    """Those of the verdict."""

    correlation: float
    off_mm: float
    contrast: float
    share: float
    frames: tuple[int, ...]
    covered: tuple[int, ...]
    cameras: dict[str, CameraAgreement]

    def worst(self, figure: str, sign: float) -> tuple[str, float]:
        """The camera with the largest ``sign`` times a figure, and the figure; NaN where it is known of no camera."""
        known = {name: getattr(camera, figure) for name, camera in self.cameras.items()}
        known = {name: value for name, value in known.items() if not math.isnan(value)}
        if not known:
            return "", math.nan
        name = max(known, key=lambda name: sign * known[name])
        return name, known[name]


@dataclass(frozen=True)
class _Reason:
    """One thing that a verdict may rest on."""

    verdict: str
    sentence: str
    next_step: str = LOOK


def _sound(figures: _Figures) -> _Reason:
    return _Reason(
        FITS,
        f"the cameras agree about {figures.share:.0%} of the visible face (correlation {figures.correlation:.2f}, "
        f"off by {figures.off_mm:.2f} mm at most).",
        "",
    )


def _reasons(judged: Judged, figures: _Figures) -> list[_Reason]:
    """Everything that speaks against the solution, what explains most first."""
    if len(judged.cameras) < 2:
        sentence = "one camera alone cannot be held against another."
        return [_Reason(DOUBTFUL, sentence, "Look at the overlay of the whole take, or add a second camera.")]
    if math.isnan(figures.correlation) or math.isnan(figures.share):
        sentence = "no two cameras see the same part of the solved face."
        return [_Reason(DOES_NOT_FIT, sentence)]
    whole = [*_frames(judged, figures), *_cameras(figures), *_calibration(judged), *_rest(judged, figures)]
    return [*whole, *_covered(judged, figures)]  # a camera that is late also seems to be covered where most moves


def _cameras(figures: _Figures) -> Iterator[_Reason]:
    name, correlation = figures.worst("correlation", -1)
    if correlation < LITTLE_CORRELATION:
        verdict = DOES_NOT_FIT if correlation < NO_CORRELATION else DOUBTFUL
        middle = float(np.median([camera.correlation for camera in figures.cameras.values()]))
        if middle < LITTLE_CORRELATION or len(figures.cameras) == 2:
            sentence = (
                f"the cameras do not show the same face at the solved pose (correlation {figures.correlation:.2f})."
            )
        else:
            sentence = f"camera '{name}' does not show what the others show (correlation {correlation:.2f})."
        yield _Reason(verdict, sentence)
    name, off = figures.worst("off_mm", 1)
    if off > OFF_MM and figures.cameras[name].off_pixels > LEAST_OFF:
        sentence = (
            f"what camera '{name}' shows lies {off:.1f} mm ({figures.cameras[name].off_pixels:.1f} pixels) away from "
            "what the others show."
        )
        yield _Reason(DOES_NOT_FIT if off > FAR_OFF_MM else DOUBTFUL, sentence)
    if figures.share < LITTLE_SHARE:
        yield _Reason(DOUBTFUL, f"the cameras agree about {figures.share:.0%} of the visible face only.")


def _calibration(judged: Judged) -> Iterator[_Reason]:
    for name, off in zip(judged.cameras, judged.off_calibration, strict=False):
        if abs(off.late) > LATE:
            yield _Reason(DOUBTFUL, f"camera '{name}' seems to be {off.late:+.1f} frames late.")
        if off.deviations > OFF_CALIBRATION:
            sentence = (
                f"the {off.what} of camera '{name}' is off its calibration by {_amount(off)}, "
                f"{off.deviations:.0f} times what the settings allow."
            )
            yield _Reason(DOUBTFUL, sentence)


def _amount(off: OffCalibration) -> str:
    if off.what == DIRECTION:
        return f"{off.amount:.2f} degrees"
    return f"{off.amount:.1f} mm" if off.what == PLACE else f"{off.amount:+.1%}"


def _apart(apart: CamerasApart, cameras: Sequence[str]) -> Iterator[_Reason]:
    if apart.mm > APART_MM:
        shifted = f"by {apart.mm:.1f} mm ({apart.pixels:.1f} pixels) that no pose explains."
        if apart.camera is None:
            sentence = (
                "the cameras do not stand to each other as they are calibrated: at the face their images are shifted "
                f"{shifted}"
            )
        else:
            sentence = (
                f"camera '{cameras[apart.camera]}' does not stand to the others as it is calibrated: at the face its "
                f"images are shifted {shifted}"
            )
        yield _Reason(DOUBTFUL, sentence, CHECK_CALIBRATION)


def _frames(judged: Judged, figures: _Figures) -> Iterator[_Reason]:
    if figures.frames:
        some = stretches_in_words(figures.frames)
        many = len(figures.frames) > MANY_FRAMES * len(judged.frames)
        where = _in_cameras(judged, figures.frames)
        sentence = f"{some} {_one_or_more('show', figures.frames)} something else than the solved face{where}."
        yield _Reason(DOES_NOT_FIT if many else DOUBTFUL, sentence, LOOK_AT_FRAMES)


def _covered(judged: Judged, figures: _Figures) -> Iterator[_Reason]:
    if figures.covered:
        assert judged.hidden is not None
        rows = np.isin(np.asarray(judged.frames), figures.covered)
        part = float(np.mean(judged.hidden[rows]))
        some = stretches_in_words(figures.covered)
        where = _in_cameras(judged, figures.covered)
        sentence = (
            f"something hides {part:.0%} of the visible face in {some}{where}; the rest of the face was solved for."
        )
        yield _Reason(DOUBTFUL, sentence, LOOK_AT_FRAMES)


def _in_cameras(judged: Judged, frames: Sequence[int]) -> str:
    """In which cameras, where it is in some of them only: those that show the face less than elsewhere in the take."""
    there, them = torch.as_tensor(judged.correlation), np.isin(np.asarray(judged.frames), frames)
    usual = there.nanquantile(0.75, dim=0)
    low = there[torch.from_numpy(them)].nanmedian(0).values < LITTLE_FRAME * usual
    names = [f"'{name}'" for name, is_low in zip(judged.cameras, low.tolist(), strict=True) if is_low]
    if not names or len(names) == len(judged.cameras):
        return ""
    return f" in camera{'' if len(names) == 1 else 's'} {listed(names)}"


def _one_or_more(verb: str, frames: Sequence[int]) -> str:
    return f"{verb}s" if len(frames) == 1 else verb


def _rest(judged: Judged, figures: _Figures) -> Iterator[_Reason]:
    if figures.contrast < LITTLE_CONTRAST:
        away = 5 * judged.agreement.moved
        sentence = (
            f"the head could as well be elsewhere: {away:.0f} mm or degrees away the cameras agree nearly as well."
        )
        yield _Reason(DOUBTFUL, sentence)
    yield from _strayed(judged.from_start)
    yield from _apart(judged.apart, judged.cameras)
    if judged.stiffness > TOO_STIFF:
        sentence = f"the settings hold controls at their defaults {judged.stiffness:,.0f} times as strongly as usual."
        yield _Reason(DOUBTFUL, sentence, "Lower 'stiffness' or 'sparsity'.")
    larger, deviation = judged.size
    if abs(larger) > max(WRONG_SIZE, SURE_OF_SIZE * deviation):
        sentence = (
            f"the head in the footage is {'larger' if larger > 0 else 'smaller'} than the rig, by {abs(larger):.1%} or "
            "more, as with wrong focal lengths, another unit of length or another person's rig."
        )
        yield _Reason(DOUBTFUL, sentence)
    if judged.error_mm > UNCERTAIN_MM:
        sentence = f"the surface is known to {judged.error_mm:.1f} mm only."
        if judged.error_mm > NOTHING_MM:
            sentence = "the footage does not say where the surface is: the rig has more freedom than it shows."
        yield _Reason(DOUBTFUL, sentence, "Add a camera or frames, or raise the quality.")


def _strayed(start: FromStart) -> Iterator[_Reason]:
    if start.degrees > FAR_TURN or start.centimeters > FAR_SHIFT:
        sentence = (
            f"the head was solved {start.degrees:.0f} degrees and {start.centimeters:.1f} cm from where the start pose "
            "has it."
        )
        yield _Reason(DOUBTFUL, sentence)
    elif start.mm > STRAYED_MM:
        nearer = f"; the pose is that of frame {start.nearest} rather" if start.nearest_mm < NEARER * start.mm else ""
        sentence = f"frame {start.frame} was solved {start.mm:.1f} mm from where the start pose has the face{nearer}."
        yield _Reason(DOUBTFUL, sentence, LOOK_AT_START)


def _figures(judged: Judged) -> _Figures:
    found = judged.agreement
    weights, length = _patches(found)
    cameras = camera_agreements(found, judged.cameras)
    agrees = (found.of_patches > AGREES) & (length < NEAR)
    total = float(weights.sum())
    share = float((weights * agrees).sum()) / total if total > 0 else math.nan
    known = [camera.off_mm for camera in cameras.values() if not math.isnan(camera.off_mm)]
    with_template = torch.as_tensor(judged.correlation).nanmean(1).nan_to_num(nan=1.0)
    usual = max(float(with_template.quantile(0.75)), 0.5)
    hidden = np.zeros(len(judged.frames)) if judged.hidden is None else judged.hidden
    covered = (hidden > COVERED_PART) & (hidden < 1 - LEAST)
    bad = (with_template < LITTLE_FRAME * usual).numpy() & ~covered
    return _Figures(
        correlation=float(found.correlation.nanmean()),
        off_mm=max(known, default=math.nan),
        contrast=float(found.contrast.nanmean()),
        share=share,
        frames=tuple(np.asarray(judged.frames)[bad].tolist()),
        covered=tuple(np.asarray(judged.frames)[covered].tolist()),
        cameras=cameras,
    )


def camera_agreements(found: Agreement, names: Sequence[str]) -> dict[str, CameraAgreement]:
    """How each of C cameras agrees with all others, over all frames, by name."""
    weights, length = _patches(found)
    cameras = {}
    for index, name in enumerate(names):
        off = _median(length[:, index], weights[:, index])
        correlation = float(found.correlation[:, index].nanmean())
        cameras[name] = CameraAgreement(correlation, 10 * off / found.pixels_per_cm, off)
    return cameras


def _patches(found: Agreement) -> tuple[torch.Tensor, torch.Tensor]:
    """Weights of the patches that are known and how far each would have to be moved, pixels, both (M, C, P)."""
    return torch.where(found.of_patches.isfinite(), found.weights, 0.0), found.offset.norm(dim=-1)


def _median(values: torch.Tensor, weights: torch.Tensor) -> float:
    """Weighted, of those that are known."""
    known = values.isfinite() & (weights > 0)
    if not bool(known.any()):
        return math.nan
    values, order = values[known].sort()
    running = weights[known][order].cumsum(0)
    return float(values[int((running < running[-1] / 2).sum())])
