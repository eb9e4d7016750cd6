"""Finds the start pose of a take that has none, and says how sure it is. What ``facesolve align`` and a solve use."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from ..progress import Progress
from ..rig import RigModel
from ..take import FootageError, SolveError, StartPose, Take
from ..views import FramePixels, TakeFootage
from .evidence import Evidence, gather
from .proxy import HeadProxy, make_proxy
from .search import search
from .settle import Settled, settle

SEARCH = "search"
OTHER_FRAMES = (1 / 3, 2 / 3)  # places in the take that are tried when the first frame leaves doubt
CANDIDATES = 3  # poses of the search that are settled when the best leaves doubt
SAME_WITHIN = 0.1
SURE, HOPELESS = 0.8, 0.3  # confidence from which no warning is given, and below which a solve does not begin
# confidence is logistic in the agreement and its lead over the next best pose; from ``tests.bench.start_trials``
LEVEL, STEEPNESS = 0.8, 30.0
LEAD_SHARE, MOST_LEAD = 0.5, 0.4
UNSEEN_CONFIDENCE = 0.5  # with one camera nothing can be compared


@dataclass(frozen=True, eq=False)
class FoundStart:
    """A start pose and what speaks for it.

    how: ``search`` or ``landmarks``. confidence: 0..1, that the head is in place. agreement: correlation between what
    the cameras see at the same surface, NaN with one camera; runner_up: that of the next best distinct pose, NaN when
    none was compared. notes: sentences about what was used.
    """

    start: StartPose
    how: str
    confidence: float
    agreement: float
    runner_up: float
    notes: tuple[str, ...]

    @property
    def sure(self) -> bool:
        return self.confidence >= SURE

    def record(self, take: Take) -> dict[str, Any]:
        """As JSON values."""
        return {
            "frame": self.start.frame,
            "how": self.how,
            "confidence": round(self.confidence, 4),
            "sure": self.sure,
            "agreement": None if math.isnan(self.agreement) else round(self.agreement, 4),
            "runner_up": None if math.isnan(self.runner_up) else round(self.runner_up, 4),
            "notes": list(self.notes),
            "head": self.start.head.tolist(),
            "weights": dict(zip(take.rig.control_names, self.start.controls.tolist(), strict=True)),
        }

    def sentences(self) -> list[str]:
        """What a person should know, one sentence each."""
        said = [f"start pose found by {self.how} at frame {self.start.frame}, confidence {self.confidence:.0%}"]
        said += self.notes
        if not math.isnan(self.agreement):
            rest = "" if math.isnan(self.runner_up) else f"; at the next best pose {self.runner_up:.2f}"
            said.append(f"the cameras' views of the surface correlate by {self.agreement:.2f} there{rest}")
        if not self.sure:
            said.append(
                "warning: this start is not certain; look at its picture ('facesolve align') before trusting a solve"
            )
        return said


def find_start(
    take: Take, footage: TakeFootage, device: torch.device, progress: Progress, frame: int | None = None
) -> FoundStart:
    """The start pose of ``take`` at take frame number ``frame``, or at a frame where it is found well.

    A start that the take has already is not used. Raises SolveError when nothing can be found, FootageError.
    """
    model = RigModel(take.rig, device)
    proxy = make_proxy(model)
    indices = _frames_to_try(take) if frame is None else [_index(take, frame)]
    best: FoundStart | None = None
    progress.stage("find the start pose", len(indices))
    for index in indices:
        if best is None or not best.sure:
            ((_, pixels),) = footage.frames([index])
            if not any(bool((mask > 0).any()) for mask in pixels.mask):
                continue  # images may be missing when the take allows it
            found = _by_search(take, model, proxy, index, pixels)
            best = found if best is None or found.confidence > best.confidence else best
        progress.advance()
    if best is None:
        raise FootageError(f"take '{take.name}': no camera has an image at the frames where the head is looked for.")
    return best


def _frames_to_try(take: Take) -> list[int]:
    last = take.frame_count - 1
    return sorted({0, *(round(part * last) for part in OTHER_FRAMES)})


def _index(take: Take, frame: int) -> int:
    found = np.flatnonzero(take.frames == frame)
    if not len(found):
        raise SolveError(f"frame {frame} is not one of the take's frames {take.frames[0]}..{take.frames[-1]}.")
    return int(found[0])


def _by_search(take: Take, model: RigModel, proxy: HeadProxy, index: int, pixels: FramePixels) -> FoundStart:
    evidence = gather(take, index, pixels)
    settled: list[Settled] = []
    best = None
    for anyway_up in (False, True):
        for head in search(proxy, evidence, CANDIDATES, anyway_up):
            start = StartPose(int(take.frames[index]), take.rig.default_controls, head)
            settled.append(settle(take, model, proxy, index, pixels, start))
            best = _best(proxy, settled, SEARCH, (_outline_note(evidence),))
            if best.sure and not math.isnan(best.runner_up):
                return best
    assert best is not None
    return best


def _best(proxy: HeadProxy, settled: Sequence[Settled], how: str, notes: tuple[str, ...]) -> FoundStart:
    """The pose at which the cameras agree best, held against the best of the others."""
    ranked = sorted(settled, key=lambda one: -one.agreement)
    others = [one.agreement for one in ranked[1:] if not same_pose(proxy, one.start, ranked[0].start)]
    agreement, runner_up = ranked[0].agreement, max(others, default=math.nan)
    return FoundStart(ranked[0].start, how, confidence(agreement, runner_up), agreement, runner_up, notes)


def same_pose(proxy: HeadProxy, one: StartPose, other: StartPose) -> bool:
    """Whether two heads are nowhere on the proxy farther from each other than ``SAME_WITHIN`` of its radius."""
    points = proxy.points.double().cpu().numpy()
    first, second = (points @ start.head[:3, :3].T + start.head[:3, 3] for start in (one, other))
    return bool(np.linalg.norm(first - second, axis=1).max() < SAME_WITHIN * proxy.radius)


def confidence(agreement: float, runner_up: float) -> float:
    """0..1, that a settled pose is right, from the cameras' agreement there and at the next best pose (NaN: none)."""
    if math.isnan(agreement):
        return UNSEEN_CONFIDENCE
    lead = 0.0 if math.isnan(runner_up) else min(agreement - runner_up, MOST_LEAD)
    return 1 / (1 + math.exp(-STEEPNESS * (agreement + LEAD_SHARE * lead - LEVEL)))


def _outline_note(evidence: Evidence) -> str:
    names = [camera.name for camera in evidence.take.cameras]
    told = [name for name, actor in zip(names, evidence.actors, strict=True) if actor is not None]
    if len(told) == len(names):
        return "the actor's outline was used in every camera"
    refused = [f"{name}: {reason}" for name, reason in zip(names, evidence.refusals, strict=True) if name not in told]
    return f"the actor's outline was used in {len(told)} of {len(names)} cameras ({'; '.join(refused)})"
