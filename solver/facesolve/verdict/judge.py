"""From figures to a verdict and its sentence. The limits come from the study in docs/method/verdict.md.

Knows no images: what the cameras say is measured in ``agreement``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from facesolve.take.verdict import DOES_NOT_FIT, DOUBTFUL, FITS, CameraAgreement, Verdict

from .agreement import Agreement

AGREES = 0.5  # correlation of a patch from which on it is taken to agree
NEAR = 1.0  # pixels of the level that a patch that agrees may be moved by

# correlation between the cameras, below which a solution does not fit, and below which it is doubtful
NO_CORRELATION, LITTLE_CORRELATION = 0.35, 0.6
# mm that the picture of a camera is off by
FAR_OFF_MM, OFF_MM = 1.5, 0.4
LITTLE_SHARE = 0.6  # of the visible face
LITTLE_CONTRAST = 0.05
FRAME_CORRELATION = 0.4  # of a frame with the template, below which it shows something else
MANY_FRAMES = 0.2  # part of the take
UNCERTAIN_MM = 2.0


@dataclass(frozen=True)
class Judged:
    """What a verdict is made from. cameras, frames: names and numbers. correlation: (F, C) of frames with the template.

    error_mm: expected, from the standard deviations.
    """

    cameras: Sequence[str]
    frames: Sequence[int]
    agreement: Agreement
    correlation: np.ndarray
    error_mm: float


def judge(judged: Judged) -> Verdict:
    """The verdict: the worst of what its figures say, with the reason that weighs most."""
    figures = _figures(judged)
    reasons = sorted(_reasons(judged, figures), key=lambda reason: reason.weight, reverse=True)
    worst = reasons[0] if reasons else _sound(figures)
    return Verdict(
        worst.verdict,
        worst.sentence,
        correlation=figures.correlation,
        off_mm=figures.off_mm,
        contrast=figures.contrast,
        error_mm=judged.error_mm,
        share=figures.share,
        frames=figures.frames,
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
    cameras: dict[str, CameraAgreement]

    def worst(self) -> str:
        """The name of the camera that agrees least."""
        return min(self.cameras, key=lambda name: _known(self.cameras[name].correlation, -1.0))


@dataclass(frozen=True)
class _Reason:
    """One thing that a verdict may rest on. weight: among reasons, the heaviest is told."""

    verdict: str
    sentence: str
    next_step: str = ""
    weight: float = 0.0


def _sound(figures: _Figures) -> _Reason:
    parts = [f"the cameras agree about {figures.share:.0%} of the visible face (correlation {figures.correlation:.2f}"]
    parts.append(f", off by {figures.off_mm:.2f} mm at most)")
    return _Reason(FITS, "".join(parts) + ".")


def _reasons(judged: Judged, figures: _Figures) -> list[_Reason]:
    if len(judged.cameras) < 2:
        sentence = "one camera alone cannot be held against another."
        return [_Reason(DOUBTFUL, sentence, "Look at the overlay, or add a second camera.")]
    if math.isnan(figures.correlation):
        sentence = "no two cameras see the same part of the solved face."
        return [_Reason(DOES_NOT_FIT, sentence, "Run 'facesolve inspect TAKE --deep'.", 9)]
    return []


def _figures(judged: Judged) -> _Figures:
    found = judged.agreement
    weights = torch.where(found.of_patches.isfinite(), found.weights, 0.0)
    length = found.offset.norm(dim=-1)
    cameras = {}
    for index, name in enumerate(judged.cameras):
        off = _median(length[:, index], weights[:, index])
        correlation = float(found.correlation[:, index].nanmean())
        cameras[name] = CameraAgreement(correlation, 10 * off / found.pixels_per_cm, off)
    agrees = (found.of_patches > AGREES) & (length < NEAR)
    total = float(weights.sum())
    share = float((weights * agrees).sum()) / total if total > 0 else math.nan
    known = [camera.off_mm for camera in cameras.values() if not math.isnan(camera.off_mm)]
    with_template = torch.as_tensor(judged.correlation).nanmean(1).nan_to_num(nan=1.0)
    bad = (with_template < FRAME_CORRELATION).numpy()
    return _Figures(
        correlation=float(found.correlation.nanmean()),
        off_mm=max(known, default=math.nan),
        contrast=float(found.contrast.nanmean()),
        share=share,
        frames=tuple(int(frame) for frame in np.asarray(judged.frames)[bad]),
        cameras=cameras,
    )


def _median(values: torch.Tensor, weights: torch.Tensor) -> float:
    """Weighted, of those that are known."""
    known = values.isfinite() & (weights > 0)
    if not bool(known.any()):
        return math.nan
    values, order = values[known].sort()
    running = weights[known][order].cumsum(0)
    return float(values[int((running < running[-1] / 2).sum())])


def _known(value: float, otherwise: float) -> float:
    return otherwise if math.isnan(value) else value
